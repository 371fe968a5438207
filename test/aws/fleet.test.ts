import { DeleteMessageCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../emulator/base/random.ts';
import type { AccessKey } from '../../emulator/gateway/authentication.ts';
import { type Emulator, startEmulator } from '../../emulator/server.ts';
import { manyJobs } from '../../emulator/worlds.ts';
import type { TargetResult } from '../../lib/fleet/group.ts';
import { queueEvent, schedulerTick } from '../helpers/aws-events.ts';
import { type AwsPeer, startPeer } from '../helpers/aws-peer.ts';
import { packageProject, unpack } from '../helpers/packaged.ts';
import { type Lambda, startLambda } from '../helpers/runtime-api.ts';

const TARGETS = 500;
const CREDENTIALS = 25;
const SWEEPS_AT_ONCE = 5;

const key = (n: number): AccessKey => ({ accessKeyId: `FLEETKEY${n}`, secretAccessKey: `secret-of-the-fleet-${n}` });
const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };

let emulator: Emulator;
let peer: AwsPeer;
let dispatch: Lambda;
const sweeps: Lambda[] = [];

function parameters(): Record<string, string> {
  const { url, region, projectId } = emulator.connection;
  const target = (n: number) => ({
    region,
    projectId,
    endpoint: url,
    policy: 'base',
    mode: 'live',
    credentials: `c${n % CREDENTIALS}`,
    projectName: region,
    shared: true,
  });
  const numbered = (count: number, entry: (n: number) => [string, unknown]) =>
    Array.from({ length: count }, (_, n): [string, string] => {
      const [name, value] = entry(n);
      return [`/dli-reaper/dev/${name}`, JSON.stringify(value)];
    });
  return Object.fromEntries([
    ['/dli-reaper/dev/switch', 'run'],
    ['/dli-reaper/dev/policies/base', JSON.stringify(POLICY)],
    ...numbered(CREDENTIALS, (n) => [`credentials/c${n}`, key(n)]),
    ...numbered(TARGETS, (n) => [`targets/t${n}`, target(n)]),
  ]);
}

beforeAll(async () => {
  await packageProject();
  const jobs = manyJobs(Date.now(), createRandom(7), { count: 30, overdueShare: 0.2 });
  const keys = Array.from({ length: CREDENTIALS }, (_, n) => key(n));
  emulator = await startEmulator({ now: Date.now, random: Math.random, jobs, keys, cancelDelayMs: 0 });
  peer = await startPeer(parameters());
  process.stdout.write(`SSM and SQS are answered by ${peer.name}.\n`);

  const env = { ...peer.env, STAGE: 'dev' };
  dispatch = await startLambda(unpack('dispatch'), 'dist/dispatch/index.handler', env);
  const folder = unpack('sweep');
  for (let n = 0; n < SWEEPS_AT_ONCE; n++) sweeps.push(await startLambda(folder, 'dist/sweep/index.handler', env));
});

afterAll(async () => {
  await Promise.all([dispatch, ...sweeps].map((lambda) => lambda.stop()));
  await peer.close();
  await emulator.close();
});

/** What Lambda's own poller does: takes a message, hands it over, and deletes it if the function did not throw. */
async function pollWith(lambdas: readonly Lambda[], queueUrl: string) {
  const sqs = new SQSClient({
    endpoint: peer.env.AWS_ENDPOINT_URL as string,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const busy = new Set<string>();
  const overlaps: string[] = [];
  const results: TargetResult[] = [];
  let messages = 0;

  const receive = async (): Promise<Message | undefined> => {
    const asked = new ReceiveMessageCommand({ QueueUrl: queueUrl, MessageSystemAttributeNames: ['MessageGroupId'] });
    return (await sqs.send(asked)).Messages?.[0];
  };
  const work = async (lambda: Lambda): Promise<void> => {
    for (;;) {
      const message = await receive();
      if (message === undefined) return;
      const group = message.Attributes?.MessageGroupId ?? '';
      if (busy.has(group)) overlaps.push(group);
      busy.add(group);
      const { returned, threw } = await lambda.invoke(queueEvent(message.Body ?? ''));
      expect(threw).toBeUndefined();
      results.push(...(returned as { targets: TargetResult[] }).targets);
      messages += 1;
      busy.delete(group);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }));
    }
  };
  await Promise.all(lambdas.map(work));
  return { messages, overlaps, results };
}

describe("the packaged functions under AWS's own runtime client", () => {
  it('sweep 500 targets from one tick: none is lost, none twice, and no credential is used by two sweeps at once', async () => {
    const tick = schedulerTick(new Date().toISOString());

    const { returned, threw } = await dispatch.invoke(tick);
    // Scheduler delivers at least once.
    await dispatch.invoke(tick);
    const { messages, overlaps, results } = await pollWith(sweeps, peer.env.SWEEP_QUEUE_URL as string);

    expect(threw).toBeUndefined();
    expect(returned).toMatchObject({ expected: TARGETS, sent: TARGETS, credentials: CREDENTIALS, dropped: false });
    expect(messages).toBe(CREDENTIALS);
    expect(overlaps).toEqual([]);
    expect(results.filter(({ kind }) => kind !== 'swept')).toEqual([]);
    expect(results.map(({ target }) => target).sort()).toEqual(
      Array.from({ length: TARGETS }, (_, n) => `t${n}`).sort(),
    );
    // All targets are the same project here, so the first sweep cancels its overdue jobs.
    const statuses = emulator.sql.all().map(({ id }) => emulator.statusOf(id));
    expect(statuses.filter((status) => status === 'CANCELLED')).toHaveLength(6);
  });

  it('take a payload by hand, and answer with the summary', async () => {
    const { returned, threw } = (await sweeps[0]?.invoke({ target: 't0', reason: 'a look' })) ?? {};

    expect(threw).toBeUndefined();
    expect(returned).toMatchObject({ target: 't0', dryRun: true, dryRunBecause: ['request'], requestReason: 'a look' });
    expect(returned).not.toHaveProperty('jobs');
  });

  it('throw for a payload that is wrong, and say what is wrong with it', async () => {
    const { threw } = (await sweeps[0]?.invoke({ dryrun: false })) ?? {};

    expect(threw).toMatchObject({ errorType: 'RequestError' });
    expect(threw?.errorMessage).toContain('dryrun: unknown key');
  });

  it('write nothing but lines of JSON, and no secret', () => {
    const lines = [dispatch, ...sweeps].flatMap((lambda) => lambda.log().trim().split('\n')).filter(Boolean);

    expect(lines.length).toBeGreaterThan(TARGETS);
    for (const line of lines) expect(() => JSON.parse(line) as unknown, line).not.toThrow();
    expect(lines.join('\n')).not.toContain('secret-of-the-fleet');
  });
});
