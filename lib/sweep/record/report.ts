import type { DliCallEvent } from '../../dli/exchange.ts';
import type { LimitName } from '../../policy/clocks.ts';
import type { Emergency } from '../../policy/emergency.ts';
import type { Action } from '../../policy/schema.ts';
import type { SweepRequest } from '../../request/request.ts';
import type { ParameterVersions } from '../../settings/settings.ts';
import type { Outcome, SkipReason } from './outcome.ts';

/** Goes up when a field means something else, or is gone. 2: `counts.overdue` counts what rules only warn of or log. */
export const REPORT_VERSION = 2;

/** A sweep in numbers and, per job, in words; what the CLI prints with --json. */
export interface SweepReport {
  version: typeof REPORT_VERSION;
  sweepId: string;
  target: string;
  /** Null for a snapshot of an earlier version, which does not tell. */
  project: SweptProject | null;
  trigger: SweepRequest['trigger'];
  /** Why a person asked for the sweep. */
  requestReason: string | null;
  /** What an emergency asked for, `includeExempt` included; null for any other sweep. */
  emergency: Emergency | null;
  dryRun: boolean;
  /** Who kept the sweep from cancelling; empty for a live one. */
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
  /** DLI refused the credential for good, so it would refuse it for other targets as well. */
  credentialRefused: boolean;
  /** Of what Parameter Store held when the sweep read it; null if it was not asked. */
  parameterVersions: ParameterVersions | null;
  /** The same for equal policy, target and exemptions, whatever their versions; null if none comes from Parameter Store. */
  settingsHash: string | null;
  /** Jobs that were named and are not to be cancelled all the same: why, one sentence each. */
  unmet: string[];
  /** What somebody should know although nothing is wrong, such as an exemption that soon ends; one sentence each. */
  notices: string[];
  /** Jobs old enough to matter on queues that no rule names, by queue: never swept. */
  unmanagedQueues: Record<string, number>;
  /** Every job that a rule, an exemption or a protection touched, by queue and then id. */
  jobs: JobReport[];
}

/** Where a sweep goes, and how well that is known. */
export interface SweptProject {
  id: string;
  /** As IAM told it; where it was not asked, as the settings have it; null if they do not say. */
  name: string | null;
  /** Whether IAM told the name. */
  verified: boolean;
  /** Null if neither a setting nor the endpoint tells it. */
  region: string | null;
  /** Host of DLI's address. */
  endpoint: string;
}

/** Who keeps a sweep from cancelling. */
export type DryRunReason = 'policy' | 'target' | 'request' | Hold['by'];

/** What makes a dry run of a sweep that everybody wants live: a brake that no policy can loosen. */
export interface Hold {
  by: 'identity' | 'ceilings';
  /** In words. */
  because: string;
}

export type SweepStatus = 'ok' | 'failed' | 'partial' | 'capped' | 'stopped';

/** What kept a sweep from its work, or ended it before its time. */
export type StoppedBy =
  /** DLI's clock and ours disagree, so no job is known to be overdue. */
  | 'clock'
  /** It is not set to run, or cannot be read. */
  | 'switch'
  | 'operator'
  /** DLI refused it. */
  | 'credential'
  /** The request came too long after it was made. */
  | 'expired'
  /** What the sweeps of this target have cancelled before is not known. */
  | 'record'
  /** A brake that no policy can loosen. */
  | Hold['by'];

/** What kept the sweep from its work, or ended it before its time, and why in words. */
export interface Stopped {
  by: StoppedBy;
  because: string;
}

/** The caps, and how far the victims of a sweep fill them. */
export interface CapReport {
  /** Jobs that the policy wants cancelled, and how many are alive in the project at least. */
  victims: number;
  liveJobs: number;
  maxKills: number;
  maxKillsPercent: number;
  percentFloor: number;
  drain: boolean;
  /** What a deploy, or the environment of a terminal, allows a sweep at most; null where it is not known. */
  ceiling: number | null;
  /** Why a cap stands in the way; null if none does. */
  exceeded: string | null;
}

/** What a sweep gave back, as a range. An estimate of capacity and never of money: a bill falls only if the queue scales in. */
export interface Freed {
  estimate: true;
  /** Compute units that the cancelled jobs held. */
  cus: Range;
  /** What they would have used, had each run on as long as it had run; null if there is no bound. Nothing tells of less. */
  cuHoursAtMost: number | null;
}

export interface Range {
  from: number;
  /** Null if there is no bound: a queue whose size is not known. */
  to: number | null;
}

export interface Counts {
  /** The sum of all outcomes. */
  seen: number;
  /** Jobs that a rule found over its limit, whatever its action. */
  overdue: number;
  /** Of these, the ones that the policy wants cancelled. */
  toCancel: number;
  cancelled: number;
  alreadyTerminal: number;
  /** Of these, the ones that somebody else cancelled between our look and our cancel. */
  cancelledByOthers: number;
  unconfirmed: number;
  failed: number;
  skipped: Partial<Record<SkipReason, number>>;
}

/** Requests sent, repeated ones included; `retries` and `throttled` are among them. */
export interface ApiCalls {
  list: number;
  status: number;
  cancel: number;
  retries: number;
  throttled: number;
}

export interface JobReport {
  jobId: string;
  engine: string;
  /** Null for SQL jobs, which have none. */
  name: string | null;
  queue: string | null;
  owner: string | null;
  jobType: string | null;
  /** By the sweep's own instant; null if the job does not run or its start is not to be believed. */
  runTimeMs: number | null;
  /** The same for a job that waits. */
  queueTimeMs: number | null;
  /** Since it was submitted, as far as the engine tells; of a Spark batch the only time there is. */
  totalTimeMs: number | null;
  /** Which of the rule's limits it is over. */
  clock: LimitName | null;
  limitMs: number | null;
  /** How far over that limit. */
  overLimitMs: number | null;
  /** The rule that decided; for an exempt job the exemption, for a frozen one the freeze. */
  rule: string | null;
  /** Every rule that found the job over its limit. */
  matched: string[];
  decision: Action | 'keep';
  /** Why this outcome: `over-limit`, or why the job was skipped. */
  reason: string;
  outcome: Outcome['kind'];
  /** DLI's word, as last read. */
  status: string | null;
  /**
   * Of a cancelled job, how that is known: `status`, since DLI's word says so; `own-record`, since DLI's word is the same
   * for a job that failed, and only this record tells that it was cancelled. Otherwise null.
   */
  evidence: 'status' | 'own-record' | null;
  /** `others` for a job that DLI says was cancelled, where no request of ours can have had a part in it. Otherwise null. */
  endedBy: 'others' | null;
  /** Compute units that it holds, where the API tells. */
  cus: number | null;
  /** Cancel requests sent for it. */
  attempts: number;
  requestId: string | null;
  error: string | null;
}

/** Counts what `onCall` tells. */
export function createCallCounter(): { apiCalls: ApiCalls; onCall: (event: DliCallEvent) => void } {
  const apiCalls: ApiCalls = { list: 0, status: 0, cancel: 0, retries: 0, throttled: 0 };
  return {
    apiCalls,
    onCall: ({ call, attempt, error }) => {
      apiCalls[call] += 1;
      if (attempt > 1) apiCalls.retries += 1;
      if (error?.kind === 'throttled') apiCalls.throttled += 1;
    },
  };
}
