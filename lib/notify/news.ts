import type { Clock } from '../base/clock.ts';
import type { EndingExemption, MessageJob, MessageKind } from '../sweep/record/message.ts';
import type { Received } from './received.ts';
import type { SentItem, SentRecord } from './sent-record.ts';
import type { StateRecord } from './state-record.ts';
import { afterLine, isFirstWeek, isNews, type StatusLine, type Trouble } from './target-state.ts';

export interface NewsDeps {
  stage: string;
  clock: Pick<Clock, 'now'>;
  sent: SentRecord;
  states: StateRecord;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ONCE_MS = 30 * DAY_MS;
/** A job is in danger for a day at most, and a day more if it was warned of late. Then it may be another run with the same id. */
const ONE_RUN_MS = 2 * DAY_MS;
/** An hour less than a day, so that the message of a day does not come later each day. */
const DAILY_MS = 23 * HOUR_MS;

/** How long the same is not sent again. */
export const QUIET_MS: Record<MessageKind, number> = {
  cancelled: ONCE_MS,
  warned: ONCE_MS,
  'would-be-cancelled': ONCE_MS,
  'may-be-cancelled': ONE_RUN_MS,
  kept: ONE_RUN_MS,
  ended: ONE_RUN_MS,
  unconfirmed: DAILY_MS,
  failed: DAILY_MS,
};

/** Identifies what is sent about a job, or about a target, to this kind of recipient. */
function keyOf({ to, target }: Received, parts: readonly (string | null)[], stage: string): string {
  return JSON.stringify([stage, target, to, ...parts]);
}

/** The items of a message: one for each job and exemption, and one for the status of a sweep by hand. */
export function itemsOf(message: Received, { stage, clock }: NewsDeps): SentItem[] {
  const now = clock.now();
  const jobs = message.jobs.map((job) => ({ key: keyOfJob(message, job, stage), until: now + QUIET_MS[job.kind] }));
  const exemptions = message.exemptions.map((one) => ({
    key: keyOfExemption(message, one, stage, now),
    until: now + ONCE_MS,
  }));
  // Once a job is kept or ended, a further warning of it is news.
  const over = message.jobs
    .filter(({ kind }) => kind === 'kept' || kind === 'ended')
    .map((job) => ({ key: keyOfJob(message, { ...job, kind: 'may-be-cancelled' }, stage), until: now - 1_000 }));
  const cancelled = message.jobs
    .filter(({ kind }) => kind === 'cancelled' || kind === 'ended')
    .map((job) => ({ key: keyOfCancel(message, job, stage), until: now + ONE_RUN_MS }));
  const { status } = message;
  const isByHand = status !== null && scheduledLine(message, now) === undefined;
  const ofStatus = isByHand ? [{ key: keyOfStatus(message, stage), until: now + ONCE_MS }] : [];
  return [...jobs, ...over, ...cancelled, ...exemptions, ...ofStatus];
}

/** Each cancel is news: a Flink job that was started again has the same id. */
const keyOfJob = (message: Received, { jobId, rule, kind }: MessageJob, stage: string): string =>
  keyOf(message, ['job', jobId, rule, kind, ...(kind === 'cancelled' ? [message.sweepId] : [])], stage);

/** The record that warns of a job does not have the cancels by hand, so a job that was cancelled is known by this. */
const keyOfCancel = (message: Received, { jobId }: MessageJob, stage: string): string =>
  keyOf(message, ['was cancelled', jobId], stage);

/** A sweep by hand says its status once, and nothing of the sweeps of the schedule. */
const keyOfStatus = (message: Received, stage: string): string =>
  keyOf(message, ['status', message.status, message.sweepId], stage);

/** The end of an exemption is named once, and once more on its last day. */
function keyOfExemption(message: Received, { id, until }: EndingExemption, stage: string, now: number): string {
  return keyOf(message, ['exemption', id, until, Date.parse(until) - now < DAY_MS ? 'last day' : null], stage);
}

/** The item of a target's state. */
const stateKey = ({ target }: Received, stage: string): string => JSON.stringify([stage, target, 'state']);

/** Returns what a line says of its target; undefined for a sweep by hand and for a message to an owner. */
function scheduledLine({ to, trigger, status, dryRun, time }: Received, now: number): StatusLine | undefined {
  if (to !== 'operators' || trigger !== 'schedule' || status === null) return undefined;
  const at = time === null ? Number.NaN : Date.parse(time);
  // A line that says it is of the future would hide all lines until then.
  return { status, at: Number.isNaN(at) ? now : Math.min(at, now), dryRun };
}

export interface News {
  /** Without what was sent already. */
  message: Received;
  /** What the status says of its target; undefined for a sweep by hand. */
  line: StatusLine | undefined;
  /** The trouble that the status ends, if it ends one. */
  over: Trouble | null;
}

/** Leaves out of a message what was sent already, and what is not to be sent at all. */
export async function newsOf(message: Received, deps: NewsDeps): Promise<News> {
  const { stage, sent, states, clock } = deps;
  const now = clock.now();
  const line = scheduledLine(message, now);
  const known = await sent.among(itemsOf(message, deps).map(({ key }) => key));
  const state = line && (await states.read(stateKey(message, stage)));
  const { status } = message;
  const isStatusNew =
    line && state ? isNews(state, line) : status !== null && status !== 'ok' && !known.has(keyOfStatus(message, stage));
  if (line && !isStatusNew) await record(message, line, { isSent: false }, deps);
  const isLate = line && state && !isFirstWeek(state, line);
  return {
    line,
    over: isStatusNew && status === 'ok' ? (state?.trouble ?? null) : null,
    message: {
      ...message,
      jobs: message.jobs.filter(
        (job) =>
          !known.has(keyOfJob(message, job, stage)) &&
          !(isLate && job.kind === 'would-be-cancelled') &&
          !(job.kind === 'ended' && known.has(keyOfCancel(message, job, stage))),
      ),
      exemptions: message.exemptions.filter((one) => !known.has(keyOfExemption(message, one, stage, now))),
      status: isStatusNew ? status : null,
      problems: isStatusNew ? message.problems : [],
    },
  };
}

/** Records what a line of the schedule says of its target. */
export function record(
  message: Received,
  line: StatusLine,
  { isSent }: { isSent: boolean },
  { stage, states }: NewsDeps,
): Promise<void> {
  return states.change(stateKey(message, stage), (state) => afterLine(state, line, isSent));
}
