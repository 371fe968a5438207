import { afterEach, describe, expect, it } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { QUEUE_NAMES } from '../../emulator/aws/server.ts';
import { EMULATOR_KEY, EMULATOR_PROJECT_ID } from '../../emulator/server.ts';
import { parseMessage } from '../../lib/fleet/message.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { schedulerTick } from '../helpers/aws-events.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { invokeBundle } from '../helpers/lambda.ts';

const { version } = packageJson;

const connection = {
  url: 'https://dli.example.com',
  region: 'eu-west-101',
  projectId: EMULATOR_PROJECT_ID,
  ...EMULATOR_KEY,
};
const target = (credentials: string, fields: object = {}) =>
  JSON.stringify({ region: 'eu-west-101', projectId: EMULATOR_PROJECT_ID, policy: 'base', credentials, ...fields });

let aws: Awaited<ReturnType<typeof startAwsServer>>;

afterEach(() => aws.close());

/** A stage with the target `default` of the credential `reaper`, and those given beside it, by their credential. */
async function start(targets: Record<string, string> = {}, refusedOperations: readonly string[] = []) {
  aws = await startAwsServer(stageParameters('dev', connection, {}), { refusedOperations });
  for (const [name, credentials] of Object.entries(targets)) {
    aws.parameters[`/dli-reaper/dev/targets/${name}`] = target(credentials, { projectId: `projectOf${name}` });
  }
}

const invoke = (event: unknown) => invokeBundle('dispatch', event, aws.env);
const now = () => new Date().toISOString();
const sent = (queue: keyof typeof QUEUE_NAMES = 'sweeps') =>
  aws.queues[QUEUE_NAMES[queue]].messages.map(({ groupId, body }) => ({ groupId, ...parseMessage(body) }));

describe('the bundled dispatch function', () => {
  it('sends one message for each credential on a tick, and reads nothing but the targets', async () => {
    await start({ a: 'reaper', b: 'other' });

    const { returned, metrics, log } = await invoke(schedulerTick(now()));

    expect(returned).toMatchObject({ expected: 3, sent: 3, credentials: 2, messages: 2, dropped: false });
    expect(sent().map(({ groupId, targets }) => ({ groupId, targets: targets.sort() }))).toEqual([
      { groupId: 'other', targets: ['b'] },
      { groupId: 'reaper', targets: ['a', 'default'] },
    ]);
    expect(metrics).toEqual({ TargetsExpected: 3 });
    expect(log).toMatchObject([{ msg: 'dispatch finished', code: { version, commit: expect.any(String) } }]);
    expect(aws.asked).toEqual([['/dli-reaper/dev/targets/']]);
  });

  it('counts its targets under the time of the tick, as the sweeps do', async () => {
    await start();
    const time = new Date(Date.now() - 5 * 60_000).toISOString();

    const { metricLines } = await invoke(schedulerTick(time));

    expect(metricLines).toMatchObject([{ TargetsExpected: 1, _aws: { Timestamp: Date.parse(time) } }]);
  });

  it('sends nothing more for a tick that is delivered twice', async () => {
    await start();
    const tick = schedulerTick(now());

    await invoke(tick);
    await invoke({ ...tick, id: 'another-attempt' });

    expect(sent()).toHaveLength(1);
  });

  it('drops a tick older than one period, with a line and a metric', async () => {
    await start();

    const { returned, log, metrics } = await invoke(schedulerTick('2022-03-22T18:59:43Z'));

    expect(returned).toMatchObject({ dropped: true, sent: 0 });
    expect(log).toMatchObject([{ level: 'warn', msg: 'tick dropped', periodMs: 900_000 }]);
    expect(metrics).toEqual({ TicksDropped: 1 });
    expect(sent()).toHaveLength(0);
  });

  it.each([
    { name: 'an emergency', minutes: 11, payload: { kind: 'emergency', olderThan: '2h', confirm: 'dev 1' } },
    { name: 'a sweep by hand', minutes: 31, payload: {} },
  ])('sends nothing of $name that came too late, with a line and a metric that has an alarm', async (late) => {
    await start();
    const askedAt = new Date(Date.now() - late.minutes * 60_000).toISOString();

    const event = { ...late.payload, allTargets: true, dryRun: false, reason: 'quota', askedAt };
    const { returned, log, metrics } = await invoke(event);

    expect(returned).toMatchObject({ dropped: true, sent: 0 });
    expect(log).toMatchObject([
      {
        level: 'error',
        msg: 'dispatch could not run',
        error: expect.stringMatching(
          new RegExp(`^expired: it was asked for at ${askedAt} and was good until .*; nothing was sent`),
        ),
      },
    ]);
    expect(metrics).toEqual({ SweepsStopped: 1 });
    expect([...sent(), ...sent('emergencies')]).toEqual([]);
    expect(aws.asked).toEqual([]);
  });

  it('sends an emergency that is not too late, and with it when it was asked for', async () => {
    await start();
    const at = Date.now() - 9 * 60_000;

    const askedAt = new Date(at).toISOString();
    await invoke({
      kind: 'emergency',
      allTargets: true,
      olderThan: '2h',
      reason: 'quota',
      dryRun: false,
      confirm: 'dev 1',
      askedAt,
    });

    expect(sent('emergencies')).toMatchObject([{ dispatchedAt: at, targets: ['default'] }]);
  });

  it('counts a target that cannot be read as expected, says why, and sends the others', async () => {
    await start();
    aws.parameters['/dli-reaper/dev/targets/broken'] = '{"region":"eu-west-101"}';
    aws.parameters['/dli-reaper/dev/targets/team/nested'] = target('reaper');

    const { returned, log, metrics } = await invoke(schedulerTick(now()));

    expect(returned).toMatchObject({ expected: 3, sent: 1 });
    expect(log.filter(({ msg }) => msg === 'target unreadable')).toMatchObject([
      { level: 'error', target: 'broken', error: expect.stringContaining('projectId: missing') },
      { level: 'error', target: 'team/nested', error: expect.stringContaining('target: expected letters') },
    ]);
    expect(log.at(-1)).toMatchObject({ level: 'error', msg: 'dispatch finished' });
    expect(metrics).toEqual({ TargetsExpected: 3, PolicyException: 2 });
    expect(sent()).toMatchObject([{ targets: ['default'] }]);
  });

  it.each([
    { name: 'the tick', event: () => schedulerTick(now()) },
    {
      name: 'an emergency',
      event: () => ({
        kind: 'emergency',
        allTargets: true,
        olderThan: '2h',
        reason: 'quota',
        dryRun: false,
        confirm: 'dev 3',
        askedAt: now(),
      }),
    },
    { name: 'a plan of all', event: () => ({ allTargets: true }) },
  ])('sends none of two targets on one project for $name, says so of each, and sends the others', async ({ event }) => {
    await start({ a: 'reaper' });
    aws.parameters['/dli-reaper/dev/targets/sandbox'] = target('other', { shared: true });

    const { returned, log, metrics } = await invoke(event());

    expect(returned).toMatchObject({ expected: 3, sent: 1 });
    const error = (name: string, other: string) =>
      `/dli-reaper/dev/targets/${name}: projectId: ${EMULATOR_PROJECT_ID} is also the project of ${other}; ` +
      'correct the wrong one, or put "shared": true into all of them if this is meant';
    expect(log.filter(({ msg }) => msg === 'target not sent')).toMatchObject([
      { level: 'error', target: 'default', error: error('default', 'sandbox') },
      { level: 'error', target: 'sandbox', error: error('sandbox', 'default') },
    ]);
    expect(metrics).toMatchObject({ TargetsExpected: 3, PolicyException: 2 });
    expect([...sent(), ...sent('emergencies')].map(({ targets }) => targets)).toEqual([['a']]);
  });

  it('sends one target that is asked for by name no more than all, where it is on the project of another', async () => {
    await start();
    aws.parameters['/dli-reaper/dev/targets/sandbox'] = target('other');

    const { returned } = await invoke({ target: 'sandbox', dryRun: false });

    expect(returned).toMatchObject({ expected: 1, sent: 0 });
    expect(sent()).toEqual([]);
  });

  it('sends two targets on one project that both say so', async () => {
    await start();
    const fields = JSON.parse(aws.parameters['/dli-reaper/dev/targets/default'] ?? '') as object;
    aws.parameters['/dli-reaper/dev/targets/default'] = JSON.stringify({ ...fields, shared: true });
    aws.parameters['/dli-reaper/dev/targets/sandbox'] = target('other', { shared: true });

    expect((await invoke(schedulerTick(now()))).returned).toMatchObject({ expected: 2, sent: 2 });
  });

  it('says which targets did not get onto the queue, and still sends the others', async () => {
    await start({ a: 'other' });
    aws.refusedGroups.add('other');

    const { returned, log } = await invoke(schedulerTick(now()));

    expect(returned).toMatchObject({ expected: 2, sent: 1, messages: 1 });
    expect(log.filter(({ msg }) => msg === 'message not sent')).toMatchObject([
      { credentials: 'other', targets: ['a'] },
    ]);
  });

  it('throws if the queue takes nothing, and shows the name of AWS’s error and not its message', async () => {
    await start({}, ['SendMessageBatch']);

    const { threw, log, stack } = await invoke(schedulerTick(now()));

    expect(threw).toBe(`QueueError: ${aws.env.SWEEP_QUEUE_URL}: takes no messages (AccessDeniedException)`);
    expect(log).toMatchObject([{ msg: 'dispatch could not run', error: threw }]);
    expect(stack).toContain('functions/dispatch.ts');
  });

  it('passes on a payload for one target, or for all', async () => {
    await start({ a: 'other' });

    await invoke({ target: 'a', dryRun: false, reason: 'stuck' });
    expect(sent()).toMatchObject([{ targets: ['a'], payload: { dryRun: false, reason: 'stuck' }, trigger: 'manual' }]);

    aws.queues[QUEUE_NAMES.sweeps].messages.length = 0;
    await invoke({ allTargets: true, maxKills: 3, reason: 'again' });
    expect(sent().flatMap(({ targets }) => targets)).toEqual(expect.arrayContaining(['a', 'default']));
  });

  it.each([
    { event: { target: 'nowhere' }, threw: 'SettingsError: /dli-reaper/dev/targets/nowhere: no such parameter' },
    { event: { allTargets: true, dryrun: false }, threw: 'dryrun: unknown key' },
    {
      event: {
        kind: 'emergency',
        allTargets: true,
        olderThan: '2h',
        reason: 'a typo',
        dryRun: false,
        askedAt: now(),
        confirm: 'dev 2',
      },
      threw: 'confirm: expected dev 1',
    },
  ])(
    'throws for $event, sends nothing, and counts nothing: the person who mistyped it has the answer',
    async ({ event, threw }) => {
      await start();

      const answer = await invoke(event);

      expect(answer.threw).toContain(threw);
      expect(answer.metrics).toEqual({});
      expect(sent()).toHaveLength(0);
    },
  );

  it.each([
    { name: 'without a time', event: { ...schedulerTick(now()), time: 'soon' } },
    { name: 'where Parameter Store cannot be asked', refused: ['GetParametersByPath'], event: schedulerTick(now()) },
  ])('counts a tick that cannot run, $name', async ({ event, refused }) => {
    await start({}, refused);

    const answer = await invoke(event);

    expect(answer.threw).toBeDefined();
    expect(answer.metrics).toEqual({ PolicyException: 1 });
  });

  it('calls a stage without targets an error, and counts the tick as one that could not run', async () => {
    await start();
    delete aws.parameters['/dli-reaper/dev/targets/default'];

    const { returned, log, metrics } = await invoke(schedulerTick(now()));

    expect(returned).toMatchObject({ expected: 0, sent: 0, dropped: false });
    expect(log).toMatchObject([
      { level: 'error', msg: 'no targets', error: expect.stringContaining('/dli-reaper/dev/targets/') },
      { level: 'error', msg: 'dispatch finished', expected: 0 },
    ]);
    expect(metrics).toEqual({ TargetsExpected: 0, PolicyException: 1 });
  });

  it('tells a person who asks for all targets of an empty stage, and counts nothing', async () => {
    await start();
    delete aws.parameters['/dli-reaper/dev/targets/default'];

    const { returned, metrics } = await invoke({ allTargets: true });

    expect(returned).toMatchObject({ expected: 0, sent: 0 });
    expect(metrics).toEqual({ TargetsExpected: 0 });
  });
});
