import type { Aggregates, Need, Place, Result, State } from '../../../lib/aggregate/aggregates.ts';
import { formatDuration } from '../../../lib/base/duration.ts';

interface ResultWords {
  /** In tables and legends. */
  name: string;
  /** Under a big number. */
  label: string;
  /** What it means. */
  means: string;
}

/** The words for what became of a job. They say no more than is on record. */
export const RESULT_WORDS: Record<Result, ResultWords> = {
  cancelled: {
    name: 'cancelled',
    label: 'cancelled',
    means: 'Asked to stop, and then read as stopped.',
  },
  'already-terminal': {
    name: 'already over',
    label: 'were already over',
    means: 'Ended before the request to stop took effect, or without it.',
  },
  unconfirmed: {
    name: 'unconfirmed',
    label: 'asked, not seen to stop',
    means: 'Asked to stop, and not read as stopped.',
  },
  failed: {
    name: 'failed',
    label: 'could not be stopped',
    means: 'DLI refused to stop it, or gave up, and it was then read as alive.',
  },
  'no-result': {
    name: 'no result',
    label: 'chosen, result not on record',
    means: 'Chosen by a sweep, and what became of it is not on record.',
  },
  'not-asked': {
    name: 'not asked',
    label: 'over a limit, not asked to stop',
    means: 'Over a limit, and a cap, a deadline or something else kept the sweep from asking it to stop.',
  },
  'dry-run': {
    name: 'would have been cancelled',
    label: 'would have been cancelled',
    means: 'Over a limit in a dry run, which asks no job to stop.',
  },
  noted: {
    name: 'noted',
    label: 'over a limit that only reports',
    means: 'Over the limit of a rule that only warns or logs.',
  },
  warned: {
    name: 'warned',
    label: 'warned, not over the limit since',
    means: 'Its owner was warned, and it was not over the limit when it was last seen.',
  },
  kept: {
    name: 'spared',
    label: 'spared',
    means: 'Spared by a rule, an exemption or a protection.',
  },
};

export const STATE_WORDS: Record<State, { name: string; means: string }> = {
  dead: { name: 'no sweep', means: 'no sweep of the schedule is on record' },
  stopped: { name: 'stopped', means: 'a person or a brake stopped the reaper' },
  capped: { name: 'capped', means: 'too many jobs were over their limit, so a cap held the reaper back' },
  blind: { name: 'blind', means: 'the reaper did not see all jobs, or could not judge them' },
};

export const NEED_WORDS: Record<Need['kind'], string> = {
  failed: 'Jobs that could not be stopped',
  unconfirmed: 'Jobs not seen to stop',
  'no-result': 'Jobs without a result',
  'not-reached': 'Jobs not reached',
  capped: 'Held back by a cap',
  untold: 'Messages that reached no person',
  dead: 'No sweeps',
  stopped: 'Stopped',
  blind: 'Not all jobs seen',
  ending: 'Ends soon, or has ended',
};

const NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

export const number = (value: number): string => NUMBER.format(value);

/** `1 job`, `2,000 jobs`. */
export const counted = (count: number, what: string, plural = `${what}s`): string =>
  `${number(count)} ${count === 1 ? what : plural}`;

/** `2h`, `—` for what is not known. Hours after some days say nothing. */
export function duration(ms: number | null): string {
  if (ms === null) return '—';
  if (ms < 60_000) return formatDuration(ms);
  return formatDuration(ms >= 2 * 86_400_000 ? round(ms, 3_600_000) : round(ms, 60_000));
}

const round = (ms: number, unitMs: number): number => Math.round(ms / unitMs) * unitMs;

/** `3.4×`: a reading as a multiple of its limit. Never `1×` for a reading that is over the limit. */
export function times(ratio: number): string {
  const digits = ratio >= 10 ? 0 : ratio >= 2 ? 1 : 2;
  const rounded = ratio.toFixed(digits);
  return ratio > 1 && Number(rounded) === 1
    ? 'just over 1×'
    : ratio < 1 && Number(rounded) === 1
      ? 'just under 1×'
      : `${Number(rounded)}×`;
}

export const percent = (part: number, whole: number): string => {
  const value = (100 * part) / whole;
  return value > 0 && value < 1
    ? 'less than 1%'
    : value < 100 && value > 99
      ? 'more than 99%'
      : `${Math.round(value)}%`;
};

/** `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** What this page's words depend on: the time zone of the report, and where its sweeps ran. */
export interface Words {
  /** `29 Mar 2026, 02:15`. */
  moment(at: number | string): string;
  /** `29 Mar 2026`. */
  date(at: number | string): string;
  /** `29 Mar`. */
  short(at: number | string): string;
  /** The target, after its stage if there are several stages. */
  place(place: Partial<Place>): string;
  hasOneTarget: boolean;
  /** A sentence with its instants in the time zone, a capital and a full stop. */
  sentence(text: string): string;
}

export function wordsFor({ timeZone, targets }: Aggregates): Words {
  const format = (options: Intl.DateTimeFormatOptions) => {
    const formatter = new Intl.DateTimeFormat('en-GB', { timeZone, ...options });
    return (at: number | string) => formatter.format(new Date(at));
  };
  const day = { day: 'numeric', month: 'short' } as const;
  const moment = format({ ...day, year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const hasOneStage = new Set(targets.map(({ stage }) => stage)).size < 2;
  return {
    moment,
    date: format({ ...day, year: 'numeric' }),
    short: format(day),
    place: ({ stage, target }) =>
      [hasOneStage ? null : stage, target]
        .filter((part) => part !== null && part !== undefined && part !== '')
        .join(' / ') || '—',
    hasOneTarget: targets.length < 2,
    sentence: (text) => {
      const local = text.replace(INSTANT, (found) => moment(found));
      return `${local.charAt(0).toUpperCase()}${local.slice(1)}${/[.!?]$/.test(local) ? '' : '.'}`;
    },
  };
}

const INSTANT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z/g;
