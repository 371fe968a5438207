import type { Cancellation } from './cancel.ts';
import { compareText } from './compare-text.ts';
import type { Decision } from './decide.ts';
import type { DliCallEvent } from './dli/connection.ts';
import { DliError } from './dli/errors.ts';
import type { Emergency } from './emergency.ts';
import type { Explanation } from './explain.ts';
import type { Freed } from './freed.ts';
import type { Log } from './log.ts';
import type { DryRunReason } from './mode.ts';
import type { Outcome, SkipReason } from './outcome.ts';
import type { Action, ClockName, Policy, Rule } from './policy/schema.ts';
import type { SweepRequest } from './request.ts';
import type { ParameterVersions } from './settings/settings.ts';

/** A sweep in numbers and, per job, in words; what the CLI prints with --json. */
export interface SweepReport {
  sweepId: string;
  target: string;
  trigger: SweepRequest['trigger'];
  /** Why a person asked for the sweep. */
  requestReason: string | null;
  /** What an emergency asked for, `includeExempt` included; null for any other sweep. */
  emergency: Emergency | null;
  dryRun: boolean;
  /** Who kept the sweep from cancelling; empty for a live one. */
  dryRunBecause: DryRunReason[];
  status: SweepStatus;
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
  /** Jobs that were named and are not to be cancelled all the same: why, one sentence each. */
  unmet: string[];
  /** What somebody should know although nothing is wrong, such as an exemption that soon ends; one sentence each. */
  notices: string[];
  /** Jobs old enough to matter on queues that no rule names, by queue: never swept. */
  unmanagedQueues: Record<string, number>;
  /** Every job that a rule, an exemption or a protection touched, by queue and then id. */
  jobs: JobReport[];
}

export interface CapReport {
  /** Jobs that the policy wants cancelled, and how many are alive in the project at least. */
  victims: number;
  liveJobs: number;
  maxKills: number;
  maxKillsPercent: number;
  percentFloor: number;
  drain: boolean;
  /** Why a cap stands in the way; null if none does. */
  exceeded: string | null;
}

export type SweepStatus = 'ok' | 'failed' | 'partial' | 'capped' | 'stopped';

/** `seen` is the sum of all outcomes; `overdue` are the jobs that the policy wanted cancelled. */
export interface Counts {
  seen: number;
  overdue: number;
  cancelled: number;
  alreadyTerminal: number;
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
  clock: ClockName | null;
  limitMs: number | null;
  /** How far over that limit. */
  overLimitMs: number | null;
  /** The rule that decided; for an exempt job the exemption. */
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
  /** Compute units that it holds, where the API tells. */
  cus: number | null;
  /** Cancel requests sent for it. */
  attempts: number;
  requestId: string | null;
  error: string | null;
}

export interface SweepFacts {
  request: SweepRequest;
  freed: Freed | undefined;
  dryRunBecause: DryRunReason[];
  startedAt: number;
  finishedAt: number;
  decisions: readonly Decision[];
  cancellations: readonly Cancellation[];
  /** By job id, for the victims. */
  outcomes: ReadonlyMap<string, Outcome>;
  /** What kept the sweep from its work, if anything did. */
  stoppedBecause: string | undefined;
  caps: CapReport;
  policy: Policy;
  notices: string[];
  /** Jobs that were named and not to be cancelled all the same, one sentence each. */
  unmet?: readonly string[];
  gaps: readonly string[];
  apiCalls: ApiCalls;
  parameterVersions?: ParameterVersions | undefined;
}

/** Pure; the counters are taken from the outcomes and from nothing else. */
export function buildReport(facts: SweepFacts): SweepReport {
  const { request, decisions, outcomes } = facts;
  const cancellations = new Map(facts.cancellations.map((cancellation) => [cancellation.victim.job.id, cancellation]));
  const counts: Counts = {
    seen: 0,
    overdue: 0,
    cancelled: 0,
    alreadyTerminal: 0,
    unconfirmed: 0,
    failed: 0,
    skipped: {},
  };
  const jobs: JobReport[] = [];

  for (const decision of decisions) {
    const outcome = outcomeOf(decision, outcomes);
    count(counts, decision, outcome);
    if (decision.verdict.reason !== 'no-rule')
      jobs.push(toJobReport(decision, outcome, cancellations.get(decision.job.id)));
  }
  jobs.sort((a, b) => compareText(a.queue ?? '', b.queue ?? '') || compareText(a.jobId, b.jobId));

  return {
    sweepId: request.sweepId,
    target: request.target,
    trigger: request.trigger,
    requestReason: request.reason ?? null,
    emergency: request.emergency ?? null,
    dryRun: facts.dryRunBecause.length > 0,
    dryRunBecause: facts.dryRunBecause,
    status: statusOf(facts, counts),
    problems: problemsOf(facts, counts),
    startedAt: new Date(facts.startedAt).toISOString(),
    finishedAt: new Date(facts.finishedAt).toISOString(),
    counts,
    apiCalls: facts.apiCalls,
    caps: facts.caps,
    freed: facts.freed ?? null,
    credentialRefused: [...outcomes.values()].some(isCredentialRefused),
    parameterVersions: facts.parameterVersions ?? null,
    unmet: [...(facts.unmet ?? [])],
    notices: facts.notices,
    // An emergency manages nothing.
    unmanagedQueues: request.emergency === undefined ? countUnmanaged(decisions, facts.policy) : {},
    jobs,
  };
}

function isCredentialRefused(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error instanceof DliError && outcome.error.kind === 'authentication';
}

function outcomeOf({ job, verdict }: Decision, outcomes: ReadonlyMap<string, Outcome>): Outcome {
  if (verdict.action === 'keep') return { kind: 'skipped', reason: verdict.reason };
  if (verdict.action !== 'cancel') return { kind: 'skipped', reason: verdict.action };
  const outcome = outcomes.get(job.id);
  if (outcome === undefined) throw new Error(`no outcome for job ${job.id}`);
  return outcome;
}

function count(counts: Counts, { verdict }: Decision, outcome: Outcome): void {
  counts.seen += 1;
  if (verdict.action === 'cancel') counts.overdue += 1;
  switch (outcome.kind) {
    case 'cancelled':
      counts.cancelled += 1;
      break;
    case 'already-terminal':
      counts.alreadyTerminal += 1;
      break;
    case 'unconfirmed':
      counts.unconfirmed += 1;
      break;
    case 'failed':
      counts.failed += 1;
      break;
    case 'skipped':
      counts.skipped[outcome.reason] = (counts.skipped[outcome.reason] ?? 0) + 1;
      break;
    default:
      outcome satisfies never;
  }
}

function statusOf({ stoppedBecause, gaps, caps, dryRunBecause, unmet = [] }: SweepFacts, counts: Counts): SweepStatus {
  if (stoppedBecause !== undefined) return 'stopped';
  if (gaps.length > 0 || (counts.skipped.deadline ?? 0) > 0) return 'partial';
  if (caps.exceeded !== null) return 'capped';
  const isUnmet = dryRunBecause.length === 0 && unmet.length > 0;
  return isUnmet || counts.failed + counts.unconfirmed > 0 ? 'failed' : 'ok';
}

function problemsOf({ stoppedBecause, gaps, caps, dryRunBecause, unmet = [] }: SweepFacts, counts: Counts): string[] {
  const late = counts.skipped.deadline ?? 0;
  return [
    ...(stoppedBecause === undefined ? [] : [`stopped: ${stoppedBecause}`]),
    ...gaps.map((gap) => `listing incomplete: ${gap}`),
    ...(late === 0 ? [] : [`the deadline came before ${late} of the overdue jobs`]),
    ...(caps.exceeded === null
      ? []
      : [`over the cap, so ${wordsForCap(caps, dryRunBecause.length > 0)}: ${caps.exceeded}`]),
    ...(counts.failed === 0
      ? []
      : [`${counts.failed} failed: DLI refused to cancel or gave up, and they were then read as alive`]),
    ...(counts.unconfirmed === 0 ? [] : [`${counts.unconfirmed} unconfirmed: asked to stop, not yet seen to stop`]),
    ...(dryRunBecause.length > 0 ? [] : unmet),
  ];
}

function wordsForCap({ drain }: CapReport, isDryRun: boolean): string {
  if (isDryRun) return `a live sweep would cancel ${drain ? 'only the worst' : 'no job'}`;
  return drain ? 'only the worst were cancelled' : 'no job was cancelled';
}

function toJobReport(
  { job, clocks, verdict }: Decision,
  outcome: Outcome,
  cancellation: Cancellation | undefined,
): JobReport {
  const result = cancellation?.result;
  return {
    jobId: job.id,
    engine: job.engine,
    name: job.name ?? null,
    queue: job.queue ?? null,
    owner: job.owner ?? null,
    jobType: job.type ?? null,
    runTimeMs: clocks.maxRunTime ?? null,
    queueTimeMs: clocks.maxQueueTime ?? null,
    totalTimeMs: clocks.maxTotalTime ?? null,
    clock: verdict.action === 'keep' ? null : verdict.clock,
    limitMs: verdict.limitMs ?? null,
    overLimitMs: verdict.action === 'keep' ? null : verdict.overLimitMs,
    rule: verdict.rule ?? null,
    matched: verdict.action === 'keep' ? [] : verdict.matched,
    decision: verdict.action,
    reason: outcome.kind === 'skipped' ? outcome.reason : verdict.reason,
    outcome: outcome.kind,
    status: ('status' in outcome ? outcome.status : job.status) ?? null,
    evidence: outcome.kind === 'cancelled' ? outcome.evidence : null,
    cus: job.cus ?? null,
    attempts: result?.attempts ?? 0,
    requestId: result?.requestId ?? null,
    error: ('error' in outcome ? outcome.error?.message : undefined) ?? null,
  };
}

/** One line per job that was touched, with all that led to its decision, and one summary, always last. */
export function logReport(
  report: SweepReport,
  log: Log,
  explain: (jobId: string) => Explanation | undefined = () => undefined,
): void {
  let jobsLogged = 0;
  for (const notice of report.notices) log.warn('notice', { notice });
  for (const job of report.jobs) {
    const level = levelOf(job);
    // What is not usually shown need not be worked out.
    log[level](phraseOf(job), level === 'debug' ? { ...job } : { ...job, why: explain(job.jobId) });
    if (level !== 'debug') jobsLogged += 1;
  }
  const { jobs: _, ...summary } = report;
  const isFailure = report.status !== 'ok' && !(report.dryRun && report.status === 'capped');
  // Lines may be read in another order than they were written, so the last tells how many there are.
  log[isFailure ? 'error' : 'info']('sweep finished', { ...summary, jobsLogged });
}

const PHRASES: Record<Outcome['kind'], string> = {
  cancelled: 'job cancelled',
  'already-terminal': 'job already terminal',
  unconfirmed: 'job not seen to stop',
  failed: 'job not cancelled',
  skipped: 'job not asked to stop',
};

function phraseOf({ decision, outcome }: JobReport): string {
  if (decision === 'cancel') return PHRASES[outcome];
  return decision === 'keep' ? 'job kept' : 'job overdue';
}

function levelOf({ outcome, decision, reason }: JobReport): keyof Log {
  if (decision === 'warn') return 'warn';
  if (outcome === 'failed' || outcome === 'unconfirmed') return 'error';
  return decision === 'keep' && (reason === 'within-limit' || reason === 'queued' || reason === 'terminal')
    ? 'debug'
    : 'info';
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

/** A queue is managed if a rule names it, or if a rule is for all. */
function countUnmanaged(decisions: readonly Decision[], { rules }: Policy): Record<string, number> {
  const counts = new Map<string, number>();
  const isManaged = new Map<string, boolean>();
  for (const { job } of decisions) {
    if (job.queue === undefined) continue;
    const { queue } = job;
    if (!isManaged.has(queue))
      isManaged.set(
        queue,
        rules.some((rule) => isFor(rule, queue)),
      );
    if (!isManaged.get(queue)) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

function isFor({ match }: Rule, queue: string): boolean {
  return match === 'all' || match.queue === undefined || match.queue.some((one) => one.matches(queue));
}
