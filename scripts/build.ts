// Bundles each function to <folder>/<name>/index.mjs. What a function loads later is in other files beside it. The default
// folder is dist, where serverless.yml expects it. A second folder takes the place of functions/ as the source. build.json says
// from which checkout, and deploy/built-code.cjs compares.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { builtinsByCall } from './builtins-by-call.ts';
import { readCheckout } from './checkout.ts';
import { loadedAtStart } from './loaded-at-start.ts';
import { putCodeVersion } from './put-code-version.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = resolve(root, process.argv[2] ?? 'dist');
const sources = process.argv[3] ?? 'functions';
const functions = readdirSync(join(root, sources))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));

/** Keeps only the version in the package.json of each AWS client. A client reads nothing else there. */
const versionAlone: Plugin = {
  name: 'version-alone',
  setup: (bundler) =>
    bundler.onLoad({ filter: /@aws-sdk[/\\]client-[^/\\]+[/\\]package\.json$/ }, ({ path }) => {
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
      return { contents: JSON.stringify({ version }), loader: 'json' };
    }),
};

/**
 * Lets esbuild leave out what an AWS client knows of operations that we do not call. Each shape is an array with computed
 * keys, which esbuild takes for a side effect; the same array as the result of a call that is marked as pure is not.
 */
const unusedShapes: Plugin = {
  name: 'unused-shapes',
  setup: (bundler) =>
    bundler.onLoad(
      { filter: /@aws-sdk[/\\]client-[^/\\]+[/\\]dist-es[/\\]schemas[/\\]schemas_0\.js$/ },
      ({ path }) => ({
        contents: readFileSync(path, 'utf8').replaceAll(
          /^((?:export )?var \w+\$? = )(\[.*(?:\n .*)*\n?\]);$/gm,
          '$1/* @__PURE__ */ (() => $2)();',
        ),
        loader: 'js',
      }),
    ),
};

/** What the SDK loads in a browser only. */
const NEVER_LOADED = ['bowser'];

rmSync(folder, { recursive: true, force: true });
for (const name of functions) {
  const { metafile } = await build({
    entryPoints: [{ in: `${sources}/${name}.ts`, out: 'index' }],
    outdir: join(folder, name),
    outExtension: { '.js': '.mjs' },
    splitting: true,
    chunkNames: 'part-[hash]',
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    external: NEVER_LOADED,
    plugins: [versionAlone, unusedShapes, builtinsByCall, putCodeVersion],
    // Takes the SDK's ES modules. Its CommonJS build takes a third longer to load.
    mainFields: ['module', 'main'],
    // Lambda gets its credentials from the environment. The other ways to find credentials are a third of the SDK.
    alias: { '@aws-sdk/credential-provider-node': './scripts/lambda-credentials.ts' },
    logLevel: 'warning',
  });
  writeFileSync(join(folder, name, 'meta.json'), JSON.stringify(metafile));
  process.stdout.write(describeBundle(name, metafile));
}
writeFileSync(join(folder, 'build.json'), `${JSON.stringify(readCheckout(), null, 2)}\n`);

/** Returns the size at the start and in all, and the largest parts, which are packages and our own folders. */
function describeBundle(name: string, { outputs }: Metafile): string {
  const files = Object.entries(outputs).filter(([file]) => file.endsWith('.mjs'));
  const atStart = loadedAtStart(outputs);
  const total = files.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  const start = files.reduce((sum, [file, { bytes }]) => sum + (atStart.has(file) ? bytes : 0), 0);
  const parts = new Map<string, number>();
  for (const [, { inputs }] of files) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const part = partOf(path);
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
  }
  const largest = [...parts].sort(([, a], [, b]) => b - a).slice(0, 8);
  const lines = largest.map(([part, size]) => `  ${toKilobytes(size).padStart(6)} KB  ${part}\n`);
  return `${name}: ${toKilobytes(start)} KB at the start, ${toKilobytes(total)} KB in all, of which\n${lines.join('')}`;
}

function partOf(path: string): string {
  const inside = path.split('node_modules/').at(-1) ?? path;
  const [first = '', second = ''] = inside.split('/');
  return first.startsWith('@') || !path.includes('node_modules/') ? `${first}/${second}` : first;
}

function toKilobytes(bytes: number): string {
  return (bytes / 1024).toFixed(1);
}
