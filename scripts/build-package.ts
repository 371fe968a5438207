// Bundles what the package exports to <folder>/<name>.mjs, with the types of each in <name>.d.ts and the files beside it. The
// default folder is dist/package. package.json names the three in its exports.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { builtinsByCall } from './builtins-by-call.ts';
import { BUNDLE_OPTIONS } from './bundle-options.ts';
import { putCodeVersion } from './put-code-version.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(root, process.argv[2] ?? 'dist/package');
const entries = readdirSync(join(root, 'package')).map((file) => `package/${file}`);

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  ...BUNDLE_OPTIONS,
  entryPoints: entries,
  outdir,
  plugins: [builtinsByCall, putCodeVersion],
});
writeFileSync(join(outdir, 'meta.json'), JSON.stringify(metafile));
writeTypes();

/** Writes the declarations that the entries reach by their imports, and no other. */
function writeTypes(): void {
  const all = mkdtempSync(join(tmpdir(), 'dli-reaper-types-'));
  const config = join(all, 'tsconfig.json');
  const files = entries.map((entry) => join(root, entry));
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
    outDir: all,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files }));
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', config], { stdio: 'inherit' });

  const reached = new Set(entries.map((entry) => entry.replace(/\.ts$/, '.d.ts')));
  // A set grows while it is gone through.
  for (const file of reached) {
    const text = readFileSync(join(all, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/\bfrom '([^']+)'/g)) {
      if (specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.'))
        throw new Error(`${file} needs the types of ${specifier}, which is not in the package`);
      reached.add(join(dirname(file), specifier).replace(/\.ts$/, '.d.ts'));
    }
    const target = join(outdir, 'types', file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(all, file), target);
  }
  rmSync(all, { recursive: true });
  process.stdout.write(`${relative(root, outdir)}: ${entries.length} modules, ${reached.size} files of types\n`);
}
