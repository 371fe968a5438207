import * as v from 'valibot';
import { createRequest, isPlainObject, parseRequest, RequestError, type SweepRequest } from '../request/request.ts';

/** What a target said when the dispatch read it, and found no other target on its project that does not share it. */
export interface TargetAsRead {
  policy: string;
  projectId: string;
}

/** A message on the queue: targets that share a credential, to be swept one after the other. */
export interface SweepMessage {
  /** Equal for all messages of one dispatch, and for a tick that was delivered twice. */
  dispatchId: string;
  trigger: 'schedule' | 'manual';
  /** Epoch ms: when it was asked for; for a tick, when it was due. */
  dispatchedAt: number;
  /** Name of the credential. */
  credentials: string;
  /** Names, in the order of their sweeps. */
  targets: string[];
  /** What each target said when the dispatch read it. The sweep reads the target itself, and is quicker where it says the same. */
  read?: Record<string, TargetAsRead> | undefined;
  /** The payload of a person, without the target; empty for a tick. */
  payload: Record<string, unknown>;
  /** Set for an emergency for all targets, once a person has typed the stage and their number. */
  confirmed?: true | undefined;
  /** Ids of the jobs that a person has seen and agreed to, by target: two projects may have the same ids. */
  jobIdsByTarget?: Record<string, string[]> | undefined;
  /** Set for an emergency that names jobs and not their targets: each job is looked for on all targets. */
  anyTarget?: true | undefined;
}

const name = v.pipe(v.string(), v.nonEmpty());

const messageSchema = v.strictObject({
  version: v.literal(1),
  dispatchId: name,
  trigger: v.picklist(['schedule', 'manual']),
  dispatchedAt: v.pipe(v.number(), v.integer(), v.minValue(0)),
  credentials: name,
  targets: v.pipe(v.array(name), v.nonEmpty()),
  read: v.optional(v.record(v.string(), v.strictObject({ policy: name, projectId: name }))),
  payload: v.record(v.string(), v.unknown()),
  confirmed: v.optional(v.literal(true)),
  jobIdsByTarget: v.optional(v.record(v.string(), v.array(name))),
  anyTarget: v.optional(v.literal(true)),
});

export function formatMessage(message: SweepMessage): string {
  return JSON.stringify({ version: 1, ...message });
}

/** @throws {RequestError} with the names of the wrong fields, and not their values. */
export function parseMessage(body: string): SweepMessage {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    throw new RequestError('the message is not JSON; only functions/dispatch.ts writes to the queue');
  }
  const result = v.safeParse(messageSchema, document);
  if (!result.success) {
    const fields = result.issues.map((issue) => v.getDotPath(issue) ?? 'the message itself').join(', ');
    throw new RequestError(`the message is not one of functions/dispatch.ts; missing, unknown or malformed: ${fields}`);
  }
  const { version: _, ...message } = result.output;
  return message;
}

/**
 * Returns the request for one target of a message.
 *
 * @param message without `dispatchedAt` to check a payload before it is sent.
 * @throws {RequestError} unless a person could have sent the payload to the sweep directly.
 */
export function requestFor(
  {
    trigger,
    payload,
    dispatchedAt,
    confirmed,
    jobIdsByTarget,
    anyTarget,
  }: Pick<SweepMessage, 'trigger' | 'payload'> & Partial<SweepMessage>,
  target: string,
): SweepRequest {
  if (trigger === 'schedule') return createRequest({ trigger, target, dryRun: false, askedAt: dispatchedAt });
  const request = parseRequest({
    ...payload,
    target,
    ...(dispatchedAt !== undefined && { askedAt: new Date(dispatchedAt).toISOString() }),
    ...(confirmed && { confirm: target }),
    // The parser refuses an empty list: if no job was agreed to, there is nothing to sweep.
    ...(jobIdsByTarget && { jobIds: Object.hasOwn(jobIdsByTarget, target) ? jobIdsByTarget[target] : [] }),
  });
  return anyTarget ? { ...request, jobsMayBeElsewhere: true } : request;
}

/** Returns the kind of request that a message or a dispatch brings. */
export function triggerOf({ trigger, payload }: Pick<SweepMessage, 'trigger' | 'payload'>): SweepRequest['trigger'] {
  return trigger === 'manual' && isEmergency(payload) ? 'emergency' : trigger;
}

export function isEmergency(payload: Readonly<Record<string, unknown>>): boolean {
  return payload.kind === 'emergency';
}

/** Whether each record of an event is from SQS: AWS names the source. @see https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
export function isQueueEvent(event: unknown): event is { Records: [unknown, ...unknown[]] } {
  if (typeof event !== 'object' || event === null || !('Records' in event)) return false;
  const { Records: records } = event;
  return Array.isArray(records) && records.length > 0 && records.every(isQueueRecord);
}

/**
 * Returns the one message of a queue event. It was asked for when the dispatch says, or when SQS took it if that is earlier: a
 * message that was moved out of the dead letters has a new SentTimestamp.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
 * @throws {RequestError} for more than one: if a later one failed, SQS would repeat the first, which has acted.
 */
export function messageOf(event: { Records: readonly unknown[] }): SweepMessage {
  const [record, ...others] = event.Records;
  if (others.length > 0) throw new RequestError('expected one message at a time; set the batch size to 1');
  if (!isQueueRecord(record)) throw new RequestError('expected a record of SQS');
  const message = parseMessage(record.body);
  return { ...message, dispatchedAt: Math.min(message.dispatchedAt, sentAt(record)) };
}

/** Returns epoch ms by SQS's clock; infinity if the record does not say. */
function sentAt({ attributes }: QueueRecord): number {
  const sent = isPlainObject(attributes) ? Number(attributes.SentTimestamp) : Number.NaN;
  return sent > 0 ? sent : Number.POSITIVE_INFINITY;
}

interface QueueRecord {
  body: string;
  attributes?: unknown;
}

function isQueueRecord(record: unknown): record is QueueRecord {
  if (typeof record !== 'object' || record === null || !('eventSource' in record) || !('body' in record)) return false;
  return record.eventSource === 'aws:sqs' && typeof record.body === 'string';
}
