import { clockOf } from '../../policy/clocks.ts';
import { MOST_NOTICE_ROUTES, type Policy } from '../../policy/schema.ts';
import { errorField } from '../record/log-lines.ts';
import {
  type EndingExemption,
  MESSAGE_VERSION,
  type Message,
  type MessageJob,
  type MessageKind,
  MOST_JOBS,
  type PolicyRoute,
} from '../record/message.ts';
import type { JobReport, SweepReport } from '../record/report.ts';
import type { Ending } from './calendar.ts';

/** What of a sweep is worth a message to its operators. */
const FOR_OPERATORS: readonly MessageKind[] = ['cancelled', 'unconfirmed', 'failed', 'would-be-cancelled'];
/** A request that failed did nothing to the job, and a dry run does nothing to any job: the owner need not know. */
const FOR_OWNERS: readonly MessageKind[] = ['cancelled', 'unconfirmed', 'warned', 'may-be-cancelled', 'kept', 'ended'];

const MOST_PROBLEMS = 10;
const MOST_LETTERS = 500;

/** What messages say beside the report. */
interface More {
  /** What became of jobs that earlier sweeps warned of. */
  after?: readonly MessageJob[];
  /** Exemptions that end soon, for their owners. */
  exemptions?: readonly Ending[];
  /** The routes of the policy. */
  routes?: Policy['notices'];
}

/**
 * Returns what a sweep has to say to people, one message for each recipient. Pure.
 *
 * - The operators: after each sweep of the schedule its status; after any other, if something happened or it is not ok.
 * - Each owner of a job that was asked to stop, is warned of, or was in danger before; and of an exemption that ends soon.
 *
 * A dry run by hand says nothing: the person who asked sees it. A dry run by the schedule says to the operators alone what it would
 * have done.
 */
export function messagesOf(report: SweepReport, { after = [], exemptions = [], routes = [] }: More = {}): Message[] {
  const { dryRun, trigger } = report;
  if (dryRun && trigger !== 'schedule') return [];
  const jobs = [
    ...report.jobs.toSorted((a, b) => (b.overLimitMs ?? 0) - (a.overLimitMs ?? 0)).flatMap(toMessageJob),
    ...after,
  ];
  const toOwners = dryRun ? [] : jobs.filter(({ kind }) => FOR_OWNERS.includes(kind));
  const byOwner = Map.groupBy(toOwners, ({ owner }) => owner);
  const ending = Map.groupBy(dryRun ? [] : exemptions, ({ exemption }) => exemption.owner);
  // A job whose owner DLI does not name is in the message to the operators.
  const owners = [...new Set([...byOwner.keys(), ...ending.keys()])].filter((owner) => owner !== null);
  return [
    ...forOperators(
      report,
      jobs.filter(({ kind }) => FOR_OPERATORS.includes(kind)),
    ),
    ...owners.map((owner) => ({
      ...message(report, { to: 'owner', owner }, byOwner.get(owner) ?? []),
      exemptions: (ending.get(owner) ?? []).slice(0, MOST_JOBS).map(toEnding),
    })),
  ].map((one) => ({ ...one, routes: routes.slice(0, MOST_NOTICE_ROUTES).map(toRoute) }));
}

/** Returns the message that a sweep came to no report. @param error why. */
export const messageOfFailure = (error: unknown): Message => ({
  ...message({ dryRun: false, requestReason: null }, { to: 'operators', owner: null }, []),
  status: 'failed',
  problems: [`the sweep could not run: ${errorField(error)}`.slice(0, MOST_LETTERS)],
});

function forOperators(report: SweepReport, jobs: readonly MessageJob[]): Message[] {
  const { status, trigger } = report;
  const problems = report.problems.slice(0, MOST_PROBLEMS).map((text) => text.slice(0, MOST_LETTERS));
  if (trigger !== 'schedule' && status === 'ok' && jobs.length === 0) return [];
  return [{ ...message(report, { to: 'operators', owner: null }, jobs), status, problems }];
}

function message(
  { dryRun, requestReason }: Pick<SweepReport, 'dryRun' | 'requestReason'>,
  recipient: Pick<Message, 'to' | 'owner'>,
  jobs: readonly MessageJob[],
): Message {
  const more: Message['more'] = {};
  for (const { kind } of jobs.slice(MOST_JOBS)) more[kind] = (more[kind] ?? 0) + 1;
  return {
    version: MESSAGE_VERSION,
    ...recipient,
    dryRun,
    requestReason,
    status: null,
    problems: [],
    jobs: jobs.slice(0, MOST_JOBS),
    more,
    exemptions: [],
    routes: [],
  };
}

/** A statement is never shown, and a name is no flag of `exempt`; so such a match is left out as a whole. */
function toEnding({ exemption: { id, reason, until, match }, isInPolicy }: Ending): EndingExemption {
  const { jobId, queue, owner, tag, name, statement } = match;
  const isShort = [jobId, queue, owner, tag].every((values = []) => values.length <= MOST_JOBS);
  const isShown = !isInPolicy && isShort && name === undefined && statement === undefined;
  return {
    id,
    reason: reason.slice(0, MOST_LETTERS),
    until: new Date(until).toISOString(),
    match: isShown ? { jobId, queue: texts(queue), owner: texts(owner), tag: texts(tag) } : null,
  };
}

const texts = (wanted: readonly { text: string }[] | undefined) => wanted?.map(({ text }) => text);

function toRoute({ to, match, route }: Policy['notices'][number]): PolicyRoute {
  return {
    to,
    match:
      match === undefined
        ? null
        : { target: texts(match.target), owner: texts(match.owner), queue: texts(match.queue) },
    route,
  };
}

function toMessageJob(job: JobReport): MessageJob[] {
  const kind = kindOf(job);
  if (kind === undefined) return [];
  const { jobId, name, engine, queue, owner, rule, clock, limitMs, error, warning, repeats } = job;
  const readingMs = clock === null ? null : job[clockOf(clock).reading];
  const limit = warning ?? { rule, clock, limitMs, readingMs };
  return [
    {
      kind,
      jobId,
      name,
      engine,
      queue,
      owner,
      rule: limit.rule,
      clock: limit.clock,
      limitMs: limit.limitMs,
      readingMs: limit.readingMs,
      at: warning?.mayBeCancelledAt ?? null,
      keptBy: null,
      repeats,
      error,
    },
  ];
}

/** @returns undefined if there is nothing to say about the job. */
function kindOf({ decision, outcome, reason, warning }: JobReport): MessageKind | undefined {
  if (warning !== null) return 'may-be-cancelled';
  if (decision === 'warn') return 'warned';
  if (decision !== 'cancel') return undefined;
  switch (outcome) {
    case 'cancelled':
    case 'unconfirmed':
    case 'failed':
      return outcome;
    case 'skipped':
      return reason === 'dry-run' ? 'would-be-cancelled' : undefined;
    case 'already-terminal':
      return undefined;
    default:
      return outcome satisfies never;
  }
}
