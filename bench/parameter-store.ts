import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { SSMClient } from '@aws-sdk/client-ssm';
import Table from 'cli-table3';
import { stageParameters } from '../emulator/aws/parameter-store.ts';
import { createRandom } from '../emulator/base/random.ts';
import { EMULATOR_KEY, startEmulator } from '../emulator/server.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { systemClock } from '../lib/base/clock.ts';
import { createSharedStates } from '../lib/dli/shared-state.ts';
import { planMessages } from '../lib/fleet/outgoing.ts';
import { createStageSweep } from '../lib/fleet/stage-sweep.ts';
import { sweepEvent } from '../lib/fleet/sweep-event.ts';
import { createParameterReader, createPathReader, PATIENT_CLIENT_OPTIONS } from '../lib/settings/parameter-store.ts';
import { silentLog } from '../lib/sweep/record/log-lines.ts';
import { startAwsServer } from '../test/helpers/aws-server.ts';
import { looseCeilings } from '../test/helpers/ceilings.ts';

/*
 * One tick for 500 targets, against a Parameter Store that allows 40 calls a second, as AWS does to all of an account in a region,
 * and a DLI that answers after a quarter of a second. Each credential has a process of its own. It takes the time that it takes.
 *
 *     node bench/parameter-store.ts
 *
 * @see https://docs.aws.amazon.com/general/latest/gr/ssm.html
 */

const TARGETS = 500;
const CALLS_A_SECOND = 40;
const DLI_DELAY_MS = 250;
const PERIOD_MS = 15 * 60_000;

const table = new Table({
  head: ['credentials', 'victims', 'calls', 'for each target', 'refused', 'seconds', 'targets not swept'],
  style: { head: [], border: [], compact: true },
});
for (const credentials of [10, 40]) for (const victims of [0, 2]) await measure(credentials, victims);
process.stdout.write(`${table.toString()}\n`);

async function measure(credentials: number, victims: number): Promise<void> {
  const keys = Array.from({ length: credentials }, (_, i) => ({ ...EMULATOR_KEY, accessKeyId: `KEY${i}` }));
  const emulator = await startEmulator({
    now: Date.now,
    random: Math.random,
    keys,
    cancelDelayMs: 0,
    jobs: manyJobs(Date.now(), createRandom(1), { count: TARGETS * victims, overdueShare: 1 }),
    faults: (['list-sql-jobs', 'show-sql-job-status', 'cancel-sql-job'] as const).map((on) => ({
      on,
      times: Number.POSITIVE_INFINITY,
      delayMs: DLI_DELAY_MS,
    })),
  });
  const rules = [{ id: 'r', match: 'all', maxRunTime: '1h' }];
  const policy = { version: 1, mode: 'live', maxKills: Math.max(victims, 1), maxKillsPercent: 100, drain: true, rules };
  const base = stageParameters('dev', emulator.connection, policy);
  const target = JSON.parse(base['/dli-reaper/dev/targets/default'] ?? '') as object;
  const names = Array.from({ length: TARGETS }, (_, i) => `target-${i}`);
  const keyOf = (i: number) => `key-${i % credentials}`;
  const parameters = {
    ...base,
    ...Object.fromEntries(
      names.map((name, i) => [
        `/dli-reaper/dev/targets/${name}`,
        JSON.stringify({ ...target, shared: true, credentials: keyOf(i) }),
      ]),
    ),
    ...Object.fromEntries(keys.map((key, i) => [`/dli-reaper/dev/credentials/key-${i}`, JSON.stringify(key)])),
  };
  const aws = await startAwsServer(parameters);
  const quota = await startQuota(aws.env.AWS_ENDPOINT_URL);
  const dispatchedAt = Date.now();
  const { projectId } = emulator.connection;
  const messages = planMessages(
    names.map((name, i) => ({ name, credentials: keyOf(i), policy: 'base', projectId })),
    { dispatchId: 'tick', trigger: 'schedule', dispatchedAt, payload: {}, targets: 'all' },
    { turn: 0 },
  );
  const answers = await Promise.all(messages.map(({ body }) => sweepMessage(body, quota.url)));
  const results = answers.flatMap((answer) => ('targets' in answer ? answer.targets : []));
  const lost = results.filter((one) => one.kind !== 'swept' || one.status === 'stopped').length;
  const seconds = (Date.now() - dispatchedAt) / 1_000;
  const perTarget = (quota.calls / TARGETS).toFixed(2);
  table.push([credentials, victims, quota.calls, perTarget, quota.refused, seconds.toFixed(0), lost]);
  await Promise.all([quota.close(), aws.close(), emulator.close()]);
}

/** Sweeps the targets of a message as a process of the function does. */
function sweepMessage(body: string, endpoint: string) {
  const client = new SSMClient({
    ...PATIENT_CLIENT_OPTIONS,
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const sweepTarget = createStageSweep({
    stage: 'dev',
    schedule: { expression: 'rate(15 minutes)', timeZone: 'UTC', periodMs: PERIOD_MS },
    ceilings: looseCeilings,
    clock: systemClock,
    random: Math.random,
    read: createParameterReader(client),
    readPath: createPathReader(client),
    readRecord: async () => [],
    sharedFor: createSharedStates(systemClock),
    writeMetrics: () => {},
  });
  const event = { Records: [{ messageId: 'm', body, eventSource: 'aws:sqs' }] };
  const deadlineAt = Date.now() + PERIOD_MS;
  const deps = {
    clock: systemClock,
    log: silentLog,
    writeMetrics: () => {},
    periodMs: PERIOD_MS,
    deadlineAt,
    sweepTarget,
  };
  return sweepEvent(event, deps).finally(() => client.destroy());
}

/** Lets so many calls a second through, and as many at once, and refuses the others as AWS does. */
async function startQuota(origin: string) {
  let tokens = CALLS_A_SECOND;
  let filledAt = Date.now();
  const counts = { calls: 0, refused: 0 };
  async function pass(incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> {
    const now = Date.now();
    tokens = Math.min(CALLS_A_SECOND, tokens + ((now - filledAt) * CALLS_A_SECOND) / 1_000);
    filledAt = now;
    counts.calls += 1;
    if (tokens < 1) {
      counts.refused += 1;
      outgoing.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
      outgoing.end(JSON.stringify({ __type: 'ThrottlingException', message: 'Rate exceeded' }));
      return;
    }
    tokens -= 1;
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const headers = Object.fromEntries(
      ['authorization', 'x-amz-target', 'content-type'].map((name) => [name, String(incoming.headers[name] ?? '')]),
    );
    const answer = await fetch(origin, { method: 'POST', headers, body: Buffer.concat(chunks) });
    outgoing.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
    outgoing.end(Buffer.from(await answer.arrayBuffer()));
  }
  const server = http.createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get calls() {
      return counts.calls;
    },
    get refused() {
      return counts.refused;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
