import { type AssumptionName, type Assumptions, DEFAULT_ASSUMPTIONS } from '../../../emulator/base/assumptions.ts';
import { type Answer, wordsOf } from './ask.ts';

/** What was seen for one question. The words are public: they hold no names and no ids. */
export type Seen<Value> =
  | { kind: 'answer'; value: Value }
  | { kind: 'other'; words: string }
  | { kind: 'unknown'; why: string };

export const answer = <Value>(value: Value) => ({ kind: 'answer', value }) as const;
export const other = (words: string) => ({ kind: 'other', words }) as const;
export const unknown = (why: string) => ({ kind: 'unknown', why }) as const;

/**
 * Joins what several places show for one question. An assumption holds if all places show it, and fails if one does not.
 * Places that differ give no known answer.
 */
export function together<Name extends AssumptionName>(
  name: Name,
  places: Record<string, Seen<Assumptions[Name]>>,
): Seen<Assumptions[Name]> {
  const all = Object.entries(places);
  const seenIn = all.flatMap(([place, seen]) => (seen.kind === 'unknown' ? [] : [{ place, seen }]));
  const silent = all.flatMap(([place, seen]) => (seen.kind === 'unknown' ? [{ place, why: seen.why }] : []));
  const values = new Set(seenIn.flatMap(({ seen }) => (seen.kind === 'answer' ? [seen.value] : [])));
  const [value] = values;
  if (seenIn.some(({ seen }) => seen.kind === 'other') || values.size > 1) {
    return other(
      seenIn.map(({ place, seen }) => `${place}: ${seen.kind === 'answer' ? seen.value : seen.words}`).join(', '),
    );
  }
  const isWhole = silent.length === 0 || value !== DEFAULT_ASSUMPTIONS[name];
  if (value !== undefined && isWhole) return answer(value);
  return unknown(silent.map(({ place, why }) => `${place}: ${why}`).join(', '));
}

/** Returns why an answer says nothing about the question; undefined if it says something. */
export function silenceOf({ status, kind, code, body }: Answer): { kind: 'unknown'; why: string } | undefined {
  if (status === undefined) return unknown('no answer came');
  const isSilent = kind === 'permission' || kind === 'transient' || kind === 'throttled' || kind === 'configuration';
  if (isSilent) return unknown(`answered with ${wordsOf({ status, code })}`);
  // This may be the page of a proxy, or a login page.
  return body === undefined ? unknown(`answered with ${wordsOf({ status, code })}, and no JSON`) : undefined;
}

/** Why a list shows nothing for a question. */
export const nothingIn = (list: Answer, otherwise: string) =>
  silenceOf(list) ?? unknown(list.isSuccess ? otherwise : `the list answered with ${wordsOf(list)}`);
