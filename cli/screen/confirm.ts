import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from './terminal.ts';
import { cleanText } from './text.ts';

/** Why no question can be asked. */
export const CANNOT_TYPE =
  'missing; the name cannot be typed, since stdin or stderr is not a terminal, or stdin is read as a file:';

/** A typing error must not cost the work of a plan. */
const ATTEMPTS = 3;

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
    throw new SettingsError('--confirm', `${CANNOT_TYPE} give --confirm ${name}`);
  }
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const typed = (await ask(cleanText(`Type ${name} to ${what}:`))).trim();
    if (typed === name) return true;
    // No answer: the person broke off.
    if (typed === '') break;
    const left = ATTEMPTS - attempt;
    if (left > 0)
      err(`That is not ${name}. Try again, or leave with Ctrl-C (${left} more ${left === 1 ? 'try' : 'tries'}).\n`);
  }
  err(`Not confirmed: expected ${name}. Nothing was changed.\n`);
  return false;
}
