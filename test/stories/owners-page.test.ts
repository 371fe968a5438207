import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startStage } from '../helpers/start-stage.ts';

const page = readFileSync('docs/owners.md', 'utf8');

/** The commands on the page that begin with these words, split as a shell does. */
const commands = (words: string) =>
  [...page.matchAll(/^dli-reaper (.*)$/gm)]
    .flatMap(([, line = '']) => (line.startsWith(words) ? [line.replace(' --stage prod', '')] : []))
    .map((line) => [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word));

describe('docs/owners.md', () => {
  it('has lines that write an exemption as they stand there', async (context) => {
    const { run } = await startStage(context);
    const lines = commands('exempt');

    expect(lines).toHaveLength(2);
    for (const line of lines) expect(await run(...line)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('is linked from where its readers, and those whom they ask, look first', () => {
    for (const name of ['README.md', 'docs/runbook.md', 'docs/policy.md']) {
      expect(readFileSync(name, 'utf8')).toMatch(/\]\((docs\/)?owners\.md\)/);
    }
  });
});
