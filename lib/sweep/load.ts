import { TimeoutError } from '../http/errors.ts';
import { within } from '../http/timeout.ts';
import type { SweepRequest } from '../request/request.ts';
import type { Ceilings } from '../settings/ceilings.ts';
import { type Settings, SettingsError } from '../settings/settings.ts';
import type { SweepDeps } from './deps.ts';
import type { Hold } from './record/report.ts';

/** Lambda answers at once, or is out of reach. */
const CEILINGS_WITHIN_MS = 10_000;

/** @throws {SettingsError} also if they are not read by the deadline: the caller has other targets to sweep, and to report. */
export async function settingsInTime(
  request: SweepRequest,
  { loadSettings, deadlineAt, clock }: SweepDeps,
): Promise<Settings> {
  try {
    return await within(loadSettings(request), deadlineAt - clock.now());
  } catch (cause) {
    if (!(cause instanceof TimeoutError)) throw cause;
    throw new SettingsError(`target ${request.target}`, 'its settings were not read before the deadline', { cause });
  }
}

/** @returns what keeps the sweep from being live if the ceilings cannot be read, or not in time. */
export async function ceilingsInTime({ loadCeilings, deadlineAt, clock }: SweepDeps): Promise<Ceilings | Hold> {
  try {
    return await within(loadCeilings(), Math.min(CEILINGS_WITHIN_MS, deadlineAt - clock.now()));
  } catch (error) {
    if (!(error instanceof SettingsError) && !(error instanceof TimeoutError)) throw error;
    const why = error instanceof TimeoutError ? 'they were not read in time' : error.message;
    return { by: 'ceilings', because: `the ceilings of the stage are not known: ${why}` };
  }
}
