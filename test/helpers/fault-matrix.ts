import { expect } from 'vitest';
import type { Fault } from '../../emulator/control/faults.ts';
import type { Emulator, EmulatorOptions } from '../../emulator/server.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { emulatedJob, HOUR, jobId, makeWorld } from './world.ts';

const HTML = '<html><body>Bad Gateway</body></html>';
const dli = (code: string) => ({ error_code: code, error_msg: 'of no interest' });

/** Temporary faults, by section, from the vendor's documents and the public internet. */
export const PASSING: { name: string; answer: NonNullable<Fault['answer']> }[] = [
  { name: '429', answer: { status: 429, body: { error_code: 'APIG.0308', error_msg: 'too many' } } },
  {
    name: '429 that names the limit',
    answer: {
      status: 429,
      body: { error_code: 'APIG.0308', error_msg: 'policy user over ratelimit,limit:60,time:1 minute' },
    },
  },
  { name: '429 with Retry-After', answer: { status: 429, body: '', headers: { 'retry-after': '3' } } },
  { name: '400 DLI.0999', answer: { status: 400, body: dli('DLI.0999') } },
  { name: '400 DLI.0019', answer: { status: 400, body: dli('DLI.0019') } },
  { name: '400 DLI.0012', answer: { status: 400, body: dli('DLI.0012') } },
  { name: '408', answer: { status: 408, body: '' } },
  { name: '500', answer: { status: 500, body: dli('DLI.0999') } },
  { name: '502 in HTML', answer: { status: 502, body: HTML } },
  { name: '503 with Retry-After', answer: { status: 503, body: '', headers: { 'retry-after': '2' } } },
  { name: '504 in HTML', answer: { status: 504, body: HTML } },
  { name: 'a cut connection', answer: 'reset' },
  { name: 'no answer at all', answer: 'hang' },
];

/** Answers that stay the same when the call is repeated. */
export const FINAL: { name: string; answer: NonNullable<Fault['answer']> }[] = [
  { name: '200 with is_success: false', answer: { status: 200, body: { is_success: false, message: 'no' } } },
  { name: '200 with is_success: "false"', answer: { status: 200, body: { is_success: 'false', message: 'no' } } },
  { name: '200 in HTML', answer: { status: 200, body: HTML } },
  { name: '200 and an empty list', answer: { status: 200, body: [] } },
  { name: '400 DLI.0003', answer: { status: 400, body: dli('DLI.0003') } },
  { name: '400 DLI.0007', answer: { status: 400, body: dli('DLI.0007') } },
  { name: '400 without a code', answer: { status: 400, body: {} } },
  { name: '403 from a policy', answer: { status: 403, body: { error: { message: 'Policy', code: 403 } } } },
  { name: '404 APIG.0101', answer: { status: 404, body: { error_code: 'APIG.0101' } } },
];

/** Every call that a sweep of a project with three pages makes: which call, and its place in the order. */
export const CALLS: { name: string; on: Fault['on']; target: string }[] = [
  { name: 'the only page of LAUNCHING', on: 'list-sql-jobs', target: 'job-status=LAUNCHING' },
  { name: 'the first page', on: 'list-sql-jobs', target: 'current-page=1&job-status=RUNNING' },
  { name: 'a middle page', on: 'list-sql-jobs', target: 'current-page=2&job-status=RUNNING' },
  { name: 'the last page', on: 'list-sql-jobs', target: 'current-page=3&job-status=RUNNING' },
  { name: 'the first cancel', on: 'cancel-sql-job', target: jobId(1) },
  { name: 'a middle cancel', on: 'cancel-sql-job', target: jobId(110) },
  { name: 'the last cancel', on: 'cancel-sql-job', target: jobId(219) },
  { name: 'the list of cancelled jobs', on: 'list-sql-jobs', target: 'job-status=CANCELLED' },
  { name: 'the status of a job', on: 'show-sql-job-status', target: '' },
];

/** Three pages of old jobs. Six jobs, on all three pages, are overdue. The others are writes, which no rule names. */
const VICTIMS = [1, 2, 109, 110, 218, 219];
const jobs = () =>
  Array.from({ length: 220 }, (_, n) =>
    emulatedJob(n, {
      ageMs: 12 * HOUR - n * 1_000,
      type: VICTIMS.includes(n) ? 'QUERY' : 'INSERT',
      // One of them ends before its cancel, so the sweep has to read its status alone.
      ...(n === 218 && { onCancel: 'finish' }),
    }),
  );

export async function sweepWith(faults: Fault | Fault[], options: Partial<Omit<EmulatorOptions, 'jobs'>> = {}) {
  const world = await makeWorld({ jobs: jobs(), ...options });
  const script = [faults].flat();
  world.emulator.faults.add(...script);
  // Real time: short for a call without an answer, and long enough for a busy machine if an answer comes.
  const answerTimeoutMs = script.some(({ answer }) => answer === 'hang') ? 60 : 10_000;
  let report: SweepReport | undefined;
  let error: Error | undefined;
  try {
    report = await world.sweep({}, { connection: { answerTimeoutMs } });
  } catch (thrown) {
    error = thrown as Error;
  }
  return { report, error, emulator: world.emulator, wasMet: world.emulator.faults.unmet().length === 0 };
}

/** Expects one outcome for each job, and that the emulator agrees with each. */
export function expectTruth(report: SweepReport, emulator: Emulator): void {
  const ids = report.jobs.map((job) => job.jobId);
  expect(new Set(ids).size).toBe(ids.length);
  const { counts } = report;
  const skipped = Object.values(counts.skipped).reduce((sum, n) => sum + n, 0);
  expect(counts.cancelled + counts.alreadyTerminal + counts.unconfirmed + counts.failed + skipped).toBe(counts.seen);

  for (const job of report.jobs) {
    const status = emulator.statusOf(job.jobId);
    if (job.outcome === 'cancelled') expect(status).toBe('CANCELLED');
    if (job.outcome === 'already-terminal') expect(status).toMatch(/^(FINISHED|FAILED|CANCELLED)$/);
    if (job.outcome === 'failed' || job.outcome === 'skipped') expect(status).toBe('RUNNING');
    if (job.decision === 'keep') expect(job.attempts).toBe(0);
  }
  // The status must show every job that is neither cancelled, left alone nor already over.
  if (report.status === 'ok') expect(counts.cancelled + counts.alreadyTerminal).toBe(VICTIMS.length);
}

/** Temporary faults after which it is open whether DLI carried out the call. */
export const LOST = PASSING.filter(({ name }) => !name.startsWith('429'));
