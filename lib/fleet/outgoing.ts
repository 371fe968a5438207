import { createHash } from 'node:crypto';
import { compareText } from '../base/text.ts';
import { formatMessage, isEmergency, type SweepMessage } from './message.ts';
import type { Dispatch } from './parse-dispatch.ts';

export interface DispatchTarget {
  name: string;
  credentials: string;
  policy: string;
  projectId: string;
}

/** A message for a FIFO queue. */
export interface OutgoingMessage {
  groupId: string;
  deduplicationId: string;
  body: string;
  /** For the log. */
  credentials: string;
  targets: readonly string[];
}

/**
 * Makes one message for each credential. Targets that share a credential share a group, and SQS hands out one message of a group at
 * a time: so no two sweeps share a rate limit, or lock a key together. A group that is too large for a message becomes several, in
 * order.
 *
 * @param turn decides which target goes first; see {@link rotate}.
 * @param maxBytes the most that a message may have.
 * @returns messages, in the order of their credentials.
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
        read: Object.fromEntries(
          group.flatMap(({ name, policy, projectId }) => (part.includes(name) ? [[name, { policy, projectId }]] : [])),
        ),
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

/** SQS takes 1 MiB since 2025 and took 256 KiB before, which is enough for two thousand of the longest names. */
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
 * Lets another target go first at each turn, in steps of the golden section. If a sweep has time for only a part of the list, a few
 * turns still reach all of it.
 *
 * @param turn counts up by one from tick to tick.
 */
export function rotate<T>(items: readonly T[], turn: number): T[] {
  const first = Math.floor(((turn * GOLDEN) % 1) * items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Each further target adds three commas: before its name, before what it said, and before its ids. */
const COMMAS = 3;

/** Splits names in order, as many as fit each time. A single one is never too large, with a thousand ids at most. */
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

/** Splits messages for SendMessageBatch: ten at most, and together no more bytes than one message may have. */
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

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
