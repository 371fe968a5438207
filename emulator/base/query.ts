import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { issueWords } from '../../lib/base/issue-words.ts';
import type { RouteRequest, Service } from '../routes.ts';
import { type Answer, dliError } from './answer.ts';
import { randomUuid } from './random.ts';

export interface Tag {
  key: string;
  value: string;
}

/** "ids: SQL and Spark". */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** "must not be only digits or start with an underscore". */
export const QUEUE = /^(?!_)(?![0-9]+$)[A-Za-z0-9_]{1,128}$/;

const TAG_TEXT = /^(?! )[\p{L}\p{N}_.:+\-@ ]+(?<! )$/u;

/** "key 1–128 … must not start with _sys_; value 1–255" ("Submitting a SQL Job", table "tags"). */
export const tagList = v.array(
  v.object({
    key: v.pipe(
      v.string(),
      v.maxLength(128),
      v.regex(TAG_TEXT),
      v.check((key) => !key.startsWith('_sys_')),
    ),
    value: v.pipe(v.string(), v.maxLength(255), v.regex(TAG_TEXT)),
  }),
);

/** A refusal in the form of the SQL, Spark and queue APIs. */
export function invalid(name: string, allowed: string): Answer {
  return dliError(400, 'DLI.0001', `Parameter check errors occur: ${name} must be ${allowed}`);
}

/** Whole and not negative, or undefined. */
export function toInteger(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The last one counts, where a parameter comes twice. */
export function reader({ query }: Pick<RouteRequest, 'query'>): (name: string) => string | undefined {
  return (name) => query.get(name)?.at(-1);
}

/** The first parameter that is given and not one of the words it may be. */
export function misspelled(
  get: (name: string) => string | undefined,
  allowed: Readonly<Record<string, readonly string[]>>,
): Answer | undefined {
  for (const [name, words] of Object.entries(allowed)) {
    const word = get(name);
    if (word !== undefined && !words.includes(word)) return invalid(name, words.join(', '));
  }
  return undefined;
}

/** The body as the schema has it, or the refusal that names the first field that is wrong. */
export function parseBody<Schema extends v.GenericSchema>(
  schema: Schema,
  body: Buffer,
): { fields: v.InferOutput<Schema>; refusal?: never } | { fields?: never; refusal: Answer } {
  let document: unknown;
  try {
    document = JSON.parse(body.toString());
  } catch {
    return { refusal: dliError(400, 'DLI.0001', 'Parameter check errors occur: the request body is not JSON') };
  }
  const result = v.safeParse(schema, document);
  if (result.success) return { fields: result.output };
  const [issue] = result.issues;
  const problem = issueWords(issue, { whole: `the request body: ${issue.message}` });
  return { refusal: dliError(400, 'DLI.0001', `Parameter check errors occur: ${problem}`) };
}

/** "Only fuzzy match over all tags is supported": any of `k1=v1,k2=v2`, in any part of a key and its value. */
export function hasTagLike(tags: readonly Tag[] | undefined, filter: string): boolean {
  return filter.split(',').some((wanted) => {
    const [key = '', value = ''] = wanted.split('=');
    return tags?.some((own) => own.key.includes(key) && own.value.includes(value)) === true;
  });
}

/** A condition, and the parameter that asks for it; not in force while that is undefined. */
export type Filter<Item> = [wanted: unknown, holds: (item: Item) => boolean];

export function matching<Item>(items: readonly Item[], filters: readonly Filter<Item>[]): Item[] {
  const inForce = filters.filter(([wanted]) => wanted !== undefined).map(([, holds]) => holds);
  return items.filter((item) => inForce.every((holds) => holds(item)));
}

/** Asks for each key once: the lists are long. */
export function sortedBy<Item>(items: readonly Item[], keyOf: (item: Item) => number, sign: 1 | -1): Item[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  return keyed.sort((a, b) => sign * (a.key - b.key)).map(({ item }) => item);
}

/** The last page is shorter, and those behind it are empty. */
export function pageOf<Item>(items: readonly Item[], offset: number, size: number): Item[] {
  return items.slice(offset, offset + size);
}

/** The same seed gives the same ids, until it gives one twice. */
export function newUuid(random: () => number, isTaken: (id: string) => boolean): string {
  const id = randomUuid(random);
  return isTaken(id) ? randomUUID() : id;
}

export function unknownId({ assumptions }: Service, what: string, id: string): Answer {
  const code = assumptions.unknownId;
  return dliError(code === 'DLI.0023' ? 404 : 400, code, `The object does not exist: ${what} ${id}`);
}

/** A queue that is in no list, where that matters. */
export function refuseQueue({ queues, assumptions }: Service, name: string): Answer | undefined {
  if (assumptions.unknownQueue === 'accepted' || queues.get(name) !== undefined) return undefined;
  return dliError(400, assumptions.unknownQueue, `There is no queue named ${name}`);
}

/** A queue on which the caller may not cancel. */
export function refuseCancel({ deniedQueues, assumptions }: Service, queue: string): Answer | undefined {
  if (!deniedQueues.includes(queue)) return undefined;
  const message = `Permission denied for resource 'queues.${queue}', User='reaper', Action='CANCEL_JOB'`;
  return dliError(assumptions.deniedStatus, 'DLI.0003', message);
}
