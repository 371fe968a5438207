// Bundles the command line to <folder>/main.mjs, which needs only `node`. What a verb loads is in other files beside it, so that
// each start reads only what it needs. The default folder is dist/cli.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { ASSETS } from '../cli/source/assets.ts';
import { bundlePage } from './build-page.ts';
import { builtinsByCall } from './builtins-by-call.ts';
import { BUNDLE_OPTIONS } from './bundle-options.ts';
import { putCodeVersion } from './put-code-version.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(root, process.argv[2] ?? 'dist/cli');

/** Puts the files that the source reads into the bundle. */
const embedAssets: Plugin = {
  name: 'embed-assets',
  setup: (bundle) => {
    bundle.onLoad({ filter: /[\\/]cli[\\/]source[\\/]assets\.ts$/ }, () => {
      const texts = Object.fromEntries(ASSETS.map((name) => [name, readFileSync(join(root, name), 'utf8')]));
      return {
        contents: `const texts = ${JSON.stringify(texts)}; export const readAsset = (name) => texts[name];`,
        loader: 'js',
      };
    });
  },
};

const page = await bundlePage();

/** Puts the script and the style sheet of the page into the bundle, in the place of what builds them. */
const embedPage: Plugin = {
  name: 'embed-page',
  setup: (bundle) => {
    bundle.onLoad({ filter: /[\\/]cli[\\/]report[\\/]page-files\.ts$/ }, () => ({
      contents: `const files = ${JSON.stringify(page.files)}; export const readPageFiles = async () => files;`,
      loader: 'js',
    }));
  },
};

const TOO_OLD = 'dli-reaper: needs Node 24 or newer, and this is ';

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  ...BUNDLE_OPTIONS,
  entryPoints: ['cli/main.ts'],
  outdir,
  // An older Node would fail halfway.
  banner: {
    js: `if(Number(process.versions.node.split('.')[0])<24){process.stderr.write(${JSON.stringify(TOO_OLD)}+process.version+'\\n');process.exit(1)}`,
  },
  plugins: [embedAssets, embedPage, builtinsByCall, putCodeVersion],
});
// The page is in the bundle as a text, so the bundle's own metafile does not name what it is made of.
const outputs = { ...metafile.outputs, ...page.metafile.outputs };
writeFileSync(join(outdir, 'meta.json'), JSON.stringify({ inputs: metafile.inputs, outputs }));
const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
process.stdout.write(`${outdir}: ${(bytes / 1024).toFixed(1)} KB\n`);
