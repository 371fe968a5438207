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
  /** It comes to its limit soon, or its rule warns first: from `at` on a sweep may cancel it. */
  | 'may-be-cancelled'
  /** It was in danger, and an exemption keeps it until `at`. */
  | 'kept'
  /** It was in danger, and no longer runs, without a cancel by a sweep. */
  | 'ended'
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
  /** ISO 8601, UTC: from when it may be cancelled, or until when it is kept; null for any other kind. */
  at: string | null;
  /** For a job that is kept, the exemption and whom to ask about it. */
  keptBy: { exemption: string; owner: string } | null;
  /** For a cancelled job: how many sweeps of the 24 hours before cancelled a job like it; null if that is not known. */
  repeats: number | null;
  error: string | null;
}

/** An exemption that ends soon. */
export interface EndingExemption {
  id: string;
  reason: string;
  /** ISO 8601, UTC. */
  until: string;
  /** What it protects, as `exempt` takes it; null or left out if that is not known, or if the exemption is in the policy. */
  match?: { [K in 'jobId' | 'queue' | 'owner' | 'tag']?: readonly string[] | undefined } | null | undefined;
}

/** A route that the policy chooses: messages that it is for go where the parameter of this name says. */
export interface PolicyRoute {
  to: Message['to'];
  /** The texts of the policy; null for all messages. */
  match: { [K in 'target' | 'owner' | 'queue']?: readonly string[] | undefined } | null;
  /** The last part of the name of a parameter below `/notices/routes/`. */
  route: string;
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
  /**
   * Only for the operators: the status of the sweep, and why it is not ok. Each sweep of the schedule says it, also if it is ok and
   * has no jobs to name, so that the end of a stop is seen.
   */
  status: SweepStatus | null;
  problems: readonly string[];
  /** At most 40, the longest over their limit first. */
  jobs: readonly MessageJob[];
  /** The number of further jobs, by what happened to them. */
  more: Partial<Record<MessageKind, number>>;
  /** Those of this owner that end within a week. */
  exemptions: readonly EndingExemption[];
  /** The routes of the policy, which come before those of the stage. */
  routes: readonly PolicyRoute[];
}

/** A line has room for 256 KB, and a message on a screen for far less. */
export const MOST_JOBS = 40;
export const MOST_ROUTES = 20;
