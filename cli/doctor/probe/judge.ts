import {
  ASSUMPTION_NAMES,
  type AssumptionName,
  type Assumptions,
  DEFAULT_ASSUMPTIONS,
} from '../../../emulator/base/assumptions.ts';
import { isRecord } from '../../../lib/dli/wire.ts';
import { type Answer, wordsOf } from './ask.ts';
import type { AssumptionFinding, Probe } from './file.ts';
import { sparkAppId, sparkDefaultOrder, sparkFilters, sparkStateSpelling } from './judge-batches.ts';
import { flinkRowsOf, type NameAnswer, type NameAnswers, queuesOf, type Sight, sessionsOf } from './look.ts';
import type { OwnJobSight } from './own-job.ts';
import { answer, nothingIn, other, type Seen, silenceOf, together, unknown } from './seen.ts';

/** What a probe has seen. */
export interface Evidence {
  sight: Sight;
  /** Undefined if no job was submitted. */
  ownJob: OwnJobSight | undefined;
}

/** The judge of each question. The compiler demands one for each. */
const JUDGES: { [Name in AssumptionName]: (evidence: Evidence) => Seen<Assumptions[Name]> } = {
  sqlCancelOfEnded: ({ ownJob }) =>
    cancelOfEnded(ownJob, ['finished', 'failed'], 'the job of the probe did not end by itself'),
  sqlCancelOfCancelled: ({ ownJob }) =>
    cancelOfEnded(ownJob, ['cancelled'], 'the job of the probe was not seen as cancelled'),
  unknownId: ({ sight }) =>
    together('unknownId', { 'a SQL job': unknownId(sight.unknownSql), 'a batch': unknownId(sight.unknownBatch) }),
  unknownQueue: () => unknown('the probe submits nothing to a queue that does not exist'),
  deniedStatus: ({ ownJob }) => deniedStatus(ownJob),
  sqlDetailOfOthers: ({ sight, ownJob }) => sqlDetail(sight.sqlDetail ?? ownJob?.detail, sight.sqlJobs),
  sparkCancelOfEnded: () => unknown('the probe cancels no batch'),
  sparkFilters: ({ sight }) => sparkFilters(sight),
  sparkDefaultOrder: ({ sight }) => sparkDefaultOrder(sight.batches),
  sparkStateSpelling: ({ sight }) => sparkStateSpelling(sight),
  sparkAppId: ({ sight }) => sparkAppId(sight),
  nameFilter: ({ sight }) =>
    together('nameFilter', {
      batches: nameFilter(sight.batchNames, sight.batches, sessionsOf),
      'Flink jobs': nameFilter(sight.flinkNames, sight.flinkJobs, flinkRowsOf),
    }),
  flinkVerdicts: () => unknown('the probe stops no Flink job'),
  flinkMixedStatus: () => unknown('the probe stops no Flink job'),
  flinkUnknownInBatch: () => unknown('the probe stops no Flink job'),
  flinkStopped: () => unknown('the probe stops no Flink job'),
  flinkSuccess: ({ sight }) =>
    together('flinkSuccess', {
      list: flagIn(sight.flinkJobs, 'is_success'),
      ...(sight.flinkDetail !== undefined && { details: flagIn(sight.flinkDetail, 'is_success') }),
    }),
  queueFlags: ({ sight }) => queueFlags(sight.queues),
  sqlResultOfOthers: () => unknown('the probe reads no result'),
  busyQueue: () => unknown('the probe deletes no queue'),
};

/** Answers each question from the evidence. */
export function judgeAll(evidence: Evidence): Probe['assumptions'] {
  const judged = ASSUMPTION_NAMES.map((name) => [name, toFinding(name, JUDGES[name](evidence))]);
  return Object.fromEntries(judged) as Probe['assumptions'];
}

function toFinding(name: AssumptionName, seen: Seen<Assumptions[AssumptionName]>): AssumptionFinding {
  const assumed = DEFAULT_ASSUMPTIONS[name];
  switch (seen.kind) {
    case 'answer':
      return {
        verdict: seen.value === assumed ? 'holds' : 'does not',
        assumed,
        found: seen.value,
        note: null,
      } as AssumptionFinding;
    case 'other':
      return {
        verdict: 'does not',
        assumed,
        found: null,
        note: `none of the known answers: ${seen.words}`,
      } as AssumptionFinding;
    case 'unknown':
      return {
        verdict: 'could not be told',
        assumed,
        found: null,
        note: seen.why,
      } as AssumptionFinding;
    default:
      return seen satisfies never;
  }
}

const CANCEL_CODES = ['DLI.0007', 'DLI.0001'] as const;

function cancelOfEnded(
  ownJob: OwnJobSight | undefined,
  states: readonly string[],
  otherwise: string,
): Seen<Assumptions['sqlCancelOfEnded']> {
  if (ownJob === undefined) return unknown('no job was submitted');
  const { cancelOfEnded: seen, whyNoJob } = ownJob;
  if (whyNoJob !== undefined) return unknown(whyNoJob);
  if (seen === undefined || !states.includes(seen.state)) return unknown(otherwise);
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
  if (ownJob === undefined) return unknown('no job was submitted');
  if (ownJob.whyNoJob !== undefined) return unknown(ownJob.whyNoJob);
  const { cancel } = ownJob;
  if (cancel?.kind !== 'permission') return unknown('no cancel was denied');
  if (cancel.status === 400 && cancel.code === 'DLI.0003') return answer(400);
  // The gateway and IAM may deny the call before DLI looks at the queue.
  if (!cancel.code?.startsWith('DLI.')) return unknown(`denied with ${wordsOf(cancel)}, which is not DLI's own answer`);
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
  // Any longer name is enough: the job whose name was used may not be on the first page.
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
  return flag === undefined ? unknown(`${key} is not there`) : other(`${key} is no flag`);
}

function queueFlags(queues: Answer): Seen<Assumptions['queueFlags']> {
  const [first] = queuesOf(queues);
  return together('queueFlags', {
    is_success: flagIn(queues, 'is_success'),
    is_restarting:
      first === undefined ? nothingIn(queues, 'there was no queue') : flagIn(queues, 'is_restarting', first),
  });
}
