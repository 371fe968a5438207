import type { Assumptions } from '../../../emulator/base/assumptions.ts';
import { isRecord, toNumber } from '../../../lib/dli/wire.ts';
import { type Answer, wordsOf } from './ask.ts';
import { type Sight, sessionsOf } from './look.ts';
import { isKnownWord } from './redact.ts';
import { answer, nothingIn, other, type Seen, silenceOf, unknown } from './seen.ts';

type FilterUse = Seen<'known' | 'ignored'>;

/** Whether DLI obeys or ignores a filter that no batch matches. */
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
  if (oldest === undefined || newest === undefined) return unknown('the batches are gone');
  if (up.join() === down.join()) return answer('ignored');
  if (isRising(up) && isRising(down.toReversed()) && oldest < newest) return answer('known');
  if (isRising(up.toReversed()) && isRising(down) && oldest > newest) return other('the other way round');
  // Two lists of the same order differ if a batch comes or goes between the calls.
  return unknown('the lists are neither the same nor in order');
}

const FILTERS_BY_USE: Readonly<Record<string, Assumptions['sparkFilters']>> = {
  'owner known, start known, end known, order known': 'all',
  'owner known, start ignored, end ignored, order ignored': 'otc',
  'owner ignored, start known, end known, order known': 'oas',
};

export function sparkFilters({ batches, batchFilters, batchOrders }: Sight): Seen<Assumptions['sparkFilters']> {
  if (batchFilters === undefined) return withoutBatches(batches);
  if (batchOrders === undefined) return unknown('there were no two batches of different age');
  const { owner, start, end } = batchFilters;
  const uses = { owner: useOf(owner), start: useOf(start), end: useOf(end), order: useOfOrder(batchOrders) };
  for (const [name, use] of Object.entries(uses)) if (use.kind === 'unknown') return unknown(`${name}: ${use.why}`);
  const words = Object.entries(uses)
    .map(([name, use]) => `${name} ${use.kind === 'answer' ? use.value : use.kind === 'other' ? use.words : ''}`)
    .join(', ');
  const value = FILTERS_BY_USE[words];
  return value === undefined ? other(words) : answer(value);
}

const withoutBatches = (batches: Answer) => nothingIn(batches, 'there was no batch');

const timesOf = (seen: Answer): number[] => sessionsOf(seen).flatMap((row) => toNumber(row.create_time) ?? []);

export function sparkDefaultOrder(batches: Answer): Seen<Assumptions['sparkDefaultOrder']> {
  const times = timesOf(batches);
  if (times.length === 0) return withoutBatches(batches);
  const ages = new Set(times).size;
  if (ages < 2) return unknown('there were no two batches of different age');
  // Two batches are in order by chance half of the time.
  if (ages < 3) return unknown('there were only two batches of different age');
  if (isRising(times.toReversed())) return answer('CREATE_TIME_DESC');
  return isRising(times) ? answer('CREATE_TIME_ASC') : other('no order by age');
}

export function sparkStateSpelling({ batches, batchStates }: Sight): Seen<Assumptions['sparkStateSpelling']> {
  // A batch from the list may be gone by now.
  const states = batchStates.filter(({ kind }) => kind !== 'not-found');
  if (states.length === 0) return withoutBatches(batches);
  const refused = states.find(({ isSuccess }) => !isSuccess);
  if (refused !== undefined) return silenceOf(refused) ?? other(wordsOf(refused));
  const words = states.map(({ body }) => (isRecord(body) && typeof body.state === 'string' ? body.state : ''));
  if (words.every((word) => /^[a-z]+$/.test(word))) return answer('lower');
  if (words.every((word) => /^[A-Z][a-z]+$/.test(word))) return answer('capitalised');
  return other(words.map((word) => (isKnownWord(word) ? word : 'a word of another kind')).join(', '));
}

export function sparkAppId({ batches, batchDetail }: Sight): Seen<Assumptions['sparkAppId']> {
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
