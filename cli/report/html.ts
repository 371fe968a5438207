import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { cleanText } from '../screen/text.ts';
import { type PageContent, packed } from './packed.ts';
import { readPageFiles } from './page-files.ts';

export type { PageContent } from './packed.ts';

/** The first lines of a page, by which `report` knows a file that it may replace. */
export const PAGE_BEGINS = '<!doctype html>\n<!-- dli-reaper report -->\n';

/**
 * A page with everything in it: script, style and data. Only this script and this style run in it, by their hashes, and it may
 * load nothing.
 */
export async function renderPage(content: PageContent): Promise<string> {
  const { script, style } = await readPageFiles();
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    // The icon is in the page. Without one, a browser asks the server of the page for it.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return `${PAGE_BEGINS}<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="dli-reaper ${escaped(content.version)}">
<title>${escaped(content.title)}</title>
<link rel="icon" href="${ICON}">
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the numbers</a>
<header id="head">
<h1>${escaped(content.title)}</h1>
<noscript><p class="alert">This page draws its numbers with JavaScript, which is turned off here. Open the file in a browser that runs
scripts, or print the same numbers with <code>dli-reaper report --json</code>.</p></noscript>
<p id="opening" class="alert" role="status" hidden></p>
</header>
<main id="main" tabindex="-1"></main>
<footer id="foot"></footer>
<script type="application/octet-stream" id="data">${await gzippedBase64(packed(content))}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** A bar over a line: the icon in the tab of the browser. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%231f5fa8'/%3E" +
  "%3Cpath d='M4 12V8M8 12V4M12 12V6' stroke='white' stroke-width='2'/%3E%3C/svg%3E";

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (text: string): string => cleanText(text).replace(/[&<>"']/g, (found) => ESCAPES[found] ?? found);

/** Compresses piece by piece: the text as a whole is several times as large as what is kept of it. */
async function gzippedBase64(parts: Iterable<string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of Readable.from(parts).pipe(createGzip())) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('base64');
}
