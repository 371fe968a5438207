// Bundles the script and the style sheet of the page that `report` writes. `node scripts/build-page.ts` prints their sizes.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import type { PageFiles } from '../cli/report/page-files.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export async function buildPage(): Promise<PageFiles> {
  return (await bundlePage()).files;
}

export async function bundlePage(): Promise<{ files: PageFiles; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    entryPoints: ['cli/report/page/page.ts', 'cli/report/page/page.css'],
    absWorkingDir: root,
    outdir: 'unused',
    write: false,
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: ['chrome117', 'firefox119', 'safari17.4'],
    // Files of lib name the command line by it, which the page does not do.
    define: { 'process.env': '{}' },
    // The ISC license of both asks for it in every copy, and each page is one.
    banner: {
      js: '/*! Observable Plot, (c) Observable, Inc.; D3, (c) Mike Bostock; ISC license, https://opensource.org/license/isc */',
    },
    metafile: true,
    logLevel: 'warning',
  });
  const textOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  const files = { script: textOf('.js'), style: textOf('.css') };
  // Inside an element these would end it, or change how the rest is read. esbuild writes <\/script instead of the first.
  if (/<\/script|<!--/i.test(files.script) || /<\/style/i.test(files.style)) {
    throw new Error('the script or the style sheet of the page has a text that would end its element');
  }
  return { files, metafile };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(await buildPage())) {
    const kb = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`;
    process.stdout.write(`${name}: ${kb(Buffer.byteLength(text))}, ${kb(gzipSync(text).length)} with gzip\n`);
  }
}
