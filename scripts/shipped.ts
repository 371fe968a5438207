// Says which npm packages are in a bundle, by esbuild's metafile.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface ShippedPackage {
  name: string;
  version: string;
  /** As its package.json says it: an SPDX id or expression. */
  license: string;
  /** Its folder, from the root of the project. */
  folder: string;
}

/** @returns the packages of which at least a byte is in the outputs, by name and version. */
export function packagesIn(metafiles: Pick<Metafile, 'outputs'>[]): ShippedPackage[] {
  const folders = new Set<string>();
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
        // The last one: a package may have packages of its own. A plugin may put a name before the path.
        const [, folder] = /^(?:[a-z-]+:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
        if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
      }
    }
  }
  return [...folders].map(readPackage).sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

export function readPackage(folder: string): ShippedPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string | { type: string };
  };
  return { name, version, license: (typeof license === 'object' ? license.type : license) ?? 'NONE', folder };
}

/** By code unit, so that every machine has the same order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** What the builds left beside the bundles: each `meta.json` is an esbuild metafile. */
export function readMetafiles(...folders: string[]): Metafile[] {
  return folders.map((folder) => JSON.parse(readFileSync(join(root, folder, 'meta.json'), 'utf8')) as Metafile);
}
