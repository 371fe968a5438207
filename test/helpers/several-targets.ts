import type { TestContext } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import type { EmulatedFlinkJob } from '../../emulator/flink/jobs.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../emulator/server.ts';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import { startAwsServer } from './aws-server.ts';
import { emulatedFlinkJob } from './emulated-api.ts';
import { HOUR, MINUTE, NOW } from './world.ts';

const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };

interface Jobs {
  jobs?: EmulatedJob[];
  flinkJobs?: EmulatedFlinkJob[];
  onRequest?: NonNullable<EmulatorOptions['onRequest']>;
}

/**
 * A stage `dev` of several targets. Each target has its own DLI.
 *
 * @param start starts the server that answers for AWS.
 */
export async function startTargets(
  context: TestContext,
  targets: Record<string, Jobs>,
  { changes = {}, start = startAwsServer }: { changes?: Record<string, string>; start?: typeof startAwsServer } = {},
) {
  const emulators: Record<string, Emulator> = {};
  const parameters: Record<string, string> = {};
  for (const [n, [name, jobs]] of Object.entries(targets).entries()) {
    const emulator = await startEmulator({
      now: Date.now,
      random: Math.random,
      cancelDelayMs: 0,
      jobs: [],
      ...jobs,
      project: { id: String(n).repeat(32) },
    });
    context.onTestFinished(emulator.close);
    emulators[name] = emulator;
    const { '/dli-reaper/dev/targets/default': target = '', ...others } = stageParameters(
      'dev',
      emulator.connection,
      POLICY,
    );
    Object.assign(parameters, others, { [`/dli-reaper/dev/targets/${name}`]: target });
  }
  const aws = await start({ ...parameters, ...changes });
  context.onTestFinished(aws.close);
  const deletes = (name: string) =>
    emulators[name]?.requests.filter(({ method, target }) => method === 'DELETE' || target.includes('/stop')).length ??
    0;
  return { aws, emulators, deletes };
}

/** A job by the machine's own clock. */
export function runningFlinkJob(id: number, ageMs: number): EmulatedFlinkJob {
  return emulatedFlinkJob(id, { ageMs: NOW - Date.now() + ageMs });
}

/** Flink's ids are small numbers. Both targets have a job 7; on one of them it is too young. */
export const TWINS = () => ({
  east: { flinkJobs: [runningFlinkJob(7, 3 * HOUR)] },
  west: { flinkJobs: [runningFlinkJob(7, MINUTE), runningFlinkJob(8, 3 * HOUR)] },
});

export const TWINS_EMERGENCY = [
  'emergency',
  '--stage',
  'dev',
  '--all-targets',
  '--reason',
  'quota',
  '--older-than',
  '2h',
  '--engine',
  'flink',
  '--no-savepoint',
];

/** The final states of the three jobs. */
export const twinsOf = (emulators: Record<string, Emulator>) =>
  [['east', '7'] as const, ['west', '7'] as const, ['west', '8'] as const].map(
    ([name, id]) => emulators[name]?.flink.get(id)?.life.at(-1)?.state,
  );
