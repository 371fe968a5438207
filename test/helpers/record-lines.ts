import { gzipSync } from 'node:zlib';
import { jobId } from './world.ts';

/*
 * A small record of sweeps, as the functions of a stage write it, and the forms in which a person may have it as a file.
 */

/** 2026-10-01, noon in UTC. */
export const RECORD_FROM = Date.UTC(2026, 9, 1, 12);
const QUARTER_MS = 15 * 60_000;

export type Line = Readonly<Record<string, unknown>>;

/** The lines of one sweep that cancels one job. @param n numbers the sweep and its job, from 1. */
export function sweepLines(n: number, { stage = 'dev', target = 'lake', owner = 'ana' } = {}): Line[] {
  const at = RECORD_FROM + (n - 1) * QUARTER_MS;
  const time = new Date(at).toISOString();
  const frame = { timestamp: time, stage, periodMinutes: 15, awsRequestId: `request-${n}` };
  const context = { sweepId: `sweep-${n}`, target, trigger: 'schedule' };
  const job = {
    jobId: jobId(n),
    engine: 'sql',
    name: null,
    queue: 'adhoc',
    owner,
    jobType: 'QUERY',
    runTimeMs: 3 * 3_600_000,
    queueTimeMs: null,
    totalTimeMs: 3 * 3_600_000,
    rule: 'two-hours',
    clock: 'maxRunTime',
    limitMs: 2 * 3_600_000,
    overLimitMs: 3_600_000,
    decision: 'cancel',
    reason: 'over-limit',
    outcome: 'cancelled',
    status: 'CANCELLED',
    evidence: 'status',
  };
  return [
    { level: 'info', msg: 'job cancelled', ...frame, ...context, ...job },
    {
      level: 'info',
      msg: 'sweep finished',
      ...frame,
      ...context,
      status: 'ok',
      dryRun: false,
      startedAt: time,
      finishedAt: time,
      counts: { seen: 3, cancelled: 1 },
      apiCalls: { list: 2, status: 1, cancel: 1 },
      jobsLogged: 1,
    },
  ];
}

/** The lines of sweeps one after the other, each of which cancels one job. */
export const recordOf = (sweeps: number, options?: Parameters<typeof sweepLines>[1]): Line[] =>
  Array.from({ length: sweeps }, (_, i) => sweepLines(i + 1, options)).flat();

export const asLines = (lines: readonly Line[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

const timeOf = ({ timestamp }: Line): string => String(timestamp);

/** As CloudWatch exports it to S3. */
export const asExport = (lines: readonly Line[]): Uint8Array =>
  gzipSync(lines.map((line) => `${timeOf(line)} ${JSON.stringify(line)}\n`).join(''));

/** As `aws logs tail` prints it. */
export const asTail = (lines: readonly Line[]): string =>
  lines
    .map((line) => `${timeOf(line).replace('Z', '000+00:00')} 2026/10/01/[$LATEST]0a1b ${JSON.stringify(line)}\n`)
    .join('');

/** As `aws logs filter-log-events` returns it. @param more whether the command stopped before the end, as with --max-items. */
export const asEvents = (lines: readonly Line[], more = false) => ({
  events: lines.map((line, i) => ({
    logStreamName: '2026/10/01/[$LATEST]0a1b',
    timestamp: Date.parse(timeOf(line)),
    message: `${JSON.stringify(line)}\n`,
    ingestionTime: Date.parse(timeOf(line)) + 500,
    eventId: String(i),
  })),
  searchedLogStreams: [],
  ...(more && { NextToken: 'eyJuZXh0VG9rZW4iOiBudWxsfQ==' }),
});

/** What Lambda's runtime writes around a sweep, as text and as JSON. */
export const RUNTIME_LINES = [
  'INIT_START Runtime Version: nodejs:24.v1	Runtime Version ARN: arn:aws:lambda:eu-central-1::runtime:0a1b',
  'START RequestId: 1f6b8a2e-0000-4000-8000-000000000000 Version: $LATEST',
  'END RequestId: 1f6b8a2e-0000-4000-8000-000000000000',
  'REPORT RequestId: 1f6b8a2e-0000-4000-8000-000000000000	Duration: 12.5 ms	Billed Duration: 13 ms	',
  '2026-10-01T12:00:00.000Z 1f6b8a2e-0000-4000-8000-000000000000 Task timed out after 900.00 seconds',
  JSON.stringify({ time: '2026-10-01T12:00:00.000Z', type: 'platform.report', record: { requestId: '1' } }),
  JSON.stringify({ timestamp: '2026-10-01T12:00:00.000Z', level: 'ERROR', message: 'x', requestId: '1' }),
];
