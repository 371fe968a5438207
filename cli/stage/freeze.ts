import { parseFreeze } from '../../lib/policy/parse.ts';
import type { Freeze } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from '../screen/terminal.ts';
import { instantText } from '../source/flag-values.ts';
import type { StageFlags } from '../source/open-stage.ts';
import { checked, isoTime, matchOf, type ProtectionFlags, removeProtection, writeProtection } from './protection.ts';

export interface FreezeFlags extends ProtectionFlags {
  until?: string;
  /** Every job. */
  all?: boolean;
  days?: number[];
  months?: number[];
  timeZone?: string;
}

/** Writes one freeze. @returns the exit code. @throws {SettingsError} */
export async function runFreeze(id: string, flags: FreezeFlags, terminal: Terminal, now: number): Promise<number> {
  const document = documentOf(id, flags, now);
  const freeze = checked('freeze', parseFreeze, document);
  if (freeze.until !== undefined && freeze.until <= now) {
    throw new SettingsError('--until', 'is in the past; such a freeze protects nothing');
  }
  const [start, end] = firstSpan(freeze, now);
  const when =
    start <= now ? ` until ${isoTime(end)}, from the next sweep on` : ` from ${isoTime(start)} until ${isoTime(end)}`;
  const again = freeze.recurring === undefined ? '' : ', and then on each such day';
  return writeProtection('freeze', { id, document, match: freeze.match, when: when + again }, flags, terminal);
}

function documentOf(id: string, flags: FreezeFlags, now: number): object {
  const { reason, from, until, days, months, timeZone, all = false } = flags;
  const selectors = matchOf(flags);
  if (all && Object.keys(selectors).length > 0) {
    throw new SettingsError('--all', 'means every job; remove it, or remove --job-id, --queue, --owner and --tag');
  }
  if (!all && Object.keys(selectors).length === 0) {
    throw new SettingsError('--queue', 'missing; select jobs by --job-id, --queue, --owner or --tag, or give --all');
  }
  const isRecurring = days !== undefined || months !== undefined || timeZone !== undefined;
  return {
    id,
    reason,
    match: all ? 'all' : selectors,
    ...(from !== undefined && { from: instantText(from, now) }),
    ...(until !== undefined && { until: instantText(until, now) }),
    ...(isRecurring && {
      recurring: {
        ...(days !== undefined && { days }),
        ...(months !== undefined && { months }),
        ...(timeZone !== undefined && { timeZone }),
      },
    }),
  };
}

/** Returns the first span of time, from now on, in which a freeze holds. */
function firstSpan({ from = 0, until = 0, recurring }: Freeze, now: number): [number, number] {
  if (recurring === undefined) return [from, until];
  const start = recurring.holdsAt(now) ? now : recurring.nextAfter(now);
  return [start, recurring.endOf(start)];
}

/** Removes a freeze, so that its jobs may be cancelled again. @returns the exit code. @throws {SettingsError} */
export const runUnfreeze = (id: string, flags: StageFlags, terminal: Terminal): Promise<number> =>
  removeProtection('freeze', id, flags, terminal);
