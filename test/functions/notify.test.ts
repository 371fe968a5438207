import { text } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, type TestContext } from 'vitest';
import { systemClock } from '../../lib/base/clock.ts';
import { notifyEvent } from '../../lib/notify/notify.ts';
import { createSentRecord } from '../../lib/notify/sent-record.ts';
import { createStateRecord } from '../../lib/notify/state-record.ts';
import { eventOf } from '../../lib/notify/subscription.ts';
import { testLine } from '../../lib/notify/test-message.ts';
import { postToWebhook } from '../../lib/notify/webhook.ts';
import { createPathReader } from '../../lib/settings/parameter-store.ts';
import { silentLog } from '../../lib/sweep/record/log-lines.ts';
import { startSecureServer } from '../helpers/connect-proxy.ts';
import { invokeBundle } from '../helpers/lambda.ts';
import {
  controlEvent,
  jobIdOf,
  messageJob,
  messageLine,
  operatorsLine,
  routeName,
  subscriptionEvent,
} from '../helpers/notices.ts';
import { startNotifyAws } from '../helpers/notify-aws.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:dli';
const ROUTES = {
  [routeName('ana')]: JSON.stringify({ to: 'owner', match: { owner: 'ana' }, topic: TOPIC }),
  [routeName('ops')]: JSON.stringify({ to: 'operators', topic: `${TOPIC}-ops`, fallback: true }),
};

async function start(
  context: TestContext,
  parameters: Record<string, string> = { ...ROUTES },
  env: Record<string, string> = {},
) {
  const aws = await startNotifyAws(parameters);
  context.onTestFinished(aws.close);
  return { aws, invoke: (event: unknown) => invokeBundle('notify', event, { ...aws.env, ...env }) };
}

describe('the bundled notify function', () => {
  it('publishes each message to the topic of its route, in the region of the topic', async (context) => {
    const { aws, invoke } = await start(context);

    const { returned, log, threw } = await invoke(
      subscriptionEvent([messageLine(), operatorsLine({ jobs: [messageJob(2)] })]),
    );

    expect(threw).toBeUndefined();
    expect(returned).toMatchObject({ published: 2, withoutRoute: 0, unreadable: [] });
    expect(aws.published).toMatchObject([
      { topic: TOPIC, subject: 'Your DLI job in project eu-west-101_lake was cancelled' },
      { topic: `${TOPIC}-ops`, text: expect.stringContaining(`why ${jobIdOf(2)} --stage dev --target lake`) },
    ]);
    expect(aws.calls.filter(({ operation }) => operation === 'Publish').map(({ region }) => region)).toEqual([
      'eu-west-1',
      'eu-west-1',
    ]);
    expect(log).toMatchObject([
      { level: 'info', msg: 'message published', stage: 'dev', parameter: routeName('ana'), jobs: 1 },
      { msg: 'message published', parameter: routeName('ops') },
    ]);
  });

  it('publishes nothing twice, also from another process', async (context) => {
    const { aws, invoke } = await start(context);
    const event = subscriptionEvent([messageLine()]);

    await invoke(event);
    await invoke(event);

    expect(aws.published).toHaveLength(1);
    expect(aws.calls.map(({ operation }) => operation)).toEqual([
      'BatchGetItem',
      'GetParametersByPath',
      'Publish',
      'BatchWriteItem',
      'BatchGetItem',
    ]);
  });

  it('knows the state of a target from one process to the next: a stop is sent once, and so is its end', async (context) => {
    const { aws, invoke } = await start(context);
    const at = (minute: number, status: 'stopped' | 'ok') =>
      subscriptionEvent([operatorsLine({ status, jobs: [], timestamp: `2026-11-27T09:${minute}:00.000Z` })]);

    for (const event of [at(10, 'stopped'), at(25, 'stopped'), at(40, 'ok'), at(55, 'ok')]) await invoke(event);

    expect(aws.published.map(({ subject }) => subject)).toEqual([
      'DLI job reaper, sweep of lake (stage dev): stopped',
      'DLI job reaper, sweep of lake (stage dev): ok again',
    ]);
    expect([...aws.table.keys()]).toEqual(['["dev","lake","state"]']);
  });

  it('leads owners to the page that the deploy names', async (context) => {
    const { aws } = await start(context);
    const OWNERS_PAGE = 'https://wiki.example.com/reaper';

    await invokeBundle('notify', subscriptionEvent([messageLine()]), { ...aws.env, OWNERS_PAGE });

    expect(aws.published).toMatchObject([{ text: expect.stringMatching(/: https:\/\/wiki\.example\.com\/reaper$/) }]);
  });

  describe('with a route to a mail address', () => {
    const parameters = {
      [routeName('mail')]: JSON.stringify({ to: 'owner', mail: '{owner}@example.com' }),
      [routeName('ops')]: JSON.stringify({ to: 'operators', topic: TOPIC, fallback: true }),
    };
    const sender = { MAIL_FROM: 'reaper@example.com' };

    it('sends one plain text to the owner, from the sender of the stage, and once', async (context) => {
      const { aws, invoke } = await start(context, parameters, sender);
      const event = subscriptionEvent([messageLine({ projectName: 'Süd' })]);

      const { returned, threw } = await invoke(event);
      await invoke(event);

      expect(threw).toBeUndefined();
      expect(returned).toMatchObject({ published: 1, withoutRoute: 0, unreadable: [] });
      expect(aws.mails).toEqual([
        {
          from: 'reaper@example.com',
          to: ['ana@example.com'],
          subject: 'Your DLI job in project Süd was cancelled',
          text: expect.stringMatching(/^Your DLI job in project Süd was cancelled\n- job 37286cc7/),
        },
      ]);
    });

    it('fails if SES refuses it, so that Lambda tries again, and shows no address', async (context) => {
      const { aws, invoke } = await start(context, parameters, sender);
      aws.refused.add('SendEmail');
      const event = subscriptionEvent([messageLine()]);

      const { threw, stdout, stack } = await invoke(event);
      aws.refused.clear();
      await invoke(event);

      expect(threw).toBe('NotifyError: 1 messages could not be published; the log says which, and why');
      expect(stdout).toContain('MailError: cannot be sent by SES (AccessDeniedException)');
      expect(`${stdout} ${stack}`).not.toMatch(/@example|secret-7/);
      expect(aws.mails).toHaveLength(1);
    });

    it('sends to the fallback without a sender, and says which parameter to give', async (context) => {
      const { aws, invoke } = await start(context, parameters, { MAIL_FROM: '' });

      const { returned, log } = await invoke(subscriptionEvent([messageLine()]));

      expect(returned).toMatchObject({ published: 1, withoutRoute: 1 });
      expect(log[0]).toMatchObject({
        msg: 'route unreadable',
        error: `SettingsError: ${routeName('mail')}: mail: the stage has no sender; deploy it with --param mailFrom=ADDRESS`,
      });
      expect(aws.mails).toEqual([]);
      expect(aws.published).toHaveLength(1);
    });
  });

  describe('with an event bus', () => {
    const event = subscriptionEvent([messageLine(), operatorsLine({ status: 'capped', problems: ['too many'] })]);

    it('publishes an event for each job and each status, before the messages, and once', async (context) => {
      const { aws, invoke } = await start(context, { ...ROUTES }, { EVENT_BUS: 'default' });

      const { threw, log } = await invoke(event);
      await invoke(event);

      expect(threw).toBeUndefined();
      expect(aws.events).toMatchObject([
        {
          bus: 'default',
          time: Date.parse('2026-11-27T09:00:00Z') / 1_000,
          event: { source: 'dli-job-reaper', 'detail-type': 'DLI Job Notice', detail: { kind: 'cancelled' } },
        },
        { event: { 'detail-type': 'DLI Sweep Status', detail: { status: 'capped' } } },
      ]);
      expect(aws.calls.slice(0, 4).map(({ operation }) => operation)).toEqual([
        'BatchGetItem',
        'PutEvents',
        'BatchWriteItem',
        'BatchGetItem',
      ]);
      expect(log.map(({ msg }) => msg)).toEqual(['events published', 'message published', 'message published']);
    });

    it('publishes in the region of a bus that is given by its ARN', async (context) => {
      const bus = 'arn:aws:events:eu-west-1:123456789012:event-bus/ops';
      const { aws, invoke } = await start(context, { ...ROUTES }, { EVENT_BUS: bus });

      await invoke(event);

      expect(aws.events[0]).toMatchObject({ bus });
      expect(aws.calls.find(({ operation }) => operation === 'PutEvents')).toMatchObject({ region: 'eu-west-1' });
    });

    it('publishes events also in a stage without a fallback, where no message can be sent', async (context) => {
      const ana = { [routeName('ana')]: ROUTES[routeName('ana')] ?? '' };
      const { aws, invoke } = await start(context, ana, { EVENT_BUS: 'default' });

      expect((await invoke(event)).threw).toContain('exactly one route must have "fallback": true');
      expect(aws.events).toHaveLength(2);
    });

    it.each([
      { name: 'a part of the events is refused', events: 1, refused: [], failed: 1, error: 'InternalFailure' },
      {
        name: 'the call is refused',
        events: Number.POSITIVE_INFINITY,
        refused: ['PutEvents'],
        failed: 2,
        error: 'AccessDeniedException',
      },
    ])(
      'fails if $name, so that Lambda tries again, and sends the messages',
      async ({ events, refused, failed, error }) => {
        const aws = await startNotifyAws({ ...ROUTES });
        aws.limits.events = events;
        for (const operation of refused) aws.refused.add(operation);
        const env = { ...aws.env, EVENT_BUS: 'default' };

        const first = await invokeBundle('notify', event, env);
        aws.limits.events = Number.POSITIVE_INFINITY;
        aws.refused.clear();
        const second = await invokeBundle('notify', event, env);

        expect(first.threw).toBe(`NotifyError: ${failed} events could not be published; the log says why`);
        expect(first.log).toContainEqual(
          expect.objectContaining({ msg: 'events not published', events: failed, error }),
        );
        expect(first.stdout).not.toContain('secret-7');
        expect(second.threw).toBeUndefined();
        expect(aws.events).toHaveLength(2);
        expect(aws.published).toHaveLength(2);
        await aws.close();
      },
    );
  });

  it('publishes a test as often as it is asked to, and leaves no trace in table, log and metric', async (context) => {
    const { aws, invoke } = await start(context);
    const event = eventOf([testLine({ to: 'owner', target: 'lake', owner: 'ben', queue: null })]);

    const first = await invoke(event);
    const second = await invoke(event);

    expect(first.returned).toEqual({
      published: 1,
      withoutRoute: 1,
      deliveries: [{ parameter: routeName('ops'), isWithoutRoute: true, error: null }],
      unreadable: [],
    });
    expect(second.returned).toEqual(first.returned);
    expect(aws.published).toHaveLength(2);
    expect(aws.table.size).toBe(0);
    expect([first.stdout, second.stdout]).toEqual(['', '']);
  });

  it('asks AWS for nothing on a control message', async (context) => {
    const { aws, invoke } = await start(context);

    expect((await invoke(controlEvent())).returned).toEqual({
      published: 0,
      withoutRoute: 0,
      deliveries: [],
      unreadable: [],
    });
    expect(aws.calls).toEqual([]);
  });

  it('counts a message without a route', async (context) => {
    const { invoke } = await start(context);

    const { metrics, log } = await invoke(subscriptionEvent([messageLine({ owner: 'ben' })]));

    expect(metrics).toEqual({ MessagesWithoutRoute: 1 });
    expect(log).toMatchObject([
      { level: 'warn', msg: 'message without route', owner: 'ben' },
      { msg: 'message published' },
    ]);
  });

  it.each([
    {
      operation: 'GetParametersByPath',
      threw: 'SettingsError: /dli-reaper/dev/notices/routes/: cannot be read from Parameter Store',
    },
    { operation: 'BatchGetItem', threw: 'SentRecordError: the table sent cannot be read (AccessDeniedException)' },
    { operation: 'Publish', threw: 'NotifyError: 1 messages could not be published' },
    { operation: 'BatchWriteItem', threw: 'SentRecordError: the table sent cannot be written (AccessDeniedException)' },
  ])('fails if $operation is refused, so that Lambda tries again, and loses nothing', async ({ operation, threw }) => {
    const aws = await startNotifyAws({ ...ROUTES });
    aws.refused.add(operation);
    const event = subscriptionEvent([messageLine()]);

    const first = await invokeBundle('notify', event, aws.env);
    aws.refused.clear();
    const second = await invokeBundle('notify', event, aws.env);

    expect(first.threw).toContain(threw);
    expect(second.threw).toBeUndefined();
    expect(aws.published.length).toBe(operation === 'BatchWriteItem' ? 2 : 1);
    await aws.close();
  });

  it('shows nothing of a webhook in its log or its error', async (context) => {
    const { port, close } = await startSecureServer(['localhost'], (_, response) => response.end());
    context.onTestFinished(close);
    const webhook = `https://localhost:${port}/services/secret-7?key=secret-8`;
    const { invoke } = await start(context, {
      [routeName('ops')]: JSON.stringify({ to: 'operators', webhook, fallback: true }),
      [routeName('x')]: JSON.stringify({ to: 'owner', webhook: `${webhook}`.replace('https', 'ftp') }),
      [routeName('y')]: `{"to": "owner", "webhook": "${webhook}"`,
    });

    const { stdout, threw, stack } = await invoke(subscriptionEvent([messageLine()]));

    // The certificate is not trusted.
    expect(threw).toContain('NotifyError: 1 messages could not be published');
    expect(stdout).toContain('WebhookError: cannot be reached (');
    for (const secret of ['secret-7', 'secret-8', String(port)]) expect(`${stdout} ${stack}`).not.toContain(secret);
  });
});

describe('a message from a line of the log to a webhook', () => {
  it('goes over TLS, by the route in Parameter Store, and once', async (context) => {
    const bodies: string[] = [];
    const hook = await startSecureServer(['localhost'], (request, response) => {
      void text(request).then((body) => {
        bodies.push(body);
        response.end('ok');
      });
    });
    context.onTestFinished(hook.close);
    const webhook = `https://localhost:${hook.port}/services/secret-7`;
    const { aws } = await start(context, {
      [routeName('all')]: JSON.stringify({ to: 'owner', webhook, fallback: true }),
    });
    const send = () =>
      notifyEvent(subscriptionEvent([messageLine()]), {
        stage: 'dev',
        clock: systemClock,
        log: silentLog,
        writeMetrics: () => {},
        readPath: createPathReader(new SSMClient(aws.client)),
        sent: createSentRecord(new DynamoDBClient(aws.client), 'sent', Date.now),
        states: createStateRecord(new DynamoDBClient(aws.client), 'sent', Date.now),
        ownersPage: undefined,
        publish: async (destination, message) => {
          if ('webhook' in destination)
            await postToWebhook(destination.webhook, message.text, { timeoutMs: 60_000, ca: hook.cert });
        },
      });

    await send();
    await send();

    expect(bodies.map((body) => JSON.parse(body))).toEqual([
      { text: expect.stringMatching(/^Your DLI job in project eu-west-101_lake was cancelled\n- job 37286cc7/) },
    ]);
  });
});
