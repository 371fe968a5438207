import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { debriefOf } from '../../../cli/drill/debrief.ts';
import { formatDebrief } from '../../../cli/drill/debrief-screen.ts';
import { exitCodeOf } from '../../../cli/drill/drill.ts';
import { makeNight, type Night } from '../../../cli/drill/night.ts';
import type { RequestRecord } from '../../../emulator/base/request.ts';
import { createStores, type InitialContents } from '../../../emulator/routes.ts';
import { batchLife } from '../../../emulator/spark/jobs.ts';
import { emulatedJob, HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

const STOPPED = NOW + 2 * MINUTE;

/** Two runaways that were stopped, one after the other, and a young job that runs. */
const JOBS = [
  emulatedJob(1, { cancelledAt: STOPPED }),
  emulatedJob(2, { cancelledAt: STOPPED + MINUTE }),
  emulatedJob(3, { ageMs: 20 * MINUTE }),
];
const line = (n: number, outcome: string, msg = 'job cancelled') =>
  JSON.stringify({ msg, sweepId: 's', jobId: jobId(n), outcome });
const chosen = (skipped: string | null, ...jobs: number[]) =>
  JSON.stringify({ msg: 'victims chosen', skipped, victims: jobs.map((n) => ({ jobId: jobId(n) })) });
const LINES = ['START RequestId', chosen(null, 1, 2), line(1, 'cancelled'), line(2, 'cancelled')];

/** The debrief of a drill that began at NOW and ended ten minutes later. */
function debrief(
  contents: InitialContents = { jobs: JOBS },
  lines: readonly string[] = LINES,
  runawaysAt: Night['runawaysAt'] = async () => new Set([jobId(1), jobId(2)]),
  requests: RequestRecord[] = [],
) {
  return debriefOf({
    night: { ...makeNight({ jobs: 0 }, NOW), runawaysAt },
    emulator: { ...createStores(contents, NOW), requests },
    logLines: lines.map((message) => ({ message })),
    requestsBefore: 1,
    startedAt: NOW,
    now: NOW + 10 * MINUTE,
  });
}

describe('debriefOf', () => {
  it('measures from the start to the first and the last end, and finds nothing wrong', async () => {
    const requests = [200, 200, 429, 0].map((status) => ({ method: 'GET', target: '/', status }));

    const found = await debrief(undefined, undefined, undefined, requests);

    expect(found).toMatchObject({ firstStoppedMs: 2 * MINUTE, lastStoppedMs: 3 * MINUTE, runaways: 2 });
    expect(found).toMatchObject({ left: [], wrongKills: [], falseWords: [], unconfirmed: [], calls: 3, refused: 1 });
    expect(exitCodeOf(found)).toBe(0);
  });

  it('names a runaway that is left', async () => {
    const found = await debrief({
      jobs: JOBS.map((job) => ({ ...job, ...(job.id === jobId(2) && { cancelledAt: NOW + HOUR }) })),
    });

    expect(found).toMatchObject({ firstStoppedMs: 2 * MINUTE, lastStoppedMs: null, left: [{ jobId: jobId(2) }] });
    expect(exitCodeOf(found)).toBe(4);
  });

  it('calls it a wrong kill if a young job of any engine was stopped, whatever the log says', async () => {
    const found = await debrief(
      {
        jobs: [...JOBS, emulatedJob(4, { cancelledAt: STOPPED })],
        sparkJobs: [
          {
            id: jobId(5),
            name: 'b',
            queue: 'gen',
            owner: 'ana',
            life: batchLife({ createdAt: NOW, runsFrom: NOW, endsAt: STOPPED, endsAs: 'dead' }),
          },
        ],
        flinkJobs: [
          {
            id: 146,
            name: 'f',
            type: 'flink_sql_job',
            queue: 'f',
            owner: 'ana',
            life: [
              { from: NOW, state: 'job_running' },
              { from: STOPPED, state: 'job_cancel_success' },
            ],
          },
        ],
      },
      [...LINES, line(4, 'cancelled'), line(5, 'cancelled'), line(146, 'cancelled').replace(jobId(146), '146')],
    );

    expect(found.wrongKills.map((job) => job.jobId)).toEqual([jobId(4), jobId(5), '146']);
    expect(found.falseWords).toEqual([]);
    expect(exitCodeOf(found)).toBe(3);
  });

  it('calls it no wrong kill if a job had become a runaway by the time it was stopped', async () => {
    const runawaysAt = async (at: number) => new Set([jobId(1), ...(at > STOPPED ? [jobId(2)] : [])]);

    expect((await debrief(undefined, undefined, runawaysAt)).wrongKills).toEqual([]);
    expect((await debrief(undefined, undefined, async () => new Set([jobId(1)]))).wrongKills).toHaveLength(1);
  });

  it.each([
    { name: 'a job that runs was cancelled', lines: [...LINES, line(3, 'cancelled')], n: 3, said: 'cancelled' },
    { name: 'a job that runs is over', lines: [...LINES, line(3, 'already-terminal')], n: 3, said: 'already-terminal' },
    { name: 'a job is not there that was cancelled', lines: [...LINES, line(9, 'cancelled')], n: 9, said: 'cancelled' },
    { name: 'a stopped job was not stopped', lines: [...LINES.slice(0, 3), line(2, 'failed')], n: 2, said: 'failed' },
    { name: 'a stopped job was left alone', lines: [...LINES.slice(0, 3), line(2, 'skipped')], n: 2, said: 'skipped' },
    { name: 'nothing of a stopped job', lines: [chosen(null, 1), line(1, 'cancelled')], n: 2, said: null },
    { name: 'only that a cap spared it', lines: [chosen('cap', 2), line(1, 'cancelled')], n: 2, said: null },
  ])('calls it a false word if the log says: $name', async ({ lines, n, said }) => {
    const found = await debrief(undefined, lines);

    expect(found.falseWords).toMatchObject([{ jobId: jobId(n), said }]);
    expect(exitCodeOf(found)).toBe(3);
  });

  it.each([
    { name: 'not seen to stop', lines: [...LINES, line(2, 'unconfirmed', 'job not seen to stop')], jobs: [2] },
    { name: 'chosen, and nothing since', lines: [chosen(null, 1, 2), line(1, 'cancelled')], jobs: [2] },
    {
      name: 'left alone by a later sweep',
      lines: [line(1, 'cancelled'), line(2, 'unconfirmed'), line(2, 'skipped')],
      jobs: [2],
    },
    { name: 'seen to stop later', lines: [line(1, 'unconfirmed'), ...LINES], jobs: [] },
  ])('counts as unconfirmed what is by the last word: $name', async ({ lines, jobs }) => {
    const found = await debrief(
      undefined,
      lines.map((one) => one.replace('"job cancelled","sweepId":"s"', '"job cancelled"')),
    );

    expect(found.unconfirmed).toEqual(jobs.map(jobId));
    expect(found.falseWords).toEqual([]);
  });
});

describe('formatDebrief', () => {
  it('is as docs/emulator.md shows it', () => {
    const night = { takenAt: null, jobs: 500, unknown: [] };
    const numbers = { firstStoppedMs: 2_715, lastStoppedMs: 274_984, runaways: 300, calls: 371, refused: 35 };
    const nothing = { left: [], wrongKills: [], falseWords: [], unconfirmed: [] };
    const debrief = { startedAt: NOW, endedAt: NOW + 283_430, ...numbers, ...nothing };

    const text = formatDebrief(debrief, { night, callsPerMinute: 60, isAttended: false, faults: 4, faultsMet: 4 });

    expect(readFileSync(new URL('../../../docs/emulator.md', import.meta.url), 'utf8')).toContain(text);
  });

  it('shows ten ids of a list, and counts the others', async () => {
    const jobs = Array.from({ length: 13 }, (_, n) => emulatedJob(n, { cancelledAt: STOPPED }));
    const night = { takenAt: null, jobs: 13, unknown: [] };

    const found = await debrief({ jobs }, LINES);
    const text = formatDebrief(found, { night, callsPerMinute: 60, isAttended: true, faults: 4, faultsMet: 1 });

    expect(text).toContain('The debrief, 10m after the start, by what the emulator knows:\n');
    expect(text).toMatch(/wrong kills +11\n/);
    expect(text).toContain(`  ${jobId(0)} (sql, adhoc, ana)\n`);
    expect(text).toContain('  and 1 other\n');
    expect(text).toContain(`  ${jobId(0)}: the log does not mention it, the emulator says CANCELLED\n`);
    expect(text).toMatch(/faults on order +4, of which 1 happened\n/);
  });
});
