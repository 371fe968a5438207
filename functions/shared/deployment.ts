import { environment, required, requiredMinutes } from '../../lib/settings/environment.ts';
import { assertStage } from '../../lib/settings/names.ts';
import type { WriteMetrics } from '../../lib/sweep/record/metrics.ts';
import { createLambdaLog, type Deployment, type LambdaLog } from './log.ts';
import { createMetricsWriter } from './metrics-writer.ts';

/** A deployment, and what a function writes with. */
export interface Reporting extends Deployment, LambdaLog {
  writeMetrics: WriteMetrics;
}

/** Reads the environment on first use. @throws {SettingsError} if a variable is missing or wrong. */
export const reporting: () => Reporting = once(() => {
  const stage = required(environment, 'STAGE');
  assertStage(stage);
  const deployment = { stage, periodMs: requiredMinutes(environment, 'PERIOD_MINUTES') };
  return {
    ...deployment,
    ...createLambdaLog(deployment),
    writeMetrics: createMetricsWriter(stage, environment.METRICS),
  };
});

/**
 * Makes a value on first use, and keeps it for later invocations. A handler can so be imported without an environment.
 *
 * @returns the value; if making it throws, the next call tries again.
 */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
