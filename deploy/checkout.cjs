// The version and the commit of this checkout, and a hash of the files that a deploy is made of. The build writes them to
// dist/build.json, and a deploy compares.
const { execFileSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { readdirSync, readFileSync, realpathSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..');
/** What the functions and their template are made of. */
const SOURCES = ['functions', 'lib', 'scripts', 'deploy', 'serverless.yml', 'package.json', 'package-lock.json'];
/** So that every clone shortens a commit alike. */
const COMMIT_LENGTH = 12;
/** Where there is no git, or the sources are not in a repository of their own, as in an unpacked archive. */
const UNKNOWN = 'unknown';

/** @returns `version`, `commit`, which ends in `-dirty` if a source was changed since, and `sources`, their hash. */
exports.readCheckout = () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return { version, commit: readCommit(), sources: hashOf(SOURCES.flatMap(filesIn)) };
};

/** What the build left in dist/, which may be of another commit. @returns undefined if nothing was built. */
exports.readBuilt = () => {
  try {
    return JSON.parse(readFileSync(join(ROOT, 'dist/build.json'), 'utf8'));
  } catch {
    return undefined;
  }
};

function readCommit() {
  const git = (...args) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    // An archive may be unpacked inside another repository, whose commit says nothing about it.
    if (realpathSync(git('rev-parse', '--show-toplevel')) !== realpathSync(ROOT)) return UNKNOWN;
    const commit = git('rev-parse', `--short=${COMMIT_LENGTH}`, 'HEAD');
    return git('status', '--porcelain', '--', ...SOURCES) === '' ? commit : `${commit}-dirty`;
  } catch {
    return UNKNOWN;
  }
}

function filesIn(source) {
  try {
    return readdirSync(join(ROOT, source), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map(({ parentPath, name }) => join(parentPath, name));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [join(ROOT, source)];
    throw error;
  }
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const bytes = readFileSync(file);
    // The length keeps the end of one file from passing for the beginning of the next.
    hash.update(`${file.slice(ROOT.length).replaceAll('\\', '/')}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}
