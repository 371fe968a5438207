import type { LimitName } from '../../policy/clocks.ts';
import type { SweepStatus } from './report.ts';

/*
 * What a sweep has to say to people, as lines of its log: one line for each recipient and sweep. The sweep sends nothing itself, so
 * that telling can neither fail nor slow it. The function `notify` gets these lines, and sends each as one message.
 *
 * A message has names, limits and readings, and never a statement, a body or a key.
 */

/** Goes up when a field changes its meaning or is removed. */
export const MESSAGE_VERSION = 1;

/** What happened to a job, or will. */
export type MessageKind =
  /** It was asked to stop, and has stopped. */
  | 'cancelled'
  /** It was asked to stop, and was not seen to stop. */
  | 'unconfirmed'
  /** The request failed, so it runs on. */
  | 'failed'
  /** A rule found it over its limit, and only warns of it. */
  | 'warned'
  /** It would have been cancelled, had the sweep not been a dry run. */
  | 'would-be-cancelled';

/** A job in a message. */
export interface MessageJob {
  kind: MessageKind;
  jobId: string;
  name: string | null;
  engine: string;
  queue: string | null;
  owner: string | null;
  rule: string | null;
  clock: LimitName | null;
  limitMs: number | null;
  readingMs: number | null;
  error: string | null;
}

/** One message. Stage, target, project, trigger and time are on the line that holds it. */
export interface Message {
  version: typeof MESSAGE_VERSION;
  to: 'operators' | 'owner';
  /** Null for the operators. */
  owner: string | null;
  dryRun: boolean;
  /** Why a person asked for the sweep; null for any other. */
  requestReason: string | null;
  /** Only for the operators: the status of the sweep, and why it is not ok. */
  status: SweepStatus | null;
  problems: readonly string[];
  /** At most 40, the longest over their limit first. */
  jobs: readonly MessageJob[];
  /** The number of further jobs, by what happened to them. */
  more: Partial<Record<MessageKind, number>>;
}

/** A line has room for 256 KB, and a message on a screen for far less. */
export const MOST_JOBS = 40;
