import { randomUUID } from 'node:crypto';
import { systemClock } from '../lib/clock.ts';
import { createDliReader } from '../lib/dli/client.ts';
import { createSharedStates } from '../lib/dli/connection.ts';
import type { Engine } from '../lib/dli/job.ts';
import { emergencyPolicy, toEmergency } from '../lib/emergency.ts';
import { parseRequest } from '../lib/request.ts';
import { createReaders, examineVictims, scan } from '../lib/scan.ts';
import type { Settings } from '../lib/settings/settings.ts';
import { type SettingsFlags, settingsSource } from './settings-source.ts';
import type { Stage } from './stage.ts';
import type { Terminal } from './terminal.ts';
import type { World } from './world.ts';

/**
 * Every live job of these engines, whatever its age, with its statement, and what the lists do not tell of it. Reads only, and needs no policy.
 *
 * @throws {SettingsError} and {DliError} as a sweep does.
 */
export async function observe(
  flags: SettingsFlags,
  { env }: Terminal,
  { engines, stage }: { engines: readonly Engine[]; stage?: Stage },
): Promise<{ world: World; settings: Settings }> {
  const target = flags.stage === undefined ? 'cli' : flags.target;
  // As for an emergency, since that needs no policy either.
  const request = parseRequest({ kind: 'emergency', olderThan: '0s', reason: 'to look', target }, randomUUID);
  const settings = await settingsSource(flags, env, stage)(request);
  const everything = emergencyPolicy({ ...toEmergency({}), engines });
  const dli = createDliReader({
    ...{ endpoint: settings.target.endpoint, projectId: settings.target.projectId, credentials: settings.credentials },
    ...{ clock: systemClock, random: Math.random, shared: createSharedStates(systemClock)('observe') },
  });
  try {
    const readers = createReaders(everything, dli, { withStatements: true });
    const now = systemClock.now();
    const listed = await scan(readers, everything, { now });
    const reading = dli.clockReading();
    const takenAt = reading === undefined ? now : Math.min(reading.serviceAt, reading.localAt);
    const { jobs, gaps } = await examineVictims(readers, listed, { policy: everything, exemptions: [], now: takenAt });
    return { world: { target: settings.target.name, takenAt, jobs, gaps }, settings };
  } finally {
    dli.close();
  }
}
