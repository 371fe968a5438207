import type { Assumptions } from './base/assumptions.ts';
import { createEmulatorClock } from './base/clock.ts';
import { createRandom } from './base/random.ts';
import type { Fault } from './control/faults.ts';
import type { Snapshot } from './control/snapshot.ts';
import type { IamUser } from './gateway/iam.ts';
import type { InitialContents } from './routes.ts';
import { type Emulator, startEmulator } from './server.ts';
import { manyJobs, SIZED_WORLDS, WORLDS, type World } from './worlds.ts';

export interface WorldOptions {
  port?: number | undefined;
  /** Address to listen on. */
  host?: string | undefined;
  /** Names under which the control interface answers, with those of loopback. */
  allowHost?: readonly string[] | undefined;
  /** Users who can get tokens by password. */
  user?: readonly IamUser[] | undefined;
  assume?: Partial<Assumptions> | undefined;
  seed?: number | undefined;
  /** Name of a world. */
  world?: string | undefined;
  jobs?: number | undefined;
  overdue?: number | undefined;
  /** Speed of its clock; 0 stops it. */
  speed?: number | undefined;
  /** Milliseconds. */
  cancelDelay?: number | undefined;
  /** Calls that the gateway lets through in a minute. Default: any number. */
  callsPerMinute?: number | undefined;
}

/** What a caller has read from files. */
export interface WorldFiles {
  faults?: readonly Fault[] | undefined;
  /** A state to go on from, in place of a world. */
  saved?: Snapshot | undefined;
}

/**
 * Starts an emulator by the real clock, with the named world, `busy-morning` by default. With `jobs` it is a project of that size.
 *
 * @throws {Error} for a world that there is not.
 */
export function startWorld(options: WorldOptions, { faults = [], saved }: WorldFiles = {}): Promise<Emulator> {
  const {
    port = 0,
    host,
    allowHost,
    user,
    assume = {},
    seed = 1,
    speed = 1,
    cancelDelay = 1_000,
    callsPerMinute,
  } = options;
  const random = createRandom(seed);
  const clock = createEmulatorClock(Date.now, speed);
  // A real clock has moved on since. Any other clock continues from where it stopped.
  if (saved !== undefined && speed !== 1) clock.set(saved.now);
  return startEmulator({
    now: clock.now,
    clock,
    wall: Date.now,
    random,
    port,
    cancelDelayMs: cancelDelay,
    assumptions: assume,
    faults,
    ...(callsPerMinute !== undefined && { rateLimit: { calls: callsPerMinute, windowMs: 60_000 } }),
    ...(host !== undefined && { host }),
    ...(allowHost !== undefined && { controlHosts: allowHost }),
    ...(user !== undefined && { users: user }),
    ...(saved === undefined ? makeWorld(options, clock.now(), random) : contentsOf(saved)),
  });
}

function contentsOf({ sql, spark, flink, queues, packages }: Snapshot): InitialContents {
  return { jobs: sql, sparkJobs: spark, flinkJobs: flink, queues, packages };
}

function makeWorld(
  { world = 'busy-morning', jobs, overdue = 0.1 }: WorldOptions,
  now: number,
  random: () => number,
): World {
  if (jobs !== undefined && !SIZED_WORLDS.includes(world))
    return { jobs: manyJobs(now, random, { count: jobs, overdueShare: overdue }) };
  const make = Object.hasOwn(WORLDS, world) ? WORLDS[world] : undefined;
  if (make === undefined) throw new Error(`world: expected one of ${Object.keys(WORLDS).join(', ')}`);
  return make(now, random, jobs);
}
