import { writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { EVENT_SOURCE, EVENT_VERSION, type ReaperEvent } from '../lib/notify/events.ts';
import { LIMIT_NAMES } from '../lib/policy/clocks.ts';
import type { MessageKind } from '../lib/sweep/record/message.ts';

/*
 * Writes docs/events.schema.json, which describes the events that `notify` publishes on EventBridge, as a rule's target gets
 * them. The compiler keeps it to the fields of lib/notify/events.ts.
 *
 *     npm run schema
 */

const about = <T extends v.GenericSchema>(schema: T, text: string) => v.pipe(schema, v.description(text));
const text = v.string();
const textOrNull = v.nullable(text);
const msOrNull = v.nullable(v.number());
/** One of the words of a type, each of which has to be here. */
const word = <T extends string>(words: Record<T, true>) => v.picklist(Object.keys(words) as T[]);

type DetailOf<T extends ReaperEvent['type']> = Extract<ReaperEvent, { type: T }>['detail'];

const frame = {
  version: about(v.literal(EVENT_VERSION), 'Goes up when a field changes its meaning or is removed'),
  stage: text,
  target: text,
  region: about(textOrNull, 'The region of the project in Huawei Cloud'),
  projectId: textOrNull,
  projectName: textOrNull,
  sweepId: textOrNull,
  trigger: about(textOrNull, '`schedule`, `manual` or `emergency`'),
  dryRun: v.boolean(),
  time: about(textOrNull, 'ISO 8601, UTC: when the sweep wrote the message'),
};

const job = v.strictObject({
  jobId: text,
  name: textOrNull,
  engine: text,
  queue: textOrNull,
  owner: textOrNull,
  rule: textOrNull,
  clock: about(v.nullable(v.picklist(LIMIT_NAMES)), 'The limit that it exceeds'),
  limitMs: msOrNull,
  readingMs: about(msOrNull, 'What the clock of that limit showed'),
  at: about(
    textOrNull,
    'ISO 8601, UTC: from when it may be cancelled, or until when it is kept; null for any other kind',
  ),
  keptBy: about(
    v.nullable(v.strictObject({ exemption: text, owner: text })),
    'For `kept`: the exemption, and whom to ask',
  ),
  repeats: about(
    v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
    'Of a cancelled job: how many more like it were cancelled in the 24 hours before; null if that is not known',
  ),
  error: textOrNull,
});

const DETAILS: { [T in ReaperEvent['type']]: v.GenericSchema<unknown, DetailOf<T>> } = {
  'DLI Job Notice': v.strictObject({
    ...frame,
    kind: about(
      word<MessageKind>({
        cancelled: true,
        unconfirmed: true,
        failed: true,
        warned: true,
        'may-be-cancelled': true,
        kept: true,
        ended: true,
        'would-be-cancelled': true,
      }),
      'What happened to the job, or will: docs/notices.md',
    ),
    job,
  }),
  'DLI Sweep Status': v.strictObject({
    ...frame,
    status: word<DetailOf<'DLI Sweep Status'>['status']>({ failed: true, partial: true, capped: true, stopped: true }),
    problems: about(v.array(text), 'Why the status is not ok, one sentence each'),
  }),
};

/** Returns the text of the file. */
export function renderEventsSchema(): string {
  const schema = {
    title: 'Events of dli-job-reaper',
    description:
      'Events on EventBridge. Only the fields that the reaper sets are described; EventBridge adds an id, an account and more.',
    ...toJsonSchema(
      v.variant(
        'detail-type',
        Object.entries(DETAILS).map(([type, detail]) =>
          v.looseObject({ source: v.literal(EVENT_SOURCE), 'detail-type': v.literal(type), detail }),
        ),
      ),
    ),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL('../docs/events.schema.json', import.meta.url), renderEventsSchema());
