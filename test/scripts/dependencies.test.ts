import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
import { describe, expect, inject, it } from 'vitest';
import { packagesIn, readPackage } from '../../scripts/shipped.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readText = (file: string) => readFileSync(join(root, file), 'utf8');
const read = <T>(file: string) => JSON.parse(readText(file)) as T;

interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}
interface Lock {
  packages: Record<string, { license?: string; hasInstallScript?: boolean; integrity?: string; link?: boolean }>;
}

const manifest = read<Manifest>('package.json');
const decision = readText('docs/decisions/0009-dependencies.md');

/** The names in the tables of the decision, from one heading to the next. */
function tableOf(heading: string): string[] {
  const [, part = ''] = decision.split(`\n## ${heading}\n`);
  return [...(part.split('\n## ')[0] ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
}

const SHIPPED = tableOf('In what ships');
const TOOLS = tableOf('For building, checking and testing');

const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0'];
/** Licenses that are also fine for a tool: it is used unchanged on a developer's machine, and is never shipped. */
const OF_TOOLS = [
  ...PERMISSIVE,
  'BlueOak-1.0.0',
  'CC-BY-4.0',
  'CC0-1.0',
  'MIT OR Apache-2.0',
  'MPL-2.0',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
];

/** The packages in the files that users run. */
function shipped() {
  const folders = ['cli', ...['dispatch', 'notify', 'sweep'].map((name) => `functions/${name}`)];
  const texts = folders.map((name) => readFileSync(join(inject('built'), name, 'meta.json'), 'utf8'));
  return packagesIn(texts.map((text) => JSON.parse(text) as Metafile));
}

describe('the decision about dependencies', () => {
  it('has a line for each package of package.json, and for no other', () => {
    const { devDependencies, optionalDependencies } = manifest;

    expect([...SHIPPED, ...TOOLS].toSorted()).toEqual(Object.keys(devDependencies).toSorted());
    expect(tableOf('Nodes')).toEqual(Object.keys(optionalDependencies).toSorted());
    expect(manifest.dependencies).toBeUndefined();
  });

  it('says of each whether it is in what ships', () => {
    const names = new Set(shipped().map(({ name }) => name));

    expect(SHIPPED.filter((name) => !names.has(name))).toEqual([]);
    expect(TOOLS.filter((name) => names.has(name))).toEqual([]);
  });
});

describe('package.json', () => {
  it('has exact versions, and a lock file with the hash of each package', () => {
    const versions = Object.values({ ...manifest.devDependencies, ...manifest.optionalDependencies });
    const { packages } = read<Lock>('package-lock.json');
    const unhashed = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && integrity === undefined);

    expect(versions.filter((version) => !/^(npm:[\w-]+@)?\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(unhashed.map(([path]) => path)).toEqual([]);
  });

  it.each(['.', 'test/aws/runtime'])('in %s refuses each install script', (folder) => {
    const { packages } = read<Lock>(join(folder, 'package-lock.json'));
    const withScript = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript === true ? [path.split('node_modules/').at(-1) ?? ''] : [],
    );
    const { allowScripts } = read<Manifest>(join(folder, 'package.json'));

    expect(allowScripts).toEqual(Object.fromEntries(withScript.map((name) => [name, false])));
  });
});

describe('the licenses', () => {
  it('of what ships let it be used and passed on by everyone', () => {
    const packages = shipped();

    expect(packages.length).toBeGreaterThan(SHIPPED.length);
    expect(packages.filter(({ license }) => !PERMISSIVE.includes(license))).toEqual([]);
  });

  it('of all that npm installs are known, on this machine and on others', () => {
    const { packages } = read<Lock>('package-lock.json');
    const found = Object.entries(packages).flatMap(([path, { license }]) => {
      if (path === '') return [];
      const isHere = existsSync(join(root, path, 'package.json'));
      return [{ path, license: isHere ? readPackage(path).license : license }];
    });

    expect(found.filter(({ license = 'NONE' }) => !OF_TOOLS.includes(license))).toEqual([]);
  });
});
