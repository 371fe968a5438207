import { clockOf, type LimitName } from '../../policy/clocks.ts';
import { logGroupOf } from '../../settings/names.ts';
import { JOB_LINES, type JobLineName } from '../record/log-lines.ts';
import type { JobReport, SweepReport } from '../record/report.ts';
import { findJob, type LogLine } from './cloudwatch-log.ts';
import { isSameId } from './past-sweeps.ts';

/** What one sweep did about a job, by its record. A field is null if the record does not say it. */
export interface PastOfJob {
  /** ISO 8601, UTC. */
  at: string;
  /** The log group. */
  record: string;
  sweepId: string | null;
  trigger: SweepReport['trigger'] | null;
  /** The ARN of the person who swept by hand; null for a function. */
  recordedBy: string | null;
  /** Known for the latest ten sweeps. */
  requestReason: string | null;
  decision: JobReport['decision'];
  /** When a live sweep chose it, right before its first cancel; null if it did not, or the record does not say so. */
  chosenAt: string | null;
  /** Null if the job was chosen and the record holds no result: the sweep is under way, or died. */
  outcome: JobReport['outcome'] | null;
  reason: string | null;
  rule: string | null;
  clock: LimitName | null;
  limitMs: number | null;
  /** What that clock showed. */
  readingMs: number | null;
  /** DLI's status, as last read. */
  status: string | null;
  evidence: JobReport['evidence'];
  endedBy: JobReport['endedBy'];
  /** How many sweeps of the 24 hours before cancelled a job like it. */
  repeats: number | null;
  /** ISO 8601, UTC: set if its owner was warned. */
  mayBeCancelledAt: string | null;
  error: string | null;
}

/** What the records of a stage hold about a job. */
export interface JobRecord {
  /** The latest first. */
  past: PastOfJob[];
  /** Why a record could not be read, one sentence each. */
  problems: string[];
}

/** Reads what sweeps since then, epoch ms, did about a job. */
export async function readJobRecord(stage: string, jobId: string, since: number): Promise<JobRecord> {
  const { lines, problems } = await findJob(stage, jobId, since);
  return { past: toPast(jobId, lines, stage), problems };
}

type JobLine = Extract<LogLine, { msg: JobLineName }>;
type Line<M extends LogLine['msg']> = Extract<LogLine, { msg: M }>;

const isJobLine = (line: LogLine): line is JobLine => JOB_LINES.some((msg) => msg === line.msg);

/** Returns one entry for each sweep that wrote about the job, the latest first. Pure. */
export function toPast(jobId: string, lines: readonly LogLine[], stage: string): PastOfJob[] {
  // Lambda may deliver an event twice, with the same sweep id. One message may name several targets.
  const bySweep = Map.groupBy(lines, ({ record, fields: { sweepId, awsRequestId, target } }) =>
    [record, sweepId, awsRequestId, target].join(' '),
  );
  return [...bySweep.values()]
    .flatMap((own) => {
      const chosen = own.find((one) => one.msg === 'victims chosen');
      const line = own.findLast(isJobLine) ?? chosen;
      const end = own.find((one) => one.msg === 'sweep finished');
      return line === undefined ? [] : [toEntry(jobId, { line, chosen, end }, stage)];
    })
    .toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** What one sweep wrote about the job. */
interface OwnLines {
  line: JobLine | Line<'victims chosen'>;
  chosen: Line<'victims chosen'> | undefined;
  end: Line<'sweep finished'> | undefined;
}

function toEntry(jobId: string, { line, chosen, end }: OwnLines, stage: string): PastOfJob {
  const { at, record, fields } = line;
  const { sweepId = null, recordedBy = null, trigger } = fields;
  const frame = {
    at: new Date(at).toISOString(),
    record: logGroupOf(stage, record),
    sweepId,
    trigger: end?.fields.trigger ?? (trigger as PastOfJob['trigger'] | undefined) ?? null,
    recordedBy,
    requestReason: end?.fields.requestReason ?? null,
    chosenAt: chosen === undefined ? null : new Date(chosen.at).toISOString(),
  };
  return { ...frame, ...(line.msg === 'victims chosen' ? fromVictims(jobId, line) : fromJobLine(line)) };
}

type Result = Omit<PastOfJob, 'at' | 'record' | 'sweepId' | 'trigger' | 'recordedBy' | 'requestReason' | 'chosenAt'>;

/** The job was chosen. What became of it is not on record. */
function fromVictims(jobId: string, { fields: { victims = [] } }: Line<'victims chosen'>): Result {
  const victim = victims.find((one) => isSameId(one.jobId, jobId));
  return {
    decision: 'cancel',
    outcome: null,
    reason: null,
    rule: victim?.rule ?? null,
    clock: victim?.clock ?? null,
    limitMs: victim?.limitMs ?? null,
    readingMs: victim?.readingMs ?? null,
    status: null,
    evidence: null,
    endedBy: null,
    repeats: null,
    mayBeCancelledAt: null,
    error: null,
  };
}

function fromJobLine({ fields }: JobLine): Result {
  const { decision = 'keep', outcome = null, reason = null, warning = null, repeats = null } = fields;
  const { status = null, evidence = null, endedBy = null, error = null } = fields;
  const { rule = null, clock = null, limitMs = null } = warning ?? fields;
  const readingMs = warning?.readingMs ?? (clock === null ? null : (fields[clockOf(clock).reading] ?? null));
  const mayBeCancelledAt = warning?.mayBeCancelledAt ?? null;
  return {
    decision,
    outcome,
    reason,
    rule,
    clock,
    limitMs,
    readingMs,
    status,
    evidence,
    endedBy,
    repeats,
    mayBeCancelledAt,
    error,
  };
}
