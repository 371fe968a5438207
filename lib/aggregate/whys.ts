import * as v from 'valibot';
import { LIMIT_NAMES } from '../policy/clocks.ts';
import { ACTIONS } from '../policy/schema.ts';
import type { LoggedExplanation } from '../sweep/record/explanation.ts';

/*
 * An explanation as it is read again. A function of another version may have written it, and the page shows it as a text.
 */

const textOrNull = v.nullable(v.string());
const numberOrNull = v.nullable(v.number());
const holds = v.picklist(['yes', 'no', 'unknown']);
const predicates = v.array(v.looseObject({ key: v.string(), wanted: v.array(v.string()), found: textOrNull, holds }));
const match = v.union([v.literal('all'), predicates]);
const clock = v.picklist(LIMIT_NAMES);
const span = {
  id: v.string(),
  from: textOrNull,
  until: v.string(),
  isInForce: v.boolean(),
  isToCome: v.boolean(),
  holds,
};

const schema = v.looseObject({
  jobId: v.string(),
  engine: v.string(),
  jobType: textOrNull,
  queue: textOrNull,
  owner: textOrNull,
  status: textOrNull,
  clocks: v.record(v.string(), numberOrNull),
  rules: v.array(
    v.looseObject({
      rule: v.string(),
      match,
      ignore: predicates,
      limits: v.array(v.looseObject({ clock, limitMs: v.number(), readingMs: numberOrNull })),
      result: v.string(),
    }),
  ),
  exemptions: v.array(v.looseObject({ ...span, predicates })),
  // Earlier versions had no freezes, and left nothing out.
  freezes: v.optional(v.array(v.looseObject({ ...span, predicates: match })), []),
  otherExemptions: v.optional(v.number(), 0),
  otherFreezes: v.optional(v.number(), 0),
  tagExemption: v.nullable(holds),
  verdict: v.variant('action', [
    v.looseObject({ action: v.literal('keep'), reason: v.string(), because: v.optional(v.string()) }),
    v.looseObject({
      action: v.picklist(ACTIONS),
      rule: v.string(),
      matched: v.array(v.string()),
      clock,
      limitMs: v.number(),
      overLimitMs: v.number(),
    }),
  ]),
});

/**
 * Returns an explanation, in today's form.
 *
 * @param why JSON text; or an object, in a line of an earlier version. @returns undefined if it cannot be shown.
 */
export function readExplanation(why: unknown): LoggedExplanation | undefined {
  const { success, output } = v.safeParse(schema, typeof why === 'string' ? parsed(why) : why);
  return success ? (output as unknown as LoggedExplanation) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
