import type { Engine } from '../base/job.ts';
import { clockOf, LIMIT_NAMES, type LimitName } from '../policy/clocks.ts';
import type { JobReport, SweepReport, Waiting } from '../sweep/record/report.ts';
import type { Case, Place, Result } from './aggregates.ts';

/** One sweep of one target, as far as its lines are there. */
export interface Run extends Place {
  sweepId: string | null;
  /** Null for a sweep by hand, and for a report that was printed. */
  awsRequestId: string | null;
  trigger: SweepReport['trigger'] | null;
  recordedBy: string | null;
  jobs: Set<SeenJob>;
  /** The number of its lines of jobs, without those of the level debug. */
  logged: number;
  /** The victims that a live sweep chose, with the time of their line in epoch ms. */
  chosen: { victim: Fields; at: number }[];
  end: RunEnd | null;
}

/** The last line of a sweep. */
export interface RunEnd {
  /** Epoch ms. */
  at: number;
  startedAt: number;
  /** The status of the report, or `could not run`, or `not swept`. */
  status: string;
  /** The schedule of a function started it. */
  isScheduled: boolean;
  periodMinutes: number | null;
  dryRun: boolean;
  stoppedBy: SweepReport['stoppedBy'];
  problem: string | null;
  cancelled: number;
  /** Sentences on exemptions and freezes. */
  calendar: string[];
  waiting: Record<string, Waiting> | null;
  apiCalls: number;
  /** The number of its lines of jobs, as it says; 0 if it does not. */
  jobsLogged: number;
  /** The source of the line. */
  source: string;
}

/** A job, over all sweeps. */
export interface SeenJob extends Place {
  engine: Engine | null;
  jobId: string;
  sightings: Sighting[];
  /** The explanation of the sighting that decides its latest result, with that sighting. */
  why: { sighting: Sighting; text: unknown } | null;
}

/** What one sweep wrote about a job. */
export interface Sighting {
  run: Run;
  /** Epoch ms. */
  at: number;
  result: Result;
  reason: Case['reason'];
  rule: string | null;
  clock: LimitName | null;
  limitMs: number | null;
  readingMs: number | null;
  runTimeMs: number | null;
  name: string | null;
  queue: string | null;
  owner: string | null;
  jobType: string | null;
  status: string | null;
  evidence: JobReport['evidence'];
  endedBy: JobReport['endedBy'];
  fingerprint: string | null;
  repeats: number | null;
  cus: number | null;
  error: string | null;
}

/** The results of a live sweep that asked a job to stop, or chose to. */
const ASKED: ReadonlySet<Result> = new Set(['cancelled', 'already-terminal', 'unconfirmed', 'failed', 'no-result']);

export const isAsked = (result: Result): boolean => ASKED.has(result);

/** A line, or a part of a document, as it came: any field may be missing, or of another type. */
export type Fields = Readonly<Record<string, unknown>>;

/** @param ms epoch ms. */
export const isoOf = (ms: number): string => new Date(ms).toISOString();

export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
export const numberOf = (value: unknown): number | null => (Number.isFinite(value) ? (value as number) : null);
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};
export const wordOf = <T extends string>(words: readonly T[], value: unknown): T | null =>
  words.find((word) => word === value) ?? null;

const OUTCOMES = ['cancelled', 'already-terminal', 'unconfirmed', 'failed', 'skipped'] as const;

/** Reads what a sweep wrote about a job. A field that is missing, or that cannot be read, is null. */
export function toSighting(job: Fields, run: Run, at: number): Sighting {
  const warning = job.warning == null ? null : fieldsOf(job.warning);
  const decided = warning ?? job;
  const clock = wordOf(LIMIT_NAMES, decided.clock);
  const limitMs = numberOf(decided.limitMs);
  const overLimitMs = numberOf(job.overLimitMs);
  const shown = clock === null ? null : numberOf(job[clockOf(clock).reading]);
  const derived = limitMs === null || overLimitMs === null ? null : limitMs + overLimitMs;
  return {
    run,
    at,
    result: resultOf(job),
    // A reason of a later version is shown as it is.
    reason: textOf(job.reason) as Sighting['reason'],
    rule: textOf(decided.rule),
    clock,
    limitMs,
    readingMs: numberOf(warning?.readingMs) ?? shown ?? derived,
    // A batch has no other time.
    runTimeMs: numberOf(job.runTimeMs) ?? (job.engine === 'spark' ? numberOf(job.totalTimeMs) : null),
    name: textOf(job.name),
    queue: textOf(job.queue),
    owner: textOf(job.owner),
    jobType: textOf(job.jobType),
    status: textOf(job.status),
    evidence: wordOf(['status', 'own-record'], job.evidence),
    endedBy: wordOf(['others'], job.endedBy),
    fingerprint: textOf(job.fingerprint),
    repeats: numberOf(job.repeats),
    cus: numberOf(job.cus),
    error: textOf(job.error),
  };
}

function resultOf({ outcome: word, decision, reason, warning }: Fields): Result {
  const outcome = wordOf(OUTCOMES, word) ?? 'skipped';
  if (outcome !== 'skipped') return outcome;
  if (decision === 'cancel') return reason === 'dry-run' ? 'dry-run' : 'not-asked';
  if (decision === 'warn' || decision === 'log') return 'noted';
  return warning == null ? 'kept' : 'warned';
}

/** A victim of which no line says what became of it. */
export const chosenSighting = ({ victim, at }: Run['chosen'][number], run: Run): Sighting => ({
  ...toSighting(victim, run, at),
  result: 'no-result',
  reason: null,
  readingMs: numberOf(victim.readingMs),
});
