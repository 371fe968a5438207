// Writes all that a person needs of a version to one folder: what `aws cloudformation` alone can deploy (template.json and the zip
// of each function), the npm package, the bill of materials, the licenses, the changes, and the checksums of all. The default
// folder is release. `--tag v1.2.3` makes the release of a version, and refuses a checkout that is not exactly this version.
// All other arguments go to `serverless package`, such as --param 'schedule=rate(1 hour)'.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changesOf } from './changes.ts';
import { readCheckout } from './checkout.ts';
import { plainTemplate, STAND_INS, type Template } from './plain-template.ts';
import { toSbom } from './sbom.ts';
import { packagesIn, readMetafiles } from './shipped.ts';
import { PACKED } from './third-party.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);
const tagAt = args.indexOf('--tag');
const [, tag] = tagAt === -1 ? [] : args.splice(tagAt, 2);
const [first = '', ...rest] = args;
const isFolder = first !== '' && !first.startsWith('-');
const folder = resolve(root, isFolder ? first : 'release');
const params = isFolder ? rest : args;
const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
  'name' | 'version' | 'license',
  string
>;
const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');

const run = (command: string, ...rest: string[]) =>
  execFileSync(command, rest, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
const git = (...rest: string[]) => execFileSync('git', rest, { cwd: root, encoding: 'utf8' }).trim();

/** @returns why this checkout is not the version of the tag; nothing if it is. */
function whyNot(wanted: string): string[] {
  const reasons: string[] = [];
  if (wanted !== `v${version}`) reasons.push(`package.json has the version ${version}`);
  if (git('status', '--porcelain') !== '') reasons.push('there are changes that are not committed');
  if (!git('tag', '--points-at', 'HEAD').split('\n').includes(wanted)) reasons.push('HEAD does not have this tag');
  if (changesOf(changelog, version) === undefined) reasons.push(`CHANGELOG.md has no section ${version}`);
  return reasons;
}

function packageProfile(to: string, profile: string): Template {
  const own = ['--param', `profile=${profile}`, '--param', `alarmTopic=${STAND_INS.alarmTopic}`];
  const serverless = join(root, 'node_modules/.bin/serverless');
  run(serverless, 'package', '--stage', STAND_INS.stage, '--package', to, ...own, ...params);
  return JSON.parse(readFileSync(join(to, 'cloudformation-template-update-stack.json'), 'utf8')) as Template;
}

/** Writes the template and the zips. @returns the names of the zips. */
function writeStack(): string[] {
  const packaged = mkdtempSync(join(tmpdir(), 'dli-reaper-release-'));
  try {
    run(process.execPath, 'scripts/build.ts');
    const full = packageProfile(join(packaged, 'full'), 'full');
    const small = packageProfile(join(packaged, 'small'), 'small');
    const template = plainTemplate(full, small, `dli-job-reaper ${version}: cancels DLI jobs that run too long.`);
    writeFileSync(join(folder, 'template.json'), `${JSON.stringify(template, null, 1)}\n`);
    const zips = readdirSync(join(packaged, 'full')).filter((file) => file.endsWith('.zip'));
    for (const zip of zips) copyFileSync(join(packaged, 'full', zip), join(folder, zip));
    return zips;
  } finally {
    rmSync(packaged, { recursive: true });
  }
}

function writeRest(zips: string[]): void {
  run('npm', 'pack', '--pack-destination', folder);
  const ofZips = zips.map((zip) => [zip, packagesIn(readMetafiles(`dist/${basename(zip, '.zip')}`))] as const);
  const artefacts = new Map([...ofZips, [`${name}-${version}.tgz`, packagesIn(readMetafiles(...PACKED))]]);
  const sbom = toSbom({ name, version, license, commit: readCheckout().commit }, artefacts);
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(sbom, null, 1)}\n`);
  copyFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), join(folder, 'THIRD-PARTY-LICENSES.txt'));
  const changes = changesOf(changelog, tag === undefined ? 'Unreleased' : version) ?? '';
  writeFileSync(join(folder, 'CHANGES.md'), changes);
  const sums = readdirSync(folder)
    .sort()
    .map(
      (file) =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex')}  ${file}\n`,
    );
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
}

const reasons = tagAt === -1 ? [] : whyNot(tag ?? '');
if (reasons.length > 0) {
  process.stderr.write(`This is not ${tag ?? 'a version'}: ${reasons.join('; ')}.\n`);
  process.exitCode = 1;
} else {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeRest(writeStack());
  const what = tag ?? `commit ${readCheckout().commit}, which is no release`;
  process.stdout.write(`${folder}: ${what}\n${readFileSync(join(folder, 'SHA256SUMS'), 'utf8')}`);
}
