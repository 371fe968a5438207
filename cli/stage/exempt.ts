import { parseExemption } from '../../lib/policy/parse.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from '../screen/terminal.ts';
import { instantText } from '../source/flag-values.ts';
import type { StageFlags } from '../source/open-stage.ts';
import { checked, isoTime, matchOf, type ProtectionFlags, removeProtection, writeProtection } from './protection.ts';

export interface ExemptFlags extends ProtectionFlags {
  contact: string;
  until: string;
}

/** Writes one exemption. @returns the exit code. @throws {SettingsError} */
export async function runExempt(id: string, flags: ExemptFlags, terminal: Terminal, now: number): Promise<number> {
  const document = {
    id,
    reason: flags.reason,
    owner: flags.contact,
    ...(flags.from !== undefined && { from: instantText(flags.from, now) }),
    until: instantText(flags.until, now),
    match: matchOf(flags),
  };
  const { match, from, until } = checked('exemption', parseExemption, document);
  if (until <= now) throw new SettingsError('--until', 'is in the past; such an exemption protects nothing');
  const begins = from === undefined || from <= now ? '' : ` from ${isoTime(from)}`;
  const when = `${begins} until ${isoTime(until)}${begins === '' ? ', from the next sweep on' : ''}`;
  return writeProtection('exemption', { id, document, match, when }, flags, terminal);
}

/** Removes an exemption, so that its jobs may be cancelled again. @returns the exit code. @throws {SettingsError} */
export const runUnexempt = (id: string, flags: StageFlags, terminal: Terminal): Promise<number> =>
  removeProtection('exemption', id, flags, terminal);
