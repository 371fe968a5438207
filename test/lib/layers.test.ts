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
  it.each([
    'lib/policy/parse.ts',
    'lib/policy/lint.ts',
    'lib/sweep/judge/decide.ts',
    'lib/request/request.ts',
    'lib/request/emergency.ts',
  ])('are read without the client of DLI: %s loads none of its files', async (entry) => {
    const files = await filesBehind(entry);

    expect(files).toContain(entry);
    expect(files.filter(isClient)).toEqual([]);
  });

  it('differ in that from lib/sweep/sweep.ts, which loads it', async () => {
    expect((await filesBehind('lib/sweep/sweep.ts')).filter(isClient)).not.toEqual([]);
  });
});

describe('the stages of a sweep', () => {
  const STAGES = ['look', 'judge', 'act', 'tell'] as const;

  it.each(STAGES)('load no function of a stage that comes after them: %s', async (stage) => {
    const files = await filesBehind(`lib/sweep/${stage}/${stage}.ts`);
    const later = STAGES.slice(STAGES.indexOf(stage) + 1);

    expect(files).toContain(`lib/sweep/${stage}/${stage}.ts`);
    expect(files.filter((file) => later.some((other) => file.startsWith(`lib/sweep/${other}/`)))).toEqual([]);
  });
});
