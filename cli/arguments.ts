import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../lib/duration.ts';
import { messageOf } from '../lib/error-words.ts';

/** Readers of arguments, for commander: each returns the value or says what was expected. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

export function speed(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100_000)) throw new InvalidArgumentError('Expected 0 or more.');
  return value;
}

export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return value;
}

/** As it was written: the request reads it. */
export function durationText(text: string): string {
  duration(text);
  return text;
}

/** Milliseconds. */
export function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** Of an option that may be given several times. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
