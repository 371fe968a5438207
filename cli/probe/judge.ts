import {
  ASSUMPTION_NAMES,
  type AssumptionName,
  type Assumptions,
  DEFAULT_ASSUMPTIONS,
} from '../../emulator/assumptions.ts';
import { isRecord, toNumber } from '../../lib/dli/wire.ts';
import { type Answer, wordsOf } from './ask.ts';
import type { Finding, Probe } from './file.ts';
import { flinkRowsOf, type NameAnswers, queuesOf, type Sight, sessionsOf } from './look.ts';
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
  sqlDetailOfOthers: ({ sight, ownJob }) => sqlDetail(sight.sqlDetail ?? ownJob?.detail),
  sparkCancelOfEnded: () => untold('the probe cancels no batch'),
  sparkFilters: ({ sight }) => sparkFilters(sight),
  sparkDefaultOrder: ({ sight }) => sparkDefaultOrder(sight.batches),
  sparkStateSpelling: ({ sight }) => sparkStateSpelling(sight),
  sparkAppId: ({ sight }) => sparkAppId(sight),
  nameFilter: ({ sight }) =>
    together('nameFilter', {
      batches: nameFilter(sight.batchNames, sessionsOf),
      'Flink jobs': nameFilter(sight.flinkNames, flinkRowsOf),
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
function silenceOf({ status, kind, code }: Answer): { kind: 'untold'; why: string } | undefined {
  const isSilent = kind === 'permission' || kind === 'transient' || kind === 'throttled' || kind === 'configuration';
  return isSilent ? untold(`answered with ${wordsOf({ status, code })}`) : undefined;
}

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
  return cancel.status === 403 ? answer(403) : other(wordsOf(cancel));
}

function sqlDetail(seen: Answer | undefined): Seen<Assumptions['sqlDetailOfOthers']> {
  if (seen === undefined) return untold('there was no query to ask about');
  if (!seen.isSuccess) {
    if (seen.status === 400 && seen.code === 'DLI.0007') return answer('DLI.0007');
    return silenceOf(seen) ?? other(wordsOf(seen));
  }
  const { data_path: path, data_type: type } = isRecord(seen.body) ? seen.body : {};
  return path === '' && type === '' ? answer('blank') : other('200, with data_path or data_type not blank');
}

type FilterUse = Seen<'known' | 'ignored'>;

/** What becomes of a parameter that no batch fits. */
function useOf(seen: Answer): FilterUse {
  if (!seen.isSuccess) return silenceOf(seen) ?? other(wordsOf(seen));
  return answer(sessionsOf(seen).length === 0 ? 'known' : 'ignored');
}

function useOfOrder({
  CREATE_TIME_ASC: ascending,
  CREATE_TIME_DESC: descending,
}: NonNullable<Sight['batchOrders']>): FilterUse {
  for (const seen of [ascending, descending]) {
    if (!seen.isSuccess) return silenceOf(seen) ?? other(wordsOf(seen));
  }
  const [oldest] = timesOf(ascending);
  const [newest] = timesOf(descending);
  if (oldest === undefined || newest === undefined) return untold('the batches are gone');
  if (oldest === newest) return answer('ignored');
  return oldest < newest ? answer('known') : other('the other way round');
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

const withoutBatches = (batches: Answer) => silenceOf(batches) ?? untold('there was no batch');

const timesOf = (seen: Answer): number[] => sessionsOf(seen).flatMap((row) => toNumber(row.create_time) ?? []);

function sparkDefaultOrder(batches: Answer): Seen<Assumptions['sparkDefaultOrder']> {
  const times = timesOf(batches);
  if (times.length === 0) return withoutBatches(batches);
  if (new Set(times).size < 2) return untold('there were no two batches of different age');
  const isFalling = times.every((time, i) => i === 0 || time <= (times[i - 1] ?? time));
  const isRising = times.every((time, i) => i === 0 || time >= (times[i - 1] ?? time));
  if (isFalling) return answer('CREATE_TIME_DESC');
  return isRising ? answer('CREATE_TIME_ASC') : other('no order by age');
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
  rowsOf: (seen: Answer) => Record<string, unknown>[],
): Seen<Assumptions['nameFilter']> {
  if (names === undefined) return untold('there was none with a name');
  const { wanted, nobody, inner, beginning, whole } = names;
  for (const seen of [nobody, inner, beginning, whole]) {
    if (!seen.isSuccess) return silenceOf(seen) ?? other(wordsOf(seen));
  }
  const finds = (seen: Answer) => rowsOf(seen).some(({ name }) => name === wanted);
  if (rowsOf(nobody).length > 0) return other('the filter is ignored');
  if (finds(inner)) return answer('part');
  if (finds(beginning)) return other('the beginning of a name');
  return finds(whole) ? answer('whole') : other('not even the whole name');
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
    is_restarting: first === undefined ? untold('there was no queue') : flagIn(queues, 'is_restarting', first),
  });
}
