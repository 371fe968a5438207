import type { Clock } from '../base/clock.ts';
import { parameterNames, type ReadPath } from '../settings/parameter-store.ts';
import { errorField, type SweepLog } from '../sweep/record/log-lines.ts';
import type { MessageKind } from '../sweep/record/message.ts';
import type { WriteMetrics } from '../sweep/record/metrics.ts';
import { type Received, receive, type Skipped } from './received.ts';
import { type Rendered, render } from './render.ts';
import { type Destination, type Route, type Routes, readRoutes, routeFor } from './routes.ts';
import type { SentItem, SentRecord } from './sent-record.ts';
import { linesOf } from './subscription.ts';

export interface NotifyDeps {
  stage: string;
  clock: Pick<Clock, 'now'>;
  log: SweepLog;
  writeMetrics: WriteMetrics;
  readPath: ReadPath;
  sent: SentRecord;
  /** Publishes one message. Its errors must not show the address. */
  publish: (destination: Destination, message: Rendered) => Promise<void>;
}

/** How many messages an invocation published, and how many of them no route was for. */
export interface NotifySummary {
  published: number;
  withoutRoute: number;
}

/** Some messages could not be published. Lambda then invokes again, and those that were published are not repeated. */
export class NotifyError extends Error {
  override name = 'NotifyError';
}

const HOUR_MS = 3_600_000;
const ONCE_MS = 30 * 24 * HOUR_MS;
/** An hour less than a day, so that the message of a day does not come later each day. */
const DAILY_MS = 23 * HOUR_MS;

/** How long the same is not sent again. */
const QUIET_MS: Record<MessageKind, number> = {
  cancelled: ONCE_MS,
  warned: ONCE_MS,
  'would-be-cancelled': ONCE_MS,
  'may-be-cancelled': ONCE_MS,
  kept: ONCE_MS,
  ended: ONCE_MS,
  unconfirmed: DAILY_MS,
  failed: DAILY_MS,
};

/**
 * Sends the messages among the lines of a log: each to its recipients, without what they got before.
 *
 * A message is published first and recorded then. So no message is lost, and only one that is under way when the process dies
 * can come twice.
 *
 * @param event what a subscription of CloudWatch Logs brings.
 * @throws {SubscriptionError} for any other event.
 * @throws {SettingsError} if Parameter Store cannot be read, or no route is the fallback.
 * @throws {SentRecordError} if it is not known what was sent.
 * @throws {NotifyError} if a message could not be published. The others were.
 */
export async function notifyEvent(event: unknown, deps: NotifyDeps): Promise<NotifySummary> {
  const { stage, log, readPath, writeMetrics } = deps;
  const messages = messagesIn(linesOf(event), log);
  const summary: NotifySummary = { published: 0, withoutRoute: 0 };
  if (messages.length === 0) return summary;

  const routes = readRoutes(await readPath(parameterNames(stage).routes), stage, (parameter, error) =>
    log.error('route unreadable', { parameter, error: errorField(error) }),
  );
  let failed = 0;
  for (const message of messages) {
    for (const delivery of deliveriesOf(await onlyNew(message, deps), routes)) {
      const end = await deliver(delivery, routes, deps);
      if (end === 'failed') failed += 1;
      if (end === 'published') summary.published += 1;
      if (delivery.route === undefined && end !== 'failed') summary.withoutRoute += 1;
    }
  }
  if (summary.withoutRoute > 0) writeMetrics({ MessagesWithoutRoute: summary.withoutRoute });
  if (failed > 0) throw new NotifyError(`${failed} messages could not be published; the log says which, and why`);
  return summary;
}

/** Reads the messages, and logs how many lines are none. */
function messagesIn(lines: readonly string[], log: SweepLog): Received[] {
  const skipped = new Map<Skipped, number>();
  const messages = lines.flatMap((line) => {
    const result = receive(line);
    if ('message' in result) return [result.message];
    skipped.set(result.skipped, (skipped.get(result.skipped) ?? 0) + 1);
    return [];
  });
  for (const [reason, count] of skipped) log.warn('lines skipped', { lines: count, reason });
  return messages;
}

/** Identifies what is sent about a job, or about a target, to this kind of recipient. */
function keyOf({ to, target }: Received, parts: readonly (string | null)[], stage: string): string {
  return JSON.stringify([stage, target, to, ...parts]);
}

/** The items of a message: one for each job, and one for the status. */
function itemsOf(message: Received, { stage, clock }: NotifyDeps): SentItem[] {
  const now = clock.now();
  const jobs = message.jobs.map(({ jobId, rule, kind }) => ({
    key: keyOf(message, ['job', jobId, rule, kind], stage),
    until: now + QUIET_MS[kind],
  }));
  const { status } = message;
  const isStanding = status !== null && status !== 'ok';
  return isStanding ? [...jobs, { key: keyOf(message, ['status', status], stage), until: now + DAILY_MS }] : jobs;
}

/** Leaves out of a message what was sent already. */
async function onlyNew(message: Received, deps: NotifyDeps): Promise<Received> {
  const { stage, sent } = deps;
  const known = await sent.among(itemsOf(message, deps).map(({ key }) => key));
  const { status } = message;
  const isNews = status !== null && status !== 'ok' && !known.has(keyOf(message, ['status', status], stage));
  return {
    ...message,
    jobs: message.jobs.filter(({ jobId, rule, kind }) => !known.has(keyOf(message, ['job', jobId, rule, kind], stage))),
    status: isNews ? status : null,
    problems: isNews ? message.problems : [],
  };
}

interface Delivery {
  /** Undefined if no route is for it. */
  route: Route | undefined;
  message: Received;
}

/** Splits a message by the routes of its jobs and its status. What has nothing new has no delivery. */
function deliveriesOf(message: Received, routes: Routes): Delivery[] {
  const { to, target, owner, jobs, status } = message;
  const byRoute = Map.groupBy(jobs, (job) =>
    routeFor({ to, target, owner: owner ?? job.owner, queue: job.queue }, routes),
  );
  const ofStatus = routeFor({ to, target, owner, queue: null }, routes);
  if (status !== null && !byRoute.has(ofStatus)) byRoute.set(ofStatus, []);
  const firstOf = (kind: string) => jobs.find((job) => job.kind === kind);
  return [...byRoute].map(([route, some]) => ({
    route,
    message: {
      ...message,
      jobs: some,
      // The jobs that are not listed are counted once, and beside one that is.
      more: Object.fromEntries(
        Object.entries(message.more).filter(([kind]) => some.some((job) => job === firstOf(kind))),
      ),
      status: route === ofStatus ? status : null,
      problems: route === ofStatus ? message.problems : [],
    },
  }));
}

/** Publishes a message, and then records it. */
async function deliver(
  { route, message }: Delivery,
  { fallback }: Routes,
  deps: NotifyDeps,
): Promise<'published' | 'failed' | 'nowhere'> {
  const { stage, log, sent, publish } = deps;
  const { to, target, owner, jobs } = message;
  const taker = route ?? fallback;
  if (route === undefined) {
    log.warn('message without route', { parameter: fallback?.parameter ?? null, to, owner, target });
  }
  if (taker === undefined) return 'nowhere';
  const { parameter, destination, ask } = taker;
  try {
    await publish(destination, render(message, { stage, ask }));
  } catch (error) {
    log.error('message not published', { parameter, to, target, error: errorField(error) });
    return 'failed';
  }
  await sent.add(itemsOf(message, deps));
  log.info('message published', { parameter, to, target, jobs: jobs.length });
  return 'published';
}
