import * as v from 'valibot';
import { LIMIT_NAMES } from '../policy/clocks.ts';
import { MESSAGE_VERSION, type Message, type MessageKind, MOST_JOBS, MOST_ROUTES } from '../sweep/record/message.ts';
import type { SweepStatus } from '../sweep/record/report.ts';

/** A message, and what its line says of the sweep. */
export interface Received extends Message {
  /** Whether a person sent it to see where it goes. Nothing in it has happened. */
  isTest: boolean;
  target: string;
  region: string | null;
  projectName: string | null;
  projectId: string | null;
  trigger: string | null;
  recordedBy: string | null;
  sweepId: string | null;
  /** When the line was written; ISO 8601, UTC, unless a person wrote it. */
  time: string | null;
}

/** Why a line is not sent. */
export type Skipped = 'not-json' | 'not-a-message' | 'version' | 'invalid';

/** The `msg` of a test. No subscription filter passes it on, so a line in a log cannot cause one. */
export const TEST_MESSAGE = 'test message';

// People can write the record of sweeps by hand, so no text of a line is of any length.
const text = v.pipe(v.string(), v.maxLength(2_000));
const textOrNull = v.nullable(text);
const numberOrNull = v.nullable(v.number());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const optional = v.optional(textOrNull, null);
/** One of the words of a type, each of which has to be here. */
const word = <T extends string>(words: Record<T, true>) => v.picklist(Object.keys(words) as T[]);
const kind = word<MessageKind>({
  cancelled: true,
  unconfirmed: true,
  failed: true,
  warned: true,
  'would-be-cancelled': true,
  'may-be-cancelled': true,
  kept: true,
  ended: true,
});
/** The texts of a match in the policy. */
const texts = v.optional(v.pipe(v.array(text), v.maxLength(100)));

const lineSchema: v.GenericSchema<unknown, Omit<Received, 'isTest'> & { timestamp: string | null }> = v.object({
  version: v.literal(MESSAGE_VERSION),
  to: v.picklist(['operators', 'owner']),
  owner: textOrNull,
  dryRun: v.boolean(),
  requestReason: textOrNull,
  status: v.nullable(word<SweepStatus>({ ok: true, failed: true, partial: true, capped: true, stopped: true })),
  problems: v.pipe(v.array(text), v.maxLength(100)),
  jobs: v.pipe(
    v.array(
      v.object({
        kind,
        jobId: text,
        name: textOrNull,
        engine: text,
        queue: textOrNull,
        owner: textOrNull,
        rule: textOrNull,
        clock: v.nullable(v.picklist(LIMIT_NAMES)),
        limitMs: numberOrNull,
        readingMs: numberOrNull,
        // A message of an earlier sweep lacks these, and the lists below.
        at: optional,
        keptBy: v.optional(v.nullable(v.object({ exemption: text, owner: text })), null),
        repeats: v.optional(v.nullable(count), null),
        error: textOrNull,
      }),
    ),
    v.maxLength(MOST_JOBS),
  ),
  more: v.record(kind, count),
  exemptions: v.optional(
    v.pipe(
      v.array(
        v.object({
          id: text,
          reason: text,
          until: text,
          match: v.optional(v.nullable(v.object({ jobId: texts, queue: texts, owner: texts, tag: texts })), null),
        }),
      ),
      v.maxLength(MOST_JOBS),
    ),
    [],
  ),
  routes: v.optional(
    v.pipe(
      v.array(
        v.object({
          to: v.picklist(['owner', 'operators']),
          match: v.nullable(v.object({ target: texts, owner: texts, queue: texts })),
          route: text,
        }),
      ),
      v.maxLength(MOST_ROUTES),
    ),
    [],
  ),
  target: text,
  region: optional,
  projectName: optional,
  projectId: optional,
  trigger: optional,
  recordedBy: optional,
  sweepId: optional,
  timestamp: optional,
  // The name in a line of an earlier version.
  time: optional,
});

/** Reads a line of the log. @returns the message; or why the line is none that this version can send. */
export function receive(line: string): { message: Received } | { skipped: Skipped } {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return { skipped: 'not-json' };
  }
  if (!v.is(v.object({ msg: v.picklist(['message', TEST_MESSAGE]) }), fields)) return { skipped: 'not-a-message' };
  if (!v.is(v.object({ version: v.literal(MESSAGE_VERSION) }), fields)) return { skipped: 'version' };
  const result = v.safeParse(lineSchema, fields);
  if (!result.success) return { skipped: 'invalid' };
  const { timestamp, ...message } = result.output;
  return { message: { ...message, time: timestamp ?? message.time, isTest: fields.msg === TEST_MESSAGE } };
}
