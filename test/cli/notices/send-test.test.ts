import { describe, expect, it, type TestContext } from 'vitest';
import type { Invocation } from '../../../emulator/aws/server.ts';
import { createMemoryRecords } from '../../../lib/notify/memory-record.ts';
import { notifyEvent } from '../../../lib/notify/notify.ts';
import { ParameterValues } from '../../../lib/settings/parameter-store.ts';
import { silentLog } from '../../../lib/sweep/record/log-lines.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { invokeBundle } from '../../helpers/lambda.ts';
import { routeName } from '../../helpers/notices.ts';
import { runCli } from '../../helpers/run-cli.ts';
import { startStage } from '../../helpers/start-stage.ts';

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dli';
const ROUTES = {
  [routeName('bi')]: JSON.stringify({ to: 'owner', match: { queue: 'bi_*', target: 'lake' }, topic: TOPIC }),
  [routeName('ops')]: JSON.stringify({ to: 'operators', topic: TOPIC, fallback: true }),
};

/** A stage with its function `notify`, and what that published. */
async function start(context: TestContext, routes: Record<string, string> = ROUTES, options = {}) {
  const published: string[] = [];
  const onInvoke = async ({ payload }: Invocation) => ({
    returned: await notifyEvent(payload, {
      stage: 'dev',
      clock: fakeClock(),
      log: silentLog,
      writeMetrics: () => {},
      readPath: async (path) => {
        const values = new ParameterValues();
        for (const [Name, Value] of Object.entries(aws.parameters))
          if (Name.startsWith(path)) values.add({ Name, Value });
        return values;
      },
      ...createMemoryRecords(Date.now),
      ownersPage: undefined,
      publish: async (_, { text }) => void published.push(text),
    }),
  });
  const { aws, run } = await startStage(context, routes, { onInvoke, ...options });
  return { aws, published, run: (...args: string[]) => run('notices', 'test', ...args) };
}

describe.concurrent('dli-reaper notices test', () => {
  it('sends a test through the deployed function, once, and says by which route it went', async (context) => {
    const { aws, published, run } = await start(context);

    const { exitCode, stdout, stderr } = await run('--to', 'owner:ana', '--queue', 'bi_1', '--target', 'lake');

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(`Sent by ${routeName('bi')}: a test to owner ana, with target lake and queue bi_1.\n`);
    expect(published).toEqual([expect.stringMatching(/^TEST, nothing happened: Your DLI job in project lake was/)]);
    expect(aws.invocations.map(({ name, type }) => [name, type])).toEqual([
      ['dli-job-reaper-dev-notify', 'RequestResponse'],
    ]);
  });

  it.for([
    {
      args: ['--to', 'owner:ana'],
      says: `Sent by ${routeName('ops')}, the fallback, since no route is for it: a test to owner ana, with target test.\n`,
    },
    {
      args: ['--to', 'operators'],
      says: `Sent by ${routeName('ops')}: a test to the operators, with target test.\n`,
    },
  ])('says where it went: $args', async ({ args, says }, context) => {
    const { run } = await start(context);

    expect(await run(...args)).toMatchObject({ exitCode: 0, stdout: says });
  });

  it('prints a document', async (context) => {
    const { run } = await start(context);

    const { stdout } = await run('--to', 'owner:ana', '--json');

    expect(JSON.parse(stdout)).toEqual({
      kind: 'notice-test',
      stage: 'dev',
      to: 'owner',
      owner: 'ana',
      queue: null,
      target: 'test',
      isSent: true,
      route: routeName('ops'),
      isWithoutRoute: true,
      error: null,
      unreadable: [],
    });
  });

  it('names a route that was left out', async (context) => {
    const { run } = await start(context, { ...ROUTES, [routeName('ana')]: '{"to": "x"}' });

    const { exitCode, stderr } = await run('--to', 'owner:ana');

    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: `! A route was left out. ${routeName('ana')}: to: expected owner or operators\n`,
    });
  });

  it('ends with 1 where the stage has no route', async (context) => {
    const { run } = await start(context, {});

    expect(await run('--to', 'operators')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'Not sent: the stage has no route. docs/notices.md shows how to write one.\n',
    });
  });

  it('shows why the bundled function could not send it, and takes no stage from the environment', async (context) => {
    const onInvoke = async ({ payload }: Invocation) => {
      const { returned, threw } = await invokeBundle('notify', payload, { ...aws.env, SENT_TABLE: 'sent' });
      return { ...(returned && { returned }), ...(threw && { threw }) };
    };
    const { aws, run } = await start(context, ROUTES, { onInvoke });

    // This AWS plays no topic.
    expect(await run('--to', 'operators')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^Not sent by \S+\/ops: TopicError: cannot be published to arn:aws:sns:\S+ \(/m),
    });

    aws.parameters[routeName('second')] = ROUTES[routeName('ops')] ?? '';
    expect(await run('--to', 'operators')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(
        'dli-reaper: dli-job-reaper-dev-notify: failed (SettingsError): /dli-reaper/dev/notices/routes/: exactly one route',
      ),
    });

    const process = await runCli(['notices', 'test', '--to', 'operators'], { ...aws.env, DLI_REAPER_STAGE: 'dev' });
    expect(process).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--stage dev') });
    expect(aws.invocations).toHaveLength(2);
  });

  it.for([
    {
      name: 'is not deployed',
      options: { isDeployed: false },
      says: 'cannot be invoked (ResourceNotFoundException); the stage',
    },
    { name: 'may not be invoked', options: { refusedOperations: ['Invoke'] }, says: 'cannot be invoked (AccessDenied' },
    {
      name: 'is of an earlier version',
      options: { onInvoke: async () => ({ returned: { published: 0, withoutRoute: 0 } }) },
      says: 'sent nothing: it is of a version that knows no tests; deploy again',
    },
  ])('says that the function $name', async ({ options, says }, context) => {
    const { published, run } = await start(context, ROUTES, options);

    const { exitCode, stderr } = await run('--to', 'operators');

    expect({ exitCode, published }).toEqual({ exitCode: 1, published: [] });
    expect(stderr).toContain(`dli-reaper: dli-job-reaper-dev-notify: ${says}`);
  });

  it.for(['ana', 'owner:', 'operator'])('refuses the recipient %s', async (recipient, context) => {
    const { aws, run } = await start(context);

    expect(await run('--to', recipient)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Expected operators, or owner: and a name'),
    });
    expect(aws.calls).toEqual([]);
  });
});
