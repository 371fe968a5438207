import type { Clock } from '../base/clock.ts';
import type { SweepLog } from '../sweep/record/log-lines.ts';
import type { MessageJob, MessageKind } from '../sweep/record/message.ts';
import type { SweepStatus } from '../sweep/record/report.ts';
import type { Received } from './received.ts';
import type { SentItem, SentRecord } from './sent-record.ts';

/*
 * What a message says, for programs: events of EventBridge, which its rules filter and pass on. docs/events.schema.json describes
 * them.
 */

/** Goes up when a field changes its meaning or is removed. */
export const EVENT_VERSION = 1;
export const EVENT_SOURCE = 'dli-job-reaper';

/** The fields that each event has. */
interface EventFrame {
  version: typeof EVENT_VERSION;
  stage: string;
  target: string;
  region: string | null;
  projectId: string | null;
  projectName: string | null;
  sweepId: string | null;
  trigger: string | null;
  dryRun: boolean;
  /** ISO 8601, UTC: when the sweep wrote the message. */
  time: string | null;
}

/**
 * One type for each form of `detail`, so that a type has one schema. What happened to a job is `kind` in its detail: a rule for some
 * kinds lists them there, and a rule for all of them goes on to hold when there is a new one.
 */
export type ReaperEvent =
  | { type: 'DLI Job Notice'; detail: EventFrame & { kind: MessageKind; job: Omit<MessageJob, 'kind'> } }
  | {
      type: 'DLI Sweep Status';
      detail: EventFrame & { status: Exclude<SweepStatus, 'ok'>; problems: readonly string[] };
    };

/** Publishes at most ten events, which together are below the limit of a call. @returns the error of each, if it has one. */
export type PutEvents = (events: readonly ReaperEvent[]) => Promise<(string | undefined)[]>;

interface EventDeps {
  stage: string;
  clock: Pick<Clock, 'now'>;
  log: SweepLog;
  sent: SentRecord;
  putEvents: PutEvents;
}

/** "Maximum number of 10 items" and "The total entry size must be less than 256KB". */
const MOST_EVENTS = 10;
const MOST_BYTES = 256 * 1024 - 1;
const DAY_MS = 24 * 3_600_000;
/** Beside its detail an entry has its source, its type and a time of 14 bytes. */
const ENTRY_BYTES = 100;
const MOST_PROBLEMS = 10;
const MOST_LETTERS = 500;

/**
 * Publishes an event for each job of the messages, and for each status that is not ok, without those that were published before. A
 * job that is both in the message to its owner and in that to the operators gives one event.
 *
 * An event is published first and recorded then, as a message is.
 *
 * @param quietMs how long the same is not published again about a job.
 * @returns the number of events that could not be published.
 * @throws {SentRecordError} if it is not known what was published.
 */
export async function publishEvents(
  messages: readonly Received[],
  deps: EventDeps,
  quietMs: Record<MessageKind, number>,
): Promise<number> {
  const { clock, log, sent, putEvents } = deps;
  const byKey = new Map(messages.flatMap((message) => eventsOf(message, deps.stage)));
  const known = await sent.among([...byKey.keys()]);
  const news = [...byKey].filter(([key]) => !known.has(key));
  let failed = 0;
  for (const batch of batchesOf(news)) {
    const errors = await putEvents(batch.map(([, event]) => event));
    const published = batch.filter((_, i) => errors[i] === undefined);
    const now = clock.now();
    const items = published.map(([key, event]): SentItem => {
      const lasts = event.type === 'DLI Job Notice' ? quietMs[event.detail.kind] : DAY_MS;
      return { key, until: now + lasts };
    });
    if (items.length > 0) await sent.add(items);
    if (items.length > 0) log.info('events published', { events: items.length });
    failed += batch.length - items.length;
    for (const [error, count] of countOf(errors)) log.error('events not published', { events: count, error });
  }
  return failed;
}

type Keyed = [key: string, event: ReaperEvent];

/** The events of a message, each with what identifies it in the record of what was sent. */
function eventsOf(message: Received, stage: string): Keyed[] {
  const { target, region, projectId, projectName, sweepId, trigger, dryRun, jobs, status, problems } = message;
  const time = toTime(message.time);
  const frame: EventFrame = {
    version: EVENT_VERSION,
    stage,
    target,
    region,
    projectId,
    projectName,
    sweepId,
    trigger,
    dryRun,
    time,
  };
  const keyOf = (...parts: (string | null)[]) => JSON.stringify([stage, target, 'events', ...parts]);
  const ofJobs = jobs.map(({ kind, ...job }): Keyed => {
    const detail = { ...frame, kind, job };
    // Each cancel is news: a Flink job that was started again has the same id.
    const run = kind === 'cancelled' ? [sweepId] : [];
    return [keyOf('job', job.jobId, job.rule, kind, ...run), { type: 'DLI Job Notice', detail }];
  });
  if (status === null || status === 'ok') return ofJobs;
  const some = problems.slice(0, MOST_PROBLEMS).map((problem) => problem.slice(0, MOST_LETTERS));
  // Each sweep is news for a program, also one that ends like the one before.
  const key = keyOf('status', sweepId, status);
  return [...ofJobs, [key, { type: 'DLI Sweep Status', detail: { ...frame, status, problems: some } }]];
}

/** People can write the record of sweeps by hand, so its time can be any text. */
function toTime(text: string | null): string | null {
  const at = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

/** Splits them by what one call may hold. */
function batchesOf(events: readonly Keyed[]): Keyed[][] {
  const batches: Keyed[][] = [];
  let room = 0;
  for (const keyed of events) {
    const bytes = ENTRY_BYTES + Buffer.byteLength(JSON.stringify(keyed[1].detail));
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === MOST_EVENTS || bytes > room) {
      batches.push([keyed]);
      room = MOST_BYTES - bytes;
    } else {
      batch.push(keyed);
      room -= bytes;
    }
  }
  return batches;
}

/** How often each error is there. */
function countOf(errors: readonly (string | undefined)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const error of errors) if (error !== undefined) counts.set(error, (counts.get(error) ?? 0) + 1);
  return counts;
}
