import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

/** Every file that importing these loads, types apart. */
async function filesBehind(...entryPoints: string[]): Promise<string[]> {
  const { metafile } = await build({
    entryPoints,
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'unused',
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  });
  return Object.keys(metafile.inputs);
}

const isClient = (file: string) => /^lib\/(dli|http)\//.test(file);

describe('the policy, the decision and the request', () => {
  it.each(['lib/policy/parse.ts', 'lib/policy/lint.ts', 'lib/decide.ts', 'lib/request.ts', 'lib/emergency.ts'])(
    'are read without the client of DLI: %s loads none of its files',
    async (entry) => {
      const files = await filesBehind(entry);

      expect(files).toContain(entry);
      expect(files.filter(isClient)).toEqual([]);
    },
  );

  it('are told apart from what does load it', async () => {
    expect((await filesBehind('lib/sweep.ts')).filter(isClient)).not.toEqual([]);
  });
});

describe('the stages of a sweep', () => {
  it('load no function of a stage that comes after them', async () => {
    const [look, judge, act, tell] = await Promise.all(
      ['look', 'judge', 'act', 'tell'].map((stage) => filesBehind(`lib/${stage}.ts`)),
    );
    const stages = (files: string[] = []) =>
      files.filter((file) => /^lib\/(look|judge|act|tell|sweep)\.ts$/.test(file)).sort();

    expect([look, judge, act, tell].map(stages)).toEqual([
      ['lib/look.ts'],
      ['lib/judge.ts'],
      ['lib/act.ts'],
      ['lib/tell.ts'],
    ]);
  });
});
