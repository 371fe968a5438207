import { messageOf } from '../../lib/base/error-words.ts';

/** The result of one check. */
export interface Finding {
  check: string;
  light: 'green' | 'yellow' | 'red';
  found: string;
  /** What to do; null if nothing is wrong. */
  fix: string | null;
}

/** Age from which a key gets a warning. */
export const OLD_KEY_MS = 90 * 86_400_000;

export const green = (check: string, found: string): Finding => ({ check, light: 'green', found, fix: null });
export const yellow = (check: string, found: string, fix: string): Finding => ({ check, light: 'yellow', found, fix });
export const red = (check: string, error: unknown, fix: string): Finding => ({
  check,
  light: 'red',
  fix,
  found: messageOf(error),
});
