import { dliReaper } from '../base/command-line.ts';
import { parseInstant } from '../policy/instant.ts';

/** What somebody has set a switch to who wants no job cancelled. */
export interface StopOrder {
  /** Epoch ms: when it was to be over. It never ends by itself. */
  until: number | undefined;
  reason: string | undefined;
}

/** The most characters of a reason; the value of a parameter is short enough then. */
export const MAX_REASON_LENGTH = 200;

/**
 * The value of the switch. Only the word `run` lets jobs be cancelled, so any version of the functions reads it as stop.
 *
 *     stop until 2026-12-06T00:00:00.000Z because month end
 *
 * @param order with a reason that {@link reasonProblem} finds nothing wrong with.
 */
export function formatStop({ until, reason }: StopOrder): string {
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
  return `stop${end}${reason === undefined ? '' : ` because ${reason}`}`;
}

const FORM = /^stop(?: until (\S+))?(?: because (.+))?$/s;

/** @returns undefined for whatever {@link formatStop} does not write: nobody is known to want that. */
export function parseStop(value: unknown): StopOrder | undefined {
  const [whole, end, reason] = (typeof value === 'string' && FORM.exec(value)) || [];
  if (whole === undefined || (reason !== undefined && reasonProblem(reason) !== undefined)) return undefined;
  const until = end === undefined ? undefined : parseInstant(end);
  return end !== undefined && until === undefined ? undefined : { until, reason };
}

/** Says why a text is no reason that a switch can hold; undefined if it is one. */
export function reasonProblem(reason: string): string | undefined {
  if (reason.trim() === '') return 'is empty; say why, or leave it out';
  if (reason.length > MAX_REASON_LENGTH)
    return `has ${reason.length} characters; expected at most ${MAX_REASON_LENGTH}`;
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(reason)
    ? 'holds a character that cannot be seen, such as a line break; write it in one line'
    : undefined;
}

/** Whether the time that it was meant for is over. It still stops. @param now epoch ms. */
export const isOverdue = ({ until }: StopOrder, now: number): boolean => until !== undefined && until <= now;

/** Such as `stop until 2026-12-06T00:00:00.000Z (month end)`. */
export function describeStop({ until, reason }: StopOrder): string {
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
  return `stop${end}${reason === undefined ? '' : ` (${reason})`}`;
}

/** What to say of a stop whose time is over. @param stage by default it is left to the reader. */
export function askToResume({ until = 0 }: StopOrder, stage = '…'): string {
  const at = new Date(until).toISOString();
  return `the stop ended at ${at}, and no sweep resumes by itself; ${dliReaper(`resume --stage ${stage}`)} lets them cancel again`;
}

/** Whether there is more to say of it than the word. */
export const hasWords = ({ until, reason }: StopOrder): boolean => until !== undefined || reason !== undefined;
