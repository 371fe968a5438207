import type { Engine } from '../lib/base/job.ts';
import { newUuid } from './base/query.ts';
import { decodeTarget, type HttpRequest } from './base/request.ts';
import type { Route, RouteRequest, Service } from './base/service.ts';
import type { Store } from './base/store.ts';
import { type EmulatedFlinkJob, type FlinkStatus, FlinkStore, flinkStatusAt, isFlinkOver } from './flink/jobs.ts';
import { FLINK_ROUTES } from './flink/routes.ts';
import { type EmulatedPackage, PackageStore } from './packages/packages.ts';
import { PACKAGE_ROUTES } from './packages/routes.ts';
import { type EmulatedQueue, QueueStore, type QueueWork, queuesOf } from './queues/queues.ts';
import { QUEUE_ROUTES } from './queues/routes.ts';
import { batchStateAt, type EmulatedBatch, isBatchOver, SparkStore } from './spark/jobs.ts';
import { SPARK_ROUTES } from './spark/routes.ts';
import { type EmulatedJob, isOver, JobStore, statusAt } from './sql/jobs.ts';
import { SQL_ROUTES } from './sql/routes.ts';

/** Everything that the emulator remembers of its project. */
export interface Stores extends Record<Engine, Pick<Store<object>, 'get' | 'all'>> {
  sql: JobStore;
  spark: SparkStore;
  flink: FlinkStore;
  queues: QueueStore;
  packages: PackageStore;
}

/** What the stores hold at the start. */
export interface InitialContents {
  /** SQL jobs. */
  jobs?: readonly EmulatedJob[];
  sparkJobs?: readonly EmulatedBatch[];
  flinkJobs?: readonly EmulatedFlinkJob[];
  /** Default: `default`, and the queues that the jobs name. */
  queues?: readonly EmulatedQueue[];
  packages?: readonly EmulatedPackage[];
}

/** The service with all stores: every route can run on it. */
export type WholeService = Service & Stores & QueueWork;

export const ROUTES: readonly Route<WholeService>[] = [
  ...SQL_ROUTES,
  ...SPARK_ROUTES,
  ...FLINK_ROUTES,
  ...QUEUE_ROUTES,
  ...PACKAGE_ROUTES,
];

const MATCHERS = ROUTES.map((route) => ({ route, pattern: patternOf(route.path) }));

/** Fills the stores with copies of the jobs and queues, so that the caller's own objects never change. */
export function createStores(contents: InitialContents, now: number): Stores {
  const { jobs = [], sparkJobs = [], flinkJobs = [], packages = [] } = contents;
  const stores = {
    sql: new JobStore(),
    spark: new SparkStore(),
    flink: new FlinkStore(),
    queues: new QueueStore(),
    packages: new PackageStore(),
  };
  for (const job of jobs) stores.sql.add({ ...job });
  for (const batch of sparkJobs) stores.spark.add({ ...batch });
  for (const job of flinkJobs) stores.flink.add({ ...job });
  const named = { sql: jobs, others: [...sparkJobs, ...flinkJobs] };
  for (const queue of contents.queues ?? queuesOf(named, now)) stores.queues.add({ ...queue });
  for (const one of packages) stores.packages.add({ ...one });
  return stores;
}

/** What the queues' routes do to the jobs. */
export function queueWork(stores: Stores, { now, random }: Pick<Service, 'now' | 'random'>): QueueWork {
  return {
    hasLiveJobs: (queue) =>
      stores.sql.all().some((job) => job.queue === queue && !isOver(statusAt(job, now()))) ||
      stores.spark.all().some((batch) => batch.queue === queue && !isBatchOver(batchStateAt(batch, now()))) ||
      stores.flink.all().some((job) => job.queue === queue && isFlinkAlive(flinkStatusAt(job, now()))),
    submitRestart: (queue) => {
      const id = newUuid(random, (taken) => stores.sql.get(taken) !== undefined);
      const at = now();
      const life = { submittedAt: at, runsFrom: at, endsAt: at, endsAs: 'FINISHED' as const };
      stores.sql.add({ id, type: 'RESTART_QUEUE', queue, owner: 'emulator', statement: '', mode: 'async', ...life });
      return id;
    },
  };
}

const isFlinkAlive = (status: FlinkStatus) => status !== 'job_init' && !isFlinkOver(status);

/** Finds the route of DLI that a request asks for. @returns undefined if there is none. */
export function findRoute(
  request: HttpRequest,
): { route: Route<WholeService>; routeRequest: RouteRequest } | undefined {
  const { path, query } = decodeTarget(request.target);
  const [, version, projectId = '', rest = ''] = /^(\/v[\d.]+)\/([^/]+)(\/.*)$/.exec(path) ?? [];
  for (const { route, pattern } of MATCHERS) {
    if (route.version !== version || route.method !== request.method) continue;
    const match = pattern.exec(rest);
    if (match === null) continue;
    const routeRequest = { query: groupByName(query), body: request.body, projectId, params: match.slice(1) };
    return { route, routeRequest };
  }
  return undefined;
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}/?$`);
}

function groupByName(query: readonly [name: string, value: string][]): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [name, value] of query) byName.set(name, [...(byName.get(name) ?? []), value]);
  return byName;
}
