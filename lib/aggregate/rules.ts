import { ACTIONS } from '../policy/schema.ts';
import { KEEP_REASONS } from '../sweep/record/verdict.ts';
import { type Case, MOST_NEAR, type NearMiss, type Place, RATIO_EDGES, type RuleTotals } from './aggregates.ts';
import { countResults, noResults } from './days.ts';
import { type Fields, fieldsOf, isoOf, numberOf, wordOf } from './sightings.ts';

/** What the sweeps said of one rule. */
export interface SeenRule extends Place, Pick<RuleTotals, 'rule' | 'action' | 'sweeps' | 'emptySweeps'> {
  /** Epoch ms of the latest effect. */
  at: number;
  lastMatchedAt: number | null;
  mostMatched: number;
  mostOverLimit: number;
  mostSpared: RuleTotals['mostSpared'];
}

export function newRule({ stage, target }: Place, rule: string): SeenRule {
  return {
    stage,
    target,
    rule,
    action: null,
    sweeps: 0,
    emptySweeps: 0,
    at: Number.NEGATIVE_INFINITY,
    lastMatchedAt: null,
    mostMatched: 0,
    mostOverLimit: 0,
    mostSpared: {},
  };
}

/** Adds what one sweep said of a rule. Sweeps may come in any order. */
export function addEffect(seen: SeenRule, effect: Fields, at: number): void {
  const matched = numberOf(effect.matched) ?? 0;
  if (at >= seen.at) [seen.at, seen.action] = [at, wordOf(ACTIONS, effect.action)];
  seen.sweeps += 1;
  if (matched === 0) seen.emptySweeps += 1;
  else seen.lastMatchedAt = Math.max(seen.lastMatchedAt ?? at, at);
  seen.mostMatched = Math.max(seen.mostMatched, matched);
  seen.mostOverLimit = Math.max(seen.mostOverLimit, numberOf(effect.overLimit) ?? 0);
  for (const [word, count] of Object.entries(fieldsOf(effect.spared))) {
    const reason = wordOf(KEEP_REASONS, word);
    if (reason !== null) seen.mostSpared[reason] = Math.max(seen.mostSpared[reason] ?? 0, numberOf(count) ?? 0);
  }
}

export const keyOf = ({ stage, target }: Place, ...more: readonly (string | null)[]): string =>
  JSON.stringify([stage, target, ...more]);

/** The rule of such a case is an exemption or a freeze. */
const isOfRule = ({ rule, reason }: Case): boolean => rule !== null && reason !== 'exempt' && reason !== 'frozen';

/**
 * Counts what each rule did and did not do; those with the most cancelled jobs first, then as the record names them.
 *
 * @param misses any number for a job; the highest counts.
 */
export function countRules(
  seen: ReadonlyMap<string, SeenRule>,
  cases: readonly Case[],
  misses: Iterable<NearMiss>,
): RuleTotals[] {
  const rules = new Map(seen);
  const casesOf = Map.groupBy(
    cases.map((one, index) => ({ one, index })),
    ({ one }) => (isOfRule(one) ? keyOf(one, one.rule) : ''),
  );
  for (const [key, [first]] of casesOf) {
    if (key === '' || first === undefined || rules.has(key)) continue;
    rules.set(key, newRule(first.one, first.one.rule ?? ''));
  }
  const missesOf = Map.groupBy(withoutPassed(misses, cases), (miss) => keyOf(miss, miss.rule));
  return [...rules]
    .map(([key, rule]) => totalsOf(rule, casesOf.get(key) ?? [], missesOf.get(key) ?? []))
    .sort((a, b) => b.results.cancelled - a.results.cancelled);
}

function totalsOf(
  seen: SeenRule,
  cases: readonly { one: Case; index: number }[],
  misses: readonly NearMiss[],
): RuleTotals {
  const kills = cases.flatMap(({ one, index }) => {
    const ratio = one.result === 'cancelled' ? ratioOf(one) : undefined;
    return ratio === undefined ? [] : [{ ratio, index }];
  });
  const near = misses.toSorted((a, b) => b.readingMs / b.limitMs - a.readingMs / a.limitMs);
  const { at: _, lastMatchedAt, ...rule } = seen;
  return {
    ...rule,
    lastMatchedAt: lastMatchedAt === null ? null : isoOf(lastMatchedAt),
    results: cases.length === 0 ? noResults() : countResults(cases.map(({ one }) => one)),
    limits: limitsOf(cases.map(({ one }) => one)),
    kills: inBins(kills.map(({ ratio }) => ratio)),
    nearestKills: kills
      .toSorted((a, b) => a.ratio - b.ratio)
      .slice(0, MOST_NEAR)
      .map(({ index }) => index),
    misses: inBins(near.map(({ readingMs, limitMs }) => readingMs / limitMs)),
    nearestMisses: near.slice(0, MOST_NEAR),
  };
}

function ratioOf({ readingMs, limitMs }: Pick<Case, 'readingMs' | 'limitMs'>): number | undefined {
  return readingMs === null || limitMs === null || limitMs <= 0 ? undefined : readingMs / limitMs;
}

function inBins(ratios: readonly number[]): number[] {
  const bins = RATIO_EDGES.map(() => 0);
  for (const ratio of ratios) {
    const index = RATIO_EDGES.findLastIndex((edge) => ratio >= edge);
    bins[index] = (bins[index] ?? 0) + 1;
  }
  return bins;
}

function limitsOf(cases: readonly Case[]): RuleTotals['limits'] {
  const limits = new Map<string, RuleTotals['limits'][number]>();
  for (const { clock, limitMs } of cases) {
    if (clock === null || limitMs === null) continue;
    const key = `${clock} ${limitMs}`;
    const known = limits.get(key) ?? { clock, limitMs, cases: 0 };
    limits.set(key, { ...known, cases: known.cases + 1 });
  }
  return [...limits.values()].sort((a, b) => b.cases - a.cases);
}

/** Returns the highest reading of each job under each rule, without jobs that are known to have passed a limit. */
function withoutPassed(misses: Iterable<NearMiss>, cases: readonly Case[]): NearMiss[] {
  const jobKey = (one: Place & { jobId: string }) => keyOf(one, one.jobId.toLowerCase());
  const passed = new Set(cases.filter(({ result }) => result !== 'kept' && result !== 'warned').map(jobKey));
  const highest = new Map<string, NearMiss>();
  for (const miss of misses) {
    const key = keyOf(miss, miss.jobId.toLowerCase(), miss.rule);
    const known = highest.get(key);
    const isHigher = known === undefined || miss.readingMs / miss.limitMs > known.readingMs / known.limitMs;
    if (isHigher && !passed.has(jobKey(miss))) highest.set(key, miss);
  }
  return [...highest.values()];
}
