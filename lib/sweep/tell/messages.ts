import { clockOf } from '../../policy/clocks.ts';
import { MESSAGE_VERSION, type Message, type MessageJob, type MessageKind, MOST_JOBS } from '../record/message.ts';
import type { JobReport, SweepReport } from '../record/report.ts';

/** What of a sweep is worth a message to its operators. */
const FOR_OPERATORS: readonly MessageKind[] = ['cancelled', 'unconfirmed', 'failed', 'would-be-cancelled'];
/** A request that failed did nothing to the job, and a dry run does nothing to any job: the owner need not know. */
const FOR_OWNERS: readonly MessageKind[] = ['cancelled', 'unconfirmed', 'warned'];

const MOST_PROBLEMS = 10;
const MOST_LETTERS = 500;

/**
 * Returns what a sweep has to say to people, one message for each recipient: the operators, if anything happened or the sweep is
 * not ok, and each owner of a job that was asked to stop or is warned of. Pure.
 *
 * A dry run by hand says nothing: the person who asked sees it. A dry run by the schedule says to the operators alone what it would
 * have done.
 */
export function messagesOf(report: SweepReport): Message[] {
  const { dryRun, trigger } = report;
  if (dryRun && trigger !== 'schedule') return [];
  const jobs = report.jobs.toSorted((a, b) => (b.overLimitMs ?? 0) - (a.overLimitMs ?? 0)).flatMap(toMessageJob);
  const toOwners = dryRun ? [] : jobs.filter(({ kind }) => FOR_OWNERS.includes(kind));
  const byOwner = Map.groupBy(toOwners, ({ owner }) => owner);
  return [
    ...forOperators(
      report,
      jobs.filter(({ kind }) => FOR_OPERATORS.includes(kind)),
    ),
    // A job whose owner DLI does not name is in the message to the operators.
    ...[...byOwner].flatMap(([owner, own]) => (owner === null ? [] : [message(report, { to: 'owner', owner }, own)])),
  ];
}

function forOperators(report: SweepReport, jobs: readonly MessageJob[]): Message[] {
  const { status, trigger } = report;
  const problems = report.problems.slice(0, MOST_PROBLEMS).map((text) => text.slice(0, MOST_LETTERS));
  if (trigger !== 'schedule' && status === 'ok' && jobs.length === 0) return [];
  return [{ ...message(report, { to: 'operators', owner: null }, jobs), status, problems }];
}

function message(
  { dryRun, requestReason }: SweepReport,
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

function toMessageJob(job: JobReport): MessageJob[] {
  const kind = kindOf(job);
  if (kind === undefined) return [];
  const { jobId, name, engine, queue, owner, rule, clock, limitMs, error } = job;
  const readingMs = clock === null ? null : job[clockOf(clock).reading];
  return [
    {
      kind,
      jobId,
      name,
      engine,
      queue,
      owner,
      rule,
      clock,
      limitMs,
      readingMs,
      at: null,
      keptBy: null,
      repeats: null,
      error,
    },
  ];
}

/** @returns undefined if there is nothing to say about the job. */
function kindOf({ decision, outcome, reason }: JobReport): MessageKind | undefined {
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
