import type { TestContext } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { startAwsServer } from './aws-server.ts';
import { runHere, runningJob, startService } from './run-cli.ts';
import { MINUTE } from './world.ts';

export const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };

/** Returns the name of a parameter of the stage. */
export const parameter = (rest: string): string => `/dli-reaper/dev/${rest}`;

/** Starts a stage `dev` in an emulated AWS, whose one target has an overdue job and a young one. */
export async function startStage(
  context: TestContext,
  changes: Record<string, string> = {},
  options: Parameters<typeof startAwsServer>[1] = {},
) {
  const { emulator } = await startService(context, '', { jobs: [runningJob(1), runningJob(2, { ageMs: MINUTE })] });
  const parameters = { ...stageParameters('dev', emulator.connection, POLICY), ...changes };
  const aws = await startAwsServer(parameters, options);
  context.onTestFinished(aws.close);
  return { emulator, aws, run: (...args: string[]) => runHere([...args, '--stage', 'dev'], aws.env) };
}
