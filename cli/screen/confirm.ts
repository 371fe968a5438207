import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from './terminal.ts';
import { cleanText } from './text.ts';

/**
 * Asks a person to type a name, before something that must not happen by accident.
 *
 * @param given the name from --confirm, in place of typing.
 * @returns false if something else was typed.
 * @throws {SettingsError} if no one can be asked, or --confirm names something else.
 */
export async function confirm(
  { name, what, given }: { name: string; what: string; given: string | undefined },
  { ask, err }: Pick<Terminal, 'ask' | 'err'>,
): Promise<boolean> {
  if (given !== undefined) {
    if (given !== name) throw new SettingsError('--confirm', `expected ${name}; nothing was changed`);
    return true;
  }
  if (ask === undefined) {
    throw new SettingsError(
      '--confirm',
      `missing; the name cannot be typed, since stdin or stderr is not a terminal: give --confirm ${name}`,
    );
  }
  if ((await ask(cleanText(`Type ${name} to ${what}:`))).trim() === name) return true;
  err(`Not confirmed: expected ${name}. Nothing was changed.\n`);
  return false;
}
