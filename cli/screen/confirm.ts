import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from './terminal.ts';
import { cleanText } from './text.ts';

/**
 * Has a name typed out, for what should not happen by a slip of the hand.
 *
 * @param given by --confirm, in place of typing.
 * @returns false if something else was typed.
 * @throws {SettingsError} if nobody is there to ask, or --confirm says something else.
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
      `missing, and nobody can be asked, since stdin or stderr is no terminal; give --confirm ${name}`,
    );
  }
  if ((await ask(cleanText(`Type ${name} to ${what}:`))).trim() === name) return true;
  err(`Not confirmed, since ${name} was expected; nothing was changed.\n`);
  return false;
}
