import type { Aggregates, Case, CaseWhy } from '../../lib/aggregate/aggregates.ts';
import type { Collected } from '../../lib/aggregate/collect.ts';

/*
 * How the data of a page is packed, and opened again in the browser. A column for each field is much smaller than a row for each
 * case: most fields have few values, which a dictionary holds once. So 100,000 cases fit a file that can be sent by mail.
 * This file loads nothing of Node, and nothing of a browser.
 */

/** What a page shows, and what it says of itself. */
export interface PageContent extends Collected {
  title: string;
  /** ISO 8601, UTC. */
  madeAt: string;
  version: string;
  /** The command line that made it. */
  command: string;
  /** The names of people were left out. */
  ownersHidden: boolean;
}

/** What a page says of itself. */
export type PageFacts = Omit<PageContent, keyof Collected>;

/** How each field of a case is packed. A dictionary is for fields whose values come again and again. */
const FIELDS = {
  stage: 'dictionary',
  target: 'dictionary',
  engine: 'dictionary',
  jobId: 'plain',
  name: 'dictionary',
  queue: 'dictionary',
  owner: 'dictionary',
  jobType: 'dictionary',
  result: 'dictionary',
  reason: 'dictionary',
  rule: 'dictionary',
  clock: 'dictionary',
  limitMs: 'dictionary',
  readingMs: 'plain',
  resultAt: 'instant',
  firstAt: 'instant',
  lastAt: 'instant',
  sweeps: 'plain',
  status: 'dictionary',
  evidence: 'dictionary',
  endedBy: 'dictionary',
  repeats: 'plain',
  cus: 'plain',
  error: 'dictionary',
  sweepId: 'dictionary',
  trigger: 'dictionary',
  recordedBy: 'dictionary',
} as const satisfies Record<keyof Case, 'dictionary' | 'plain' | 'instant'>;

type Kind = (typeof FIELDS)[keyof Case];
type FieldOf<K extends Kind> = { [Field in keyof Case]: (typeof FIELDS)[Field] extends K ? Field : never }[keyof Case];

const fieldsOf = <K extends Kind>(kind: K): FieldOf<K>[] =>
  (Object.keys(FIELDS) as FieldOf<K>[]).filter((field) => FIELDS[field] === kind);

/** A case as the page holds it: instants are epoch ms, which are compared and sorted faster than text. */
export type PageCase = Readonly<Omit<Case, FieldOf<'instant'>> & Record<FieldOf<'instant'>, number>> & {
  /** Its place among the cases. */
  readonly index: number;
};

interface Packed {
  facts: PageFacts;
  aggregates: Aggregates;
  cases: number;
  dictionaries: Record<FieldOf<'dictionary'>, { values: unknown[]; indexes: number[] }>;
  plain: Record<FieldOf<'plain'>, unknown[]>;
  /** Epoch ms, as differences from the case before, which are short. */
  instants: Record<FieldOf<'instant'>, number[]>;
  whys: CaseWhy[];
}

/** What the page opens. */
export interface Opened {
  facts: PageFacts;
  aggregates: Aggregates;
  cases: PageCase[];
  whys: Map<number, CaseWhy['why']>;
  /** The values that a field has in any case. */
  valuesOf: (field: FieldOf<'dictionary'>) => readonly unknown[];
}

/** The JSON of a page, one piece after the other, so that no more than a column of it is in memory as text. */
export function* packed({ aggregates, cases, whys, ...facts }: PageContent): Generator<string> {
  yield `{"facts":${JSON.stringify(facts)},"aggregates":${JSON.stringify(aggregates)},"cases":${cases.length}`;
  yield ',"dictionaries":';
  yield* object(fieldsOf('dictionary'), (field) => JSON.stringify(dictionaryOf(cases, field)));
  yield ',"plain":';
  yield* object(fieldsOf('plain'), (field) => JSON.stringify(cases.map((one) => one[field])));
  yield ',"instants":';
  yield* object(fieldsOf('instant'), (field) =>
    JSON.stringify(differences(cases.map((one) => Date.parse(one[field])))),
  );
  yield ',"whys":[';
  for (const [index, why] of whys.entries()) yield `${index === 0 ? '' : ','}${JSON.stringify(why)}`;
  yield ']}';
}

function* object<Key extends string>(keys: readonly Key[], jsonOf: (key: Key) => string): Generator<string> {
  for (const [index, key] of keys.entries()) yield `${index === 0 ? '{' : ','}"${key}":${jsonOf(key)}`;
  yield '}';
}

function dictionaryOf(cases: readonly Case[], field: FieldOf<'dictionary'>) {
  const places = new Map<unknown, number>();
  const indexes = cases.map((one) => {
    const place = places.get(one[field]) ?? places.size;
    places.set(one[field], place);
    return place;
  });
  return { values: [...places.keys()], indexes };
}

const differences = (values: readonly number[]): number[] => values.map((value, i) => value - (values[i - 1] ?? 0));

/** The inverse of {@link packed}. A case reads its fields from the columns, since 100,000 objects with all of them take long to make. */
export function unpack(json: string): Opened {
  const { facts, aggregates, cases: count, dictionaries, plain, instants, whys } = JSON.parse(json) as Packed;
  class Row {
    readonly index: number;
    constructor(index: number) {
      this.index = index;
    }
  }
  const add = (field: string, get: (index: number) => unknown) =>
    Object.defineProperty(Row.prototype, field, {
      get(this: { index: number }) {
        return get(this.index);
      },
    });
  for (const [field, { values, indexes }] of Object.entries(dictionaries)) {
    add(field, (index) => values[indexes[index] ?? 0]);
  }
  for (const [field, values] of Object.entries(plain)) add(field, (index) => values[index]);
  for (const [field, values] of Object.entries(instants)) {
    const sums = sumsOf(values);
    add(field, (index) => sums[index]);
  }
  const valuesOf: Opened['valuesOf'] = (field) => dictionaries[field].values;
  const cases: PageCase[] = [];
  for (let index = 0; index < count; index++) cases.push(new Row(index) as PageCase);
  return { facts, aggregates, cases, whys: new Map(whys.map(({ index, why }) => [index, why])), valuesOf };
}

function sumsOf(differences: readonly number[]): Float64Array {
  const sums = new Float64Array(differences.length);
  let sum = 0;
  for (let index = 0; index < differences.length; index++) {
    sum += differences[index] ?? 0;
    sums[index] = sum;
  }
  return sums;
}
