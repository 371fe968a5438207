import {
  ASKED_AT_MISSING,
  DEFAULT_TARGET,
  isPlainObject,
  isScheduleTick,
  parseAskedAt,
  RequestError,
  tickTime,
} from '../request/request.ts';
import { isEmergency, requestFor, type SweepMessage } from './message.ts';

/** What one dispatch is asked to do. */
export interface Dispatch extends Omit<SweepMessage, 'credentials' | 'targets'> {
  /** One by its name, or all that the stage has. */
  targets: 'all' | { name: string };
  /** What was typed to confirm an emergency for all targets; see {@link assertConfirmed}. */
  confirm?: unknown;
}

/**
 * A tick for all targets, or a payload by hand: `{"target": …}` or `{"allTargets": true}`, and beside it whatever the
 * sweep itself takes, which is checked here and passed on unchanged.
 *
 * @param invocation `id` names a dispatch by hand; a tick is named by its time, so that two deliveries are one dispatch.
 * @throws {RequestError} for anything else, while somebody is there to read it.
 */
export function parseDispatch(event: unknown, { id, now }: { id: string; now: number }): Dispatch {
  if (isScheduleTick(event)) {
    const dispatchedAt = tickTime(event);
    // Whether it is stale, and whether it came before, could not be told.
    if (dispatchedAt === undefined) {
      throw new RequestError('time: expected the time of the tick, such as 2026-01-05T09:00:00Z');
    }
    const dispatchId = `tick-${new Date(dispatchedAt).toISOString()}`;
    return { dispatchId, trigger: 'schedule', dispatchedAt, payload: {}, targets: 'all' };
  }

  const { allTargets, target, jobIdsByTarget, askedAt, ...payload } = toPayload(event);
  if (allTargets !== undefined && allTargets !== true) throw new RequestError('allTargets: expected true, or nothing');
  if (allTargets && target !== undefined) throw new RequestError('target, allTargets: expected one of them');
  const name = target ?? DEFAULT_TARGET;
  if (allTargets && payload.sweepId !== undefined) {
    throw new RequestError('sweepId: leave it out; the sweep of each target has an id of its own');
  }
  const asked = parseAskedAt(askedAt);
  // Lambda may deliver a dispatch late as well, so that the clock alone would not tell.
  if (asked === undefined && isEmergency(payload) && payload.dryRun === false) throw new RequestError(ASKED_AT_MISSING);
  const dispatchedAt = Math.min(asked ?? now, now);
  const common = {
    dispatchId: `manual-${id}`,
    trigger: 'manual' as const,
    dispatchedAt,
    ...(jobIdsByTarget !== undefined && { jobIdsByTarget: parseJobIds(jobIdsByTarget, allTargets, payload) }),
    ...(allTargets && payload.jobIds !== undefined && { anyTarget: true as const }),
  };
  if (allTargets && isEmergency(payload) && payload.dryRun === false) {
    // One confirmation for all, which is checked when it is known how many they are; each sweep is then told its own.
    const { confirm, ...rest } = payload;
    if (jobIdsByTarget === undefined) {
      requestFor({ trigger: 'manual', dispatchedAt, payload: rest, confirmed: true }, DEFAULT_TARGET);
    }
    return { ...common, payload: rest, targets: 'all', confirm, confirmed: true };
  }
  // Sends nothing; the name is checked like the rest. With lists of ids both have been, for each target.
  if (jobIdsByTarget === undefined) requestFor({ trigger: 'manual', dispatchedAt, payload }, name as string);
  return { ...common, payload, targets: allTargets ? 'all' : { name: name as string } };
}

/** @throws {RequestError} unless it is for an emergency for all targets, and each list is one of ids. */
function parseJobIds(value: unknown, allTargets: unknown, payload: Record<string, unknown>): Record<string, string[]> {
  if (!allTargets || !isEmergency(payload)) {
    throw new RequestError('jobIdsByTarget: goes with "kind": "emergency" and "allTargets": true');
  }
  if (payload.jobIds !== undefined) throw new RequestError('jobIds, jobIdsByTarget: expected one of them');
  if (!isPlainObject(value) || Object.keys(value).length === 0) {
    throw new RequestError('jobIdsByTarget: expected lists of job ids by the names of their targets');
  }
  for (const [name, jobIds] of Object.entries(value)) {
    if (!Array.isArray(jobIds)) throw new RequestError(`jobIdsByTarget.${name}: expected a list of job ids`);
    requestFor(
      { trigger: 'manual', payload: { ...payload, ...(payload.dryRun === false && { dryRun: true }), jobIds } },
      name,
    );
  }
  return value as Record<string, string[]>;
}

/**
 * Checks what was typed to confirm an emergency for all targets.
 *
 * @throws {RequestError} unless it names the stage and the number of its targets, such as `prod 12`.
 */
export function assertConfirmed({ confirmed, confirm }: Dispatch, stage: string, count: number): void {
  const expected = `${stage} ${count}`;
  if (confirmed && confirm !== expected) throw new RequestError(`confirm: expected ${expected}; nothing was sent`);
}

function toPayload(event: unknown): Record<string, unknown> {
  if (isPlainObject(event)) return event;
  throw new RequestError('expected a schedule tick, or an object such as {"allTargets": true, "dryRun": true}');
}
