import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCheckout } from '../../scripts/checkout.ts';
import { loadedAtStart } from '../../scripts/loaded-at-start.ts';
import { BUNDLES, buildAgain } from '../helpers/lambda.ts';

const NAMES = ['dispatch', 'notify', 'sweep'];

const one = BUNDLES;
let other: string;

beforeAll(async () => {
  other = await buildAgain();
});

describe('the bundles', () => {
  it('are one for each function', () => {
    const folders = readdirSync(one, { withFileTypes: true }).filter((entry) => entry.isDirectory());

    expect(folders.map(({ name }) => name).sort()).toEqual(NAMES);
  });

  it.each(NAMES)('of %s hold the version and the commit that build.json beside them names', (name) => {
    const { version, commit, sources } = JSON.parse(readFileSync(`${one}/build.json`, 'utf8')) as Record<
      string,
      string
    >;
    const texts = readdirSync(`${one}/${name}`).map((file) => readFileSync(`${one}/${name}/${file}`, 'utf8'));

    expect({ version, commit, sources }).toEqual(readCheckout());
    expect(texts.filter((text) => text.includes(`version:"${version}",commit:"${commit}"`))).not.toEqual([]);
  });

  it.each(NAMES)('of %s are the same byte for byte, built twice', (name) => {
    const files = readdirSync(`${one}/${name}`).filter((file) => file !== 'meta.json');
    expect(files).toEqual(expect.arrayContaining(['index.mjs', 'index.mjs.map']));
    for (const file of files) {
      expect(readFileSync(`${one}/${name}/${file}`).equals(readFileSync(`${other}/${name}/${file}`))).toBe(true);
    }
  });

  const bytesOf = (name: string, paths: Iterable<string>) =>
    [...paths].reduce((sum, path) => sum + readFileSync(`${one}/${name}/${basename(path)}`).length, 0);

  it.each(NAMES)('of %s weigh at most 450 KB, as far as they are loaded at the start', (name) => {
    const { outputs } = JSON.parse(readFileSync(`${one}/${name}/meta.json`, 'utf8')) as Metafile;
    const atStart = loadedAtStart(outputs);

    expect(atStart.size).toBeGreaterThan(0);
    expect(bytesOf(name, atStart)).toBeLessThanOrEqual(450 * 1024);
  });

  it('of notify weigh at most 450 KB with all that it loads later', () => {
    const files = readdirSync(`${one}/notify`).filter((file) => file.endsWith('.mjs'));

    expect(files.length).toBeGreaterThan(1);
    expect(bytesOf('notify', files)).toBeLessThanOrEqual(450 * 1024);
  });

  it.each(NAMES)(
    'of %s are ASCII: for one other letter, Node would hold the whole file in two bytes a letter',
    (name) => {
      for (const file of readdirSync(`${one}/${name}`).filter((file) => file.endsWith('.mjs'))) {
        expect(readFileSync(`${one}/${name}/${file}`).findIndex((byte) => byte > 0x7f)).toBe(-1);
      }
    },
  );

  it.each(NAMES)('of %s import no module of Node, since an import loads all that the module could need', (name) => {
    const { outputs } = JSON.parse(readFileSync(`${one}/${name}/meta.json`, 'utf8')) as Metafile;
    const imports = Object.values(outputs).flatMap((output) => output.imports);

    expect(imports.filter(({ kind, external }) => external && kind !== 'dynamic-import')).toEqual([]);
  });

  it('of sweep leave what reads its log to the sweeps that need it', () => {
    const { outputs } = JSON.parse(readFileSync(`${one}/sweep/meta.json`, 'utf8')) as Metafile;
    const atStart = loadedAtStart(outputs);
    const filesWith = (part: string) =>
      Object.entries(outputs).flatMap(([file, { inputs }]) =>
        Object.keys(inputs).some((path) => path.includes(part)) ? [atStart.has(file)] : [],
      );

    expect(filesWith('client-cloudwatch-logs')).toContain(false);
    expect(filesWith('client-cloudwatch-logs')).not.toContain(true);
    expect(filesWith('client-ssm')).toContain(true);
  });

  it.each(NAMES)('of %s hold nothing of the emulator, the command line or the tests', (name) => {
    const { inputs } = JSON.parse(readFileSync(`${one}/${name}/meta.json`, 'utf8')) as Metafile;
    const own = Object.keys(inputs).filter((path) => !/^(node_modules\/|builtin:)/.test(path));

    expect(own).toContain(`functions/${name}.ts`);
    expect(new Set(own.map((path) => path.split('/')[0]))).toEqual(new Set(['functions', 'lib', 'scripts']));
  });

  it.each(NAMES)('of %s hold no provider of credentials but the one that reads the environment', (name) => {
    const { inputs } = JSON.parse(readFileSync(`${one}/${name}/meta.json`, 'utf8')) as Metafile;
    const providers = Object.keys(inputs).flatMap(
      (path) => /@aws-sdk\/(credential-provider-\w+)/.exec(path)?.[1] ?? [],
    );

    expect(new Set(providers)).toEqual(new Set(['credential-provider-env']));
  });
});
