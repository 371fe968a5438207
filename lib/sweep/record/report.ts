import type { Engine } from '../../base/job.ts';
import type { DliCallEvent } from '../../dli/exchange.ts';
import type { LimitName } from '../../policy/clocks.ts';
import type { Emergency } from '../../policy/emergency.ts';
import type { Action } from '../../policy/schema.ts';
import type { SweepRequest } from '../../request/request.ts';
import type { ParameterVersions } from '../../settings/settings.ts';
import type { Outcome, SkipReason } from './outcome.ts';
import type { KeepReason } from './verdict.ts';

/*
 * This folder holds what a sweep leaves behind: its report, its log lines, its metrics, and the words that these use.
 * lib/sweep/past reads them again.
 */

/** Goes up when a field changes its meaning or is removed. 2: `counts.overdue` counts jobs that rules only warn of or log. */
export const REPORT_VERSION = 2;

/** The report of a sweep, in numbers and for each job; what the CLI prints with --json. */
export interface SweepReport {
  version: typeof REPORT_VERSION;
  sweepId: string;
  target: string;
  /** Null for a snapshot of an earlier version, which does not have it. */
  project: SweptProject | null;
  trigger: SweepRequest['trigger'];
  /** Why a person asked for the sweep. */
  requestReason: string | null;
  /** What an emergency asked for, `includeExempt` included; null for any other sweep. */
  emergency: Emergency | null;
  dryRun: boolean;
  /** Who kept the sweep from cancelling; empty for a live sweep. */
  dryRunBecause: DryRunReason[];
  status: SweepStatus;
  /** Null unless the status is `stopped`. */
  stoppedBy: StoppedBy | null;
  /** Why the status is not ok, one sentence each. */
  problems: string[];
  /** ISO 8601, UTC, our clock. */
  startedAt: string;
  finishedAt: string;
  counts: Counts;
  apiCalls: ApiCalls;
  caps: CapReport;
  /** Null if no job was cancelled. */
  freed: Freed | null;
  /** DLI refused the credential, and would refuse it for other targets as well. */
  credentialRefused: boolean;
  /** Versions of the parameters when the sweep read them; null if Parameter Store was not asked. */
  parameterVersions: ParameterVersions | null;
  /** Equal for equal policy, target and exemptions, whatever their versions; null if none comes from Parameter Store. */
  settingsHash: string | null;
  /** Why jobs that were named are not cancelled, one sentence each. */
  unmet: string[];
  /** What a person should know although nothing is wrong, such as an exemption that ends soon; one sentence each. */
  notices: string[];
  /** What each rule found, in the policy's order; empty for an emergency. Functions of earlier versions do not log it. */
  rules?: RuleEffect[];
  /** The number of old jobs on queues that no rule names, by queue. They are never swept. */
  unmanagedQueues: Record<string, number>;
  /** Old jobs that wait, by queue. Functions of earlier versions do not log it. */
  waiting?: Record<string, Waiting>;
  /** Every job that a rule, an exemption or a protection touched, by queue and then id. */
  jobs: JobReport[];
}

/** What a rule found among the jobs that are old enough to be looked at. */
export interface RuleEffect {
  rule: string;
  action: Action;
  /** Jobs that the rule is for, or may be for. */
  matched: number;
  /** Those over its limit. */
  overLimit: number;
  /** Those that something spares, by the reason. Jobs within the limit are not among them. */
  spared: Partial<Record<KeepReason, number>>;
  /**
   * The job within its limit that is nearest to it, from half of the limit on; null if there is none. A sweep does not see jobs that
   * are younger than the shortest limit of its policy. Functions of earlier versions do not log it.
   */
  nearest?: NearestJob | null;
}

/** How far a job within its limit has come. */
export interface NearestJob {
  jobId: string;
  engine: Engine;
  queue: string | null;
  owner: string | null;
  clock: LimitName;
  limitMs: number;
  readingMs: number;
}

/** The jobs that wait on one queue and are old enough to be looked at. */
export interface Waiting {
  jobs: number;
  /** The longest wait; null if DLI does not say since when. */
  longestMs: number | null;
}

/** The project of a sweep, and how well that is known. */
export interface SweptProject {
  id: string;
  /** IAM's name; if IAM was not asked, the name in the settings; null if they have none. */
  name: string | null;
  /** Whether the name is IAM's. */
  verified: boolean;
  /** Null if neither a setting nor the endpoint names it. */
  region: string | null;
  /** Host of DLI's address. */
  endpoint: string;
}

/** Who keeps a sweep from cancelling. */
export type DryRunReason = 'policy' | 'target' | 'request' | Hold['by'];

/** A brake that no policy can loosen. It makes a dry run of a sweep that is otherwise live. */
export interface Hold {
  by: 'identity' | 'ceilings';
  /** A phrase for a person. */
  because: string;
}

export type SweepStatus = 'ok' | 'failed' | 'partial' | 'capped' | 'stopped';

/** What kept a sweep from its work, or ended it early. */
export type StoppedBy =
  /** DLI's clock and ours differ, so no job is known to be overdue. */
  | 'clock'
  /** The switch is not set to run, or cannot be read. */
  | 'switch'
  | 'operator'
  /** DLI refused the credential. */
  | 'credential'
  /** The request is too old. */
  | 'expired'
  /** It is not known what earlier sweeps of this target cancelled. */
  | 'record'
  /** Exemptions and freezes could not be read again before the first cancel. */
  | 'exemptions'
  /** A brake that no policy can loosen. */
  | Hold['by'];

/** What kept the sweep from its work, or ended it early, and why. */
export interface Stopped {
  by: StoppedBy;
  because: string;
}

/** The caps, and how far the victims of a sweep fill them. */
export interface CapReport {
  /** The number of jobs that the policy wants cancelled, and the least number of live jobs in the project. */
  victims: number;
  liveJobs: number;
  maxKills: number;
  maxKillsPercent: number;
  percentFloor: number;
  drain: boolean;
  /** The most that a deploy, or the environment of a terminal, allows a sweep; null if it is not known. */
  ceiling: number | null;
  /** Why a cap is exceeded; null if none is. */
  exceeded: string | null;
}

/** The capacity that a sweep freed, as a range. It estimates no money: a bill falls only if the queue scales in. */
export interface Freed {
  estimate: true;
  /** Compute units that the cancelled jobs held. */
  cus: Range;
  /** What they would have used if each had run as long again; null if there is no bound. The least is not known. */
  cuHoursAtMost: number | null;
}

export interface Range {
  from: number;
  /** Null if there is no bound, since the size of a queue is not known. */
  to: number | null;
}

export interface Counts {
  /** The sum of all outcomes. */
  seen: number;
  /** Jobs that a rule found over its limit, for any action. */
  overdue: number;
  /** Overdue jobs that the policy wants cancelled. */
  toCancel: number;
  /** Jobs that may be cancelled soon; the rule says how long before the owner is warned. */
  warned: number;
  cancelled: number;
  alreadyTerminal: number;
  /** Those of `alreadyTerminal` that someone else cancelled between our look and our cancel. */
  cancelledByOthers: number;
  unconfirmed: number;
  failed: number;
  /** Those of `cancelled` that are like a job which was cancelled in the 24 hours before. */
  repeats: number;
  skipped: Partial<Record<SkipReason, number>>;
}

/** Requests that were sent, including retries. `retries` and `throttled` are among them. */
export interface CountedCalls {
  list: number;
  status: number;
  cancel: number;
  retries: number;
  throttled: number;
}

export interface ApiCalls extends CountedCalls {
  /** The cancels among them for jobs that had been asked before and lived on. */
  again: number;
}

export interface JobReport {
  jobId: string;
  engine: string;
  /** Null for SQL jobs, which have none. */
  name: string | null;
  queue: string | null;
  owner: string | null;
  jobType: string | null;
  /** At the sweep's instant; null if the job does not run or its start cannot be right. */
  runTimeMs: number | null;
  /** At the sweep's instant; null if the job does not wait. */
  queueTimeMs: number | null;
  /** Time since it was submitted, if the engine says when; the only time of a Spark batch. */
  totalTimeMs: number | null;
  /** The limit of the rule that it is over. */
  clock: LimitName | null;
  limitMs: number | null;
  /** How far over that limit. */
  overLimitMs: number | null;
  /** The rule that decided; for an exempt job the exemption, for a frozen one the freeze. */
  rule: string | null;
  /** Every rule that found the job over its limit. */
  matched: string[];
  decision: Action | 'keep';
  /** Set if it may be cancelled soon; null for any other job. */
  warning: JobWarning | null;
  /** Why this outcome: `over-limit`, or why the job was skipped. */
  reason: 'over-limit' | SkipReason;
  outcome: Outcome['kind'];
  /** DLI's status, as last read. */
  status: string | null;
  /**
   * How it is known that a job was cancelled. `status`: DLI's status says so. `own-record`: DLI's status is the same for a job
   * that failed, and only this record says that it was cancelled. Null for any other job.
   */
  evidence: 'status' | 'own-record' | null;
  /** `others` for a job that DLI calls cancelled although no request of ours can be the reason. Null for any other job. */
  endedBy: 'others' | null;
  /** Hash of the shape of its statement, for a cancelled SQL job whose statement was read; see lib/base/fingerprint.ts. */
  fingerprint: string | null;
  /** How many sweeps of the 24 hours before cancelled a job like it; null if that is not known, or it was not cancelled. */
  repeats: number | null;
  /** Compute units that it holds, if the API says so. */
  cus: number | null;
  /** Cancel requests sent for it. */
  attempts: number;
  requestId: string | null;
  error: string | null;
}

/** Which limit a job comes to, or has passed before it was warned of long enough. */
export interface JobWarning {
  rule: string;
  clock: LimitName;
  limitMs: number;
  readingMs: number;
  /** ISO 8601, UTC: when a sweep may cancel it. */
  mayBeCancelledAt: string;
}

/** Counts the calls that `onCall` is called with. */
export function createCallCounter(): { apiCalls: CountedCalls; onCall: (event: DliCallEvent) => void } {
  const apiCalls: CountedCalls = { list: 0, status: 0, cancel: 0, retries: 0, throttled: 0 };
  return {
    apiCalls,
    onCall: ({ call, attempt, error }) => {
      apiCalls[call] += 1;
      if (attempt > 1) apiCalls.retries += 1;
      if (error?.kind === 'throttled') apiCalls.throttled += 1;
    },
  };
}
