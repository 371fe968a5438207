import { hashOf } from '../../lib/settings/hash.ts';
import type { startAwsServer } from './aws-server.ts';
import { GOOD_REPORT } from './reaper-year.ts';

type Aws = Pick<Awaited<ReturnType<typeof startAwsServer>>, 'parameters' | 'log'>;

/** The last line of a live sweep that cancelled two jobs. `fields` adds to it, such as its settings hash. */
export const finishedLine = (target: string, fields: object = {}) => ({
  level: 'info',
  msg: 'sweep finished',
  version: 2,
  sweepId: 'an-earlier-one',
  awsRequestId: 'an-earlier-one',
  target,
  trigger: 'schedule',
  dryRun: false,
  status: 'ok',
  stoppedBy: null,
  counts: GOOD_REPORT.counts,
  ...fields,
});

export const SWEEP_LOG = '/aws/lambda/dli-job-reaper-dev-sweep';

/** The hash of the settings that a sweep of a target of the stage `dev` uses. */
export function settingsHashOf({ parameters }: Pick<Aws, 'parameters'>, target: string): string {
  const prefix = '/dli-reaper/dev/';
  const text = parameters[`${prefix}targets/${target}`] ?? '';
  const { policy } = JSON.parse(text) as { policy?: string };
  const others = Object.entries(parameters).filter(([name]) => name.startsWith(`${prefix}exemptions/`));
  return hashOf({
    target: text,
    policy: parameters[`${prefix}policies/${policy}`] ?? '',
    ...Object.fromEntries(others),
  });
}

/** Records that every target has been swept with its settings, for tests that are not about changed settings. */
export function sweptBefore(aws: Aws, at = Date.now() - 3_600_000): void {
  const prefix = '/dli-reaper/dev/targets/';
  for (const name of Object.keys(aws.parameters).filter((one) => one.startsWith(prefix))) {
    const target = name.slice(prefix.length);
    aws.log(SWEEP_LOG, finishedLine(target, { settingsHash: settingsHashOf(aws, target) }), at);
  }
}
