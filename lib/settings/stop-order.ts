import { dliReaper } from '../base/command-line.ts';
import { parseInstant } from '../policy/instant.ts';

/** A stop, as a person has set the switch to it. */
export interface StopOrder {
  /** Epoch ms: the planned end. The stop never ends by itself. */
  until: number | undefined;
  reason: string | undefined;
}

/** The most characters of a reason, so that the value fits into a parameter. */
export const MAX_REASON_LENGTH = 200;

/**
 * Writes the value of the switch. Only the word `run` lets jobs be cancelled, so every version of the functions stops for it.
 *
 *     stop until 2026-12-06T00:00:00.000Z because month end
 *
 * @param order has no reason, or one without a {@link reasonProblem}.
 */
export function formatStop({ until, reason }: StopOrder): string {
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
  return `stop${end}${reason === undefined ? '' : ` because ${reason}`}`;
}

const FORM = /^stop(?: until (\S+))?(?: because (.+))?$/s;

/** Reads a value of {@link formatStop}; undefined for any other value, which may be a mistake. */
export function parseStop(value: unknown): StopOrder | undefined {
  const [whole, end, reason] = (typeof value === 'string' && FORM.exec(value)) || [];
  if (whole === undefined || (reason !== undefined && reasonProblem(reason) !== undefined)) return undefined;
  const until = end === undefined ? undefined : parseInstant(end);
  return end !== undefined && until === undefined ? undefined : { until, reason };
}

/** Says why a text cannot be the reason of a stop; undefined if it can. */
export function reasonProblem(reason: string): string | undefined {
  if (reason.trim() === '') return 'is empty; say why, or leave it out';
  if (reason.length > MAX_REASON_LENGTH)
    return `has ${reason.length} characters; expected at most ${MAX_REASON_LENGTH}`;
  return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(reason)
    ? 'contains a character that cannot be seen, such as a line break; write the reason in one line'
    : undefined;
}

/** Whether the planned end has passed. The switch still stops. @param now epoch ms. */
export const isOverdue = ({ until }: StopOrder, now: number): boolean => until !== undefined && until <= now;

/** Describes a stop, such as `stop until 2026-12-06T00:00:00.000Z (month end)`. */
export function describeStop({ until, reason }: StopOrder): string {
  const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
  return `stop${end}${reason === undefined ? '' : ` (${reason})`}`;
}

/** Asks a person to resume after the end of a stop. @param stage for the command; by default the reader fills it in. */
export function askToResume({ until = 0 }: StopOrder, stage = '…'): string {
  const at = new Date(until).toISOString();
  return (
    `the stop ended at ${at}, but sweeps do not resume by themselves; ` +
    `run ${dliReaper(`resume --stage ${stage}`)} to let them cancel again`
  );
}

/** Whether a stop has an end or a reason. */
export const hasWords = ({ until, reason }: StopOrder): boolean => until !== undefined || reason !== undefined;
