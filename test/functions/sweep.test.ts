import { afterEach, describe, expect, it } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { createRandom } from '../../emulator/base/random.ts';
import { type Emulator, startEmulator } from '../../emulator/server.ts';
import { manyJobs } from '../../emulator/worlds.ts';
import { formatMessage, type SweepMessage } from '../../lib/fleet/message.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { lateQueueEvent, queueEvent } from '../helpers/aws-events.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { invokeBundle } from '../helpers/lambda.ts';
import { sweptBefore } from '../helpers/past-sweeps.ts';
import { runningJob } from '../helpers/run-cli.ts';
import { MINUTE } from '../helpers/world.ts';

const { version } = packageJson;

const SCHEDULE_TICK = { version: '0', source: 'aws.scheduler', 'detail-type': 'Scheduled Event' };
const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };

let emulator: Emulator;
let ssm: Awaited<ReturnType<typeof startAwsServer>>;

afterEach(async () => {
  await emulator.close();
  await ssm.close();
});

async function start(
  change: (parameters: Record<string, string>) => void = () => {},
  refusedOperations: readonly string[] = [],
  jobs = manyJobs(Date.now(), createRandom(7), { count: 30, overdueShare: 0.2 }),
) {
  emulator = await startEmulator({ now: Date.now, random: Math.random, jobs, cancelDelayMs: 0 });
  const parameters = stageParameters('dev', emulator.connection, POLICY);
  change(parameters);
  ssm = await startAwsServer(parameters, { refusedOperations });
  sweptBefore(ssm);
}

const invoke = (event: unknown) => invokeBundle('sweep', event, ssm.env);

const deletes = () => emulator.requests.filter(({ method }) => method === 'DELETE');

describe('the bundled sweep function', () => {
  it('cancels on a schedule tick, logs victims before and the summary last, and returns it without the jobs', async () => {
    await start();

    const { log, returned } = await invoke(SCHEDULE_TICK);

    expect(returned).toMatchObject({ status: 'ok', dryRun: false, counts: { overdue: 6, cancelled: 6, failed: 0 } });
    expect(returned).not.toHaveProperty('jobs');
    expect(log[0]).toMatchObject({ level: 'info', msg: 'victims chosen' });
    expect(log[0]?.victims).toHaveLength(6);
    expect(log.filter(({ msg }) => msg === 'job cancelled')).toHaveLength(6);
    expect(log.at(-1)).toMatchObject({ level: 'info', msg: 'sweep finished', status: 'ok', code: { version } });
    expect(log.slice(0, -1).filter((line) => 'code' in line)).toEqual([]);
    expect(deletes()).toHaveLength(6);
  });

  describe('in an emergency', () => {
    const emergency = {
      kind: 'emergency',
      olderThan: '2h',
      reason: 'adhoc is stuck',
      dryRun: false,
      askedAt: new Date().toISOString(),
    };

    it('cancels with a policy of broken rules and a target in dry-run, once its name is typed out', async () => {
      await start((parameters) => {
        parameters['/dli-reaper/dev/policies/base'] = '{"rules": "none"}';
        const target = JSON.parse(parameters['/dli-reaper/dev/targets/default'] ?? '') as object;
        parameters['/dli-reaper/dev/targets/default'] = JSON.stringify({ ...target, mode: 'dry-run' });
      });

      const { returned } = await invoke({ ...emergency, confirm: 'default' });

      expect(returned).toMatchObject({ trigger: 'emergency', dryRun: false, requestReason: 'adhoc is stuck' });
      expect(returned).toMatchObject({ status: 'ok', counts: { cancelled: 6 } });
      expect(deletes()).toHaveLength(6);
    });

    it('spares every job that may be exempt by a policy that cannot be read, unless exempt jobs are included', async () => {
      await start((parameters) => {
        parameters['/dli-reaper/dev/policies/base'] = '{';
      });

      const { returned } = await invoke({ ...emergency, confirm: 'default' });
      const spared = deletes().length;
      const { returned: included } = await invoke({ ...emergency, confirm: 'default', includeExempt: true });

      expect(returned).toMatchObject({
        counts: { cancelled: 0, skipped: { undetermined: expect.any(Number) } },
        notices: [
          expect.stringMatching(
            /^\/dli-reaper\/dev\/policies\/base and the exemptions in it cannot be read: any job may be exempt/,
          ),
        ],
      });
      expect(spared).toBe(0);
      expect(included).toMatchObject({ counts: { cancelled: 6 }, notices: [] });
    });

    it('spares every job where the policy holds its exemptions twice, of which one would be lost', async () => {
      await start((parameters) => {
        parameters['/dli-reaper/dev/policies/base'] = '{"exemptions":[{"id":"closing"}],"exemptions":[]}';
      });

      const { returned } = await invoke({ ...emergency, confirm: 'default' });

      expect(deletes()).toEqual([]);
      expect(returned).toMatchObject({
        notices: [
          expect.stringMatching(
            /^\/dli-reaper\/dev\/policies\/base and the exemptions in it cannot be read: any job may be exempt/,
          ),
        ],
      });
    });

    it('throws without confirm, and makes no call', async () => {
      await start();

      const { threw } = await invoke(emergency);

      expect(threw).toContain('confirm: expected the name of the target, default');
      expect(emulator.requests).toEqual([]);
    });

    it('cancels no job while the switch is off', async () => {
      await start((parameters) => {
        parameters['/dli-reaper/dev/switch'] = 'stop';
      });

      const { returned } = await invoke({ ...emergency, confirm: 'default' });

      expect(returned).toMatchObject({ status: 'stopped', counts: { cancelled: 0, skipped: { stopped: 6 } } });
      expect(deletes()).toEqual([]);
    });
  });

  it.each([
    {
      name: 'an emergency after 10 minutes',
      payload: { kind: 'emergency', olderThan: '2h', reason: 'stuck', confirm: 'default' },
      minutes: 10,
    },
    { name: 'a sweep by hand after 30', payload: {}, minutes: 30 },
  ])('carries out no payload that came too late: $name', async ({ payload, minutes }) => {
    await start();
    const asked = (ageMs: number) => ({
      ...payload,
      sweepId: 'adhoc-night-1',
      dryRun: false,
      askedAt: new Date(Date.now() - ageMs).toISOString(),
    });

    const late = await invoke(asked(minutes * 60_000 + 1_000));

    expect(late.returned).toEqual({ targets: [{ target: 'default', kind: 'not-swept', reason: 'expired' }] });
    expect(late.log).toMatchObject([
      { level: 'error', msg: 'target not swept', target: 'default', reason: 'expired', sweepId: 'adhoc-night-1' },
    ]);
    expect(late.metrics).toEqual({ SweepsStopped: 1, SweepsExpired: 1 });
    expect(emulator.requests).toEqual([]);
    // A minute, since the process takes its time to start.
    expect((await invoke(asked((minutes - 1) * 60_000))).returned).toMatchObject({ counts: { cancelled: 6 } });
  });

  it('leaves a tick that is older than a period to the next one', async () => {
    await start();

    const time = new Date(Date.now() - 16 * 60_000).toISOString();
    const { returned, metrics } = await invoke({ ...SCHEDULE_TICK, time });

    expect(returned).toEqual({ targets: [{ target: 'default', kind: 'not-swept', reason: 'stale' }] });
    expect(metrics).toEqual({ TicksDropped: 1 });
    expect(emulator.requests).toEqual([]);
  });

  it('asks Parameter Store for the target and the switch, what the target names, and all that spares jobs', async () => {
    await start();

    await invoke(SCHEDULE_TICK);

    expect(ssm.asked).toEqual([
      ['/dli-reaper/dev/targets/default', '/dli-reaper/dev/switch'],
      ['/dli-reaper/dev/policies/base', '/dli-reaper/dev/credentials/reaper'],
      ['/dli-reaper/dev/exemptions/'],
      ['/dli-reaper/dev/freezes/'],
      // Whether another target is on the same project.
      ['/dli-reaper/dev/targets/'],
      // Once more, right before the first cancel.
      ['/dli-reaper/dev/exemptions/'],
      ['/dli-reaper/dev/freezes/'],
      ['/dli-reaper/dev/switch'],
    ]);
  });

  it('records which versions of the parameters it went by', async () => {
    await start();
    ssm.versions['/dli-reaper/dev/policies/base'] = 7;

    const { returned } = await invoke({});

    expect(returned).toMatchObject({
      parameterVersions: { switch: 1, target: 1, policy: 7, credentials: 1, exemptions: {}, freezes: {} },
    });
  });

  it('writes its metrics under the one dimension stage', async () => {
    await start();

    const { metrics, metricLines } = await invoke(SCHEDULE_TICK);

    expect(metrics).toMatchObject({ ResourceCount: 6, JobsOverdue: 6, JobsCancelled: 6, SweepsFailed: 0 });
    expect(metrics).not.toHaveProperty('TargetsSwept');
    for (const line of metricLines) {
      expect(line).toMatchObject({ stage: 'dev', _aws: { CloudWatchMetrics: [{ Dimensions: [['stage']] }] } });
    }
  });

  it('writes only the metrics that a small stage names, and no line without one', async () => {
    await start();
    const env = { ...ssm.env, METRICS: 'SweepsFailed SweepsStopped' };

    const { metrics, metricLines } = await invokeBundle('sweep', SCHEDULE_TICK, env);
    const late = await invokeBundle('sweep', { ...SCHEDULE_TICK, time: '2022-03-22T18:59:43Z' }, env);

    expect(metrics).toEqual({ SweepsFailed: 0, SweepsStopped: 0 });
    expect(metricLines).toHaveLength(1);
    expect(late.returned).toMatchObject({ targets: [{ kind: 'not-swept' }] });
    expect(late.metricLines).toEqual([]);
  });

  it('spares whom an exemption in Parameter Store protects, and warns that it ends soon', async () => {
    // A week before its end has come since the last tick.
    const until = new Date(Date.now() + 7 * 86_400_000 - 60_000).toISOString();
    const exemption = { id: 'all', reason: 'the year ends', owner: 'closing', until, match: { queue: '*' } };
    await start((parameters) => {
      parameters['/dli-reaper/dev/exemptions/closing'] = JSON.stringify(exemption);
    });

    const { returned, log } = await invoke(SCHEDULE_TICK);

    expect(returned).toMatchObject({
      status: 'ok',
      notices: [expect.stringContaining('exemption all (owner closing) ends at')],
      counts: { overdue: 0, cancelled: 0, skipped: { exempt: 6 } },
    });
    expect(log.filter(({ msg }) => msg === 'job kept')).toHaveLength(6);
    expect(deletes()).toHaveLength(0);
  });

  it('writes two lines where no job is over a limit, whatever protects, exempts or ignores jobs', async () => {
    const jobs = [
      runningJob(1, { ageMs: 50 * MINUTE, queue: 'etl' }),
      runningJob(2, { ageMs: 50 * MINUTE, queue: 'etl', owner: 'bo' }),
      runningJob(3, { ageMs: 50 * MINUTE, queue: 'etl', type: 'INSERT' }),
      runningJob(4, { ageMs: 50 * MINUTE, queue: 'etl', owner: 'dashboards' }),
    ];
    const rules = [
      { id: 'adhoc', match: { queue: 'adhoc' }, maxRunTime: '30m' },
      { id: 'etl', match: { queue: 'etl' }, ignore: { owner: 'dashboards' }, maxRunTime: '2h' },
    ];
    const until = '2099-12-31T00:00:00Z';
    const exemption = { id: 'bo', reason: 'the year ends', owner: 'closing', until, match: { owner: 'bo' } };
    await start(
      (parameters) => {
        parameters['/dli-reaper/dev/policies/base'] = JSON.stringify({ ...POLICY, rules });
        parameters['/dli-reaper/dev/exemptions/bo'] = JSON.stringify(exemption);
      },
      [],
      jobs,
    );

    const { log } = await invoke(SCHEDULE_TICK);

    expect(log.map(({ level, msg }) => `${level}: ${msg}`)).toEqual(['info: message', 'info: sweep finished']);
    expect(log.at(-1)).toMatchObject({
      counts: { seen: 4, overdue: 0, skipped: { 'within-limit': 1, exempt: 1, protected: 1, ignored: 1 } },
      notices: ['no job that was looked at is matched by rules adhoc'],
      jobsLogged: 0,
    });
  });

  it('throws where Parameter Store refuses to list the exemptions, and makes no call', async () => {
    await start(() => {}, ['GetParametersByPath']);

    const { threw, metrics } = await invoke(SCHEDULE_TICK);

    expect(threw).toBe(
      'SettingsError: /dli-reaper/dev/exemptions/: cannot be read from Parameter Store (AccessDeniedException)',
    );
    expect(metrics).toEqual({ PolicyException: 1 });
    expect(emulator.requests).toHaveLength(0);
  });

  it('takes a payload for a dry run unless it says dryRun: false', async () => {
    await start();

    const dry = await invoke({ reason: 'a look' });
    const live = await invoke({ dryRun: false, reason: 'in earnest' });

    expect(dry.returned).toMatchObject({
      dryRun: true,
      dryRunBecause: ['request'],
      counts: { skipped: { 'dry-run': 6 } },
    });
    expect(live.returned).toMatchObject({ dryRun: false, counts: { cancelled: 6 } });
  });

  it.each([
    { name: 'set to stop', value: 'stop' },
    { name: 'set to stop until a time that is over', value: 'stop until 2026-01-01T00:00:00.000Z because month end' },
    { name: 'missing', value: undefined },
    { name: 'set to a JSON document', value: '{}' },
  ])('cancels nothing with the switch $name, and says stopped', async ({ value }) => {
    await start((parameters) => {
      if (value === undefined) delete parameters['/dli-reaper/dev/switch'];
      else parameters['/dli-reaper/dev/switch'] = value;
    });

    const { returned, log } = await invoke(SCHEDULE_TICK);

    expect(returned).toMatchObject({
      status: 'stopped',
      counts: { overdue: 6, cancelled: 0, skipped: { stopped: 6 } },
    });
    expect(log.at(-1)).toMatchObject({ level: 'error', msg: 'sweep finished' });
    expect(deletes()).toHaveLength(0);
  });

  it.each([
    { value: 'stop', stopped: 0, why: 'since somebody has said so' },
    { value: 'stop until 2998-01-01T00:00:00.000Z because x', stopped: 0, why: 'since its time is not over' },
    { value: 'stop until 2026-01-01T00:00:00.000Z because x', stopped: 1, why: 'since its time is over' },
    { value: 'of', stopped: 1, why: 'since that may be a typo' },
    { value: undefined, stopped: 1, why: 'since somebody may have deleted it' },
  ])('counts $stopped stopped sweeps with the switch $value, $why, and no stuck job', async ({ value, stopped }) => {
    await start((parameters) => {
      if (value === undefined) delete parameters['/dli-reaper/dev/switch'];
      else parameters['/dli-reaper/dev/switch'] = value;
    });

    const { metrics } = await invoke(SCHEDULE_TICK);

    expect(metrics).toMatchObject({ JobsOverdue: 6, SweepsStopped: stopped, JobsStuck: 0 });
  });

  it('does not warn of a switch that is not set yet: the report says so', async () => {
    await start((parameters) => {
      delete parameters['/dli-reaper/dev/switch'];
    });

    const { log } = await invoke(SCHEDULE_TICK);

    expect(log.filter(({ level, msg }) => level === 'warn' || msg === 'switch unreadable')).toEqual([]);
  });

  it.each([
    {
      name: 'an unknown key',
      event: { dryrun: false },
      threw: /RequestError: .*dryrun: unknown key; allowed: target, dryRun/,
    },
    { name: 'no object', event: 'now', threw: /RequestError: .*expected an object/ },
    {
      name: 'an unknown target',
      event: { target: 'nowhere' },
      threw: /SettingsError: \/dli-reaper\/dev\/targets\/nowhere: no such parameter/,
    },
  ])(
    'throws for $name, makes no call, and counts nothing: the person who mistyped it has the answer',
    async ({ event, threw }) => {
      await start();

      const answer = await invoke(event);

      expect(answer.threw).toMatch(threw);
      expect(answer.log.at(-1)).toMatchObject({ level: 'error', msg: 'sweep could not run' });
      expect(answer.metrics).toEqual({});
      expect(emulator.requests).toHaveLength(0);
    },
  );

  it.each([
    {
      name: 'policy',
      parameter: 'policies/base',
      value: '{"version":1,"rules":[{"id":"r","match":"all"}]}',
      threw: /maxRunTime: missing/,
    },
    {
      name: 'credential',
      parameter: 'credentials/reaper',
      value: '{"accessKeyId":"AK","secret":"hush"}',
      threw: /secretAccessKey: missing/,
    },
    {
      name: 'exemption',
      parameter: 'exemptions/orders',
      value: '{"id":"orders","match":{"owner":"hush"}}',
      threw: /until: missing/,
    },
    { name: 'credential without JSON', parameter: 'credentials/reaper', value: 'hush', threw: /not JSON/ },
  ])('throws for an invalid $name without showing what it holds', async ({ parameter, value, threw }) => {
    await start((parameters) => {
      parameters[`/dli-reaper/dev/${parameter}`] = value;
    });

    const answer = await invoke(SCHEDULE_TICK);

    expect(answer.threw).toMatch(threw);
    expect(answer.threw).toContain(`/dli-reaper/dev/${parameter}`);
    expect(answer.stdout).not.toContain('hush');
    expect(emulator.requests).toHaveLength(0);
  });

  it.each([
    { level: 'INFO', kept: 0 },
    { level: 'DEBUG', kept: 1 },
  ])('logs at $level whom it keeps since it only waits: $kept job', async ({ level, kept }) => {
    await start();
    emulator.sql.add(runningJob(1, { owner: 'waiting', runsFrom: Date.now() + 3_600_000 }));

    const { log } = await invokeBundle('sweep', SCHEDULE_TICK, { ...ssm.env, AWS_LAMBDA_LOG_LEVEL: level });

    expect(log.filter(({ owner }) => owner === 'waiting')).toHaveLength(kept);
  });

  it('escapes in its log what a terminal would obey, and keeps its nulls', async () => {
    await start();
    const owner = 'a\u009b2J\u202e';
    emulator.sql.add(runningJob(1, { owner }));

    const { log, stdout } = await invoke(SCHEDULE_TICK);

    expect(log).toContainEqual(expect.objectContaining({ msg: 'job cancelled', owner, error: null }));
    expect(stdout).toContain('"owner":"a\\u009b2J\\u202e"');
    for (const line of stdout.split('\n').filter((one) => one.includes('"msg"'))) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
  });

  it('never shows the secret key', async () => {
    await start();

    const { stdout } = await invoke(SCHEDULE_TICK);

    expect(stdout).not.toContain(emulator.connection.secretAccessKey);
  });
});

describe('the bundled sweep function, with a message of the queue', () => {
  const message = (fields: Partial<SweepMessage> = {}) =>
    queueEvent(
      formatMessage({
        dispatchId: 'tick-1',
        trigger: 'schedule',
        dispatchedAt: Date.now(),
        credentials: 'reaper',
        payload: {},
        targets: ['default', 'second'],
        ...fields,
      }),
    );
  const withSecond = (parameters: Record<string, string>) => {
    const target = JSON.parse(parameters['/dli-reaper/dev/targets/default'] ?? '') as object;
    for (const name of ['default', 'second']) {
      parameters[`/dli-reaper/dev/targets/${name}`] = JSON.stringify({ ...target, shared: true });
    }
  };

  it('sweeps its targets one after the other, and finds the jobs of the first terminal in the second', async () => {
    await start(withSecond);

    const { returned, log, metrics } = await invoke(message());

    expect(returned).toEqual({
      targets: [
        { target: 'default', kind: 'swept', status: 'ok' },
        { target: 'second', kind: 'swept', status: 'ok' },
      ],
    });
    const summaries = log.filter(({ msg }) => msg === 'sweep finished');
    expect(summaries).toMatchObject([
      { target: 'default', dispatchId: 'tick-1', counts: { cancelled: 6 } },
      { target: 'second', dispatchId: 'tick-1', counts: { overdue: 0 } },
    ]);
    expect(metrics).toMatchObject({ TargetsSwept: 2, JobsCancelled: 6 });
    expect(deletes()).toHaveLength(6);
    // A stage of many targets is many calls, for each of its sweeps.
    expect(ssm.asked.filter(([name]) => name === '/dli-reaper/dev/targets/')).toHaveLength(1);
    expect(emulator.requests.filter(({ target }) => target.startsWith('/v3/projects/'))).toHaveLength(1);
  });

  it('counts a target as swept under the time of the tick, and all else as it happens', async () => {
    await start();
    const dispatchedAt = Date.now() - 5 * 60_000;

    const { metricLines } = await invoke(message({ dispatchedAt, targets: ['default'] }));

    const times = metricLines.map((line) => [Object.hasOwn(line, 'TargetsSwept'), line._aws.Timestamp - dispatchedAt]);
    expect(times).toEqual([
      [false, expect.toSatisfy((lateMs: number) => lateMs >= 5 * 60_000)],
      [true, 0],
    ]);
  });

  it('cancels nothing more when the same message is delivered again', async () => {
    await start();
    const event = message({ targets: ['default'] });

    const [first, again] = [await invoke(event), await invoke(event)];

    expect([first.metrics.JobsCancelled, again.metrics.JobsCancelled]).toEqual([6, 0]);
    expect(deletes()).toHaveLength(6);
  });

  it('takes a dispatch by hand at its word', async () => {
    await start();

    const { log } = await invoke(message({ trigger: 'manual', targets: ['default'], payload: { reason: 'a look' } }));

    expect(log.at(-1)).toMatchObject({ msg: 'sweep finished', requestReason: 'a look', dryRunBecause: ['request'] });
    expect(deletes()).toHaveLength(0);
  });

  it('tells one clear error for a target whose settings are wrong, and sweeps the others', async () => {
    await start((parameters) => {
      withSecond(parameters);
      parameters['/dli-reaper/dev/targets/default'] = '{"region":"eu-west-101"}';
    });

    const { threw, log, metrics } = await invoke(message());

    expect(threw).toBeUndefined();
    expect(log.filter(({ msg }) => msg === 'sweep could not run')).toMatchObject([
      { target: 'default', error: expect.stringContaining('/dli-reaper/dev/targets/default: projectId: missing') },
    ]);
    expect(metrics).toMatchObject({ PolicyException: 1, TargetsSwept: 1, JobsCancelled: 6 });
  });

  it('says where a sweep would have gone whose policy is wrong', async () => {
    await start((parameters) => {
      parameters['/dli-reaper/dev/policies/base'] = '{}';
    });

    const { log } = await invoke(message({ targets: ['default'] }));

    const { region, projectId } = emulator.connection;
    expect(log.filter(({ msg }) => msg === 'sweep could not run')).toMatchObject([
      { target: 'default', region, projectId, projectName: region },
    ]);
  });

  it('sends a key that is refused once and no more, whether to IAM or to DLI', async () => {
    await start((parameters) => {
      const wrong = { accessKeyId: emulator.connection.accessKeyId, secretAccessKey: 'wrong' };
      parameters['/dli-reaper/dev/credentials/reaper'] = JSON.stringify(wrong);
    });

    await invoke(message({ targets: ['default'] }));

    expect(emulator.requests).toHaveLength(1);
  });

  it('calls DLI no more after the first 401, and accounts for each target', async () => {
    await start((parameters) => {
      withSecond(parameters);
      const wrong = { accessKeyId: emulator.connection.accessKeyId, secretAccessKey: 'wrong' };
      parameters['/dli-reaper/dev/credentials/reaper'] = JSON.stringify(wrong);
    });

    const { returned, log } = await invoke(message());

    expect(returned).toEqual({
      targets: [
        { target: 'default', kind: 'failed' },
        { target: 'second', kind: 'not-swept', reason: 'credential-refused' },
      ],
    });
    expect(log.filter(({ msg }) => msg === 'target not swept')).toMatchObject([{ target: 'second' }]);
    const { region, projectId } = emulator.connection;
    const place = { region, projectId, projectName: region };
    expect(log.filter(({ msg }) => msg === 'sweep could not run')).toMatchObject([{ target: 'default', ...place }]);
    expect(emulator.requests.length).toBeLessThanOrEqual(2);
  });

  it('leaves a message that is older than one period to the next tick, and says so', async () => {
    await start();

    const { log, metrics } = await invoke(message({ dispatchedAt: Date.now() - 16 * 60_000, targets: ['default'] }));

    expect(log).toMatchObject([{ msg: 'target not swept', target: 'default', reason: 'stale' }]);
    expect(metrics).toEqual({ TicksDropped: 1 });
    expect(emulator.requests).toHaveLength(0);
  });

  const EMERGENCY = { kind: 'emergency', olderThan: '2h', reason: 'stuck', dryRun: false };
  it.each([
    { name: 'an emergency after 10 minutes', payload: EMERGENCY, minutes: 10 },
    { name: 'a sweep by hand after 30', payload: { dryRun: false }, minutes: 30 },
  ])('carries out no message that came too late: $name', async ({ payload, minutes }) => {
    await start(withSecond);
    const late = message({
      trigger: 'manual',
      payload,
      confirmed: true,
      dispatchedAt: Date.now() - minutes * 60_000 - 1_000,
    });

    const { returned, log, metrics } = await invoke(late);

    expect(returned).toEqual({
      targets: [
        { target: 'default', kind: 'not-swept', reason: 'expired' },
        { target: 'second', kind: 'not-swept', reason: 'expired' },
      ],
    });
    expect(log.map(({ msg, target }) => [msg, target])).toEqual([
      ['target not swept', 'default'],
      ['target not swept', 'second'],
    ]);
    expect(metrics).toEqual({ SweepsStopped: 2, SweepsExpired: 2 });
    expect(emulator.requests).toEqual([]);
  });

  it.each([
    { name: 'was moved out of the dead letters, and so has a new SentTimestamp', dispatchedAgo: 20 * 60, sentAgo: 0 },
    { name: 'says that it was dispatched later than SQS took it', dispatchedAgo: -60 * 60, sentAgo: 20 * 60 },
  ])('carries out no emergency that $name', async ({ dispatchedAgo, sentAgo }) => {
    await start();
    const fields = { dispatchId: 'manual-1', trigger: 'manual', credentials: 'reaper', confirmed: true } as const;
    const dispatchedAt = Date.now() - dispatchedAgo * 1_000;
    const body = formatMessage({ ...fields, dispatchedAt, targets: ['default'], payload: EMERGENCY });

    const { returned } = await invoke(lateQueueEvent(Date.now() - sentAgo * 1_000, body));

    expect(returned).toEqual({ targets: [{ target: 'default', kind: 'not-swept', reason: 'expired' }] });
    expect(emulator.requests).toEqual([]);
  });

  it('counts the ages of an emergency from when it was asked for', async () => {
    await start();
    // Each of the six is older than two hours; nine minutes ago one of them was not.
    const ages = emulator.sql.all().map(({ submittedAt }) => Date.now() - submittedAt);
    const youngest = Math.min(...ages.filter((ageMs) => ageMs > 2 * 3_600_000));
    const olderThan = `${Math.floor(youngest / 1_000) - 60}s`;

    const { log } = await invoke(
      message({
        trigger: 'manual',
        confirmed: true,
        dispatchedAt: Date.now() - 9 * 60_000,
        targets: ['default'],
        payload: { ...EMERGENCY, olderThan },
      }),
    );

    expect(log.at(-1)).toMatchObject({ msg: 'sweep finished', status: 'ok', counts: { cancelled: 5 } });
    expect(deletes()).toHaveLength(5);
  });

  it('throws for a message that it cannot understand, so that it ends among the dead letters', async () => {
    await start();

    const { threw, metrics } = await invoke(queueEvent('{"version":2}'));

    expect(threw).toMatch(/RequestError: the message is not one of functions\/dispatch.ts/);
    expect(metrics).toEqual({ PolicyException: 1 });
    expect(emulator.requests).toHaveLength(0);
  });
});
