import { describe, it, type TestContext } from 'vitest';
import type { Invocation } from '../../../emulator/aws/server.ts';
import { startAwsServer } from '../../helpers/aws-server.ts';
import { finishedLine, SWEEP_LOG } from '../../helpers/past-sweeps.ts';
import { GOOD_REPORT } from '../../helpers/reaper-year.ts';
import { runCli } from '../../helpers/run-cli.ts';

const DISPATCH_LOG = '/aws/lambda/dli-job-reaper-dev-dispatch';
const dispatched = (ids: { dispatchId: string; awsRequestId: string }) => ({
  msg: 'dispatch finished',
  expected: 1,
  sent: 1,
  ...ids,
});

const finished = (target: string, ids: object) =>
  finishedLine(target, {
    ...GOOD_REPORT,
    dryRunBecause: [],
    caps: { exceeded: null },
    emergency: null,
    unmanagedQueues: {},
    freed: null,
    unmet: [],
    problems: [],
    notices: [],
    ...ids,
  });

/** A log with the lines of others in it, and at the end those of the invocation. */
async function startLog({ onTestFinished }: TestContext) {
  const onInvoke = async ({ name, payload, requestId: awsRequestId }: Invocation) => {
    if (name.endsWith('-sweep')) {
      aws.log(SWEEP_LOG, finished('own', { sweepId: payload.sweepId, awsRequestId }));
      return;
    }
    const dispatchId = `manual-${awsRequestId}`;
    aws.log(DISPATCH_LOG, dispatched({ dispatchId, awsRequestId }));
    aws.log(SWEEP_LOG, finished('own', { dispatchId }));
  };
  const aws = await startAwsServer({ '/dli-reaper/dev/targets/own': '{}' }, { isPatternIgnored: true, onInvoke });
  onTestFinished(aws.close);
  aws.log(SWEEP_LOG, finished('others', { dispatchId: 'manual-others' }));
  aws.log(DISPATCH_LOG, dispatched({ dispatchId: 'manual-others', awsRequestId: 'others' }));
  return aws;
}

describe.concurrent('dli-reaper --remote, with a log that sends other lines than those asked for', () => {
  it.for([
    { of: 'one target', args: ['sweep', '--target', 'own'] },
    {
      of: 'all targets',
      args: ['emergency', '--all-targets', '--older-than', '2h', '--reason', 'stuck', '--confirm', 'dev 1'],
    },
  ])('tells of its own sweep and of no other, for $of', async ({ args }, context) => {
    const aws = await startLog(context);

    const { exitCode, stdout, stderr } = await runCli([...args, '--stage', 'dev', '--remote'], aws.env);

    context
      .expect({ exitCode, stderr })
      .toEqual({ exitCode: 0, stderr: context.expect.stringContaining('own: sweep ok.') });
    context.expect(stdout).toContain('Sweep ok');
    context.expect(stdout + stderr).not.toContain('others');
  });
});
