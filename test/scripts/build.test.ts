import { readdirSync, readFileSync } from 'node:fs';
import type { Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { BUNDLES, buildAgain } from '../helpers/lambda.ts';

const NAMES = ['dispatch', 'sweep'];

const one = BUNDLES;
let other: string;

beforeAll(async () => {
  other = await buildAgain();
});

describe('the bundles', () => {
  it('are one for each function', () => {
    expect(readdirSync(one).sort()).toEqual(NAMES);
  });

  it.each(NAMES)('of %s are the same byte for byte, built twice', (name) => {
    for (const file of ['index.mjs', 'index.mjs.map']) {
      expect(readFileSync(`${one}/${name}/${file}`).equals(readFileSync(`${other}/${name}/${file}`))).toBe(true);
    }
  });

  it.each(NAMES)('of %s weigh at most 450 KB', (name) => {
    expect(readFileSync(`${one}/${name}/index.mjs`).length).toBeLessThanOrEqual(450 * 1024);
  });

  it.each(NAMES)('of %s hold nothing of the emulator, the command line or the tests', (name) => {
    const { inputs } = JSON.parse(readFileSync(`${one}/${name}/meta.json`, 'utf8')) as Metafile;
    const own = Object.keys(inputs).filter((path) => !path.startsWith('node_modules/'));

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
