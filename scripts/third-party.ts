// Writes dist/THIRD-PARTY-LICENSES.txt: whose code is in the bundles, and under which license. Most licenses ask for their text
// in every copy. The builds must have run before.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagesIn, readMetafiles, type ShippedPackage } from './shipped.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The bundles in the npm package. The functions in the zips are the same as here. */
export const PACKED = [
  ...['dispatch', 'notify', 'sweep'].map((name) => `dist/functions/${name}`),
  'dist/cli',
  'dist/package',
];

const RULE = '-'.repeat(72);

function licenseOf({ license, folder }: ShippedPackage): string {
  const files = readdirSync(join(root, folder))
    .filter((file) => /^(licen[cs]e|notice|copying)\b/i.test(file))
    .sort();
  const texts = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
  return texts.length > 0 ? texts.join('\n\n') : `License: ${license}. The package holds no text of it.`;
}

if (import.meta.main) {
  // Dozens of packages share a text.
  const byText = Map.groupBy(packagesIn(readMetafiles(...PACKED)), licenseOf);
  const parts = [...byText].map(([text, packages]) => {
    const names = packages.map(({ name, version, license }) => `${name} ${version} (${license})`);
    return `${names.join('\n')}\n\n${text}`;
  });
  const head = 'The bundles of dli-job-reaper hold code of these packages.';
  writeFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), `${[head, ...parts].join(`\n\n${RULE}\n\n`)}\n`);
}
