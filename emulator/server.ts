import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, gatewayError } from './base/answer.ts';
import { type Assumptions, DEFAULT_ASSUMPTIONS } from './base/assumptions.ts';
import type { EmulatorClock } from './base/clock.ts';
import { control } from './control/control.ts';
import { editAnswer, type Fault, FaultScript } from './control/faults.ts';
import { changeJob } from './control/jobs.ts';
import { type Snapshot, type Stores, takeSnapshot } from './control/snapshot.ts';
import { type EmulatedFlinkJob, FlinkStore } from './flink/jobs.ts';
import { type AccessKey, createGateway, decodeTarget, type GatewayRequest } from './gateway/authentication.ts';
import { createIam, type Iam, type IamUser } from './gateway/iam.ts';
import { createTemporaryKeys } from './gateway/temporary-keys.ts';
import { createThrottle, type RateLimit } from './gateway/throttle.ts';
import { type EmulatedQueue, QueueStore, queuesOf } from './queues/queues.ts';
import { type Delays, ROUTES, type Route, type RouteName, type RouteRequest, type Service } from './routes.ts';
import { type EmulatedBatch, SparkStore } from './spark/jobs.ts';
import { type EmulatedJob, JobStore, statusAt } from './sql/jobs.ts';

export interface EmulatorOptions {
  /** Epoch ms; the emulator's only clock. */
  now: () => number;
  /** The clock behind `now`, if the control interface may move it. */
  clock?: EmulatorClock;
  faults?: readonly Fault[];
  /** The real time, for signatures: a client cannot know a clock that runs away from its own. As `now` unless given. */
  wall?: () => number;
  /** In [0, 1). */
  random: () => number;
  /** SQL jobs. */
  jobs?: readonly EmulatedJob[];
  sparkJobs?: readonly EmulatedBatch[];
  flinkJobs?: readonly EmulatedFlinkJob[];
  /** Those that the jobs name, and `default`, unless told. */
  queues?: readonly EmulatedQueue[];
  /** 0 takes a free one. */
  port?: number;
  /** From an accepted cancel to CANCELLED; `delays.cancelMs` in short. */
  cancelDelayMs?: number;
  /** Those that are not given are `DEFAULT_DELAYS`. */
  delays?: Partial<Delays>;
  /** What a savepoint comes to; success unless told. */
  savepointOutcome?: Service['savepointOutcome'];
  /** Of the jobs submitted over the API, how many fail in the end; none unless told. */
  failureShare?: number;
  /** What no document says; `DEFAULT_ASSUMPTIONS` unless told. */
  assumptions?: Partial<Assumptions>;
  deniedQueues?: readonly string[];
  keys?: readonly AccessKey[];
  /** When they were made, epoch ms; a month ago unless told. */
  keysMadeAt?: number;
  /** The one project there is; by default `EMULATOR_PROJECT_ID`, which bears the name of its region. */
  project?: { id?: string; name?: string };
  /** Who may have tokens. */
  users?: readonly IamUser[];
  /** 24 hours unless told. */
  tokenLifetimeMs?: number;
  /** What the gateway lets through; no limit unless given. A function, for limits that change. */
  rateLimit?: RateLimit | ((now: number) => RateLimit | undefined);
  /** Called before each request is handled, for worlds that change between pages. */
  onRequest?: (request: RequestRecord) => void;
}

/** One request, as it came and as it was answered. */
export interface RequestRecord {
  method: string;
  /** Path and query. */
  target: string;
  /** 0 while it is not answered, and for a connection cut. */
  status: number;
}

export interface Emulator {
  /** What a client needs; the keys are of this emulator only. */
  connection: { url: string; region: string; projectId: string; accessKeyId: string; secretAccessKey: string };
  /** SQL jobs. */
  jobs: JobStore;
  spark: SparkStore;
  flink: FlinkStore;
  queues: QueueStore;
  iam: Iam;
  faults: FaultScript;
  /** Every request so far, the oldest first. */
  requests: readonly RequestRecord[];
  /** Of a SQL job. */
  statusOf: (jobId: string) => string | undefined;
  snapshot: () => Snapshot;
  close: () => Promise<void>;
}

export const EMULATOR_REGION = 'emulator-1';
export const EMULATOR_PROJECT_ID = '0123456789abcdef0123456789abcdef';
export const EMULATOR_KEY: AccessKey = {
  accessKeyId: 'EMULATORACCESSKEYID0',
  secretAccessKey: 'emulator-secret-access-key-of-no-other-use',
};

export const DEFAULT_DELAYS: Delays = { cancelMs: 1_000, savepointMs: 5_000, startMs: 500, runMs: [30_000, 120_000] };

/** A DLI on this machine: real HTTP, real signatures, jobs that live and die by its clock. Listens on loopback only. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { now, random, keys = [EMULATOR_KEY] } = options;
  const { jobs: sqlJobs = [], sparkJobs = [], flinkJobs = [] } = options;
  const [jobs, spark, flink, queues] = [new JobStore(), new SparkStore(), new FlinkStore(), new QueueStore()];
  // What happens here to a job must not happen to the caller's.
  for (const job of sqlJobs) jobs.add({ ...job });
  for (const batch of sparkJobs) spark.add({ ...batch });
  for (const job of flinkJobs) flink.add({ ...job });
  const named = { sql: sqlJobs, others: [...sparkJobs, ...flinkJobs] };
  for (const queue of options.queues ?? queuesOf(named, now())) queues.add(queue);
  const service: Service = {
    now,
    random,
    sql: jobs,
    spark,
    flink,
    queues,
    delays: { ...DEFAULT_DELAYS, cancelMs: options.cancelDelayMs ?? DEFAULT_DELAYS.cancelMs, ...options.delays },
    savepointOutcome: options.savepointOutcome ?? 'success',
    failureShare: options.failureShare ?? 0,
    deniedQueues: options.deniedQueues ?? [],
    assumptions: { ...DEFAULT_ASSUMPTIONS, ...options.assumptions },
  };
  const stores: Stores = { jobs, spark, flink, queues };
  const faults = new FaultScript();
  faults.add(...(options.faults ?? []));
  const requests: RequestRecord[] = [];
  const project = {
    id: options.project?.id ?? EMULATOR_PROJECT_ID,
    // The project that a region begins with bears the name of the region.
    name: options.project?.name ?? EMULATOR_REGION,
  };
  const iam = createIam({
    users: options.users ?? [],
    project,
    lifetimeMs: options.tokenLifetimeMs,
    keysMadeAt: options.keysMadeAt,
    now,
  });
  const temporaryKeys = createTemporaryKeys(now);
  const authenticate = createGateway({ keys, temporaryKeys, iam, now, wall: options.wall ?? now });
  const { rateLimit } = options;
  const throttle = createThrottle(typeof rateLimit === 'function' ? rateLimit : () => rateLimit, now);

  /** The gateway's own checks, in its order. */
  const findRefusal = (request: GatewayRequest, projectId: string): Answer | undefined => {
    const identity = authenticate(request, projectId);
    if ('refusal' in identity) return identity.refusal;
    if (projectId !== project.id)
      return gatewayError(403, 'APIG.0310', 'The project is unavailable', request.requestId);
    return throttle(identity.user, request.requestId);
  };

  /** IAM and STS, which in the real world have hosts of their own. @returns undefined for what is not theirs. */
  const issueCredentials = (request: GatewayRequest): Answer | undefined => {
    const { path } = decodeTarget(request.target);
    const [, accessKeyId] = /^\/v3\.0\/OS-CREDENTIAL\/credentials\/([^/]+)$/.exec(path) ?? [];
    if (request.method === 'GET' && accessKeyId !== undefined) {
      const asking = authenticate(request);
      return 'refusal' in asking ? asking.refusal : iam.showKey(accessKeyId, asking.user);
    }
    if (request.method !== 'POST') return undefined;
    if (path === '/v3/auth/tokens') return iam.issue(request.body);
    if (path !== '/v3.0/OS-CREDENTIAL/securitytokens' && path !== '/v5/agencies/assume') return undefined;
    const identity = authenticate(request);
    if ('refusal' in identity) return identity.refusal;
    return path === '/v5/agencies/assume'
      ? temporaryKeys.assumeAgency(request.body, request.requestId)
      : temporaryKeys.issueByIam(request.body);
  };

  /** IAM's answer to who asks for a project. @returns undefined for another question. */
  const projectQuestion = (request: GatewayRequest): (() => Answer) | undefined => {
    const [, projectId] = /^\/v3\/projects\/([^/]+)$/.exec(decodeTarget(request.target).path) ?? [];
    if (request.method !== 'GET' || projectId === undefined) return undefined;
    return () => {
      const asking = authenticate(request);
      return 'refusal' in asking ? asking.refusal : iam.showProject(projectId);
    };
  };

  const handle = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const request: GatewayRequest = {
      method: incoming.method ?? '',
      target: incoming.url ?? '',
      headers: incoming.headers,
      body: Buffer.concat(chunks),
      requestId: randomBytes(16).toString('hex'),
    };

    if (request.target.startsWith('/_emulator/')) {
      const { clock } = options;
      send(outgoing, control(request, { stores, clock, now, faults, requests }), request.requestId, now());
      return;
    }
    const record: RequestRecord = { method: request.method, target: request.target, status: 0 };
    requests.push(record);
    options.onRequest?.(record);

    /** The answer, or what a fault makes of it. */
    const deliver = async (name: RouteName, run: () => Answer): Promise<void> => {
      const fault: Partial<Fault> = faults.take(name, request.target) ?? {};
      for (const { job, set } of fault.change ?? []) changeJob(job, set, stores, now());
      const real = fault.answer === undefined || fault.executes ? run() : undefined;
      if (fault.delayMs !== undefined) await sleep(fault.delayMs);
      if (fault.answer === 'reset') {
        incoming.socket.destroy();
      } else if (fault.answer !== 'hang') {
        const shown = fault.answer ?? real ?? { status: 500, body: '' };
        record.status = shown.status;
        const body = fault.edit === undefined ? shown.body : editAnswer(shown.body, fault.edit);
        send(outgoing, { ...shown, body }, request.requestId, now());
      }
    };

    const showProject = projectQuestion(request);
    if (showProject !== undefined) {
      await deliver('show-project', showProject);
      return;
    }
    const issued = issueCredentials(request);
    if (issued !== undefined) {
      record.status = issued.status;
      send(outgoing, issued, request.requestId, now());
      return;
    }

    const { route, routeRequest, projectId } = findRoute(request);
    const refusal = route === undefined ? undefined : findRefusal(request, projectId);
    if (route === undefined || refusal !== undefined) {
      const answer =
        refusal ??
        gatewayError(404, 'APIG.0101', 'The API does not exist or has not been published', request.requestId);
      record.status = answer.status;
      send(outgoing, answer, request.requestId, now());
      return;
    }

    await deliver(route.name, () => route.run(service, routeRequest));
  };
  // A client that goes away in the middle of its request must not take the emulator along.
  const server = http.createServer(
    (incoming, outgoing) => void handle(incoming, outgoing).catch(() => outgoing.destroy()),
  );
  server.keepAliveTimeout = 60_000;

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const { accessKeyId, secretAccessKey } = keys[0] ?? EMULATOR_KEY;

  return {
    connection: {
      url: `http://127.0.0.1:${port}`,
      region: EMULATOR_REGION,
      projectId: project.id,
      accessKeyId,
      secretAccessKey,
    },
    jobs,
    spark,
    flink,
    queues,
    iam,
    faults,
    requests,
    snapshot: () => takeSnapshot(stores, now()),
    statusOf: (jobId) => {
      const job = jobs.get(jobId);
      return job && statusAt(job, now());
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function findRoute(request: GatewayRequest): {
  route: Route | undefined;
  routeRequest: RouteRequest;
  projectId: string;
} {
  const { path, query } = decodeTarget(request.target);
  const byName = new Map<string, string[]>();
  for (const [name, value] of query) byName.set(name, [...(byName.get(name) ?? []), value]);

  const parts = /^(\/v[\d.]+)\/([^/]+)(\/.*)$/.exec(path);
  const [, version, projectId = '', rest = ''] = parts ?? [];
  const routeRequest = { query: byName, body: request.body, projectId, params: [] };
  const candidates = ROUTES.filter((route) => route.version === version && route.method === request.method);
  for (const route of candidates) {
    const match = route.pattern.exec(rest);
    if (match) return { route, projectId, routeRequest: { ...routeRequest, params: match.slice(1) } };
  }
  return { route: undefined, projectId, routeRequest };
}

function send(outgoing: http.ServerResponse, { status, body, headers }: Answer, requestId: string, now: number): void {
  outgoing.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/html' : 'application/json;charset=utf-8',
    date: new Date(now).toUTCString(),
    'x-request-id': requestId,
    ...headers,
  });
  outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
}
