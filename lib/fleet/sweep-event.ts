import type { Clock } from '../base/clock.ts';
import { withFields } from '../base/log.ts';
import { expiresAtOf, parseRequest, type SweepRequest } from '../request/request.ts';
import { errorField, type NotSwept, type ProjectFields, type SweepLog } from '../sweep/record/log-lines.ts';
import type { WriteMetrics } from '../sweep/record/metrics.ts';
import type { SweepReport } from '../sweep/record/report.ts';
import { messageOfFailure } from '../sweep/tell/messages.ts';
import { skipTarget, sweepGroup, type TargetResult } from './group.ts';
import { isQueueEvent, messageOf, requestFor, type SweepMessage, type TargetAsRead, triggerOf } from './message.ts';

/** What an event comes to: the summary of one sweep, or what became of each target. */
export type SweepAnswer = Omit<SweepReport, 'jobs'> | { targets: TargetResult[] };

/** Sweeps one target of the stage. */
export type SweepTarget = (
  request: SweepRequest,
  options: {
    log: SweepLog;
    /** Epoch ms. */
    deadlineAt: number;
    /** Called once the target has been read, with the project that the sweep goes to. */
    onProject: (project: ProjectFields) => void;
    /** What the target probably says, to save calls of Parameter Store. */
    expected?: ExpectedTarget | undefined;
  },
) => Promise<SweepReport>;

/** What the target said when the dispatch read it. What it says otherwise now is read. */
export interface ExpectedTarget extends TargetAsRead {
  credentials: string;
}

interface EventDeps {
  clock: Clock;
  log: SweepLog;
  writeMetrics: WriteMetrics;
  /** The period of the schedule. */
  periodMs: number;
  /** Epoch ms; everything but the report is over by then. */
  deadlineAt: number;
  sweepTarget: SweepTarget;
}

/**
 * Sweeps the targets of a message one after the other; or one target, for a payload by hand
 * `{target?, dryRun?, maxKills?, verifyFor?, reason?, askedAt?}`.
 *
 * @returns for a payload by hand the summary, without the jobs: the log has those. For a message, and for a payload that came
 *   too late, what became of each target.
 * @throws for a payload by hand if there is nothing to report on: a bad event, unreadable settings, DLI out of reach. For a
 *   message only if it cannot be understood: the queue delivers again what throws; see
 *   docs/decisions/0004-what-may-be-repeated.md.
 */
export async function sweepEvent(event: unknown, deps: EventDeps): Promise<SweepAnswer> {
  if (!isQueueEvent(event))
    return sweepByHand(
      understood(() => parseRequest(event), deps.log),
      deps,
    );
  return {
    targets: await sweepMessage(
      understood(() => messageOf(event), deps.log),
      deps,
    ),
  };
}

function understood<T>(parse: () => T, log: SweepLog): T {
  try {
    return parse();
  } catch (error) {
    log.error('sweep could not run', { error: errorField(error) });
    throw error;
  }
}

async function sweepByHand(request: SweepRequest, deps: EventDeps): Promise<SweepAnswer> {
  const { clock, log, periodMs, writeMetrics } = deps;
  const now = clock.now();
  const { sweepId, target, trigger, askedAt = now } = request;
  if (now > expiresAtOf({ trigger, askedAt }, periodMs)) {
    const results = [skipTarget(target, whyLate(trigger), withFields(log, { sweepId, trigger }))];
    countLate(results, writeMetrics);
    return { targets: results };
  }
  const { jobs: _, ...summary } = await sweepAndLogFailure(() => request, { log, fields: {} }, deps);
  return summary;
}

async function sweepMessage(message: SweepMessage, deps: EventDeps): Promise<TargetResult[]> {
  const { clock, deadlineAt, periodMs, writeMetrics } = deps;
  const { dispatchId, credentials, trigger, dispatchedAt, targets } = message;
  const log = withFields(deps.log, { dispatchId, credentials, trigger });
  const kind = triggerOf(message);
  const results = await sweepGroup(targets, {
    clock,
    log,
    deadlineAt,
    expiresAt: expiresAtOf({ trigger: kind, askedAt: dispatchedAt }, periodMs),
    lateAs: whyLate(kind),
    sweepTarget: async (target) => {
      try {
        const { read = {} } = message;
        const asRead = Object.hasOwn(read, target) ? read[target] : undefined;
        const expected = asRead && { ...asRead, credentials };
        const about = { log, fields: { target }, expected };
        const report = await sweepAndLogFailure(() => requestFor(message, target), about, deps);
        writeMetrics({ TargetsSwept: 1 }, dispatchedAt);
        return report;
      } catch (error) {
        writeMetrics({ PolicyException: 1 });
        throw error;
      }
    },
  });
  countLate(results, writeMetrics);
  return results;
}

/** Sweeps, and logs an error with the project that the sweep went to, as far as that is known. */
async function sweepAndLogFailure(
  makeRequest: () => SweepRequest,
  { log, fields, expected }: { log: SweepLog; fields: { target?: string }; expected?: ExpectedTarget | undefined },
  { deadlineAt, sweepTarget }: EventDeps,
): Promise<SweepReport> {
  let project: ProjectFields | undefined;
  try {
    return await sweepTarget(makeRequest(), {
      log,
      deadlineAt,
      expected,
      onProject: (found) => {
        project = found;
      },
    });
  } catch (error) {
    const about = { ...fields, ...project };
    log.error('sweep could not run', { ...about, error: errorField(error) });
    // A person who asked for the sweep by hand has the answer; a target of a message has a name here.
    if (fields.target !== undefined) withFields(log, about).info('message', { ...messageOfFailure(error) });
    throw error;
  }
}

const whyLate = (trigger: SweepRequest['trigger']) => (trigger === 'schedule' ? 'stale' : 'expired');

/** Counts late targets: ticks as dropped, since sweeps do not keep up; what a person asked for as stopped. */
function countLate(results: readonly TargetResult[], writeMetrics: WriteMetrics): void {
  const countOf = (reason: NotSwept) =>
    results.filter((result) => result.kind === 'not-swept' && result.reason === reason).length;
  const expired = countOf('expired');
  if (countOf('stale') > 0) writeMetrics({ TicksDropped: 1 });
  if (expired > 0) writeMetrics({ SweepsStopped: expired, SweepsExpired: expired });
}
