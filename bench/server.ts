import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { generate } from 'selfsigned';
import { createRandom } from '../emulator/base/random.ts';
import type { RequestRecord } from '../emulator/base/request.ts';
import { type Emulator, startEmulator } from '../emulator/server.ts';
import { manyJobs } from '../emulator/worlds.ts';

/*
 * An emulator in a process of its own, so that its work is not counted as the client's. `startServer` starts it; the process
 * is this file again.
 */

/** The jobs of one run, and how the service behaves. */
export interface World {
  live: number;
  overdue: number;
  /** From a request to its answer, ms. */
  delayMs: number;
  isTls?: boolean;
  /** With each list request so many overdue jobs end by themselves, and as many young ones start. Default 0. */
  churn?: number;
}

/** What the emulator saw of one run. */
export interface Tally {
  list: number;
  status: number;
  cancel: number;
  other: number;
  /** Answers with the status 429. */
  refused: number;
  /** Overdue jobs that still run. */
  missed: number;
  /** Jobs that were cancelled and were not overdue. */
  mistaken: number;
  /** CPU time of the server during the run, ms. */
  cpuMs: number;
}

export interface Service {
  connection: Emulator['connection'];
  /** A file with the server's certificate; undefined without TLS. */
  certificateFile: string | undefined;
}

type Order = { begin: World } | 'end';

/** How long a job runs on after its cancel was accepted. */
export const STOP_MS = 30;

/** Starts a server. Its runs come one after the other. */
export async function startServer() {
  const child = fork(import.meta.filename, { execArgv: ['--max-old-space-size=4096'] });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the server of the bench has ended')));
  // Only a run that is under way has to know.
  ended.catch(() => {});
  const ask = async <Answer>(order: Order): Promise<Answer> => {
    child.send(order);
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Answer];
    return answer;
  };
  return {
    begin: (world: World) => ask<Service>({ begin: world }),
    end: () => ask<Tally>('end'),
    stop: () => child.disconnect(),
  };
}

if (import.meta.main) await serve();

async function serve(): Promise<void> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  const place = mkdtempSync(join(tmpdir(), 'dli-reaper-bench-server-'));
  const certificateFile = join(place, 'certificate.pem');
  writeFileSync(certificateFile, cert);
  process.on('disconnect', () => {
    rmSync(place, { recursive: true });
    process.exit();
  });
  let run: Awaited<ReturnType<typeof beginRun>> | undefined;
  const answer = async (order: Order): Promise<Service | Tally | undefined> => {
    if (order === 'end') return run?.end();
    run = await beginRun(order.begin, { key, cert });
    return { connection: run.connection, certificateFile: order.begin.isTls ? certificateFile : undefined };
  };
  process.on('message', (order: Order) => void answer(order).then((said) => process.send?.(said)));
}

async function beginRun(world: World, keys: { key: string; cert: string }) {
  const random = createRandom(1);
  const now = Date.now();
  const jobs = manyJobs(now, random, { count: world.live, overdueShare: world.overdue / world.live });
  const overdue = new Set(jobs.slice(0, world.overdue).map(({ id }) => id));
  // In this order the emulator need not make room for each.
  jobs.sort((a, b) => a.submittedAt - b.submittedAt);
  const emulator = await startEmulator({
    now: Date.now,
    random,
    jobs,
    cancelDelayMs: STOP_MS,
    faults: delayAll(world.delayMs),
    onRequest: (request) => {
      if (world.churn !== undefined && kindOf(request) === 'list') churn(emulator, overdue, world.churn);
    },
  });
  const secure = world.isTls ? await startTls(emulator.connection.url, keys) : undefined;
  const cpuBefore = process.cpuUsage();
  return {
    connection: { ...emulator.connection, url: secure?.url ?? emulator.connection.url },
    end: async (): Promise<Tally> => {
      const { user, system } = process.cpuUsage(cpuBefore);
      const tally = { ...tallyOf(emulator, overdue), cpuMs: (user + system) / 1_000 };
      secure?.close();
      await emulator.close();
      return tally;
    },
  };
}

function delayAll(delayMs: number) {
  if (delayMs === 0) return [];
  const routes = ['list-sql-jobs', 'show-sql-job-status', 'cancel-sql-job', 'show-project'] as const;
  return routes.map((on) => ({ on, times: Number.POSITIVE_INFINITY, delayMs }));
}

/** Ends some overdue jobs by themselves, anywhere in the list, and starts as many young ones. */
function churn({ sql: jobs }: Emulator, overdue: ReadonlySet<string>, count: number): void {
  const now = Date.now();
  const all = jobs.all();
  const running = all.filter((job) => overdue.has(job.id) && job.cancelledAt === undefined && job.endsAt > now);
  const random = createRandom(all.length);
  for (let i = 0; i < count; i++) {
    const job = running[Math.floor(random() * running.length)];
    if (job !== undefined) job.endsAt = now;
  }
  for (const job of manyJobs(now, random, { count, overdueShare: 0 })) jobs.add(job);
}

function tallyOf({ requests, sql: jobs }: Emulator, overdue: ReadonlySet<string>): Omit<Tally, 'cpuMs'> {
  const now = Date.now();
  const count = (kind: Kind) => requests.filter((request) => kindOf(request) === kind).length;
  const all = jobs.all();
  return {
    list: count('list'),
    status: count('status'),
    cancel: count('cancel'),
    other: count('other'),
    refused: requests.filter(({ status }) => status === 429).length,
    missed: all.filter((job) => overdue.has(job.id) && job.cancelledAt === undefined && job.endsAt > now).length,
    mistaken: all.filter((job) => !overdue.has(job.id) && job.cancelledAt !== undefined).length,
  };
}

type Kind = 'list' | 'status' | 'cancel' | 'other';

function kindOf({ method, target }: RequestRecord): Kind {
  const path = target.replace(/\?.*$/, '');
  if (method === 'DELETE') return 'cancel';
  if (path.endsWith('/jobs')) return 'list';
  return path.endsWith('/status') ? 'status' : 'other';
}

/** Takes TLS off in front of the emulator. */
async function startTls(to: string, keys: { key: string; cert: string }) {
  const { port } = new URL(to);
  const server = tls.createServer(keys, (client) => {
    const upstream = net.connect(Number(port), '127.0.0.1');
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => void server.close(),
  };
}
