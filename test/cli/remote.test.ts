import { describe, expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { assertConfirmed, parseDispatch } from '../../lib/dispatch.ts';
import { createSharedStates } from '../../lib/dli/connection.ts';
import { emergencyPolicy } from '../../lib/emergency.ts';
import { type Log, withFields } from '../../lib/log.ts';
import { requestFor } from '../../lib/message.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import { parseRequest, type SweepRequest } from '../../lib/request.ts';
import { sweep } from '../../lib/sweep.ts';
import { type Invocation, startAwsServer } from '../helpers/aws-server.ts';
import { runCli, runningJob, startService } from '../helpers/run-cli.ts';
import { stageParameters } from '../helpers/ssm-server.ts';
import { jobId, MINUTE } from '../helpers/world.ts';

const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };
const group = (name: string) => `/aws/lambda/dli-job-reaper-dev-${name}`;

/** The deployed functions, played by the very sweep that they are made of, with a log as they write it. */
async function startDeployed(context: TestContext) {
  const jobs = [runningJob(1), runningJob(2, { ageMs: MINUTE }), runningJob(3, { type: 'INSERT' })];
  const { emulator } = await startService(context, '', { jobs });
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;

  const run = async (request: SweepRequest, log: Log) => {
    await sweep(request, {
      ...{ clock: systemClock, random: Math.random, sharedFor: createSharedStates(systemClock), log },
      deadlineAt: Date.now() + MINUTE,
      loadSettings: async ({ target, emergency }) => ({
        target: { name: target, endpoint: new URL(url), projectId, mode: 'live' },
        policy: emergency === undefined ? parsePolicy(POLICY) : emergencyPolicy(emergency),
        ...{ exemptions: [], isSwitchedOn: true },
        credentials: { name: 'reaper', read: async () => ({ accessKeyId, secretAccessKey }) },
      }),
    });
  };
  const onInvoke = async ({ name, payload, requestId: awsRequestId }: Invocation) => {
    const logTo = (which: string): Log => {
      const at =
        (level: string) =>
        (msg: string, fields: object = {}) =>
          level !== 'debug' && aws.log(group(which), { level, msg, stage: 'dev', awsRequestId, ...fields });
      return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    };
    if (name.endsWith('-sweep')) return run(parseRequest(payload), logTo('sweep'));
    const dispatch = parseDispatch(payload, { id: awsRequestId, now: Date.now() });
    try {
      assertConfirmed(dispatch, 'dev', 1);
    } catch (error) {
      return logTo('dispatch').error('dispatch could not run', { error: String(error) });
    }
    logTo('dispatch').info('dispatch finished', { dispatchId: dispatch.dispatchId, expected: 1, sent: 1 });
    await run(requestFor(dispatch, 'default'), withFields(logTo('sweep'), { dispatchId: dispatch.dispatchId }));
  };
  const aws = await startAwsServer(stageParameters('dev', emulator.connection, POLICY), { onInvoke });
  context.onTestFinished(aws.close);
  return { emulator, aws, run: (...args: string[]) => runCli([...args, '--stage', 'dev', '--remote'], aws.env) };
}

describe.concurrent('dli-reaper --remote', () => {
  it('has the deployed function sweep, once and without waiting, and makes the report of its log', async (context) => {
    const { emulator, aws, run } = await startDeployed(context);

    const { exitCode, stdout, stderr } = await run('sweep', '--target', 'default', '--no-dry-run', '--json');

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const report = JSON.parse(stdout) as { sweepId: string };
    expect(report).toMatchObject({
      ...{ kind: 'sweep', target: 'default', dryRun: false, status: 'ok', counts: { cancelled: 1 } },
      jobs: [
        { jobId: jobId(1), outcome: 'cancelled' },
        { jobId: jobId(3), reason: 'protected' },
      ],
    });
    expect(report).not.toHaveProperty('awsRequestId');
    expect(aws.invocations).toMatchObject([
      { name: 'dli-job-reaper-dev-sweep', type: 'Event', payload: { sweepId: report.sweepId, dryRun: false } },
    ]);
    expect(emulator.statusOf(jobId(1))).toBe('CANCELLED');
  });

  it('sends an emergency with the name of its target, and shows the same table', async (context) => {
    const { aws, run } = await startDeployed(context);

    const args = ['emergency', '--target', 'default', '--older-than', '2h', '--reason', 'stuck'];
    const { exitCode, stdout, stderr } = await run(...args, '--confirm', 'default');

    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^Asked dli-job-reaper-dev-sweep for sweep [0-9a-f-]{36}\. Ctrl-C stops following it/);
    expect(stdout).toContain('Sweep ok: 2 jobs seen, 1 overdue, 1 cancelled');
    expect(aws.invocations).toMatchObject([{ payload: { kind: 'emergency', confirm: 'default', dryRun: false } }]);
  });

  it('sends one for all targets to the dispatch, confirmed by stage and number', async (context) => {
    const { aws, run } = await startDeployed(context);

    const args = ['emergency', '--all-targets', '--older-than', '2h', '--reason', 'stuck', '--json'];
    const { exitCode, stdout } = await run(...args, '--confirm', 'dev 1');

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'sweeps', sweeps: [{ counts: { cancelled: 1 } }], failures: [] });
    expect(aws.invocations).toMatchObject([
      { name: 'dli-job-reaper-dev-dispatch', type: 'Event', payload: { allTargets: true, confirm: 'dev 1' } },
    ]);
  });
});
