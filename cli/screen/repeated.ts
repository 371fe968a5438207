import { fitTexts, type Space } from './fit.ts';
import { cleanText } from './text.ts';

/** A sentence that several others repeat. */
interface Repeated {
  /** The sentence, with the number of its repetitions. */
  text: string;
  /** Lines with what differs between them. */
  ids: string[];
  count: number;
}

/** Ids that are written out. */
const MOST_IDS = 5;

/** The id of a job, where a sentence names one. */
const JOB = /\b(?<kind>job|batch) (?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{1,15})\b/i;

/** Puts sentences that are equal, or differ only in the id of a job or a request, into one, in the order of the first ones. */
function repeatedOnce(texts: readonly string[]): Repeated[] {
  const groups = Map.groupBy(texts, (text) => text.replace(JOB, '$<kind> …').replaceAll(/ \(request [^)]*\)/g, ''));
  return [...groups].map(([common, same]) => {
    const [text = '', ...others] = same;
    if (others.length === 0) return { text, ids: [], count: 1 };
    const ids = [...new Set(same.flatMap((one) => JOB.exec(one)?.groups?.id ?? []))];
    const left = ids.length - MOST_IDS;
    return {
      text: `${same.length} times: ${common}`,
      ids: [...ids.slice(0, MOST_IDS).map((id) => `    ${id}`), ...(left > 0 ? [`    and ${left} more`] : [])],
      count: same.length,
    };
  });
}

/** Returns sentences for a screen, in blocks: those that are the same stand once, and those that do not fit are counted. */
export function fitSentences(texts: readonly string[], toLine: (text: string) => string, space: Space): string[] {
  return fitTexts(
    repeatedOnce(texts),
    {
      toText: ({ text, ids }) => [toLine(cleanText(text)), ...ids].join('\n'),
      more: (left) => `and ${left.reduce((sum, { count }) => sum + count, 0)} more: see --all or --json`,
    },
    space,
  );
}
