import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Aggregates } from '../../../lib/aggregate/aggregates.ts';
import {
  asEvents,
  asExport,
  asLines,
  asTail,
  RUNTIME_LINES,
  recordOf,
  sweepLines,
} from '../../helpers/record-lines.ts';
import { makeFolder, runCli, runHere } from '../../helpers/run-cli.ts';

const writeText = makeFolder();
const folder = dirname(writeText('empty.jsonl', ''));

/** Writes bytes, too. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** The numbers that `report --json` prints for some files. */
async function report(args: string[], stdin?: string): Promise<Aggregates & { exitCode: number | null }> {
  const { exitCode, stdout } = await runHere(['report', '--json', ...args], {}, stdin);
  return { exitCode, ...(JSON.parse(stdout) as Aggregates) };
}

const cancelled = ({ results }: Aggregates) => results.cancelled;
const sweeps = ({ targets }: Aggregates) => targets.reduce((sum, target) => sum + target.sweeps, 0);

const RECORD = recordOf(3);
const PRETTY = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
/** As the AWS CLI indents. */
const OF_AWS = (value: unknown) => `${JSON.stringify(value, null, 4)}\n`;

describe('report', () => {
  it.each([
    { name: 'lines of a log', content: asLines(RECORD) },
    { name: 'lines with the ends of Windows', content: asLines(RECORD).replaceAll('\n', '\r\n') },
    { name: 'lines without an end of the last one', content: asLines(RECORD).trimEnd() },
    { name: 'lines in UTF-16, as PowerShell writes them', content: Buffer.from(`\ufeff${asLines(RECORD)}`, 'utf16le') },
    { name: 'lines as aws logs tail prints them', content: asTail(RECORD) },
    { name: 'an export of CloudWatch, in gzip', content: asExport(RECORD) },
    {
      name: 'two files of gzip in one',
      content: Buffer.concat([asExport(sweepLines(1)), asExport(recordOf(3).slice(2))]),
    },
    { name: 'lines that jq has made pretty', content: RECORD.map(PRETTY).join('') },
    { name: 'a list of lines', content: PRETTY(RECORD) },
    {
      name: 'a list of texts, as --query events[].message prints it',
      content: OF_AWS(RECORD.map((line) => JSON.stringify(line))),
    },
    { name: 'the output of filter-log-events', content: OF_AWS(asEvents(RECORD)) },
    { name: 'the same in one line', content: JSON.stringify(asEvents(RECORD)) },
    { name: 'its events, one a line', content: asLines(asEvents(RECORD).events) },
    { name: 'its events, made pretty', content: asEvents(RECORD).events.map(PRETTY).join('') },
    {
      name: 'the same as a subscription brings it',
      content: JSON.stringify({ messageType: 'DATA_MESSAGE', logEvents: asEvents(RECORD).events }),
    },
  ])('reads $name', async ({ content }) => {
    const result = await report([file('record', content)]);

    expect(result).toMatchObject({ exitCode: 0, unread: [], sources: [{ lines: 6, used: 6, other: 0, twice: 0 }] });
    expect([sweeps(result), cancelled(result)]).toEqual([3, 3]);
    expect([result.from, result.to]).toEqual(['2026-10-01T12:00:00.000Z', '2026-10-01T12:30:00.000Z']);
  });

  it('reads all forms from one file, and counts the lines of the runtime as lines that say nothing', async () => {
    const forms = [
      asLines(sweepLines(1)),
      OF_AWS(asEvents(sweepLines(2))),
      `${RUNTIME_LINES.join('\n')}\n\n`,
      sweepLines(3).map(PRETTY).join(''),
      asTail(sweepLines(4)),
      `${JSON.stringify(asEvents(sweepLines(5)))}\n`,
    ];

    const result = await report([file('mixed', forms.join(''))]);

    expect(result).toMatchObject({ exitCode: 0, unread: [] });
    expect(result.sources).toMatchObject([{ used: 10, other: RUNTIME_LINES.length }]);
    expect([sweeps(result), cancelled(result)]).toEqual([5, 5]);
  });

  it('reads lines of the runtime behind the time of an export', async () => {
    const texts = RUNTIME_LINES.map((line) => `2026-10-01T12:00:00.123Z ${line}\n`);

    const result = await report([file('runtime.gz', gzipSync(texts.join('')))]);

    expect(result).toMatchObject({ exitCode: 0, unread: [], sources: [{ used: 0, other: RUNTIME_LINES.length }] });
  });

  it('reads a folder with all that is in it, but not the file with which CloudWatch tries whether it may write', async () => {
    file('export/aws-logs-write-test', 'Permission Check Successful');
    file('export/task/2026-10-01-[$LATEST]a/000000.gz', asExport(sweepLines(1)));
    file('export/task/2026-10-01-[$LATEST]b/000000.gz', asExport([...sweepLines(2), ...sweepLines(3)]));
    symlinkSync(file('elsewhere.jsonl', asLines(sweepLines(4))), join(folder, 'export/link'));

    const result = await report([join(folder, 'export')]);

    expect(result).toMatchObject({ exitCode: 0, unread: [] });
    expect(result.sources).toMatchObject([{ name: join(folder, 'export'), used: 8 }]);
    expect(sweeps(result)).toBe(4);
  });

  it('says where in a folder the first line is that it cannot read', async () => {
    file('bad/a.jsonl', asLines(sweepLines(1)));
    file('bad/b/c.jsonl', `${asLines(sweepLines(2))}no line of ours\nnor this\n`);

    const result = await report([join(folder, 'bad')]);

    expect(result).toMatchObject({ exitCode: 4, unread: [{ first: `${join('b', 'c.jsonl')} line 3`, count: 2 }] });
    expect(sweeps(result)).toBe(2);
  });

  it('counts an empty folder as unread, and an empty file as empty', async () => {
    mkdirSync(join(folder, 'nothing'));

    const result = await report([join(folder, 'nothing'), join(folder, 'empty.jsonl')]);

    expect(result.exitCode).toBe(4);
    expect(result.unread).toEqual([
      { source: join(folder, 'nothing'), first: null, count: 1, why: 'a folder without a file' },
    ]);
    expect(result.sources).toMatchObject([{ lines: 0 }, { lines: 0 }]);
  });

  it('reads stdin', async () => {
    const result = await report(['-'], asLines(RECORD));

    expect(result).toMatchObject({ exitCode: 0, sources: [{ name: '-', used: 6 }] });
  });

  it('reads stdin as it comes from a pipe', async () => {
    const stdin = asLines(recordOf(2_000));

    const { exitCode, stdout, stderr } = await runCli(['report', '-', '--json'], {}, { stdin });

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ sources: [{ name: '-', used: 4_000 }] });
  });

  it('counts a line once, however many exports have it', async () => {
    const first = file('first.gz', asExport(recordOf(3)));
    const second = file('second.json', OF_AWS(asEvents(recordOf(5).slice(2))));

    const result = await report([first, second]);

    expect(result.sources).toMatchObject([
      { used: 6, twice: 0 },
      { used: 4, twice: 4 },
    ]);
    expect([sweeps(result), cancelled(result)]).toEqual([5, 5]);
  });

  it('keeps stages apart', async () => {
    const lines = asLines([...recordOf(2), ...recordOf(3, { stage: 'prod' })]);

    const result = await report([file('two-stages.jsonl', lines)]);

    expect(result.targets.map(({ stage, target, sweeps: count }) => [stage, target, count])).toEqual([
      ['dev', 'lake', 2],
      ['prod', 'lake', 3],
    ]);
  });

  it('takes the lines of one target, and counts the others as outside', async () => {
    const both = file('two-targets.jsonl', asLines([...recordOf(2), ...recordOf(3, { target: 'sea' })]));

    const result = await report([both, '--target', 'sea']);

    expect(result.targets.map(({ target }) => target)).toEqual(['sea']);
    expect(result.sources).toMatchObject([{ used: 6, outside: 4 }]);
  });
});

describe('what report cannot read', () => {
  it.each([
    {
      name: 'a line that is cut off',
      content: asLines(RECORD).slice(0, -30),
      used: 5,
      unread: { first: 'line 6', count: 1, why: 'JSON that is cut off or damaged' },
    },
    {
      name: 'a document that is cut off, and not the lines after it',
      content: `${asLines(sweepLines(1))}${PRETTY({ kind: 'sweep', jobs: [] }).slice(0, -2)}${asLines(sweepLines(2))}`,
      used: 4,
      unread: { first: 'line 3', count: 1, why: 'a document that is cut off' },
    },
    {
      name: 'the end of events that are cut off',
      content: OF_AWS(asEvents(RECORD)).split('\n').slice(0, 20).join('\n'),
      used: 2,
      unread: { first: 'line 1', count: 1, why: 'a document that is cut off' },
    },
    {
      name: 'events that go on elsewhere',
      content: OF_AWS(asEvents(RECORD, true)),
      used: 6,
      unread: { count: 1, why: expect.stringContaining('more events follow') as string },
    },
    {
      name: 'the same in one line',
      content: JSON.stringify(asEvents(RECORD, true)),
      used: 6,
      unread: { first: 'line 1', count: 1, why: expect.stringContaining('more events follow') as string },
    },
    {
      name: 'something that is no text',
      content: Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0, 0]),
      used: 0,
      unread: { first: 'line 1', count: 1, why: 'it is not a text, and no .gz file' },
    },
    {
      name: 'numbers, and texts that are no lines',
      content: '7\n"eleven"\nnull\n[1]\n',
      used: 0,
      unread: { first: 'line 1', count: 4, why: 'not a line of the log, and no document of --json' },
    },
    {
      name: 'a document that says nothing here',
      content: PRETTY({ kind: 'doctor', findings: [] }),
      used: 0,
      unread: { first: 'line 1', count: 1, why: 'a document of the kind doctor, which says nothing here' },
    },
  ])('is counted: $name', async ({ content, used, unread }) => {
    const result = await report([file('unread', content)]);

    expect(result.exitCode).toBe(4);
    expect(result.sources).toMatchObject([{ used }]);
    expect(result.unread).toMatchObject([unread]);
  });

  it.each([0.25, 0.5, 0.9, 0.999])(
    'is the rest of a file of gzip that is cut off at %s, and no line before',
    async (part) => {
      const whole = asExport(recordOf(400));

      const result = await report([file('cut.gz', whole.subarray(0, Math.floor(whole.length * part)))]);

      const used = result.sources[0]?.used;
      expect(result.exitCode).toBe(4);
      expect(result.unread.map(({ why }) => why)).toContain('the rest, since the .gz file is cut off');
      // A tenth, since lines are not packed evenly.
      expect(used).toBeGreaterThan(800 * (part - 0.1));
      expect(used).toBeLessThan(800);
    },
  );

  it('is the rest of a file of gzip that is damaged', async () => {
    const damage = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 255, 255]);

    const result = await report([file('damaged.gz', Buffer.concat([asExport(recordOf(400)), damage]))]);

    const used = result.sources[0]?.used;
    expect(result.exitCode).toBe(4);
    expect(result.unread.map(({ why }) => why)).toContain('the rest, since the .gz file is damaged');
    // zlib keeps back what it has not passed on yet, 16 KB at most.
    expect(used).toBeGreaterThan(760);
  });

  it('is said before anything is read if a file does not exist', async () => {
    const there = file('there.jsonl', asLines(RECORD));

    const { exitCode, stdout, stderr } = await runHere(['report', there, 'not-there.jsonl']);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe('dli-reaper: not-there.jsonl: cannot be read (no such file or folder, ENOENT)\n');
  });
});
