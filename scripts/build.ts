// Bundles each function to <folder>/<name>/index.mjs; dist, unless another is given, is where serverless.yml looks.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = resolve(root, process.argv[2] ?? 'dist');
const functions = readdirSync(join(root, 'functions'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

rmSync(folder, { recursive: true, force: true });
for (const name of functions) {
  const { metafile } = await build({
    entryPoints: [`functions/${name}.ts`],
    outfile: join(folder, name, 'index.mjs'),
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    // The SDK's ES modules; its CommonJS build costs a third more to load.
    mainFields: ['module', 'main'],
    // Lambda hands its credentials over in the environment; the ways in which a laptop finds some are a third of the SDK.
    alias: { '@aws-sdk/credential-provider-node': './scripts/lambda-credentials.ts' },
    // Some dependencies are CommonJS and ask for Node's own modules with require.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  writeFileSync(join(folder, name, 'meta.json'), JSON.stringify(metafile));
  process.stdout.write(describeBundle(name, metafile));
}

/** The size, and what the largest parts of it are: packages, and our own folders. */
function describeBundle(name: string, { outputs }: Metafile): string {
  const [, { bytes, inputs } = { bytes: 0, inputs: {} }] =
    Object.entries(outputs).find(([file]) => file.endsWith('index.mjs')) ?? [];
  const parts = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const part = partOf(path);
    parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
  }
  const largest = [...parts].sort(([, a], [, b]) => b - a).slice(0, 8);
  const lines = largest.map(([part, size]) => `  ${toKilobytes(size).padStart(6)} KB  ${part}\n`);
  return `${name}: ${toKilobytes(bytes)} KB, of which\n${lines.join('')}`;
}

function partOf(path: string): string {
  const inside = path.split('node_modules/').at(-1) ?? path;
  const [first = '', second = ''] = inside.split('/');
  return first.startsWith('@') || !path.includes('node_modules/') ? `${first}/${second}` : first;
}

function toKilobytes(bytes: number): string {
  return (bytes / 1024).toFixed(1);
}
