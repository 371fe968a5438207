// The software bill of materials of a release, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ShippedPackage } from './shipped.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Release {
  name: string;
  version: string;
  license: string;
  commit: string;
}

/** Where a package says in which files of the release it is. */
export const ARTEFACT = 'dli-job-reaper:artefact';

/**
 * Has neither a time nor a serial number, which the format allows. So the same commit makes the same bytes.
 *
 * @param artefacts the packages in each file of the release.
 */
export function toSbom({ name, version, license, commit }: Release, artefacts: Map<string, ShippedPackage[]>) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  const all = new Map([...artefacts.values()].flat().map((shipped) => [shipped.folder, shipped]));
  const refs = new Map<string, string>();
  const components = [...all.values()].map((shipped) => {
    const purl = `pkg:npm/${shipped.name.replace('@', '%40')}@${shipped.version}`;
    refs.set(shipped.folder, purl);
    const holders = [...artefacts].filter(([, held]) => held.some(({ folder }) => folder === shipped.folder));
    return {
      type: 'library',
      'bom-ref': purl,
      name: shipped.name,
      version: shipped.version,
      hashes: hashesOf(packages[shipped.folder]?.integrity),
      licenses: [toLicense(shipped.license)],
      purl,
      properties: holders.map(([file]) => ({ name: ARTEFACT, value: file })),
    };
  });
  const ref = `pkg:npm/${name}@${version}`;
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': ref,
        name,
        version,
        licenses: [toLicense(license)],
        purl: ref,
        properties: [{ name: 'dli-job-reaper:commit', value: commit }],
      },
    },
    components: components.sort((a, b) => (a.purl < b.purl ? -1 : 1)),
    dependencies: [{ ref, dependsOn: [...new Set(refs.values())].sort() }],
  };
}

/** An id and an expression, such as `MIT OR Apache-2.0`, are two things in the format. */
function toLicense(license: string) {
  return license.includes(' ') ? { expression: license } : { license: { id: license } };
}

/** What npm compared when it installed the package. The format wants it in hex. */
function hashesOf(integrity = '') {
  return integrity
    .split(' ')
    .filter((hash) => hash.startsWith('sha512-'))
    .map((hash) => ({ alg: 'SHA-512', content: Buffer.from(hash.slice(7), 'base64').toString('hex') }));
}
