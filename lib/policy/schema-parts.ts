import * as v from 'valibot';
import { durationField } from '../base/duration.ts';
import { type TextKey, whyNever } from './forms.ts';
import { parseInstant } from './instant.ts';
import { compileMatcher, compileQueueMatcher } from './matcher.ts';
import { PatternError } from './pattern.ts';

/**
 * An object that may have these keys only. It reports every unknown key, not only the first. It refuses arrays, which would
 * otherwise pass as objects.
 */
export function strictObject<T extends v.ObjectEntries>(entries: T): v.StrictObjectSchema<T, undefined> {
  // The path is not known yet, so the message lists the allowed keys, and parsePolicy adds the rest.
  const object = v.objectWithRest(entries, v.never(Object.keys(entries).join(', ')));
  const strict: typeof object = {
    ...object,
    '~run': (dataset, config) => {
      if (!isRecord(dataset.value)) return notAnObject['~run'](dataset, config) as never;
      // The library itself ignores these keys.
      const isOdd = ODD_KEYS.some((key) => Object.hasOwn(dataset.value as object, key));
      return (isOdd ? withOddKey : object)['~run'](dataset, config) as never;
    },
  };
  // By its own type the rest, which is never, would make every field never.
  return strict as unknown as v.StrictObjectSchema<T, undefined>;
}

/** Whether a value is an object of YAML or JSON, and not a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const notAnObject = v.custom(() => false, 'expected an object');
const ODD_KEYS = ['constructor', 'prototype', '__proto__'];
const withOddKey = v.custom(() => false, `unknown key: one of ${ODD_KEYS.join(', ')}`);

/** Adds a description, which editors show. */
export const about = <T extends v.GenericSchema>(schema: T, text: string) => v.pipe(schema, v.description(text));

export const duration = v.pipe(durationField('90m or 2h45m'), v.minValue(1, 'expected a duration above zero'));

const INSTANT = 'expected a day such as 2026-12-31, or a time with its zone such as 2026-12-31T18:00:00Z';

/** A day in UTC, of which one end counts, or a time with its zone as in RFC 3339; read as epoch ms. */
export const instant = (ofDay: 'beginning' | 'end') =>
  v.pipe(
    v.string(INSTANT),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const ms = parseInstant(dataset.value, ofDay);
      if (ms !== undefined) return ms;
      addIssue({ message: INSTANT });
      return NEVER;
    }),
  );

export const oneOrMany = <TOutput>(item: v.GenericSchema<string, TOutput>) =>
  v.union(
    [
      v.pipe(
        item,
        v.transform((value): TOutput[] => [value]),
      ),
      v.pipe(v.array(item), v.minLength(1, 'expected at least one value')),
    ],
    'expected one value or a list of values',
  );

export const name = v.pipe(v.string('expected a name'), v.nonEmpty('expected a name, not an empty text'));

export const nonEmptyText = v.pipe(v.string('expected a text'), v.nonEmpty('expected a text, not an empty one'));

/** A value of a selector. One that no job can have is refused: with it a rule would do nothing, and protect nothing. */
export const wanted = <T>(key: TextKey, make: (text: string) => T) =>
  v.pipe(
    key === 'tag' || key === 'jobId' ? name : nonEmptyText,
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const never = whyNever(dataset.value, key);
      if (never !== undefined) {
        addIssue({ message: never });
        return NEVER;
      }
      try {
        return make(dataset.value);
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        addIssue({ message: `not a pattern: ${error.message}` });
        return NEVER;
      }
    }),
  );

export const matcher = (key: TextKey) => wanted(key, key === 'queue' ? compileQueueMatcher : compileMatcher);

export const queueKey = v.optional(
  about(oneOrMany(matcher('queue')), 'Name of the queue; `*` and `?` as in file names, or a pattern between slashes'),
);
export const ownerKey = v.optional(about(oneOrMany(matcher('owner')), 'Name of the IAM user who submitted the job'));

/** Whether a selector selects by at least one key. */
export const hasKey = (keys: Record<string, unknown>) => Object.values(keys).some((values) => values !== undefined);

export const count = v.pipe(
  v.number('expected a whole number'),
  v.integer('expected a whole number'),
  v.minValue(0, 'expected 0 or more'),
);

export const ruleId = v.pipe(
  v.string('expected a name'),
  v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and hyphens, a letter first'),
);

export type Path = [v.IssuePathItem, ...v.IssuePathItem[]];

export const pathTo = (...keys: string[]): Path =>
  keys.map((key) => ({ type: 'object', origin: 'value', input: {}, key, value: undefined })) as unknown as Path;
