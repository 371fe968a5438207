import { isJobId, isLive, isTerminal, type Job, type JobState } from '../../base/job.ts';
import { compareText } from '../../base/text.ts';
import { CLOCKS, type Clock, clockOf, type LimitName, type ReadingName } from '../../policy/clocks.ts';
import { type ExemptionResult, exemptionOf, type TriedExemption, tryExemptions } from '../../policy/exemptions.ts';
import { type FreezeResult, freezesInForce, frozenBy, type TriedFreeze, tryFreezes } from '../../policy/freezes.ts';
import { MAX_STEPS_PER_VALUE } from '../../policy/matcher.ts';
import { ACTIONS, type Action, type Exemption, type Freeze, type Policy, type Rule } from '../../policy/schema.ts';
import { countStatementQuestions } from '../../policy/scope.ts';
import { groupKey, namesType, selectedBy, type Tried, trySelector } from '../../policy/select.ts';
import { KEEP_REASONS, type KeepReason, type Verdict } from '../record/verdict.ts';
import { hasGroups, type Standing, sparedByGroup } from './groups.ts';

/** What the policy wants for one job, and why. */
export interface Decision {
  job: Job;
  clocks: ClockReadings;
  /** What each rule says of the job, before groups and exemptions; in the policy's order. */
  rules: readonly RuleResult[];
  /** Exemptions in force that cover it, or may cover it. */
  exemptions: readonly TriedExemption[];
  exemption: ExemptionResult;
  /** Freezes in force that cover it, or may cover it. */
  freezes: readonly TriedFreeze[];
  freeze: FreezeResult;
  /** How many steps each of its texts may cost; see {@link stepsPerValue}. */
  maxSteps: number;
  verdict: Verdict;
  /** Set for a job that a rule wants cancelled soon: the rule says how long before. */
  danger: Danger | undefined;
}

/** How close a job is to a limit by which it may be cancelled. */
export interface Danger {
  rule: string;
  clock: LimitName;
  limitMs: number;
  readingMs: number;
}

/** Milliseconds at the sweep's instant; undefined if a clock does not count in the job's state, or its start cannot be right. */
export type ClockReadings = Record<ReadingName, number | undefined>;

/** An older start is a wrong number and not a long job: DLI itself cancels SQL jobs after 12 hours by default. */
const OLDEST_BELIEVED_MS = 400 * 86_400_000;

/** A savepoint that failed is likely to fail again, and writing one is work for the job. */
export const ASK_AGAIN_AFTER_MS = 6 * 3_600_000;

/** What one rule says of one job, and what its selectors found. */
export type RuleResult = {
  rule: Rule;
  match: Tried;
  /** Undefined if the rule has no `ignore`, or nothing depended on it. */
  ignore?: Tried | undefined;
} & (
  | { action: Action; clock: LimitName; limitMs: number; overLimitMs: number }
  | {
      action: 'keep';
      reason: KeepReason;
      /** For the reason `group`: what it is about the group. */
      because?: string | undefined;
      /** Set for a job within its limits that comes to one soon. */
      danger?: Danger | undefined;
    }
);

type Over = Exclude<RuleResult, { action: 'keep' }>;
type Kept = Extract<RuleResult, { action: 'keep' }>;

export interface DecideOptions {
  policy: Policy;
  /** Exemptions outside the policy. */
  exemptions: readonly Exemption[];
  /** Epoch ms, read once per sweep. */
  now: number;
}

/** Decides for jobs that are looked at together. @param now epoch ms. */
export type Decide = (jobs: readonly Job[], now: number) => Decision[];

/**
 * Decides for jobs by a policy. Pure: the same jobs, policy and instant give the same decisions, in any order of jobs and rules.
 *
 * Of the rules that find a job over a limit, the most severe action holds. The rule that the job is furthest over is named, one
 * without `warnFirst` before all others; by id if two are equal. An exemption holds against all rules, a freeze against every cancel. A job exactly at its limit is kept.
 */
export function decide(jobs: readonly Job[], { policy, exemptions, now }: DecideOptions): Decision[] {
  return createDecide({ policy, exemptions })(jobs, now);
}

/** Like {@link decide}, for jobs that are decided on again once more is known of some: the others are not tried again. */
export function createDecide({ policy, exemptions }: Omit<DecideOptions, 'now'>): Decide {
  const allExemptions = [...policy.exemptions, ...exemptions];
  const questions = countStatementQuestions({ ...policy, exemptions: allExemptions });
  const known = new WeakMap<Job, { now: number; trial: Trial }>();
  const tryJob = (
    job: Job,
    now: number,
    { maxSteps, frozen }: { maxSteps: number; frozen: readonly Freeze[] },
  ): Trial => {
    const before = known.get(job);
    if (before?.now === now && before.trial.maxSteps === maxSteps) return before.trial;
    const clocks = readClocks(job, now);
    const rules = policy.rules.map((rule) => tryRule(job, rule, { clocks, maxSteps }));
    const tried = tryExemptions(job, allExemptions, now, maxSteps);
    const exemption = exemptionOf(job, tried, policy, now, maxSteps);
    const freezes = tryFreezes(job, frozen, maxSteps);
    const freeze = frozenBy(freezes);
    const trial = { job, clocks, rules, exemptions: tried, exemption, freezes, freeze, maxSteps };
    known.set(job, { now, trial });
    return trial;
  };

  return (jobs, now) => {
    const maxSteps = stepsPerValue(jobs, questions);
    const frozen = freezesInForce(policy.freezes, now);
    const trials = jobs.map((job) => tryJob(job, now, { maxSteps, frozen }));
    const sparedByRule = policy.rules.map((rule, i) => {
      if (!hasGroups(rule)) return undefined;
      const standings = trials.map((trial) => standingOf(trial, i, now));
      return sparedByGroup(rule, standings, maxSteps);
    });
    return trials.map((trial, index) => {
      const { job, rules } = trial;
      const results = rules
        .map((result, i) => {
          const because = sparedByRule[i]?.get(index);
          return because === undefined ? result : { ...spare(result, 'group'), because };
        })
        // Comes after the groups: to `victims` the job stays the oldest of its group, although it is not asked.
        .map((result) => (wasAskedRecently(job, result, now) ? spare(result, 'asked-recently') : result));
      // No rule can be for an operation on a queue.
      const verdict = isPseudoJob(job) ? PROTECTED : conclude(results, trial);
      return { ...trial, verdict, danger: dangerOf(results, verdict, trial) };
    });
  };
}

/** About four seconds of one processor. A person who submits jobs must not be able to keep a sweep busy until its deadline. */
const MAX_STEPS_PER_SWEEP = 100_000_000;

/**
 * Returns what each text may cost: an equal share for each question to each statement. So it depends neither on the machine nor
 * on the order of jobs and rules. If a statement takes more, it is not known whether it matches, and its job is spared.
 */
function stepsPerValue(jobs: readonly Job[], questions: number): number {
  const statements = jobs.filter(({ statement }) => typeof statement === 'string').length;
  return Math.min(MAX_STEPS_PER_VALUE, Math.floor(MAX_STEPS_PER_SWEEP / Math.max(1, statements * questions)));
}

/** What can be said of a job without the others. */
type Trial = Omit<Decision, 'verdict' | 'danger'>;

/** The decision to cancel a job. */
type Chosen = Pick<Decision, 'job' | 'rules' | 'maxSteps'> & { verdict: Extract<Verdict, { reason: 'over-limit' }> };

/**
 * Returns whether the rule that chose a job still finds it over the same limit. Pure.
 *
 * A job that has begun to run is still over `maxTotalTime`. It is no longer over `maxQueueTime`, and no longer matches a rule that
 * asks for the status it had. Groups are not formed again, and exemptions are not tried.
 *
 * @param read the job as it was read last. What such a reading leaves out stays as it was.
 * @param options.now epoch ms: the instant of the decision.
 * @param options.savepoint whether it is to be saved before it stops.
 */
export function isStillOver(
  { job, rules, maxSteps, verdict }: Chosen,
  read: Job,
  { now, savepoint }: { now: number; savepoint: boolean },
): boolean {
  const rule = rules.find((result) => result.rule.id === verdict.rule)?.rule;
  if (rule === undefined) return false;
  const current = withReading(job, read);
  const open = openQuestions({ ...rule, savepoint }, verdict.clock);
  const result = tryRule(current, open, { clocks: readClocks(current, now), maxSteps });
  return result.action === verdict.action && !wasAskedRecently(current, result, now);
}

/** The part of a rule that a later reading may answer differently. Queues, names and statements do not change. */
function openQuestions(rule: Rule, chosenBy: LimitName): Rule {
  const { match, ignore } = rule;
  return {
    ...rule,
    // The type is kept as well, since a rule must name writes.
    match: match === 'all' ? 'all' : { status: match.status, jobType: match.jobType },
    ignore: ignore?.status === undefined ? undefined : ignore,
    limits: rule.limits.filter(({ clock }) => clock === chosenBy),
    groupBy: undefined,
  };
}

/** Takes state and times from a later reading. Who submitted the job, where and when does not change. */
function withReading(job: Job, { status, state, since, askedAt }: Job): Job {
  // An engine may spell a state differently in its list and in its details.
  const isSameWord = status?.toLowerCase() === job.status?.toLowerCase();
  return {
    ...job,
    status: isSameWord ? job.status : status,
    state,
    since: { ...job.since, running: since.running ?? job.since.running },
    askedAt,
  };
}

const spare = ({ rule, match, ignore }: RuleResult, reason: KeepReason): Kept => ({
  rule,
  match,
  ignore,
  action: 'keep',
  reason,
});

/** Names the rules whose limit the job is over, or else the strongest reason to spare it. */
function conclude(
  results: readonly RuleResult[],
  { exemption, freeze, job: { state } }: Pick<Trial, 'exemption' | 'freeze' | 'job'>,
): Verdict {
  const [worst, ...others] = results.filter((result) => result.action !== 'keep').toSorted(bySeverity);
  const [strongest] = results.filter((result) => result.action === 'keep').toSorted(byStrength);
  // A job that cannot be cancelled needs no exemption.
  const isSafe = worst === undefined && (strongest?.reason === 'terminal' || strongest?.reason === 'protected');
  if (exemption.exempt === 'yes' && !isSafe) {
    return { action: 'keep', reason: 'exempt', rule: exemption.by, limitMs: undefined };
  }

  if (worst === undefined) return strongest === undefined ? NO_RULE : keep(strongest, state);
  if (exemption.exempt === 'unknown') return keep(spare(worst, 'undetermined'), state);
  const { rule, action, clock, limitMs, overLimitMs } = worst;
  // A freeze stops cancels only; rules still warn and log.
  if (action === 'cancel' && freeze.frozen === 'yes') {
    return { action: 'keep', reason: 'frozen', rule: freeze.by, limitMs };
  }
  if (action === 'cancel' && freeze.frozen === 'unknown') return keep(spare(worst, 'undetermined'), state);
  return {
    action,
    reason: 'over-limit',
    rule: rule.id,
    matched: [worst, ...others].map((result) => result.rule.id).sort(),
    clock,
    limitMs,
    overLimitMs,
    savepoint: rule.savepoint,
    onSavepointFailure: rule.onSavepointFailure,
  };
}

/**
 * Returns the limit that a job comes to first, of the rules that warn. A job that something spares, or may spare, is in no danger;
 * one that is to be cancelled now is past it.
 */
function dangerOf(
  results: readonly RuleResult[],
  { action, reason }: Verdict,
  { exemption, freeze }: Pick<Trial, 'exemption' | 'freeze'>,
): Danger | undefined {
  const isSpared =
    exemption.exempt !== 'no' || freeze.frozen !== 'no' || (action === 'keep' && reason === 'undetermined');
  if (action === 'cancel' || isSpared) return undefined;
  return firstOf(
    results.flatMap((result) => (result.action === 'keep' && result.danger !== undefined ? [result.danger] : [])),
  );
}

const NO_RULE: Verdict = { action: 'keep', reason: 'no-rule', rule: undefined, limitMs: undefined };

const PROTECTED: Verdict = { action: 'keep', reason: 'protected', rule: undefined, limitMs: undefined };

/** Names the lowest limit that counts in this state: a job that waits has none in a rule for running jobs. */
function keep({ rule, reason, because }: Kept, state: JobState): Verdict {
  if (reason === 'no-rule') return NO_RULE;
  const limits = isLive(state) ? limitsFor(rule, state) : rule.limits;
  const [limitMs] = limits.map((limit) => limit.limitMs).toSorted((a, b) => a - b);
  return { action: 'keep', reason, rule: rule.id, limitMs, ...(because !== undefined && { because }) };
}

const limitsFor = ({ limits }: Rule, state: JobState) =>
  limits.filter(({ clock }) => clockOf(clock).states.some((one) => one === state));

/** Tries one rule on one job, before groups and exemptions. */
function tryRule(job: Job, rule: Rule, { clocks, maxSteps }: { clocks: ClockReadings; maxSteps: number }): RuleResult {
  if (!rule.engines.includes(job.engine)) return { rule, match: [], action: 'keep', reason: 'no-rule' };
  if (isPseudoJob(job)) return { rule, match: [], action: 'keep', reason: 'protected' };

  const match = trySelector(rule.match, job, maxSteps);
  const selected = selectedBy(match);
  const keepFor = (reason: KeepReason, ignore?: Tried): RuleResult => ({ rule, match, ignore, action: 'keep', reason });
  if (selected === 'no') return keepFor('no-rule');
  if (isTerminal(job.state)) return keepFor('terminal');
  if (job.state === 'stopping') return keepFor('stopping');
  if (selected === 'unknown' || !isLive(job.state) || !isJobId(job.id, job.engine)) return keepFor('undetermined');

  const ignore = rule.ignore === undefined ? undefined : trySelector(rule.ignore, job, maxSteps);
  const ignored = ignore === undefined ? 'no' : selectedBy(ignore);
  if (ignored === 'yes') return keepFor('ignored', ignore);
  if (ignored === 'unknown' || job.protection === 'unknown') return keepFor('undetermined', ignore);
  if (job.protection === 'unless-named' && !namesType(rule, job)) return keepFor('protected', ignore);
  if (rule.groupBy !== undefined && groupKey(rule.groupBy, job, maxSteps) === undefined) {
    return keepFor('undetermined', ignore);
  }

  const { state } = job;
  const limits = limitsFor(rule, state);
  if (limits.length === 0) return keepFor(state === 'queued' ? 'queued' : 'within-limit', ignore);
  const readings = limits.map((limit) => ({ ...limit, readingMs: clocks[clockOf(limit.clock).reading] }));
  const [over] = readings
    .flatMap(({ clock, limitMs, readingMs = 0 }) =>
      readingMs > limitMs ? [{ clock, limitMs, overLimitMs: readingMs - limitMs }] : [],
    )
    .toSorted((a, b) => b.overLimitMs - a.overLimitMs);
  if (over === undefined) {
    const isKnown = readings.every(({ readingMs }) => readingMs !== undefined);
    if (!isKnown) return keepFor('undetermined', ignore);
    return { rule, match, ignore, action: 'keep', reason: 'within-limit', danger: dangerIn(rule, readings) };
  }
  return { rule, match, ignore, action: rule.action, ...over };
}

/** Returns the limit of a rule that a job comes to first, if the rule warns of it now. */
function dangerIn(
  { id, warnBefore }: Rule,
  readings: readonly { clock: LimitName; limitMs: number; readingMs: number | undefined }[],
): Danger | undefined {
  if (warnBefore === undefined) return undefined;
  return firstOf(
    readings.flatMap(({ clock, limitMs, readingMs = 0 }) =>
      readingMs >= limitMs - warnBefore ? [{ rule: id, clock, limitMs, readingMs }] : [],
    ),
  );
}

/** Returns the limit that comes first. */
function firstOf(dangers: readonly Danger[]): Danger | undefined {
  const leftMs = ({ limitMs, readingMs }: Danger) => limitMs - readingMs;
  return dangers.toSorted((a, b) => leftMs(a) - leftMs(b) || compareText(a.rule, b.rule))[0];
}

/** Reads each clock. The engine says when it starts to count; see docs/policy.md. */
function readClocks({ state, since }: Job, now: number): ClockReadings {
  const read = ({ states, since: instant }: Clock): number | undefined => {
    const at = since[instant];
    return states.some((one) => one === state) && isBelievedStart(at, now) ? now - at : undefined;
  };
  return Object.fromEntries(CLOCKS.map((clock) => [clock.reading, read(clock)])) as ClockReadings;
}

function isBelievedStart(startedAt: number | undefined, now: number): startedAt is number {
  return startedAt !== undefined && startedAt > 0 && startedAt <= now && now - startedAt <= OLDEST_BELIEVED_MS;
}

/** Returns what a rule says of a job, for its groups. A freeze holds against a cancel only. */
function standingOf(trial: Trial, ruleIndex: number, now: number): Standing {
  const { job, rules, exemption, freeze } = trial;
  const result = rules[ruleIndex];
  if (result === undefined || result.action === 'keep') {
    return { job, standing: result?.reason === 'undetermined' ? 'undetermined' : 'other' };
  }
  const isFrozen = result.action === 'cancel' && freeze.frozen !== 'no';
  const isSpared = exemption.exempt !== 'no' || isFrozen || wasAskedRecently(job, result, now);
  return { job, standing: isSpared ? 'spared' : 'open' };
}

function wasAskedRecently({ askedAt }: Job, { action, rule }: RuleResult, now: number): boolean {
  return action === 'cancel' && rule.savepoint && askedAt !== undefined && now - askedAt < ASK_AGAIN_AFTER_MS;
}

function bySeverity(a: Over, b: Over): number {
  const severity = ACTIONS.indexOf(b.action) - ACTIONS.indexOf(a.action);
  // A rule that warns first must not delay the cancel of one that does not.
  const patience = Number(a.rule.warnFirst) - Number(b.rule.warnFirst);
  return severity || patience || b.overLimitMs - a.overLimitMs || compareText(a.rule.id, b.rule.id);
}

function byStrength(a: Kept, b: Kept): number {
  return KEEP_REASONS.indexOf(a.reason) - KEEP_REASONS.indexOf(b.reason) || compareText(a.rule.id, b.rule.id);
}

/** Whether this is an operation on a queue, such as a restart: by type, or by a status that only operations have. */
function isPseudoJob(job: Job): boolean {
  return job.state === 'operation' || job.protection === 'always';
}
