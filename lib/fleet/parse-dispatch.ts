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

/** The request for one dispatch. */
export interface Dispatch extends Omit<SweepMessage, 'credentials' | 'targets'> {
  /** All targets of the stage, or one. */
  targets: 'all' | { name: string };
  /** The text that confirms an emergency for all targets; see {@link assertConfirmed}. */
  confirm?: unknown;
}

/**
 * Reads a tick for all targets, or a payload by hand: `{"target": …}` or `{"allTargets": true}`, with any field that the sweep
 * itself takes. Those fields are checked here, while the person is there to read an error, and passed on unchanged.
 *
 * @param invocation `id` names a dispatch by hand. A tick is named by its time, so that two deliveries are one dispatch.
 * @throws {RequestError} for anything else.
 */
export function parseDispatch(event: unknown, { id, now }: { id: string; now: number }): Dispatch {
  if (isScheduleTick(event)) {
    const dispatchedAt = tickTime(event);
    // Without a time it is not known whether the tick is stale, or came before.
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
  // Lambda may deliver a dispatch late as well, so our clock alone does not show its age.
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
    // One text confirms all targets. It is checked once their number is known; each sweep then gets a confirmation of its own.
    const { confirm, ...rest } = payload;
    if (jobIdsByTarget === undefined) {
      requestFor({ trigger: 'manual', dispatchedAt, payload: rest, confirmed: true }, DEFAULT_TARGET);
    }
    return { ...common, payload: rest, targets: 'all', confirm, confirmed: true };
  }
  // Checks payload and name, and sends nothing. With lists of ids they have been checked for each target.
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
