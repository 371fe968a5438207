import { systemClock } from '../../lib/base/clock.ts';
import type { Engine } from '../../lib/base/job.ts';
import { toEmergency } from '../../lib/request/emergency.ts';
import { DEFAULT_TARGET } from '../../lib/request/request.ts';
import type { Settings } from '../../lib/settings/settings.ts';
import type { StoredLook } from '../../lib/sweep/look/look.ts';
import { lookAtEverything } from '../../lib/sweep/snapshot.ts';
import { exitCodeOf } from '../screen/exit-code.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { type SettingsFlags, settingsSource } from '../source/load-settings.ts';
import { sharedIn } from '../source/network.ts';
import type { Stage } from '../source/open-stage.ts';

/**
 * Lists every live job of these engines, of any age. It only reads, and needs no policy.
 *
 * @param options.isBrief leaves out details and statements, which take more calls than the lists.
 * @throws {SettingsError} and {DliError} like a sweep.
 */
export async function observe(
  flags: SettingsFlags,
  { env }: Terminal,
  { engines, stage, isBrief = false }: { engines: readonly Engine[]; stage?: Stage; isBrief?: boolean },
): Promise<{ seen: StoredLook; settings: Settings }> {
  const target = flags.stage === undefined ? 'cli' : (flags.target ?? DEFAULT_TARGET);
  // Settings of an emergency need no policy either.
  const settings = await settingsSource(flags, env, stage)({ target, emergency: toEmergency({}) });
  const deps = { isBrief, clock: systemClock, random: Math.random, sharedFor: sharedIn(env) };
  return { seen: await lookAtEverything(engines, settings, deps), settings };
}

/** Says what makes a look doubtful. @returns the exit code of a plan at this moment: 1 if the clocks disagree, 4 if some jobs could not be listed. */
export function sayDoubts({ clockProblem, gaps }: StoredLook, { err }: Terminal): number {
  if (clockProblem !== undefined) err(`! ${cleanText(clockProblem)}\n`);
  for (const { what } of gaps) err(`! listing incomplete: ${cleanText(what)}\n`);
  const status = clockProblem !== undefined ? 'stopped' : gaps.length > 0 ? 'partial' : 'ok';
  return exitCodeOf({ status, dryRun: true });
}
