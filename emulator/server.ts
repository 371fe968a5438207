import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, gatewayError } from './base/answer.ts';
import { type Assumptions, DEFAULT_ASSUMPTIONS } from './base/assumptions.ts';
import type { EmulatorClock } from './base/clock.ts';
import type { HttpRequest, RequestRecord } from './base/request.ts';
import type { Delays, RouteName } from './base/service.ts';
import { control } from './control/control.ts';
import { editAnswer, type Fault, FaultScript } from './control/faults.ts';
import { changeJob } from './control/jobs.ts';
import { type Snapshot, takeSnapshot } from './control/snapshot.ts';
import { type AccessKey, createAuthentication } from './gateway/authentication.ts';
import { createGateway } from './gateway/gateway.ts';
import { createIam, type Iam, type IamUser } from './gateway/iam.ts';
import { createIamRoutes } from './gateway/iam-routes.ts';
import { createTemporaryKeys } from './gateway/temporary-keys.ts';
import { createThrottle, type RateLimit } from './gateway/throttle.ts';
import { createStores, findRoute, type InitialContents, queueWork, type Stores, type WholeService } from './routes.ts';
import { statusAt } from './sql/jobs.ts';

export interface EmulatorOptions extends InitialContents {
  /** Epoch ms. All of the emulator goes by this clock. */
  now: () => number;
  /** The clock behind `now`, if the control interface may move it. */
  clock?: EmulatorClock;
  faults?: readonly Fault[];
  /** The real time, for signatures: a client signs by its own clock, not by one that runs away from it. Default: `now`. */
  wall?: () => number;
  /** In [0, 1). */
  random: () => number;
  /** Port to listen on. Default: 0, which takes a free one. */
  port?: number;
  /** Address to listen on. Default: `127.0.0.1`, which no other machine can reach. */
  host?: string;
  /** Names under which the control interface answers, with those of loopback and `host`. */
  controlHosts?: readonly string[];
  /** Time from an accepted cancel to CANCELLED. A short form of `delays.cancelMs`. */
  cancelDelayMs?: number;
  /** Default for each: `DEFAULT_DELAYS`. */
  delays?: Partial<Delays>;
  /** Result of each savepoint. Default: success. */
  savepointOutcome?: WholeService['savepointOutcome'];
  /** Share of the jobs submitted over the API that fail in the end. Default: 0. */
  failureShare?: number;
  /** Answers to what no document says. Default for each: `DEFAULT_ASSUMPTIONS`. */
  assumptions?: Partial<Assumptions>;
  deniedQueues?: readonly string[];
  keys?: readonly AccessKey[];
  /** When the keys were made, epoch ms. Default: a month ago. */
  keysMadeAt?: number;
  /** The one project that exists. Default: `EMULATOR_PROJECT_ID`, with the name of its region. */
  project?: { id?: string; name?: string };
  /** Users who can get tokens. */
  users?: readonly IamUser[];
  /** How long a token is good, in ms. Default: 24 hours. */
  tokenLifetimeMs?: number;
  /** Limit of the gateway, or a function for a limit that changes. Default: no limit. */
  rateLimit?: RateLimit | ((now: number) => RateLimit | undefined);
  /** Called before each request is handled, for worlds that change between pages. */
  onRequest?: (request: RequestRecord) => void;
}

export interface Emulator extends Stores {
  /** What a client needs. The keys are good for this emulator only. */
  connection: { url: string; region: string; projectId: string; accessKeyId: string; secretAccessKey: string };
  iam: Iam;
  faults: FaultScript;
  /** Every request so far, the oldest first. */
  requests: readonly RequestRecord[];
  /** Returns the present status of a SQL job. */
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

const KEEP_ALIVE_MS = 60_000;

/** The address of loopback, in each family of addresses, for the address that stands for all. */
const LOOPBACK: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Writes an address as a URL and the header Host have it. */
const inUrl = (address: string): string => (isIPv6(address) ? `[${address}]` : address);

/** Starts a DLI on this machine: real HTTP, real signatures, jobs that live by its clock. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const parts = assemble(options);
  const { stores, iam, faults, requests, project } = parts;
  const { now } = options;
  // A client that goes away in the middle of its request must not end the emulator.
  const server = http.createServer(
    (incoming, outgoing) => void handle(incoming, outgoing, parts).catch(() => outgoing.destroy()),
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const { port, address } = server.address() as AddressInfo;
  const { accessKeyId, secretAccessKey } = options.keys?.[0] ?? EMULATOR_KEY;

  return {
    connection: {
      url: `http://${inUrl(LOOPBACK[address] ?? address)}:${port}`,
      region: EMULATOR_REGION,
      projectId: project.id,
      accessKeyId,
      secretAccessKey,
    },
    ...stores,
    iam,
    faults,
    requests,
    snapshot: () => takeSnapshot(stores, now()),
    statusOf: (jobId) => {
      const job = stores.sql.get(jobId);
      return job && statusAt(job, now());
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Everything behind the HTTP server. */
type Parts = ReturnType<typeof assemble>;

function assemble(options: EmulatorOptions) {
  const { now, clock, onRequest, rateLimit, host, controlHosts = [] } = options;
  const stores = createStores(options, now());
  const project = { id: options.project?.id ?? EMULATOR_PROJECT_ID, name: options.project?.name ?? EMULATOR_REGION };
  const iam = createIam({
    users: options.users ?? [],
    project,
    lifetimeMs: options.tokenLifetimeMs,
    keysMadeAt: options.keysMadeAt,
    now,
  });
  const temporaryKeys = createTemporaryKeys(now);
  const authenticate = createAuthentication({
    keys: options.keys ?? [EMULATOR_KEY],
    temporaryKeys,
    iam,
    now,
    wall: options.wall ?? now,
  });
  const throttle = createThrottle(typeof rateLimit === 'function' ? rateLimit : () => rateLimit, now);
  const faults = new FaultScript();
  faults.add(...(options.faults ?? []));
  const requests: RequestRecord[] = [];
  const service = createService(options, stores);
  return {
    service,
    // The routes read it at each call, so the control interface can change it.
    assumptions: service.assumptions,
    // No web page can make a name of its own out of an address.
    controlHosts: host === undefined ? controlHosts : [inUrl(host), ...controlHosts],
    stores,
    project,
    iam,
    findIamRoute: createIamRoutes({ authenticate, iam, temporaryKeys }),
    findRefusal: createGateway({ authenticate, throttle, projectId: project.id }),
    faults,
    requests,
    clock,
    now,
    onRequest,
  };
}

function createService(options: EmulatorOptions, stores: Stores): WholeService {
  const { cancelDelayMs = DEFAULT_DELAYS.cancelMs } = options;
  return {
    ...stores,
    ...queueWork(stores, options),
    now: options.now,
    random: options.random,
    delays: { ...DEFAULT_DELAYS, cancelMs: cancelDelayMs, ...options.delays },
    savepointOutcome: options.savepointOutcome ?? 'success',
    failureShare: options.failureShare ?? 0,
    deniedQueues: options.deniedQueues ?? [],
    assumptions: { ...DEFAULT_ASSUMPTIONS, ...options.assumptions },
  };
}

async function handle(incoming: http.IncomingMessage, outgoing: http.ServerResponse, parts: Parts): Promise<void> {
  const request: HttpRequest = {
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    headers: incoming.headers,
    body: await buffer(incoming),
    requestId: randomBytes(16).toString('hex'),
  };
  const send = ({ status, body, headers }: Answer) => {
    outgoing.writeHead(status, {
      'content-type': typeof body === 'string' ? 'text/html' : 'application/json;charset=utf-8',
      date: new Date(parts.now()).toUTCString(),
      'x-request-id': request.requestId,
      ...headers,
    });
    outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

  if (request.target.startsWith('/_emulator/')) {
    send(control(request, parts));
    return;
  }
  const record: RequestRecord = { method: request.method, target: request.target, status: 0 };
  parts.requests.push(record);
  parts.onRequest?.(record);
  const reaction = await react(request, parts);
  if (reaction === 'reset') incoming.socket.destroy();
  if (reaction === 'reset' || reaction === 'hang') return;
  record.status = reaction.status;
  send(reaction);
}

/** What the client gets: an answer, a cut connection, or nothing. */
type Reaction = Answer | 'reset' | 'hang';

async function react(request: HttpRequest, parts: Parts): Promise<Reaction> {
  const iamRoute = parts.findIamRoute(request);
  if (iamRoute !== undefined) {
    return iamRoute.name === undefined ? iamRoute.run() : runWithFaults(iamRoute.name, request, iamRoute.run, parts);
  }
  const found = findRoute(request);
  if (found === undefined) {
    return gatewayError(404, 'APIG.0101', 'The API does not exist or has not been published', request.requestId);
  }
  const { route, routeRequest } = found;
  return (
    parts.findRefusal(request, routeRequest.projectId) ??
    runWithFaults(route.name, request, () => route.run(parts.service, routeRequest), parts)
  );
}

/** Carries out a call, or does what a fault makes of it. */
async function runWithFaults(
  name: RouteName,
  { target }: HttpRequest,
  run: () => Answer,
  { faults, stores, now }: Parts,
): Promise<Reaction> {
  const fault = faults.take(name, target);
  if (fault === undefined) return run();
  for (const { job, set } of fault.change ?? []) changeJob(job, set, stores, now());
  if (fault.answer !== undefined && fault.executes) run();
  const reaction = fault.answer ?? run();
  if (fault.delayMs !== undefined) await sleep(fault.delayMs);
  if (reaction === 'reset' || reaction === 'hang' || fault.edit === undefined) return reaction;
  return { ...reaction, body: editAnswer(reaction.body, fault.edit) };
}
