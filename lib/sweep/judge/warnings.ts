import type { Job } from '../../base/job.ts';
import { clockOf } from '../../policy/clocks.ts';
import type { Policy } from '../../policy/schema.ts';
import { isSameId, type PastSweep, type PastWarning } from '../past/past-sweeps.ts';
import type { JobWarning } from '../record/report.ts';
import type { Victim } from './cap.ts';
import type { Danger, Decision } from './decide.ts';
import type { Judgement } from './judge.ts';

/*
 * A rule with `warnBefore` warns the owner of a job before it is cancelled. With `warnFirst` it cancels no job that was not warned of
 * for so long. What was warned of is on record: nothing else is remembered.
 */

/** Whether sweeps by this policy need to know what was warned of before. */
export const warns = ({ rules }: Policy): boolean => rules.some(({ warnBefore }) => warnBefore !== undefined);

/** How far back the record has to be read for the first warning of a job, however long the schedule pauses overnight. */
export const warningsKeptMs = ({ rules }: Policy): number =>
  2 * Math.max(0, ...rules.map(({ warnFirst, warnBefore = 0 }) => (warnFirst ? warnBefore : 0)));

/** Whether a sweep wants to cancel a job by a rule that warns first. */
export const hasWarnFirst = ({ overdue, context }: Pick<Judgement, 'overdue' | 'context'>): boolean =>
  overdue.some(({ verdict }) => ruleOf(verdict.rule, context.policy)?.warnFirst === true);

/**
 * Spares the jobs whose rule warns first, and that were not warned of for long enough; also those that a cap spares, since they have to
 * be warned of all the same.
 *
 * @param past undefined if there is no record: then no warning is known.
 */
export function spareUnwarned(judgement: Judgement, past: readonly PastSweep[] | undefined): Judgement {
  const { overdue, chosen, spared } = judgement;
  const isOpen = ({ job }: Victim) => (spared.get(job.id) ?? 'cap') === 'cap';
  const isUnwarned = (victim: Victim): boolean => waitOf(victim, past, judgement.context) > 0;
  const unwarned = new Set(overdue.filter((victim) => isOpen(victim) && isUnwarned(victim)));
  if (unwarned.size === 0) return judgement;
  return {
    ...judgement,
    chosen: chosen.filter((victim) => !unwarned.has(victim)),
    spared: new Map([...spared, ...[...unwarned].map(({ job }) => [job.id, 'warn-first'] as const)]),
  };
}

/**
 * Returns for how many more milliseconds the rule of a victim wants its owner to be warned. If the line of a warning is lost, the next
 * sweep warns again, so that costs a period.
 */
function waitOf(victim: Victim, past: readonly PastSweep[] | undefined, { policy, now }: Judgement['context']): number {
  const { verdict, clocks, job } = victim;
  const rule = ruleOf(verdict.rule, policy);
  if (rule === undefined || rule.warnBefore === undefined || !rule.warnFirst) return 0;
  const readingMs = clocks[clockOf(verdict.clock).reading];
  const first = firstWarning(job, { rule: verdict.rule, since: now - (readingMs ?? 0) }, past ?? []);
  return Math.max((first?.at ?? now) + rule.warnBefore - now, 0);
}

const ruleOf = (id: string, { rules }: Policy) => rules.find((rule) => rule.id === id);

/**
 * Returns the first warning of a job by a rule, of those since its clock began, and since an earlier warning was over.
 *
 * @param since epoch ms.
 */
function firstWarning(
  { id }: Job,
  { rule, since }: { rule: string; since: number },
  past: readonly PastSweep[],
): PastWarning | undefined {
  const isThis = ({ jobId }: { jobId: string }) => isSameId(jobId, id);
  const overAt = Math.max(
    since,
    ...past.flatMap(({ warningsOver }) => warningsOver.filter(isThis).map(({ at }) => at)),
  );
  return past
    .flatMap(({ warned }) => warned)
    .filter((one) => isThis(one) && one.rule === rule && one.at >= overAt)
    .toSorted((x, y) => x.at - y.at)[0];
}

/**
 * Returns the warning of a job: for one that comes to a limit soon, and for one that is past it and was not warned of for long
 * enough.
 *
 * @param isWaiting whether the job was spared for the latter reason.
 * @returns null for any other job.
 */
export function warningOf(
  decision: Decision,
  { policy, now }: Pick<Judgement['context'], 'policy' | 'now'>,
  { past = [], isWaiting }: { past?: readonly PastSweep[] | undefined; isWaiting: boolean },
): JobWarning | null {
  const danger = isWaiting ? dangerPast(decision) : decision.danger;
  if (danger === undefined) return null;
  const { rule: id, clock, limitMs, readingMs } = danger;
  const { warnBefore = 0, warnFirst = false } = ruleOf(id, policy) ?? {};
  const first = firstWarning(decision.job, { rule: id, since: now - readingMs }, past);
  const atLimit = now + limitMs - readingMs;
  const at = warnFirst ? Math.max(atLimit, (first?.at ?? now) + warnBefore) : atLimit;
  return { rule: id, clock, limitMs, readingMs, mayBeCancelledAt: new Date(at).toISOString() };
}

function dangerPast({ verdict, clocks }: Decision): Danger | undefined {
  if (verdict.action === 'keep') return undefined;
  const { rule, clock, limitMs, overLimitMs } = verdict;
  return { rule, clock, limitMs, readingMs: clocks[clockOf(clock).reading] ?? limitMs + overLimitMs };
}
