import type { Engine } from '../lib/base/job.ts';
import { decodeTarget, type HttpRequest } from './base/request.ts';
import type { Route, RouteRequest, Service } from './base/service.ts';
import type { Store } from './base/store.ts';
import { type EmulatedFlinkJob, FlinkStore } from './flink/jobs.ts';
import { FLINK_ROUTES } from './flink/routes.ts';
import { type EmulatedQueue, QueueStore, queuesOf } from './queues/queues.ts';
import { QUEUE_ROUTES } from './queues/routes.ts';
import { type EmulatedBatch, SparkStore } from './spark/jobs.ts';
import { SPARK_ROUTES } from './spark/routes.ts';
import { type EmulatedJob, JobStore } from './sql/jobs.ts';
import { SQL_ROUTES } from './sql/routes.ts';

/** Everything that the emulator remembers of its project. */
export interface Stores extends Record<Engine, Pick<Store<object>, 'get' | 'all'>> {
  sql: JobStore;
  spark: SparkStore;
  flink: FlinkStore;
  queues: QueueStore;
}

/** What the stores hold at the start. */
export interface InitialContents {
  /** SQL jobs. */
  jobs?: readonly EmulatedJob[];
  sparkJobs?: readonly EmulatedBatch[];
  flinkJobs?: readonly EmulatedFlinkJob[];
  /** Default: `default`, and the queues that the jobs name. */
  queues?: readonly EmulatedQueue[];
}

/** The service with all stores: every route can run on it. */
export type WholeService = Service & Stores;

export const ROUTES: readonly Route<WholeService>[] = [
  ...SQL_ROUTES,
  ...SPARK_ROUTES,
  ...FLINK_ROUTES,
  ...QUEUE_ROUTES,
];

/** Fills the stores with copies of the jobs, so that the caller's own objects never change. */
export function createStores(contents: InitialContents, now: number): Stores {
  const { jobs = [], sparkJobs = [], flinkJobs = [] } = contents;
  const stores = { sql: new JobStore(), spark: new SparkStore(), flink: new FlinkStore(), queues: new QueueStore() };
  for (const job of jobs) stores.sql.add({ ...job });
  for (const batch of sparkJobs) stores.spark.add({ ...batch });
  for (const job of flinkJobs) stores.flink.add({ ...job });
  const named = { sql: jobs, others: [...sparkJobs, ...flinkJobs] };
  for (const queue of contents.queues ?? queuesOf(named, now)) stores.queues.add(queue);
  return stores;
}

/** Finds the route of DLI that a request asks for. @returns undefined if there is none. */
export function findRoute(
  request: HttpRequest,
): { route: Route<WholeService>; routeRequest: RouteRequest } | undefined {
  const { path, query } = decodeTarget(request.target);
  const [, version, projectId = '', rest = ''] = /^(\/v[\d.]+)\/([^/]+)(\/.*)$/.exec(path) ?? [];
  for (const route of ROUTES) {
    if (route.version !== version || route.method !== request.method) continue;
    const match = route.pattern.exec(rest);
    if (match === null) continue;
    const routeRequest = { query: groupByName(query), body: request.body, projectId, params: match.slice(1) };
    return { route, routeRequest };
  }
  return undefined;
}

function groupByName(query: readonly [name: string, value: string][]): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [name, value] of query) byName.set(name, [...(byName.get(name) ?? []), value]);
  return byName;
}
