import { formatDuration } from '../base/duration.ts';
import { clockOf } from './clocks.ts';
import { exemptionNotices } from './exemptions.ts';
import { ENGINE_FACTS } from './facts.ts';
import { TEXT_KEYS, whyForeign } from './forms.ts';
import { endedNotices, spansOf } from './freezes.ts';
import type { Policy, Rule, Selector } from './schema.ts';
import { isForAll } from './scope.ts';

/** "SQL jobs running longer than 12 hours are cancelled by default", unless dli.sql.job.timeout says otherwise. */
export const NATIVE_LIMIT_MS = 12 * 3_600_000;

/** The default ceilings of a stage. A policy that needs more probably has a wrong unit, or a zero too many. */
export const USUAL_CEILINGS = { killsPerSweep: 100, shortestLimitMs: 15 * 60_000 };

export interface PolicyWarning {
  /** The place, as in a problem. */
  keys: (string | number)[];
  message: string;
}

/**
 * Warns of what is allowed but probably not meant, and of what DLI does better by itself.
 *
 * @param now epoch ms, to find exemptions and freezes that are over.
 */
export function lintPolicy(policy: Policy, now: number): PolicyWarning[] {
  const warnings: PolicyWarning[] = policy.rules.flatMap((rule, i) =>
    lintRule(rule).map(({ keys, message }) => ({ keys: ['rules', i, ...keys], message })),
  );
  if (policy.maxKills === 0) warnings.push({ keys: ['maxKills'], message: '0 means that no job is ever cancelled' });
  if (policy.maxKillsPercent === 0) {
    warnings.push({ keys: ['maxKillsPercent'], message: '0 means that no job is ever cancelled' });
  }
  if (policy.maxKills > USUAL_CEILINGS.killsPerSweep) {
    const message = `${policy.maxKills} jobs in one sweep is more than ${USUAL_CEILINGS.killsPerSweep}, which a stage allows by default`;
    warnings.push({ keys: ['maxKills'], message });
  }
  if (policy.maxKillsPercent === 100) {
    warnings.push({ keys: ['maxKillsPercent'], message: '100 means that every live job may be cancelled at once' });
  }
  for (const [i, exemption] of policy.exemptions.entries()) {
    warnings.push(
      ...lintSelector(exemption.match).map(({ keys, message }) => ({
        keys: ['exemptions', i, 'match', ...keys],
        message,
      })),
    );
    for (const message of exemptionNotices([exemption], now)) warnings.push({ keys: ['exemptions', i], message });
  }
  for (const [i, { match }] of policy.freezes.entries()) {
    for (const { keys, message } of lintSelector(match)) {
      warnings.push({ keys: ['freezes', i, 'match', ...keys], message });
    }
  }
  for (const [i, span] of spansOf(policy.freezes, now).entries()) {
    for (const message of endedNotices([span], now)) warnings.push({ keys: ['freezes', i], message });
  }
  return warnings;
}

function lintRule(rule: Rule): PolicyWarning[] {
  const neverExceeded = rule.engines.flatMap((engine) => {
    const { jobs, unknownSince } = ENGINE_FACTS[engine];
    return rule.limits.flatMap(({ clock }): PolicyWarning[] => {
      const why = unknownSince[clockOf(clock).since];
      return why === undefined ? [] : [{ keys: [clock], message: `is never exceeded by ${jobs}: ${why}` }];
    });
  });
  const foreign = (['match', 'ignore'] as const).flatMap((where) =>
    lintSelector(rule[where]).map(({ keys, message }) => ({ keys: [where, ...keys], message })),
  );
  return [
    ...neverExceeded,
    ...foreign,
    ...lintReach(rule),
    ...lintOldForms(rule),
    ...(rule.engines.includes('sql') ? lintSqlRule(rule) : []),
  ];
}

/** Says how to write what is still read as it was written for an earlier version. */
function lintOldForms({ victims }: Rule): PolicyWarning[] {
  if (victims !== 'all-but-oldest') return [];
  const message = 'all-but-oldest is an old form; it is read as keep: {oldest: 1}, so write that in place of victims';
  return [{ keys: ['victims'], message }];
}

/** Warns of a limit or a match that looks like a slip. Rules that only warn or log do no harm. */
function lintReach({ action, match, limits }: Rule): PolicyWarning[] {
  if (action !== 'cancel') return [];
  const shortest = formatDuration(USUAL_CEILINGS.shortestLimitMs);
  return [
    ...(isForAll(match)
      ? [{ keys: ['match'], message: 'is for all jobs; by default a stage does not let such a rule cancel' }]
      : []),
    ...limits
      .filter(({ limitMs }) => limitMs < USUAL_CEILINGS.shortestLimitMs)
      .map(({ clock, limitMs }) => ({
        keys: [clock],
        message: `${formatDuration(limitMs)} is below ${shortest}, the shortest limit at which a stage cancels jobs by default`,
      })),
  ];
}

/** Warns of the syntax of other tools that means something else here. */
export function lintSelector(selector: 'all' | Selector | undefined): PolicyWarning[] {
  if (selector === undefined || selector === 'all') return [];
  return TEXT_KEYS.flatMap((key) =>
    (selector[key] ?? []).flatMap(({ text }, i): PolicyWarning[] => {
      const message = whyForeign(text, key);
      return message === undefined ? [] : [{ keys: [key, i], message: `${text}: ${message}` }];
    }),
  );
}

function lintSqlRule(rule: Rule): PolicyWarning[] {
  const late = rule.limits.filter(({ clock, limitMs }) => clock !== 'maxQueueTime' && limitMs > NATIVE_LIMIT_MS);
  const warnings: PolicyWarning[] = late.map(({ clock, limitMs }) => ({
    keys: [clock],
    message:
      `DLI itself cancels SQL jobs after ${formatDuration(NATIVE_LIMIT_MS)}, so ${formatDuration(limitMs)} is reached only ` +
      'by jobs whose submitter raised dli.sql.job.timeout',
  }));
  if (isNative(rule)) {
    const message =
      'an SQL inspection rule of DLI on the queue (running_0003, Run time) has the same limit without this reaper, on ' +
      'queues with Spark 3.3 or later';
    warnings.push({ keys: ['match'], message });
  }
  return warnings;
}

/** Whether an inspection rule of DLI could replace the rule; it has queues and running time only. */
function isNative({ match, ignore, limits, action, keep, victims, minGroupSize }: Rule): boolean {
  const isByQueueAlone = match !== 'all' && Object.keys(match).every((key) => key === 'queue');
  const isByRunTimeAlone = limits.every(({ clock, limitMs }) => clock === 'maxRunTime' && limitMs <= NATIVE_LIMIT_MS);
  const isPlain = ignore === undefined && keep === undefined && victims === 'all' && minGroupSize === 1;
  return isByQueueAlone && isByRunTimeAlone && isPlain && action === 'cancel';
}
