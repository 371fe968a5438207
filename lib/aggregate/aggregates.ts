import type { Engine } from '../base/job.ts';
import type { LimitName } from '../policy/clocks.ts';
import type { Action } from '../policy/schema.ts';
import type { LoggedExplanation } from '../sweep/record/explanation.ts';
import type { SkipReason } from '../sweep/record/outcome.ts';
import type { JobReport, SweepReport, Waiting } from '../sweep/record/report.ts';
import type { KeepReason } from '../sweep/record/verdict.ts';

/*
 * This folder turns the record of many sweeps into numbers: what the page of `report` draws, and what `report --json` prints.
 * sightings.ts reads lines into small records, cases.ts makes one case of all that was seen of a job, and the other files count.
 * Nothing here reads a file or a network. Instants are ISO 8601 in UTC; only days depend on the time zone.
 */

/**
 * What became of a job, over all sweeps of the span. The first five are of live sweeps that asked it to stop, or chose to. A later
 * sweep that only looks does not change them.
 */
export const RESULTS = [
  'cancelled',
  'already-terminal',
  'unconfirmed',
  'failed',
  /** A live sweep chose it, and no result of that sweep is on record: the sweep died, or was still under way. */
  'no-result',
  /** Over a limit, and not asked to stop: a cap, the deadline or something else kept the sweep from it. */
  'not-asked',
  /** A live sweep would have cancelled it. */
  'dry-run',
  /** Over the limit of a rule that only warns or logs. */
  'noted',
  /** Its owner was warned, and it was not over the limit when it was last seen. */
  'warned',
  /** Spared by a rule, an exemption or a protection. */
  'kept',
] as const;

export type Result = (typeof RESULTS)[number];

/** The results of a job over a limit whose rule cancels; the first picture shows them. */
export const RESULTS_OF_VICTIMS = RESULTS.slice(0, 7);

/** Where something was seen. */
export interface Place {
  /** Null if the record does not say it, as `sweep --json` of a file of settings. */
  stage: string | null;
  target: string;
}

/** All that was seen of one run of a job. Null is what is not on record. */
export interface Case extends Place {
  /** Null for `no-result` of a job that no other line names. */
  engine: Engine | null;
  jobId: string;
  name: string | null;
  queue: string | null;
  owner: string | null;
  jobType: string | null;
  result: Result;
  /** Why it was skipped; `over-limit` for a job that was asked. Null for `no-result`. */
  reason: 'over-limit' | SkipReason | null;
  /** The rule that decided; for an exempt job the exemption, for a frozen one the freeze. */
  rule: string | null;
  clock: LimitName | null;
  limitMs: number | null;
  /** What that clock showed. */
  readingMs: number | null;
  /** When the sweep with that result wrote it; and the first and the last time that a sweep wrote about it. */
  resultAt: string;
  firstAt: string;
  lastAt: string;
  /** Sweeps that wrote about it. */
  sweeps: number;
  /** DLI's status, as last read, with that result. */
  status: string | null;
  evidence: JobReport['evidence'];
  endedBy: JobReport['endedBy'];
  repeats: number | null;
  cus: number | null;
  error: string | null;
  /** The sweep of the result. */
  sweepId: string | null;
  trigger: SweepReport['trigger'] | null;
  /** Who swept by hand, as an ARN; null for a function. */
  recordedBy: string | null;
}

/** The explanation of the result of a case. */
export interface CaseWhy {
  /** Index in the cases. */
  index: number;
  why: LoggedExplanation;
}

/** What the reaper was not able to do at some time. */
export const STATES = [
  /** No sweep of the schedule is on record for more than two periods. A schedule that pauses by design looks the same. */
  'dead',
  /** A stop, or a brake that no policy can loosen. */
  'stopped',
  /** Too many victims, so none was cancelled, or only the worst. */
  'capped',
  /** Jobs were not seen, judged or reached: a listing, a credential, a clock, settings, the deadline. */
  'blind',
] as const;

export type State = (typeof STATES)[number];

/** A time in which a target was in a state. Times of one target and state do not touch. */
export interface StateSpan extends Place {
  state: State;
  from: string;
  to: string;
  /** Sweeps that ended so; 0 for `dead`. */
  sweeps: number;
  /** What the last of them said; null if it said nothing. */
  why: string | null;
}

/** One day in the time zone. Days without a sweep are there, too. */
export interface Day {
  /** Such as 2026-03-29. */
  day: string;
  from: string;
  /** 23, 24 or 25 hours later. */
  to: string;
  /** Cases, by the day of their result. */
  results: Record<Result, number>;
  /** Hours in which at least one target was in the state. */
  hours: Record<State, number>;
}

/** The edges of the bins of {@link RuleTotals.kills}: the reading as a multiple of the limit. The last bin has no end. */
export const RATIO_EDGES = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20] as const;

/** A job that came near its limit and was not over it. */
export interface NearMiss extends Place {
  engine: Engine | null;
  jobId: string;
  rule: string;
  clock: LimitName;
  limitMs: number;
  /** The most that was read. */
  readingMs: number;
  at: string;
}

/** What one rule did, and did not do. */
export interface RuleTotals extends Place {
  rule: string;
  /** The latest; null if no summary has it. */
  action: Action | null;
  /** Sweeps that had the rule; sweeps for which it was for no job. */
  sweeps: number;
  emptySweeps: number;
  lastMatchedAt: string | null;
  /** The most jobs in one sweep: that it is for, and over its limit. */
  mostMatched: number;
  mostOverLimit: number;
  /** The most jobs that one sweep spared, by the reason. */
  mostSpared: Partial<Record<KeepReason, number>>;
  /** Cases that this rule decided. */
  results: Record<Result, number>;
  /** The limits that decided, the most frequent first. */
  limits: { clock: LimitName; limitMs: number; cases: number }[];
  /** Cancelled jobs, by their reading as a multiple of the limit; one number for each bin of {@link RATIO_EDGES}. */
  kills: number[];
  /** Those of them that were least over their limit, the nearest first; at most {@link MOST_NEAR}. Indexes in the cases. */
  nearestKills: number[];
  /**
   * Jobs that came near the limit and are not known to have passed it, one number for each bin. Only the nearest job of each sweep is
   * on record, and warnings; of the rule with the shortest limit only warnings.
   */
  misses: number[];
  /** The nearest of them first; at most {@link MOST_NEAR}. */
  nearestMisses: NearMiss[];
}

export const MOST_NEAR = 20;

/** Jobs like each other that were cancelled: same shape of statement, or same name, of the same owner on the same queue. */
export interface Chain extends Place {
  engine: string;
  queue: string;
  owner: string;
  /** Null if they are known by their name. */
  fingerprint: string | null;
  name: string | null;
  /** When sweeps cancelled such jobs, the oldest first. What one sweep cancels together is one time. */
  cancelledAt: string[];
  /** Times after which such a job was cancelled again within 24 hours. */
  cameBack: number;
  lastJobId: string;
}

export interface Repeats {
  /** Cancelled jobs of which too little is known to find others like them. */
  unknown: number;
  /** Times that a kind of job was cancelled, over all kinds: what one sweep cancels together is one time. */
  times: number;
  /** Those after which it was cancelled again within 24 hours. */
  cameBack: number;
  /** Those after which it was not, though the record goes on for 24 hours. It may have come back and stayed within its limit. */
  stayedAway: number;
  /** Those whose 24 hours are not over in the record. */
  notKnown: number;
  /** Kinds that were cancelled more than once, the most frequent first. */
  chains: Chain[];
}

/** Waiting on one queue at the sweeps that cancelled jobs on it, and at the next sweep of the schedule. Means over `sweeps`. */
export interface QueueWorth extends Place {
  queue: string;
  sweeps: number;
  before: Waiting;
  after: Waiting;
  /** Sweeps after which fewer, as many, and more jobs waited. */
  fewer: number;
  same: number;
  more: number;
}

/** Jobs over a limit that ran on, since no sweep asked them to stop. */
export interface LeftRunning {
  /** Jobs that at least two sweeps saw over the limit. */
  jobs: number;
  /** From the first to the last of these sweeps, over all jobs. They ran at least so long. */
  jobHours: number;
  /** Compute units times hours, of the jobs whose units are known. It is the least that they used. */
  cuHours: number;
  /** Jobs whose compute units are not known; they are not in `cuHours`. */
  withoutCus: number;
}

export interface Worth {
  /** Null if no sweep that cancelled a job says what waited, then and at the next sweep. */
  waiting: QueueWorth[] | null;
  /** Null if no job was left running. */
  leftRunning: LeftRunning | null;
}

/** Something that a person should look at. */
export interface Need extends Partial<Place> {
  kind:
    | 'failed'
    | 'unconfirmed'
    | 'no-result'
    | 'not-reached'
    | 'capped'
    | 'untold'
    | 'dead'
    | 'stopped'
    | 'blind'
    | 'ending';
  /** Jobs, messages or sweeps, by the kind; 1 for a sentence. */
  count: number;
  /** One sentence: what is so, and since when. */
  what: string;
  /** One sentence: what to do; null if `what` says it. */
  todo: string | null;
  /** The latest; at most {@link MOST_NEAR}. */
  jobIds: string[];
}

/** The sweeps of one target. */
export interface TargetTotals extends Place {
  projectId: string | null;
  projectName: string | null;
  region: string | null;
  sweeps: number;
  /** By status of the report, and `could not run`, `not swept`. */
  statuses: Record<string, number>;
  dryRuns: number;
  /** Sweeps by hand and in an emergency. */
  byHand: number;
  emergencies: number;
  firstAt: string;
  lastAt: string;
  /** The period of its schedule in minutes, as last logged. */
  periodMinutes: number | null;
  results: Record<Result, number>;
  /** Requests to DLI. */
  apiCalls: number;
}

/** What a file, or a log group, gave. */
export interface Source {
  /** File name or log group; `-` for stdin. */
  name: string;
  lines: number;
  /** Lines about sweeps, jobs and messages. */
  used: number;
  /** Lines of the span that say nothing for this report, such as calls of DLI. */
  other: number;
  /** Lines that had been read before, in this source or another. */
  twice: number;
  /** Lines outside `--since`, `--until` and `--target`. */
  outside: number;
}

/** Something that could not be read. */
export interface Unread {
  source: string;
  /** Where the first one is, such as `line 3`; null for a source as a whole. */
  first: string | null;
  count: number;
  /** One phrase: what is wrong. */
  why: string;
}

/** A trial of a policy on the past, from `backtest --json`. */
export interface TriedPolicy {
  source: string;
  target: string;
  from: string;
  until: string;
  jobs: number;
  wouldCancel: number;
  wrongKills: number;
  rules: { rule: string; wouldCancel: number; wrongKills: number }[];
  /** Jobs that finished well and would have been cancelled, those with the most work left first; at most {@link MOST_NEAR}. */
  wrongKillsShown: { jobId: string; rule: string; lengthMs: number; stillNeededMs: number | null }[];
  nearMisses: NearMiss[];
}

/** The numbers of the page. `report --json` prints them. */
export interface Aggregates {
  /** The span: what was asked for, or the first and the last line. */
  from: string;
  to: string;
  timeZone: string;
  sources: Source[];
  unread: Unread[];
  targets: TargetTotals[];
  /** All cases by their result. */
  results: Record<Result, number>;
  days: Day[];
  states: StateSpan[];
  rules: RuleTotals[];
  repeats: Repeats;
  worth: Worth;
  needs: Need[];
  tried: TriedPolicy[];
}
