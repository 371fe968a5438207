import * as v from 'valibot';
import { ENGINE_NAMES } from '../base/job.ts';
import { LIMIT_NAMES } from '../policy/clocks.ts';
import { MOST_NEAR, type NearMiss, type TriedPolicy } from './aggregates.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const counts = v.object({ jobs: count, wouldCancel: count });
const job = {
  jobId: v.string(),
  engine: v.picklist(ENGINE_NAMES),
  rule: v.string(),
  submittedAt: v.string(),
  lengthMs: count,
};

/** The part of a document of `backtest --json` that a report shows. */
const schema = v.object({
  target: v.string(),
  window: v.object({ from: v.string(), until: v.string() }),
  counts: v.object({ withoutCaps: counts }),
  rules: v.array(v.object({ rule: v.string(), counts })),
  wrongKills: v.array(v.object({ ...job, stillNeededMs: count })),
  nearMisses: v.array(v.object({ ...job, clock: v.picklist(LIMIT_NAMES), limitMs: count })),
});

/** Reads a document of `backtest --json`. @returns undefined if it is none. */
export function readTried(document: unknown, source: string): TriedPolicy | undefined {
  const parsed = v.safeParse(schema, document);
  if (!parsed.success) return undefined;
  const { target, window, counts: all, rules, wrongKills, nearMisses } = parsed.output;
  const wrongOf = Map.groupBy(wrongKills, ({ rule }) => rule);
  return {
    source,
    target,
    from: window.from,
    until: window.until,
    jobs: all.withoutCaps.jobs,
    wouldCancel: all.withoutCaps.wouldCancel,
    wrongKills: wrongKills.length,
    rules: rules.map(({ rule, counts: { wouldCancel } }) => ({
      rule,
      wouldCancel,
      wrongKills: wrongOf.get(rule)?.length ?? 0,
    })),
    wrongKillsShown: wrongKills
      .toSorted((a, b) => b.stillNeededMs - a.stillNeededMs)
      .slice(0, MOST_NEAR)
      .map(({ jobId, rule, lengthMs, stillNeededMs }) => ({ jobId, rule, lengthMs, stillNeededMs })),
    nearMisses: nearMisses
      .map(
        ({ jobId, engine, rule, clock, limitMs, lengthMs, submittedAt }): NearMiss => ({
          stage: null,
          target,
          engine,
          jobId,
          rule,
          clock,
          limitMs,
          readingMs: lengthMs,
          at: submittedAt,
        }),
      )
      .sort((a, b) => b.readingMs / b.limitMs - a.readingMs / a.limitMs)
      .slice(0, MOST_NEAR),
  };
}
