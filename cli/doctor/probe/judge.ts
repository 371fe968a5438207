import {
  ASSUMPTION_NAMES,
  type AssumptionName,
  type Assumptions,
  DEFAULT_ASSUMPTIONS,
} from '../../../emulator/base/assumptions.ts';
import { isRecord, toNumber } from '../../../lib/dli/wire.ts';
import { type Answer, wordsOf } from './ask.ts';
import type { Finding, Probe } from './file.ts';
import { flinkRowsOf, type NameAnswer, type NameAnswers, queuesOf, type Sight, sessionsOf } from './look.ts';
import type { OwnJobSight } from './own-job.ts';
import { isKnownWord } from './redact.ts';

/** What a probe has to go by. */
export interface Evidence {
  sight: Sight;
  /** Undefined if no job was submitted. */
  ownJob: OwnJobSight | undefined;
}

/** What was seen of one question. The words are for everybody: no names, no ids. */
type Seen<Value> =
  | { kind: 'answer'; value: Value }
  | { kind: 'other'; words: string }
  | { kind: 'untold'; why: string };

const answer = <Value>(value: Value) => ({ kind: 'answer', value }) as const;
const other = (words: string) => ({ kind: 'other', words }) as const;
const untold = (why: string) => ({ kind: 'untold', why }) as const;

/** The compiler asks for a judge of each question. */
const JUDGES: { [Name in AssumptionName]: (evidence: Evidence) => Seen<Assumptions[Name]> } = {
  sqlCancelOfEnded: ({ ownJob }) =>
    cancelOfEnded(ownJob, ['finished', 'failed'], 'the job of the probe did not end by itself'),
  sqlCancelOfCancelled: ({ ownJob }) =>
    cancelOfEnded(ownJob, ['cancelled'], 'the job of the probe was not seen as cancelled'),
  unknownId: ({ sight }) =>
    together('unknownId', { 'a SQL job': unknownId(sight.unknownSql), 'a batch': unknownId(sight.unknownBatch) }),
  unknownQueue: () => untold('the probe submits nothing to a queue that does not exist'),
  deniedStatus: ({ ownJob }) => deniedStatus(ownJob),
  sqlDetailOfOthers: ({ sight, ownJob }) => sqlDetail(sight.sqlDetail ?? ownJob?.detail, sight.sqlJobs),
  sparkCancelOfEnded: () => untold('the probe cancels no batch'),
  sparkFilters: ({ sight }) => sparkFilters(sight),
  sparkDefaultOrder: ({ sight }) => sparkDefaultOrder(sight.batches),
  sparkStateSpelling: ({ sight }) => sparkStateSpelling(sight),
  sparkAppId: ({ sight }) => sparkAppId(sight),
  nameFilter: ({ sight }) =>
    together('nameFilter', {
      batches: nameFilter(sight.batchNames, sight.batches, sessionsOf),
      'Flink jobs': nameFilter(sight.flinkNames, sight.flinkJobs, flinkRowsOf),
    }),
  flinkVerdicts: () => untold('the probe stops no Flink job'),
  flinkMixedStatus: () => untold('the probe stops no Flink job'),
  flinkUnknownInBatch: () => untold('the probe stops no Flink job'),
  flinkSuccess: ({ sight }) =>
    together('flinkSuccess', {
      list: flagIn(sight.flinkJobs, 'is_success'),
      ...(sight.flinkDetail !== undefined && { details: flagIn(sight.flinkDetail, 'is_success') }),
    }),
  queueFlags: ({ sight }) => queueFlags(sight.queues),
};

/** What the evidence says of each question. */
export function judgeAll(evidence: Evidence): Probe['assumptions'] {
  const judged = ASSUMPTION_NAMES.map((name) => [name, toFinding(name, JUDGES[name](evidence))]);
  return Object.fromEntries(judged) as Probe['assumptions'];
}

function toFinding(name: AssumptionName, seen: Seen<Assumptions[AssumptionName]>): Finding {
  const assumed = DEFAULT_ASSUMPTIONS[name];
  switch (seen.kind) {
    case 'answer':
      return {
        verdict: seen.value === assumed ? 'holds' : 'does not',
        assumed,
        found: seen.value,
        note: null,
      } as Finding;
    case 'other':
      return {
        verdict: 'does not',
        assumed,
        found: null,
        note: `none of the known answers: ${seen.words}`,
      } as Finding;
    case 'untold':
      return {
        verdict: 'could not be told',
        assumed,
        found: null,
        note: seen.why,
      } as Finding;
    default:
      return seen satisfies never;
  }
}

/**
 * Joins what several places say of one question. That it holds needs all of them; that it does not, needs one. Places that
 * differ are no known answer.
 */
function together<Name extends AssumptionName>(
  name: Name,
  places: Record<string, Seen<Assumptions[Name]>>,
): Seen<Assumptions[Name]> {
  const all = Object.entries(places);
  const told = all.flatMap(([place, seen]) => (seen.kind === 'untold' ? [] : [{ place, seen }]));
  const silent = all.flatMap(([place, seen]) => (seen.kind === 'untold' ? [{ place, why: seen.why }] : []));
  const values = new Set(told.flatMap(({ seen }) => (seen.kind === 'answer' ? [seen.value] : [])));
  const [value] = values;
  if (told.some(({ seen }) => seen.kind === 'other') || values.size > 1) {
    return other(
      told.map(({ place, seen }) => `${place}: ${seen.kind === 'answer' ? seen.value : seen.words}`).join(', '),
    );
  }
  const isWhole = silent.length === 0 || value !== DEFAULT_ASSUMPTIONS[name];
  if (value !== undefined && isWhole) return answer(value);
  return untold(silent.map(({ place, why }) => `${place}: ${why}`).join(', '));
}

/** An answer that says nothing about the question; undefined if it does. */
function silenceOf({ status, kind, code, body }: Answer): { kind: 'untold'; why: string } | undefined {
  if (status === undefined) return untold('no answer came');
  const isSilent = kind === 'permission' || kind === 'transient' || kind === 'throttled' || kind === 'configuration';
  if (isSilent) return untold(`answered with ${wordsOf({ status, code })}`);
  // Such as the page of a proxy, or of a login.
  return body === undefined ? untold(`answered with ${wordsOf({ status, code })}, and no JSON`) : undefined;
}

/** Why a list gives nothing to go by. */
const nothingIn = (list: Answer, otherwise: string) =>
  silenceOf(list) ?? untold(list.isSuccess ? otherwise : `the list answered with ${wordsOf(list)}`);

const CANCEL_CODES = ['DLI.0007', 'DLI.0001'] as const;

function cancelOfEnded(
  ownJob: OwnJobSight | undefined,
  states: readonly string[],
  otherwise: string,
): Seen<Assumptions['sqlCancelOfEnded']> {
  if (ownJob === undefined) return untold('no job was submitted');
  const { cancelOfEnded: seen, whyNoJob } = ownJob;
  if (whyNoJob !== undefined) return untold(whyNoJob);
  if (seen === undefined || !states.includes(seen.state)) return untold(otherwise);
  if (seen.answer.isSuccess) return answer('accepted');
  const code = CANCEL_CODES.find((one) => one === seen.answer.code);
  if (seen.answer.status === 400 && code !== undefined) return answer(code);
  return silenceOf(seen.answer) ?? other(wordsOf(seen.answer));
}

function unknownId(seen: Answer): Seen<Assumptions['unknownId']> {
  if (seen.isSuccess) return other('a job, although there is none');
  if (seen.status === 400 && seen.code === 'DLI.0002') return answer('DLI.0002');
  if (seen.status === 404 && seen.code === 'DLI.0023') return answer('DLI.0023');
  return silenceOf(seen) ?? other(wordsOf(seen));
}

function deniedStatus(ownJob: OwnJobSight | undefined): Seen<Assumptions['deniedStatus']> {
  if (ownJob === undefined) return untold('no job was submitted');
  if (ownJob.whyNoJob !== undefined) return untold(ownJob.whyNoJob);
  const { cancel } = ownJob;
  if (cancel?.kind !== 'permission') return untold('no cancel was denied');
  if (cancel.status === 400 && cancel.code === 'DLI.0003') return answer(400);
  // The gateway and IAM deny by themselves, before DLI looks at the queue.
  if (!cancel.code?.startsWith('DLI.')) return untold(`denied with ${wordsOf(cancel)}, which is not DLI's own answer`);
  return cancel.status === 403 ? answer(403) : other(wordsOf(cancel));
}

function sqlDetail(seen: Answer | undefined, list: Answer): Seen<Assumptions['sqlDetailOfOthers']> {
  if (seen === undefined) return nothingIn(list, 'there was no query to ask about');
  if (!seen.isSuccess) {
    if (seen.status === 400 && seen.code === 'DLI.0007') return answer('DLI.0007');
    return silenceOf(seen) ?? other(wordsOf(seen));
  }
  const { data_path: path, data_type: type } = isRecord(seen.body) ? seen.body : {};
  if (path === '' && type === '') return answer('blank');
  const isThere = path !== undefined && type !== undefined;
  return other(isThere ? '200, with data_path or data_type not blank' : '200, without data_path or data_type');
}

type FilterUse = Seen<'known' | 'ignored'>;

/** What becomes of a parameter that no batch fits. */
function useOf(seen: Answer): FilterUse {
  if (!seen.isSuccess) return silenceOf(seen) ?? other(wordsOf(seen));
  if (!isRecord(seen.body) || !Array.isArray(seen.body.sessions)) return other('no list');
  return answer(seen.body.sessions.length === 0 ? 'known' : 'ignored');
}

const isRising = (times: number[]): boolean => times.every((time, i) => i === 0 || time >= (times[i - 1] ?? time));

function useOfOrder({
  CREATE_TIME_ASC: ascending,
  CREATE_TIME_DESC: descending,
}: NonNullable<Sight['batchOrders']>): FilterUse {
  for (const seen of [ascending, descending]) {
    if (!seen.isSuccess) return silenceOf(seen) ?? other(wordsOf(seen));
  }
  const up = timesOf(ascending);
  const down = timesOf(descending);
  const [oldest] = up;
  const [newest] = down;
  if (oldest === undefined || newest === undefined) return untold('the batches are gone');
  if (up.join() === down.join()) return answer('ignored');
  if (isRising(up) && isRising(down.toReversed()) && oldest < newest) return answer('known');
  if (isRising(up.toReversed()) && isRising(down) && oldest > newest) return other('the other way round');
  // A batch that comes or goes between two calls makes two lists of the same order differ.
  return untold('the lists are neither the same nor in order');
}

const FILTERS_BY_USE: Readonly<Record<string, Assumptions['sparkFilters']>> = {
  'owner known, start known, end known, order known': 'all',
  'owner known, start ignored, end ignored, order ignored': 'otc',
  'owner ignored, start known, end known, order known': 'oas',
};

function sparkFilters({ batches, batchFilters, batchOrders }: Sight): Seen<Assumptions['sparkFilters']> {
  if (batchFilters === undefined) return withoutBatches(batches);
  if (batchOrders === undefined) return untold('there were no two batches of different age');
  const { owner, start, end } = batchFilters;
  const uses = { owner: useOf(owner), start: useOf(start), end: useOf(end), order: useOfOrder(batchOrders) };
  for (const [name, use] of Object.entries(uses)) if (use.kind === 'untold') return untold(`${name}: ${use.why}`);
  const words = Object.entries(uses)
    .map(([name, use]) => `${name} ${use.kind === 'answer' ? use.value : use.kind === 'other' ? use.words : ''}`)
    .join(', ');
  const value = FILTERS_BY_USE[words];
  return value === undefined ? other(words) : answer(value);
}

const withoutBatches = (batches: Answer) => nothingIn(batches, 'there was no batch');

const timesOf = (seen: Answer): number[] => sessionsOf(seen).flatMap((row) => toNumber(row.create_time) ?? []);

function sparkDefaultOrder(batches: Answer): Seen<Assumptions['sparkDefaultOrder']> {
  const times = timesOf(batches);
  if (times.length === 0) return withoutBatches(batches);
  const ages = new Set(times).size;
  if (ages < 2) return untold('there were no two batches of different age');
  // Two are in order by chance as often as not.
  if (ages < 3) return untold('there were only two batches of different age');
  if (isRising(times.toReversed())) return answer('CREATE_TIME_DESC');
  return isRising(times) ? answer('CREATE_TIME_ASC') : other('no order by age');
}

function sparkStateSpelling({ batches, batchStates }: Sight): Seen<Assumptions['sparkStateSpelling']> {
  // One that was listed may be gone.
  const states = batchStates.filter(({ kind }) => kind !== 'not-found');
  if (states.length === 0) return withoutBatches(batches);
  const refused = states.find(({ isSuccess }) => !isSuccess);
  if (refused !== undefined) return silenceOf(refused) ?? other(wordsOf(refused));
  const words = states.map(({ body }) => (isRecord(body) && typeof body.state === 'string' ? body.state : ''));
  if (words.every((word) => /^[a-z]+$/.test(word))) return answer('lower');
  if (words.every((word) => /^[A-Z][a-z]+$/.test(word))) return answer('capitalised');
  return other(words.map((word) => (isKnownWord(word) ? word : 'a word of another kind')).join(', '));
}

function sparkAppId({ batches, batchDetail }: Sight): Seen<Assumptions['sparkAppId']> {
  const rows = [
    ...sessionsOf(batches),
    ...(isRecord(batchDetail?.body) && batchDetail.isSuccess ? [batchDetail.body] : []),
  ];
  if (rows.length === 0) return withoutBatches(batches);
  const types = [...new Set(rows.map(({ appId }) => typeOfAppId(appId)))].sort();
  const [type] = types;
  if (types.length === 1 && (type === 'text' || type === 'null' || type === 'list')) return answer(type);
  return other(types.join(' and '));
}

function typeOfAppId(appId: unknown): string {
  if (appId === undefined) return 'not there';
  if (appId === null) return 'null';
  if (Array.isArray(appId)) return 'list';
  return typeof appId === 'string' ? 'text' : typeof appId;
}

function nameFilter(
  names: NameAnswers | undefined,
  list: Answer,
  rowsOf: (seen: Answer) => Record<string, unknown>[],
): Seen<Assumptions['nameFilter']> {
  if (names === undefined) return nothingIn(list, 'there was none with a name of three characters');
  const { noneFits, inner, beginning, whole } = names;
  for (const { answer: seen } of [noneFits, inner, beginning, whole]) {
    if (!seen.isSuccess) return silenceOf(seen) ?? other(wordsOf(seen));
  }
  const foundBy = ({ answer: seen }: NameAnswer) =>
    rowsOf(seen).flatMap(({ name }) => (typeof name === 'string' ? name.toLowerCase() : []));
  // Any longer name will do: among thousands that fit, the one that the part was taken from may not be on the first page.
  const findsLonger = (asked: NameAnswer) => foundBy(asked).some((name) => name !== asked.text.toLowerCase());
  if (rowsOf(noneFits.answer).length > 0) return other('the filter is ignored');
  if (findsLonger(inner)) return answer('part');
  if (findsLonger(beginning)) return other('the beginning of a name');
  return foundBy(whole).length > 0 ? answer('whole') : other('not even the whole name');
}

function flagIn(seen: Answer, key: string, record: unknown = seen.body): Seen<'text' | 'boolean'> {
  if (!seen.isSuccess) return silenceOf(seen) ?? other(wordsOf(seen));
  const flag = isRecord(record) ? record[key] : undefined;
  if (typeof flag === 'boolean') return answer('boolean');
  if (flag === 'true' || flag === 'false') return answer('text');
  return flag === undefined ? untold(`${key} is not there`) : other(`${key} is no flag`);
}

function queueFlags(queues: Answer): Seen<Assumptions['queueFlags']> {
  const [first] = queuesOf(queues);
  return together('queueFlags', {
    is_success: flagIn(queues, 'is_success'),
    is_restarting:
      first === undefined ? nothingIn(queues, 'there was no queue') : flagIn(queues, 'is_restarting', first),
  });
}
