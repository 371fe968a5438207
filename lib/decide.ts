import { compareText } from './compare-text.ts';
import { type Engine, isJobId, isLive, isTerminal, type Job } from './dli/job.ts';
import { exemptionOf } from './policy/exemptions.ts';
import { ACTIONS, type Action, type ClockName, type Exemption, type Policy, type Rule } from './policy/schema.ts';
import { groupKey, namesType, selects } from './policy/select.ts';

/** What the policy wants for one job, and why. */
export interface Decision {
  job: Job;
  clocks: ClockReadings;
  verdict: Verdict;
}

/** By the sweep's own instant, in ms; undefined if a clock is not for the job's state, or its start is not believed. */
export type ClockReadings = Record<ClockName, number | undefined>;

export type Verdict =
  | {
      action: Action;
      reason: 'over-limit';
      rule: string;
      /** Every rule that found the job over its limit, by id. */
      matched: string[];
      clock: ClockName;
      limitMs: number;
      overLimitMs: number;
      /** As the rule that is named wants it; without meaning for engines that have no savepoints. */
      savepoint: boolean;
      onSavepointFailure: Rule['onSavepointFailure'];
    }
  | {
      action: 'keep';
      reason: KeepReason;
      /** The rule, or for an exempt job the exemption. */
      rule: string | undefined;
      limitMs: number | undefined;
    };

export type KeepReason =
  /** An exemption is for this job, or its own tags, where the policy allows that. */
  | 'exempt'
  /** A rule is for this job, and it is not over any limit of that rule. */
  | 'within-limit'
  /** A rule is for this job, and its `ignore` spares it. */
  | 'ignored'
  /** It is over a rule's limit, but not among those of its group that the rule's `victims` names. */
  | 'group'
  /** An operation on a queue, or a write that no rule names. */
  | 'protected'
  /** A rule may be for this job, but what it needs to know is missing, unreadable or not to be believed. */
  | 'undetermined'
  /** Somebody asked it to stop, and it is stopping. */
  | 'stopping'
  /** It was asked to stop in vain, and too short a time ago to be asked again. */
  | 'asked-recently'
  /** A rule is for this job, but it waits, and the rule's limit does not count waiting. */
  | 'queued'
  /** It was over before it could be judged. */
  | 'terminal'
  /** No rule is for this job. */
  | 'no-rule';

/** Strongest first: of several reasons to spare a job, the one that a reader needs to know about. */
const KEEP_REASONS: readonly KeepReason[] = [
  'terminal',
  'protected',
  'exempt',
  'stopping',
  'undetermined',
  'ignored',
  'asked-recently',
  'group',
  'queued',
  'within-limit',
  'no-rule',
];

/** An older start is a wrong number rather than a long job: DLI itself cancels SQL jobs after 12 hours by default. */
const OLDEST_BELIEVED_MS = 400 * 86_400_000;

/** A savepoint that failed is likely to fail again, and to be written is work for the job. */
const ASK_AGAIN_AFTER_MS = 6 * 3_600_000;

/** What one rule says of one job. */
export type RuleResult =
  | { rule: Rule; action: Action; clock: ClockName; limitMs: number; overLimitMs: number }
  | { rule: Rule; action: 'keep'; reason: KeepReason };

export interface DecideOptions {
  policy: Policy;
  /** Beside those that the policy itself holds. */
  exemptions: readonly Exemption[];
  /** Epoch ms, read once per sweep. */
  now: number;
}

/**
 * Pure: the same jobs, policy and instant give the same decisions, in whatever order jobs and rules come.
 *
 * The most severe action of the rules that find a job over a limit holds; the one furthest over is named, by id where two
 * are equal. An exemption holds against all rules. A job exactly at its limit is kept.
 */
export function decide(jobs: readonly Job[], { policy, exemptions, now }: DecideOptions): Decision[] {
  const judged = jobs.map((job) => {
    const clocks = readClocks(job, now);
    const results = policy.rules.map((rule) => tryRule(job, rule, clocks));
    return { job, clocks, results };
  });
  for (const [i, rule] of policy.rules.entries()) spareByGroup(rule, i, judged);

  const allExemptions = [...policy.exemptions, ...exemptions];
  return judged.map(({ job, clocks, results }) => {
    // Whatever the rules: there is none that it could be for.
    if (isPseudoJob(job)) return { job, clocks, verdict: PROTECTED };
    const exemption = exemptionOf(job, allExemptions, policy, now);
    return { job, clocks, verdict: conclude(results.map(spareIfAskedRecently(job, now)), exemption) };
  });
}

/** Which rules the job was over the limit of, and otherwise the strongest reason to spare it. */
function conclude(results: readonly RuleResult[], exemption: ReturnType<typeof exemptionOf>): Verdict {
  const [worst, ...others] = results.filter((result) => result.action !== 'keep').toSorted(bySeverity);
  const [strongest] = results.filter((result) => result.action === 'keep').toSorted(byStrength);
  // What cannot be cancelled anyway needs no exemption.
  const isSafe = worst === undefined && (strongest?.reason === 'terminal' || strongest?.reason === 'protected');
  if (exemption.exempt === 'yes' && !isSafe) {
    return { action: 'keep', reason: 'exempt', rule: exemption.by, limitMs: undefined };
  }

  if (worst === undefined) return strongest === undefined ? NO_RULE : keep(strongest);
  if (exemption.exempt === 'unknown') return keep({ rule: worst.rule, action: 'keep', reason: 'undetermined' });
  const { rule, action, clock, limitMs, overLimitMs } = worst;
  const { id, savepoint, onSavepointFailure } = rule;
  const matched = [worst, ...others].map((result) => result.rule.id).sort();
  return {
    ...{ action, reason: 'over-limit', rule: id, matched, clock, limitMs, overLimitMs },
    ...{ savepoint, onSavepointFailure },
  };
}

const NO_RULE: Verdict = { action: 'keep', reason: 'no-rule', rule: undefined, limitMs: undefined };

const PROTECTED: Verdict = { action: 'keep', reason: 'protected', rule: undefined, limitMs: undefined };

function keep({ rule, reason }: Extract<RuleResult, { action: 'keep' }>): Verdict {
  if (reason === 'no-rule') return NO_RULE;
  return { action: 'keep', reason, rule: rule.id, limitMs: Math.min(...rule.limits.map(({ limitMs }) => limitMs)) };
}

/** What a rule says of a job by itself, before groups and exemptions. */
export function tryRule(job: Job, rule: Rule, clocks: ClockReadings): RuleResult {
  const spare = (reason: KeepReason): RuleResult => ({ rule, action: 'keep', reason });
  if (!rule.engines.includes(job.engine)) return spare('no-rule');
  if (isPseudoJob(job)) return spare('protected');

  const selected = selects(rule.match, job);
  if (selected === 'no') return spare('no-rule');
  if (isTerminal(job.state)) return spare('terminal');
  if (job.state === 'stopping') return spare('stopping');
  if (selected === 'unknown' || !isLive(job.state) || !isJobId(job.id, job.engine)) return spare('undetermined');

  const ignored = rule.ignore === undefined ? 'no' : selects(rule.ignore, job);
  if (ignored === 'yes') return spare('ignored');
  if (ignored === 'unknown' || job.protection === 'unknown') return spare('undetermined');
  if (job.protection === 'unless-named' && !namesType(rule, job)) return spare('protected');
  if (rule.groupBy !== undefined && groupKey(rule.groupBy, job) === undefined) return spare('undetermined');

  const limits = rule.limits.filter(({ clock }) => isClockOf(clock, job.state));
  if (limits.length === 0) return spare(job.state === 'queued' ? 'queued' : 'within-limit');
  const readings = limits.map(({ clock, limitMs }) => ({ clock, limitMs, readingMs: clocks[clock] }));
  const [over] = readings
    .flatMap(({ clock, limitMs, readingMs = 0 }) =>
      readingMs > limitMs ? [{ clock, limitMs, overLimitMs: readingMs - limitMs }] : [],
    )
    .toSorted((a, b) => b.overLimitMs - a.overLimitMs);
  if (over === undefined) {
    const isTold = readings.every(({ readingMs }) => readingMs !== undefined);
    return spare(isTold ? 'within-limit' : 'undetermined');
  }
  return { rule, action: rule.action, ...over };
}

/** A limit on running time is not for a job that waits, nor the other way round. */
function isClockOf(clock: ClockName, state: Job['state']): boolean {
  if (clock === 'maxTotalTime') return true;
  return state === (clock === 'maxRunTime' ? 'running' : 'queued');
}

/** From when each of them counts is for the engine to say; see docs/policy.md. */
export function readClocks({ state, since }: Job, now: number): ClockReadings {
  const read = (at: number | undefined) => (isLive(state) && isBelievedStart(at, now) ? now - at : undefined);
  return {
    maxRunTime: state === 'running' ? read(since.running) : undefined,
    maxQueueTime: state === 'queued' ? read(since.waiting) : undefined,
    maxTotalTime: read(since.submitted),
  };
}

function isBelievedStart(startedAt: number | undefined, now: number): startedAt is number {
  return startedAt !== undefined && startedAt > 0 && startedAt <= now && now - startedAt <= OLDEST_BELIEVED_MS;
}

/**
 * Groups form among the jobs over the rule's limit, the exempt ones included: otherwise an exemption for the oldest would
 * make another one the oldest, and so a victim.
 */
function spareByGroup(rule: Rule, index: number, judged: readonly { job: Job; results: RuleResult[] }[]): void {
  if (rule.victims === 'all' && rule.minGroupSize === 1) return;
  const over = judged.filter(({ results }) => results[index]?.action !== 'keep');
  const groups = Map.groupBy(over, ({ job }) =>
    rule.groupBy === undefined ? '' : (groupKey(rule.groupBy, job) ?? ''),
  );
  for (const group of groups.values()) {
    const [oldest, ...younger] = group.toSorted((a, b) => compareAge(a.job, b.job));
    const victims = rule.victims === 'oldest' ? [oldest] : rule.victims === 'all-but-oldest' ? younger : group;
    const spared = group.length < rule.minGroupSize ? group : group.filter((member) => !victims.includes(member));
    for (const { results } of spared) results[index] = { rule, action: 'keep', reason: 'group' };
  }
}

/** After the groups: the job stays the oldest of its group, although it is not asked. */
function spareIfAskedRecently({ askedAt }: Job, now: number): (result: RuleResult) => RuleResult {
  const isRecent = askedAt !== undefined && now - askedAt < ASK_AGAIN_AFTER_MS;
  return (result) => {
    if (!isRecent || result.action !== 'cancel' || !result.rule.savepoint) return result;
    return { rule: result.rule, action: 'keep', reason: 'asked-recently' };
  };
}

function compareAge(a: Job, b: Job): number {
  return (a.startedAt ?? 0) - (b.startedAt ?? 0) || compareText(a.id, b.id);
}

type Over = Exclude<RuleResult, { action: 'keep' }>;

function bySeverity(a: Over, b: Over): number {
  const severity = ACTIONS.indexOf(b.action) - ACTIONS.indexOf(a.action);
  return severity || b.overLimitMs - a.overLimitMs || compareText(a.rule.id, b.rule.id);
}

function byStrength(a: Extract<RuleResult, { action: 'keep' }>, b: Extract<RuleResult, { action: 'keep' }>): number {
  return KEEP_REASONS.indexOf(a.reason) - KEEP_REASONS.indexOf(b.reason) || compareText(a.rule.id, b.rule.id);
}

/** Scaling or restarting a queue: by type, or by the status that only such operations have. */
function isPseudoJob(job: Job): boolean {
  return job.state === 'operation' || job.protection === 'always';
}

/** Of which engines a policy wants jobs at all. */
export function enginesOf({ rules }: Policy): Engine[] {
  return [...new Set(rules.flatMap(({ engines }) => engines))];
}

/** The youngest start, epoch ms exclusive, that any rule for the engine could call overdue: younger jobs need not be listed. */
export function youngestOverdueStart({ rules }: Policy, engine: Engine, now: number): number {
  const limits = rules.filter(({ engines }) => engines.includes(engine)).flatMap((rule) => rule.limits);
  return now - Math.min(...limits.map(({ limitMs }) => limitMs));
}
