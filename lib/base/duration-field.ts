import * as v from 'valibot';
import { parseDuration } from './duration.ts';
import { messageOf } from './error-words.ts';

/**
 * A field of a document that holds a duration with its unit, read as milliseconds.
 *
 * @param example in the words of an error, such as `90m or 2h45m`.
 */
export const durationField = (example: string) =>
  v.pipe(
    v.string(`expected a duration with a unit, such as ${example}`),
    // Where an editor knows the JSON Schema, it may check as much.
    v.metadata({ pattern: '^(?=\\d)(\\d+w)?(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?$' }),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return parseDuration(dataset.value);
      } catch (error) {
        addIssue({ message: messageOf(error) });
        return NEVER;
      }
    }),
  );
