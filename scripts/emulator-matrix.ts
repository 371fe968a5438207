import { readFileSync, writeFileSync } from 'node:fs';
import { ROUTES } from '../emulator/routes.ts';
import { compareText } from '../lib/base/text.ts';

/*
 * Writes the feature matrix in docs/emulator.md from the emulator's routes, and from the operations of the official Python
 * SDK (dli-operations.json, taken from huaweicloudsdkdli/v1/dli_client.py of that version).
 *
 *     npm run schema
 */

const PAGE = new URL('../docs/emulator.md', import.meta.url);
const BEGIN = '<!-- The matrix is made by scripts/emulator-matrix.ts (npm run schema). -->';
const END = '<!-- The end of the matrix. -->';

const { sdk, operations } = JSON.parse(readFileSync(new URL('dli-operations.json', import.meta.url), 'utf8')) as {
  sdk: string;
  /** Method and path, by the name of the operation. */
  operations: Record<string, string>;
};

/** Returns the page with a matrix that is up to date. */
export function renderPage(page = readFileSync(PAGE, 'utf8')): string {
  const [before, rest = ''] = page.split(BEGIN);
  const [, after] = rest.split(END);
  if (before === undefined || after === undefined) throw new Error('docs/emulator.md has no place for the matrix');
  return [before, BEGIN, '\n\n', renderMatrix(), '\n\n', END, after].join('');
}

function renderMatrix(): string {
  const absent = Object.entries(operations).filter(([, call]) => !played.has(shapeOf(call)));
  const groups = new Map<string, string[]>();
  for (const [name, call] of absent) groups.set(groupOf(call), [...(groups.get(groupOf(call)) ?? []), name]);
  const standings = (['faithful', 'assumed'] as const).map(
    (standing) => `${ROUTES.filter((route) => route.standing === standing).length} ${standing}`,
  );
  return [
    `${standings.join(', ')}. Of the ${Object.keys(operations).length} operations of ${sdk}, ${absent.length} are absent.`,
    '',
    '| operation | call | Python SDK | standing | known from | questions |',
    '|---|---|---|---|---|---|',
    ...ROUTES.map((route) => {
      const { name, standing, evidence, assumes = [] } = route;
      const call = callOf(route);
      const words = assumes.map((question) => `\`${question}\``).join(', ');
      const operation = nameOf.get(shapeOf(call));
      return `| \`${name}\` | \`${call}\` | ${operation === undefined ? 'none' : `\`${operation}\``} | ${standing} | ${evidence} | ${words} |`;
    }),
    '',
    'Absent operations are answered 404 `APIG.0101`, as an API that was never published:',
    '',
    '| path | operations of the Python SDK |',
    '|---|---|',
    ...[...groups]
      .sort(([a], [b]) => compareText(a, b))
      .map(([group, names]) => `| \`${group}\` | ${names.map((name) => `\`${name}\``).join(', ')} |`),
  ].join('\n');
}

const callOf = ({ method, version, path }: (typeof ROUTES)[number]) => `${method} ${version}/{project_id}${path}`;

/** The call without the names of its parameters, in which SDK and documents differ. */
const shapeOf = (call: string) => call.replaceAll(/\{\w+\}/g, '{}');

const played = new Set(ROUTES.map((route) => shapeOf(callOf(route))));
const nameOf = new Map(Object.entries(operations).map(([name, call]) => [shapeOf(call), name]));

/** The beginning of the path, such as `/v1.0/…/databases`. */
function groupOf(call: string): string {
  const [, version = '', first = ''] = /^\w+ \/([^/]+)\/\{project_id\}\/([^/]+)/.exec(call) ?? [];
  return `/${version}/…/${first}`;
}

if (import.meta.main) writeFileSync(PAGE, renderPage());
