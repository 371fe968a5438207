// Bundles each function to dist/<name>/index.mjs, the file that the package of serverless.yml takes.
import { readdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url);
const functions = readdirSync(new URL('functions', root)).map((file) => basename(file, '.ts'));

rmSync(new URL('dist', root), { recursive: true, force: true });
for (const name of functions) {
  const { metafile } = await build({
    entryPoints: [`functions/${name}.ts`],
    outfile: `dist/${name}/index.mjs`,
    absWorkingDir: new URL('.', root).pathname,
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
  const bytes = metafile.outputs[`dist/${name}/index.mjs`]?.bytes ?? 0;
  process.stdout.write(`dist/${name}/index.mjs ${Math.ceil(bytes / 1024)} KB\n`);
}
