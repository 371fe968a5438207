import { CLOCKS, clockOf } from '../../policy/clocks.ts';
import { isExemptionInForce } from '../../policy/exemptions.ts';
import { type FreezeSpan, spansOf } from '../../policy/freezes.ts';
import type { Exemption } from '../../policy/schema.ts';
import {
  type Predicate,
  predicatesOf,
  type Selected,
  selectedBy,
  selects,
  type Tried,
  trySelector,
} from '../../policy/select.ts';
import type { ClockReadings, DecideOptions, Decision, RuleResult } from '../judge/decide.ts';
import type { Judgement } from '../judge/judge.ts';
import type { Explanation, LoggedExplanation, RuleExplanation } from '../record/explanation.ts';

/** The number of exemptions that a line of the log lists for a job: one alone spares it. */
const MOST_LOGGED = 10;

/** Longer than any name, and shorter than the tags of some jobs. */
const MOST_LETTERS = 300;

/** Writes down why a decision was made. It has the fingerprint of the statement, and not the statement. */
export function explain(decision: Decision, options: DecideOptions): Explanation {
  const { policy, exemptions, now } = options;
  return explainBy(decision, options, {
    exemptions: [...policy.exemptions, ...exemptions],
    spans: spansOf(policy.freezes, now),
  });
}

/** Writes down the same for the log, in which a line has little room. */
export function explainForLog(decision: Decision, options: DecideOptions): LoggedExplanation {
  const { policy, exemptions, now } = options;
  const holding = mostCertain(decision.exemptions).map(({ exemption }) => exemption);
  const frozenBy = mostCertain(decision.freezes).map(({ freeze }) => freeze);
  const spans = spansOf(policy.freezes, now);
  const whole = explainBy(decision, options, {
    exemptions: holding,
    spans: spans.filter(({ freeze }) => frozenBy.includes(freeze)),
  });
  return {
    ...whole,
    rules: whole.rules.map((rule) => ({ ...rule, match: shortened(rule.match), ignore: shortened(rule.ignore) })),
    exemptions: whole.exemptions.map((one) => ({ ...one, predicates: shortened(one.predicates) })),
    freezes: whole.freezes.map((one) => ({ ...one, predicates: shortened(one.predicates) })),
    otherExemptions: policy.exemptions.length + exemptions.length - holding.length,
    otherFreezes: spans.length - frozenBy.length,
  };
}

/** Sorts what certainly holds before what may hold. */
function mostCertain<One extends { tried: Tried }>(all: readonly One[]): One[] {
  const isDoubtful = ({ tried }: One) => selectedBy(tried) !== 'yes';
  return [...all.filter((one) => !isDoubtful(one)), ...all.filter(isDoubtful)].slice(0, MOST_LOGGED);
}

function shortened<Predicates extends Predicate[] | 'all'>(predicates: Predicates): Predicates;
function shortened(predicates: Predicate[] | 'all'): Predicate[] | 'all' {
  if (predicates === 'all') return 'all';
  return predicates.map((predicate) => {
    const { found } = predicate;
    const isLong = found !== null && found.length > MOST_LETTERS;
    return isLong ? { ...predicate, found: `${found.slice(0, MOST_LETTERS)}…` } : predicate;
  });
}

function explainBy(
  decision: Decision,
  { now }: Pick<DecideOptions, 'now'>,
  { exemptions, spans }: { exemptions: readonly Exemption[]; spans: readonly FreezeSpan[] },
): Explanation {
  const { job, clocks, verdict, maxSteps } = decision;
  const tried = new Map(decision.exemptions.map((one) => [one.exemption, one.tried]));
  const holdsOf = (exemption: Exemption): Selected => {
    const answers = tried.get(exemption);
    if (answers !== undefined) return selectedBy(answers);
    return isExemptionInForce(exemption, now) ? 'no' : selects(exemption.match, job, maxSteps);
  };
  return {
    jobId: job.id,
    engine: job.engine,
    jobType: job.type ?? null,
    queue: job.queue ?? null,
    owner: job.owner ?? null,
    status: job.status ?? null,
    clocks: byLimit(clocks),
    rules: decision.rules.map((result) => explainRule(result, decision)),
    exemptions: exemptions.map((exemption) => ({
      id: exemption.id,
      from: timeOf(exemption.from),
      until: new Date(exemption.until).toISOString(),
      isInForce: isExemptionInForce(exemption, now),
      isToCome: now < exemption.until && !isExemptionInForce(exemption, now),
      predicates: predicatesOf(exemption.match, job, { tried: tried.get(exemption), maxSteps }),
      holds: holdsOf(exemption),
    })),
    freezes: spans.map((span) => explainFreeze(span, decision, now)),
    tagExemption: decision.exemption.byTags ?? null,
    verdict,
  };
}

const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

function explainFreeze(
  { freeze, isInForce, from, until }: FreezeSpan,
  { job, freezes, maxSteps }: Decision,
  now: number,
): Explanation['freezes'][number] {
  const { id, match } = freeze;
  const tried = freezes.find((one) => one.freeze === freeze)?.tried;
  return {
    id,
    from: timeOf(from),
    until: new Date(until).toISOString(),
    isInForce,
    isToCome: now < until && !isInForce,
    predicates: match === 'all' ? 'all' : predicatesOf(match, job, { tried, maxSteps }),
    holds: tried === undefined && isInForce ? 'no' : selectedBy(tried ?? trySelector(match, job, maxSteps)),
  };
}

function explainRule(result: RuleResult, { job, clocks, maxSteps }: Decision): RuleExplanation {
  const { rule, match, ignore } = result;
  return {
    rule: rule.id,
    match: rule.match === 'all' ? 'all' : predicatesOf(rule.match, job, { tried: match, maxSteps }),
    ignore: rule.ignore === undefined ? [] : predicatesOf(rule.ignore, job, { tried: ignore, maxSteps }),
    limits: rule.limits.map(({ clock, limitMs }) => ({
      clock,
      limitMs,
      readingMs: clocks[clockOf(clock).reading] ?? null,
    })),
    result: result.action === 'keep' ? result.reason : result.action,
  };
}

function byLimit(clocks: ClockReadings): Explanation['clocks'] {
  return Object.fromEntries(
    CLOCKS.map(({ limit, reading }) => [limit, clocks[reading] ?? null]),
  ) as Explanation['clocks'];
}

/** Explains the decisions of a judgement for the log, by job id. */
export function explainIn({ decisions, context }: Pick<Judgement, 'decisions' | 'context'>) {
  const byId = new Map(decisions.map((decision) => [decision.job.id, decision]));
  return (jobId: string): LoggedExplanation | undefined => {
    const decision = byId.get(jobId);
    return decision && explainForLog(decision, context);
  };
}
