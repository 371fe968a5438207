import { messageOf } from '../base/error-words.ts';
import { parameterNames, type ReadPath } from '../settings/parameter-store.ts';
import { errorField, type SweepLog, silentLog } from '../sweep/record/log-lines.ts';
import type { WriteMetrics } from '../sweep/record/metrics.ts';
import { type PutEvents, publishEvents } from './events.ts';
import { createMemoryRecords } from './memory-record.ts';
import { itemsOf, type News, type NewsDeps, newsOf, QUIET_MS, record } from './news.ts';
import { type Received, receive, type Skipped } from './received.ts';
import { type Rendered, render } from './render.ts';
import {
  type Destination,
  destinationFor,
  type Route,
  type Routes,
  readRoutes,
  routeFor,
  withPolicy,
} from './routes.ts';
import { linesOf } from './subscription.ts';

export interface NotifyDeps extends NewsDeps {
  log: SweepLog;
  writeMetrics: WriteMetrics;
  readPath: ReadPath;
  /** The address of docs/owners.md; undefined if the deploy names none. */
  ownersPage: string | undefined;
  /** Whether the stage has a sender of mail. Default: it has. */
  canMail?: boolean;
  /** Left out in a stage that publishes no events. */
  putEvents?: PutEvents | undefined;
  /** Publishes one message. Its errors must not show the address. */
  publish: (destination: Destination, message: Rendered) => Promise<void>;
}

/** Where a message went. */
export interface Delivered {
  /** The route that took it; null if the stage has none, so it went nowhere. */
  parameter: string | null;
  /** Whether no route is for it, so that the fallback took it. */
  isWithoutRoute: boolean;
  /** Why it could not be published; null if it was. */
  error: string | null;
}

export interface NotifySummary {
  /** The number of messages. */
  published: number;
  /** The number of messages that no route was for. */
  withoutRoute: number;
  /** One for each message, in the order in which they were published. */
  deliveries: Delivered[];
  /** Why some routes were left out, one sentence each. */
  unreadable: string[];
}

/** Some messages or events could not be published. Lambda then invokes again, and those that were published are not repeated. */
export class NotifyError extends Error {
  override name = 'NotifyError';
}

/**
 * Sends the messages among the lines of a log: each to its recipients, without what they got before. What they say goes to
 * programs first, as events.
 *
 * A message is published first and recorded then. So no message is lost, and only one that is under way when the process dies
 * can come twice. A test leaves no trace in record, log and metric: its result goes to the person who sent it.
 *
 * @param event what a subscription of CloudWatch Logs brings.
 * @throws {SubscriptionError} for any other event.
 * @throws {SettingsError} if Parameter Store cannot be read, or no route is the fallback.
 * @throws {SentRecordError} if it is not known what was sent.
 * @throws {NotifyError} if a message or an event could not be published. The others were.
 */
export async function notifyEvent(event: unknown, deps: NotifyDeps): Promise<NotifySummary> {
  const { stage, log, readPath, writeMetrics, putEvents } = deps;
  const messages = messagesIn(linesOf(event), log);
  const summary: NotifySummary = { published: 0, withoutRoute: 0, deliveries: [], unreadable: [] };
  if (messages.length === 0) return summary;

  // First, since a wrong route is no reason to publish no event. A test is no event.
  const real = messages.filter(({ isTest }) => !isTest);
  const failedEvents = putEvents === undefined ? 0 : await publishEvents(real, { ...deps, putEvents }, QUIET_MS);
  const logUnreadable = unreadableOnce(log);
  const onUnreadable = (parameter: string, error: unknown) => {
    summary.unreadable.push(messageOf(error));
    logUnreadable(parameter, error);
  };
  let ofStage: Routes | undefined;
  let [failed, counted] = [0, 0];
  for (const message of messages) {
    const own = message.isTest ? { ...deps, log: silentLog, ...createMemoryRecords(deps.clock.now) } : deps;
    const news = await newsOf(message, own);
    if (!hasNews(news)) continue;
    // Most sweeps have nothing new to say, and Parameter Store answers some forty such calls a second.
    ofStage ??= readRoutes(await readPath(parameterNames(stage).routes), stage, onUnreadable, deps);
    const routes = withPolicy(ofStage, message.routes, stage, onUnreadable);
    for (const delivery of deliveriesOf(news, routes)) {
      const delivered = await deliver(delivery, routes, own);
      summary.deliveries.push(delivered);
      const { parameter, isWithoutRoute, error } = delivered;
      if (error === null && parameter !== null) summary.published += 1;
      if (error === null && isWithoutRoute) summary.withoutRoute += 1;
      if (message.isTest) continue;
      if (error !== null) failed += 1;
      else if (isWithoutRoute) counted += 1;
    }
  }
  if (counted > 0) writeMetrics({ MessagesWithoutRoute: counted });
  if (failed > 0) throw new NotifyError(`${failed} messages could not be published; the log says which, and why`);
  if (failedEvents > 0) throw new NotifyError(`${failedEvents} events could not be published; the log says why`);
  return summary;
}

/** Logs each route that cannot be read once: all messages of a sweep name the same. */
function unreadableOnce(log: SweepLog): (parameter: string, error: unknown) => void {
  const logged = new Set<string>();
  return (parameter, thrown) => {
    const error = errorField(thrown);
    if (logged.has(error)) return;
    logged.add(error);
    log.error('route unreadable', { parameter, error });
  };
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

const hasNews = ({ message: { jobs, status, exemptions } }: News): boolean =>
  jobs.length > 0 || status !== null || exemptions.length > 0;

interface Delivery extends News {
  /** Undefined if no route is for it. */
  route: Route | undefined;
}

/** Splits a message by the routes of its jobs, and of its status and exemptions. What has nothing new has no delivery. */
function deliveriesOf({ message, line, over }: News, routes: Routes): Delivery[] {
  const { to, target, owner, jobs, status, exemptions } = message;
  const byRoute = Map.groupBy(jobs, (job) =>
    routeFor({ to, target, owner: to === 'owner' ? owner : job.owner, queue: job.queue }, routes),
  );
  const ofTarget = routeFor({ to, target, owner, queue: null }, routes);
  if ((status !== null || exemptions.length > 0) && !byRoute.has(ofTarget)) byRoute.set(ofTarget, []);
  const firstOf = (kind: string) => jobs.find((job) => job.kind === kind);
  return [...byRoute].map(([route, some]) => ({
    route,
    line,
    over,
    message: {
      ...message,
      jobs: some,
      // The jobs that are not listed are counted once, and beside one that is.
      more: Object.fromEntries(
        Object.entries(message.more).filter(([kind]) => some.some((job) => job === firstOf(kind))),
      ),
      ...(route !== ofTarget && { status: null, problems: [], exemptions: [] }),
    },
  }));
}

/** Publishes a message, and then records it. */
async function deliver(
  { route, message, line, over }: Delivery,
  { fallback }: Routes,
  deps: NotifyDeps,
): Promise<Delivered> {
  const { stage, log, sent, publish, ownersPage } = deps;
  const { to, target, owner, jobs, status } = message;
  const taker = route ?? fallback;
  if (route === undefined) {
    log.warn('message without route', { parameter: fallback?.parameter ?? null, to, owner, target });
  }
  const isWithoutRoute = route === undefined;
  const destination = taker && destinationFor(taker.destination, owner);
  if (taker === undefined || destination === undefined) return { parameter: null, isWithoutRoute, error: null };
  const { parameter, ask } = taker;
  const delivered = { parameter, isWithoutRoute, error: null };
  try {
    await publish(destination, render(message, { stage, ask, ownersPage, over, isWithoutRoute }));
  } catch (thrown) {
    const error = errorField(thrown);
    log.error('message not published', { parameter, to, target, error });
    return { ...delivered, error };
  }
  await sent.add(itemsOf(message, deps));
  if (line && status !== null) await record(message, line, { isSent: true }, deps);
  log.info('message published', { parameter, to, target, jobs: jobs.length });
  return delivered;
}
