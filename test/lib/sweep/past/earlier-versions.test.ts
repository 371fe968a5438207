import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createCollector } from '../../../../lib/aggregate/collect.ts';
import type { LogLine } from '../../../../lib/sweep/past/cloudwatch-log.ts';
import { pastOf } from '../../../../lib/sweep/past/from-lines.ts';
import { toPast } from '../../../../lib/sweep/past/job-past.ts';
import { countKills } from '../../../../lib/sweep/past/past-sweeps.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../../helpers/world.ts';

/** The lines of one sweep that cancelled one job, as the code of that time wrote them. */
const read = (name: string): Record<string, unknown>[] =>
  readFileSync(new URL(`../../../fixtures/record/${name}.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const toLines = (lines: readonly Record<string, unknown>[]): LogLine[] =>
  lines.map((fields, i) => {
    const line = { id: String(i), at: Date.parse(String(fields.time)), record: 'sweep', msg: fields.msg, fields };
    return line as unknown as LogLine;
  });

const collect = (lines: readonly Record<string, unknown>[]) => {
  const collector = createCollector({ timeZone: 'UTC', owners: 'shown' });
  const source = collector.source('log');
  for (const [i, line] of lines.entries()) source.line(line, `line ${i + 1}`);
  return collector.finish(null);
};

describe.each([
  { name: 'version-1', version: undefined, projectId: null },
  { name: 'version-2-at-first', version: 2, projectId: '0123456789abcdef0123456789abcdef' },
])('the lines of $name', ({ name, version, projectId }) => {
  const lines = read(name);

  it('lack what later versions write', () => {
    const [end] = lines.filter(({ msg }) => msg === 'sweep finished');

    expect(end?.version).toBe(version);
    for (const later of ['rules', 'waiting', 'code']) expect(end).not.toHaveProperty(later);
  });

  it('still say to why what became of the job, and by which rule', () => {
    expect(toPast(jobId(1), toLines(lines), 'prod')).toMatchObject([
      {
        at: '2026-01-05T09:00:02.000Z',
        sweepId: 'sweep-1',
        trigger: 'schedule',
        decision: 'cancel',
        chosenAt: '2026-01-05T09:00:00.000Z',
        outcome: 'cancelled',
        rule: 'r',
        clock: 'maxRunTime',
        limitMs: 2 * HOUR,
        status: 'CANCELLED',
        endedBy: null,
        repeats: null,
      },
    ]);
  });

  it('still count as kills of the day, of a target that has got a project since', () => {
    const past = pastOf({ target: 'lake', projectId: '0123456789abcdef0123456789abcdef' }, toLines(lines));

    expect(past).toMatchObject([{ cancelled: 1, chosen: [jobId(1)], projectId, settingsHash: null }]);
    expect(countKills(past, { since: NOW - MINUTE, isEmergency: false })).toBe(1);
  });

  it('still make a page of report, and none counts as unread', () => {
    const { aggregates, cases, whys } = collect(lines);

    expect(aggregates.unread).toEqual([]);
    expect(cases).toMatchObject([{ jobId: jobId(1), result: 'cancelled', owner: 'ana', queue: 'adhoc' }]);
    expect(whys).toHaveLength(1);
  });
});
