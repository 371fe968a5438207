import { createHash } from 'node:crypto';
import { compareText } from '../base/compare-text.ts';
import {
  ASKED_AT_MISSING,
  DEFAULT_TARGET,
  isPlainObject,
  isScheduleTick,
  parseAskedAt,
  RequestError,
  tickTime,
} from '../request/request.ts';
import { formatMessage, isEmergency, requestFor, type SweepMessage } from './message.ts';

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

/** @throws {RequestError} unless an emergency for all targets names the stage and how many they are, such as `prod 12`. */
export function assertConfirmed({ confirmed, confirm }: Dispatch, stage: string, count: number): void {
  const expected = `${stage} ${count}`;
  if (confirmed && confirm !== expected) throw new RequestError(`confirm: expected ${expected}; nothing was sent`);
}

export interface DispatchTarget {
  name: string;
  credentials: string;
}

/** One message of a FIFO queue. */
export interface OutgoingMessage {
  groupId: string;
  deduplicationId: string;
  body: string;
  /** For logs. */
  credentials: string;
  targets: readonly string[];
}

/**
 * Whatever shares a credential shares a group, and SQS hands out one message of a group at a time: so no two sweeps share
 * a rate limit or can lock a key together. A group that is too large for a message becomes several, in order.
 *
 * @param turn which target goes first; see {@link rotate}.
 * @param maxBytes of one message.
 * @returns by credential.
 */
export function planMessages(
  targets: readonly DispatchTarget[],
  dispatch: Dispatch,
  { turn, maxBytes = MAX_MESSAGE_BYTES }: { turn: number; maxBytes?: number },
): OutgoingMessage[] {
  const groups = Map.groupBy(targets, ({ credentials }) => credentials);
  return [...groups]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([credentials, group]) => {
      const names = rotate(group.map(({ name }) => name).sort(), turn);
      const { dispatchId, trigger, dispatchedAt, payload, confirmed, jobIdsByTarget, anyTarget } = dispatch;
      const message = (part: readonly string[]): SweepMessage => ({
        dispatchId,
        trigger,
        dispatchedAt,
        credentials,
        payload,
        ...(confirmed && { confirmed }),
        ...(anyTarget && targets.length > 1 && { anyTarget }),
        ...(jobIdsByTarget && {
          jobIdsByTarget: Object.fromEntries(part.map((name) => [name, jobIdsByTarget[name] ?? []])),
        }),
        targets: [...part],
      });
      const bytesOf = (part: readonly string[]) => Buffer.byteLength(formatMessage(message(part)));
      const empty = bytesOf([]);
      return split(names, maxBytes - empty, (name) => bytesOf([name]) - empty + COMMAS).map((part, index) => ({
        groupId: groupId(dispatch, credentials),
        deduplicationId: sha256(JSON.stringify([dispatchId, credentials, index])),
        body: formatMessage(message(part)),
        credentials,
        targets: part,
      }));
    });
}

/** SQS takes 1 MiB since 2025 and took 256 KiB before, which is some two thousand of the longest names. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** "The length of MessageGroupId is 128 characters", SendMessage. */
const MAX_GROUP_ID_LENGTH = 128;

/** An emergency never waits behind the schedule, nor behind another emergency. */
function groupId({ dispatchId, payload }: Dispatch, credentials: string): string {
  const id = isEmergency(payload) ? `emergency-${dispatchId}-${credentials}` : credentials;
  return id.length > MAX_GROUP_ID_LENGTH ? sha256(id) : id;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Another target goes first at each turn, in steps of the golden section: whatever part of the list a sweep's time is
 * enough for, a few turns reach all of it.
 *
 * @param turn counts up by one from tick to tick.
 */
export function rotate<T>(items: readonly T[], turn: number): T[] {
  const first = Math.floor(((turn * GOLDEN) % 1) * items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Of a further target: one before its name, and one before its ids. */
const COMMAS = 2;

/** In order, as many as fit each time; one alone is never too large, with a thousand ids at most. */
function split(names: readonly string[], maxBytes: number, bytesOf: (name: string) => number): string[][] {
  const parts: string[][] = [];
  let left = 0;
  for (const name of names) {
    const bytes = bytesOf(name);
    if (parts.length === 0 || bytes > left) {
      parts.push([]);
      left = maxBytes;
    }
    parts.at(-1)?.push(name);
    left -= bytes;
  }
  return parts;
}

/** "SendMessageBatch": ten messages, and together no more than one may have. */
export function batch(messages: readonly OutgoingMessage[], maxBytes = MAX_MESSAGE_BYTES): OutgoingMessage[][] {
  const batches: OutgoingMessage[][] = [];
  let left = 0;
  for (const message of messages) {
    const bytes = Buffer.byteLength(message.body);
    if (batches.length === 0 || bytes > left || batches.at(-1)?.length === 10) {
      batches.push([]);
      left = maxBytes;
    }
    batches.at(-1)?.push(message);
    left -= bytes;
  }
  return batches;
}

function toPayload(event: unknown): Record<string, unknown> {
  if (isPlainObject(event)) return event;
  throw new RequestError('expected a schedule tick, or an object such as {"allTargets": true, "dryRun": true}');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
