import * as v from 'valibot';
import { durationField } from '../../lib/base/duration.ts';
import { issueWords } from '../../lib/base/issue-words.ts';
import type { RouteName } from '../base/service.ts';
import { ROUTES } from '../routes.ts';
import type { Fault } from './faults.ts';

const fields = v.record(v.string(), v.unknown());

const NAMES: readonly RouteName[] = [...ROUTES.map(({ name }) => name), 'show-project', 'list-projects'];

const fault = v.pipe(
  v.strictObject({
    on: v.picklist(NAMES, `expected one of ${NAMES.join(', ')}`),
    target: v.optional(v.string('expected a part of the path and query')),
    skip: v.optional(v.pipe(v.number('expected a whole number'), v.integer(), v.minValue(0))),
    times: v.optional(
      v.union(
        [
          v.pipe(v.number(), v.integer(), v.minValue(1)),
          v.pipe(
            v.literal('always'),
            v.transform(() => Infinity),
          ),
        ],
        'expected a number from 1, or always',
      ),
    ),
    executes: v.optional(v.boolean('expected true or false')),
    delay: v.optional(durationField('3s')),
    answer: v.optional(
      v.union(
        [
          v.picklist(['reset', 'hang']),
          v.strictObject({
            status: v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(599)),
            body: v.optional(v.unknown(), ''),
            headers: v.optional(v.record(v.string(), v.string())),
          }),
        ],
        'expected reset, hang, or {status, body, headers}',
      ),
    ),
    edit: v.optional(
      v.strictObject({
        set: v.optional(fields),
        setInRows: v.optional(fields),
        removeFromRows: v.optional(v.array(v.string())),
        repeatFirstRow: v.optional(v.boolean()),
      }),
    ),
    change: v.optional(v.array(v.strictObject({ job: v.string('expected the id of a job'), set: fields }))),
  }),
  v.check(
    ({ answer, edit, change, delay }) =>
      answer !== undefined || edit !== undefined || change !== undefined || delay !== undefined,
    'expected at least one of answer, edit, change, delay',
  ),
);

/**
 * Reads faults as they stand in a file or come over the control interface: one, or a list.
 *
 * @throws {Error} if a field is wrong. The message names each wrong field, and what would be right.
 */
export function parseFaults(document: unknown): Fault[] {
  const list: unknown[] = Array.isArray(document) ? document : [document];
  return list.map((item, i) => {
    const result = v.safeParse(fault, item);
    if (result.success) {
      const { delay, ...more } = result.output;
      return { ...more, ...(delay !== undefined && { delayMs: delay }) } as Fault;
    }
    throw new Error(`fault ${i + 1}: ${result.issues.map((issue) => issueWords(issue)).join('; ')}`);
  });
}
