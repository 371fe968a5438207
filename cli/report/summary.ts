import type { Aggregates, Result } from '../../lib/aggregate/aggregates.ts';
import { plain, type Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';

/** The results in words, the most important first. Jobs that are left alone are on the page. */
const WORDS: Partial<Record<Result, string>> = {
  cancelled: 'cancelled',
  'already-terminal': 'already over when asked',
  unconfirmed: 'not seen to stop',
  failed: 'not cancelled',
  'no-result': 'chosen, without a result',
  'not-asked': 'over a limit and not asked to stop',
  'dry-run': 'a live sweep would have cancelled',
};

/** Most needs and unread parts that are shown here. The page has all of them. */
const MOST = 5;

/** Says in a few lines what a page shows, and where it is. */
export function formatSummary(aggregates: Aggregates, path: string, { paint = plain }: Terminal): string {
  const { needs, unread } = aggregates;
  return [
    ...opening(aggregates),
    ...resultLine(aggregates),
    ...few(needs).map((need) => paint('yellow', `! ${cleanText(needWords(need))}`)),
    ...more(needs.length, 'thing', 'for a person'),
    ...few(unread).map((one) => paint('red', `! ${cleanText(unreadWords(one))}`)),
    ...more(unread.length, 'part', 'that cannot be read'),
    `The page is ${path}`,
    '',
  ].join('\n');
}

function opening({ from, to, timeZone, targets }: Aggregates): string[] {
  if (targets.length === 0) return ['No sweep is on record.'];
  const sweeps = targets.reduce((sum, target) => sum + target.sweeps, 0);
  const [first, last] = [from, to].map((time) => dayOf(time, timeZone));
  return [
    cleanText(
      `${first} to ${last} (${timeZone}): ${counted(sweeps, 'sweep')} of ${counted(targets.length, 'target')}.`,
    ),
  ];
}

/** Such as 2026-10-01. */
const dayOf = (time: string, timeZone: string): string =>
  new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short' }).format(Date.parse(time));

function resultLine({ results, targets }: Aggregates): string[] {
  if (targets.length === 0) return [];
  const parts = Object.entries(WORDS).flatMap(([result, words]) => {
    const count = results[result as Result];
    return count > 0 || result === 'cancelled' ? [`${count.toLocaleString('en')} ${words}`] : [];
  });
  return [`Jobs: ${parts.join(', ')}.`];
}

const needWords = ({ target, what }: Aggregates['needs'][number]): string =>
  target === undefined ? what : `${target}: ${what}`;

const few = <T>(all: readonly T[]): readonly T[] => all.slice(0, MOST);

const more = (count: number, what: string, rest: string): string[] =>
  count <= MOST ? [] : [`  and ${counted(count - MOST, `more ${what}`)} ${rest}`];

function unreadWords({ source, first, count, why }: Aggregates['unread'][number]): string {
  const where = first === null ? '' : count === 1 ? `, ${first}` : `, ${counted(count, 'time')}, the first at ${first}`;
  return `Not read: ${source}${where}: ${why}.`;
}
