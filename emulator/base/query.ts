import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { keyProblem } from '../../lib/base/issue-words.ts';
import { type Answer, dliError } from './answer.ts';
import { randomUuid } from './random.ts';
import type { RouteRequest, Service } from './service.ts';

export interface Tag {
  key: string;
  value: string;
}

/** Form of the ids of SQL jobs and batches. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** "must not be only digits or start with an underscore". DLI ignores its case. */
export const QUEUE_NAME = /^(?!_)(?![0-9]+$)[A-Za-z0-9_]{1,128}$/;

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

/** A flag whose documented example has the text "true" or "false", where the table says Boolean. */
export const flagField = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false'])]),
  v.transform((value) => value === true || value === 'true'),
);

/** Refuses a parameter, in the form of the SQL, Spark and queue APIs. */
export function invalid(name: string, allowed: string): Answer {
  return dliError(400, 'DLI.0001', `Parameter check errors occur: ${name} must be ${allowed}`);
}

/** @returns undefined for a text that is not a whole number from 0. */
export function toInteger(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Reads the query. If a parameter comes twice, its last value counts. */
export function reader({ query }: Pick<RouteRequest, 'query'>): (name: string) => string | undefined {
  return (name) => query.get(name)?.at(-1);
}

/** Refuses the first parameter whose value is none of its allowed words. */
export function refuseUnknownWord(
  get: (name: string) => string | undefined,
  allowed: Readonly<Record<string, readonly string[]>>,
): Answer | undefined {
  for (const [name, words] of Object.entries(allowed)) {
    const word = get(name);
    if (word !== undefined && !words.includes(word)) return invalid(name, words.join(', '));
  }
  return undefined;
}

/**
 * Reads the body by the schema. The refusal names the first field that is wrong.
 *
 * A field that is null counts as left out. Terraform's client sends `"tags": null` and `"manager_cu_number": null` with
 * every Flink job that has none (golangsdk, flinkjob.CreateSqlJobOpts), and its live acceptance runs pass (pull request
 * 5204 of terraform-provider-huaweicloud).
 */
export function parseBody<Schema extends v.GenericSchema>(
  schema: Schema,
  body: Buffer,
): { fields: v.InferOutput<Schema>; refusal?: never } | { fields?: never; refusal: Answer } {
  let document: unknown;
  try {
    document = JSON.parse(body.toString(), (_, value: unknown) => value ?? undefined);
  } catch {
    return { refusal: dliError(400, 'DLI.0001', 'Parameter check errors occur: the request body is not JSON') };
  }
  const result = v.safeParse(schema, document);
  if (result.success) return { fields: result.output };
  const problem = problemOf(result.issues[0]);
  return { refusal: dliError(400, 'DLI.0001', `Parameter check errors occur: ${problem}`) };
}

/** Says what is wrong in words that DLI could use. Those of the schema library would give the emulator away. */
function problemOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  // Only a schema of ours has words for the whole body; for a wrong type they are the library's.
  if (path === null) return issue.kind === 'schema' ? 'the request body is invalid' : issue.message;
  return `${path} is ${keyProblem(issue) ?? 'invalid'}`;
}

/** Whether any of `k1=v1,k2=v2` is a part of a tag's key and value: "Only fuzzy match over all tags is supported". */
export function hasTagLike(tags: readonly Tag[] | undefined, filter: string): boolean {
  return filter.split(',').some((wanted) => {
    const [key = '', value = ''] = wanted.split('=');
    return tags?.some((own) => own.key.includes(key) && own.value.includes(value)) === true;
  });
}

/** A condition, and the parameter that asks for it. It applies only if the parameter is given. */
export type Filter<Item> = [wanted: unknown, holds: (item: Item) => boolean];

export function matching<Item>(items: readonly Item[], filters: readonly Filter<Item>[]): Item[] {
  const conditions = filters.filter(([wanted]) => wanted !== undefined).map(([, holds]) => holds);
  return items.filter((item) => conditions.every((holds) => holds(item)));
}

/** Finds one page of the items that match, and counts them all. It makes no list of all, since there may be many pages. */
export function matchingPage<Item>(
  items: readonly Item[],
  filters: readonly Filter<Item>[],
  { isReversed, offset, size }: { isReversed: boolean; offset: number; size: number },
): { rows: Item[]; count: number } {
  const conditions = filters.filter(([wanted]) => wanted !== undefined).map(([, holds]) => holds);
  const rows: Item[] = [];
  let count = 0;
  for (let i = 0; i < items.length; i++) {
    const item = items[isReversed ? items.length - 1 - i : i] as Item;
    if (!conditions.every((holds) => holds(item))) continue;
    if (count >= offset && rows.length < size) rows.push(item);
    count += 1;
  }
  return { rows, count };
}

/** Sorts a copy. It computes each key once, because the lists are long. */
export function sortedBy<Item>(items: readonly Item[], keyOf: (item: Item) => number, sign: 1 | -1): Item[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  return keyed.sort((a, b) => sign * (a.key - b.key)).map(({ item }) => item);
}

/** Returns one page. The last page can be shorter, and all later ones are empty. */
export function pageOf<Item>(items: readonly Item[], offset: number, size: number): Item[] {
  return items.slice(offset, offset + size);
}

/** Returns an id that is not taken. The same seed gives the same ids, unless it repeats one. */
export function newUuid(random: () => number, isTaken: (id: string) => boolean): string {
  const id = randomUuid(random);
  return isTaken(id) ? randomUUID() : id;
}

/** Refuses a well-formed id of no job. */
export function refuseUnknownId({ assumptions }: Service, what: string, id: string): Answer {
  const code = assumptions.unknownId;
  return dliError(code === 'DLI.0023' ? 404 : 400, code, `The object does not exist: ${what} ${id}`);
}

/** Refuses a cancel on a queue where the caller has no CANCEL_JOB. @returns undefined if the caller has it. */
export function refuseCancel({ deniedQueues, assumptions }: Service, queue: string): Answer | undefined {
  if (!deniedQueues.includes(queue)) return undefined;
  const message = `Permission denied for resource 'queues.${queue}', User='reaper', Action='CANCEL_JOB'`;
  return dliError(assumptions.deniedStatus, 'DLI.0003', message);
}
