import { type CancelJob, type Cancellation, cancelJobs } from './cancel.ts';
import { choose, isCapped, outcomesOf, skipAll, toCapReport } from './choice.ts';
import type { Clock } from './clock.ts';
import { type DecideOptions, type Decision, decide } from './decide.ts';
import {
  createDliClient,
  createDliReader,
  type DliClient,
  type DliClientOptions,
  type DliReader,
} from './dli/client.ts';
import type { SharedStates } from './dli/connection.ts';
import type { EngineCancels, Reading } from './dli/engine.ts';
import { ENGINES } from './dli/engines.ts';
import { DliError } from './dli/errors.ts';
import type { Engine, Job } from './dli/job.ts';
import { listQueueCus } from './dli/queues.ts';
import type { ClockReading } from './dli/service-time.ts';
import { formatDuration } from './duration.ts';
import { missingJobs, sparedJobs, unlookedJobs, unmatchedNames } from './emergency.ts';
import { explain } from './explain.ts';
import { estimateFreed } from './freed.ts';
import { type Log, withFields } from './log.ts';
import { dryRunReasons } from './mode.ts';
import type { Outcome, SkipReason } from './outcome.ts';
import { exemptionNotices } from './policy/exemptions.ts';
import { needsStatements } from './policy/schema.ts';
import { type Progress, progressOf } from './progress.ts';
import { buildReport, createCallCounter, logReport, type SweepReport } from './report.ts';
import type { SweepRequest } from './request.ts';
import { createReaders, examineVictims, type Readers, scan } from './scan.ts';
import type { Settings } from './settings/settings.ts';
import { SwitchedOff } from './switch-watch.ts';
import { type Verification, verifyCancellations } from './verify.ts';
import type { Caps, Victim } from './victims.ts';

export interface SweepDeps {
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  log: Log;
  /** @throws {SettingsError} */
  loadSettings: (request: SweepRequest) => Promise<Settings>;
  /** Epoch ms; everything but the report is over by then. */
  deadlineAt: number;
  /** Once aborted, no more jobs are cancelled; those already asked to stop are still read back and reported. */
  stop?: AbortSignal | undefined;
  /** What sweeps of one process that share a credential have in common. */
  sharedFor: SharedStates;
  /** Told what was decided before anything is done about it, while DLI can still be asked. */
  onDecided?: ((decided: Decided) => Promise<void> | void) | undefined;
  /** Awaited before the first cancel of a live sweep that has victims: the last moment to abort `stop`. */
  beforeCancelling?: (() => Promise<void>) | undefined;
  /** Told how far it is; may be called often. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Of the DLI client. */
  connection?: Pick<DliClientOptions, 'connectTimeoutMs' | 'answerTimeoutMs' | 'maxAttempts'> | undefined;
}

export interface Decided {
  decisions: readonly Decision[];
  context: DecideOptions;
  readers: Readers;
}

/** Ages are worth nothing when the two clocks disagree further. */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;

/**
 * One sweep of one target: finds the overdue jobs, cancels them unless it is a dry run, reads back what became of each.
 *
 * What happens to jobs is in the report and never thrown: a caller that retried would cancel again under a fresh cap.
 *
 * @throws {SettingsError} if something it needs cannot be read.
 * @throws {DliError} if DLI cannot be reached or refuses the credential or project: there is nothing to report on.
 */
export async function sweep(request: SweepRequest, deps: SweepDeps): Promise<SweepReport> {
  const { clock, random, deadlineAt } = deps;
  const stop = deps.stop ?? new AbortController().signal;
  const log = withFields(deps.log, { sweepId: request.sweepId, target: request.target });
  const startedAt = clock.now();

  const settings = await deps.loadSettings(request);
  const { target, policy, credentials, isSwitchedOn } = settings;
  const exemptions = request.emergency?.includeExempt ? [] : settings.exemptions;
  // A target's name typed out outweighs its mode.
  const targetMode = request.emergency === undefined ? target.mode : undefined;
  const dryRunBecause = dryRunReasons({ policy: policy.mode, target: targetMode, requestsDryRun: request.dryRun });
  const caps: Caps = { ...policy, maxKills: request.maxKills ?? policy.maxKills };

  const { apiCalls, onCall } = createCallCounter();
  // Jobs are read back by lists as well.
  let isListing = true;
  const options: DliClientOptions = {
    ...deps.connection,
    endpoint: target.endpoint,
    projectId: target.projectId,
    credentials,
    clock,
    random,
    deadlineAt,
    // The gateway counts per user, in each region on its own.
    shared: deps.sharedFor(`${target.endpoint.host} ${credentials.name}`),
    onCall: (event) => {
      onCall(event);
      if (event.call === 'list' && isListing) deps.onProgress?.({ stage: 'listing', done: apiCalls.list });
      if (event.error !== undefined) log.debug('dli call failed', { ...event, error: event.error.message });
    },
  };
  // In a dry run there is no object in the process that could cancel a job.
  const canceller = dryRunBecause.length === 0 ? createDliClient(options) : undefined;
  const dli: DliReader = canceller ?? createDliReader(options);

  try {
    const allExemptions = [...policy.exemptions, ...exemptions];
    const withStatements = needsStatements({ ...policy, exemptions: allExemptions });
    const readers = createReaders(policy, dli, { withStatements });
    const listed = await scan(readers, policy, { now: startedAt });
    const clocks = compareClocks(dli.clockReading());
    const context: DecideOptions = { policy, exemptions, now: clocks.now ?? startedAt };
    const scanned = await examineVictims(readers, listed, context);
    const decisions = decide(scanned.jobs, context);
    isListing = false;
    await deps.onDecided?.({ decisions, context, readers });
    const choice = await choose(decisions, scanned, { policy, caps, readers });
    const { overdue, chosen } = choice;
    const gaps = [...scanned.gaps, ...choice.cap.gaps];

    const stoppedBecause =
      clocks.problem ?? (canceller !== undefined && !isSwitchedOn ? 'the switch is not set to run' : undefined);
    if (canceller !== undefined && overdue.length > 0) await deps.beforeCancelling?.();
    const obstacle = firstObstacle({
      stopped: stoppedBecause !== undefined || stop.aborted,
      cap: isCapped(choice),
      'dry-run': canceller === undefined,
    });
    logVictims(chosen, obstacle, log);

    let verification: Verification;
    if (canceller === undefined || obstacle !== undefined) {
      verification = { cancellations: [], outcomes: skipAll(chosen, obstacle ?? 'dry-run') };
    } else {
      const remainingMs = deadlineAt - clock.now();
      const stopAt = deadlineAt - Math.min(request.verifyForMs, remainingMs / 4);
      const progress = progressOf(chosen.length, deps.onProgress);
      const cancelsOf = createCancels(canceller);
      const cancelJob: CancelJob = (job, options) => cancelsOf(job.engine).cancel(job, options);
      const cancellations = await cancelJobs(chosen, cancelJob, { stopAt, stop, onAsked: progress.asked });
      const untilAt = Math.min(clock.now() + request.verifyForMs, deadlineAt);
      verification = await verifyCancellations(
        cancellations,
        {
          readBack: (asked, round) => {
            progress.reading(asked.length);
            return readBack(readers, asked, round);
          },
          mayAskAgain: ({ engine }) => cancelsOf(engine).mayAskAgain,
          askAgain: (job, { savepoint }) => cancelJob(job, { savepoint, notAfter: untilAt, signal: stop }),
        },
        { clock, untilAt },
      );
      progress.reading([...verification.outcomes.values()].filter(({ kind }) => kind === 'unconfirmed').length);
    }
    const outcomes = outcomesOf(choice, obstacle, verification.outcomes);

    const cancelled = overdue.flatMap(({ job }) => (outcomes.get(job.id)?.kind === 'cancelled' ? [job] : []));
    const freed = estimateFreed(cancelled, await readQueueCus(dli, cancelled), context.now);

    const report = buildReport({
      request,
      freed,
      dryRunBecause,
      startedAt,
      finishedAt: clock.now(),
      decisions,
      cancellations: verification.cancellations,
      outcomes,
      policy,
      notices: [
        ...(settings.notices ?? []),
        ...(request.emergency === undefined
          ? []
          : [...missingJobs(request.emergency, scanned.jobs), ...unmatchedNames(request.emergency, scanned.jobs)]),
        ...(canceller === undefined && !isSwitchedOn
          ? ['the switch is not set to run, so a live sweep would cancel nobody']
          : []),
        ...exemptionNotices(allExemptions, context.now),
      ],
      unmet:
        request.emergency === undefined
          ? []
          : [...unlookedJobs(request.emergency), ...sparedJobs(request.emergency, decisions)],
      stoppedBecause: stoppedBecause ?? whyStopped(verification.cancellations, outcomes, stop),
      caps: toCapReport(choice),
      gaps,
      apiCalls,
      parameterVersions: settings.parameterVersions,
    });
    const byId = new Map(decisions.map((decision) => [decision.job.id, decision]));
    logReport(report, log, (jobId) => {
      const decision = byId.get(jobId);
      return decision && explain(decision, context);
    });
    return report;
  } finally {
    dli.close();
  }
}

/** The sweep's one instant: the earlier of the two clocks, so that neither can make a job look older than it is. */
function compareClocks(reading: ClockReading | undefined): { now: number | undefined; problem: string | undefined } {
  if (reading === undefined) {
    return { now: undefined, problem: 'DLI sent no readable Date header, so the clocks cannot be compared' };
  }
  const { serviceAt, localAt } = reading;
  const skewMs = Math.abs(serviceAt - localAt);
  const problem =
    skewMs > MAX_CLOCK_SKEW_MS
      ? `DLI's clock and ours differ by ${formatDuration(skewMs)}, more than ${formatDuration(MAX_CLOCK_SKEW_MS)}; correct ours, or ages mean nothing`
      : undefined;
  return { now: Math.min(serviceAt, localAt), problem };
}

/** Of each engine, made when it is first asked for. */
function createCancels(dli: DliClient): (engine: Engine) => EngineCancels {
  const made = new Map<Engine, EngineCancels>();
  return (engine) => {
    const cancels = made.get(engine) ?? ENGINES[engine].createCancels(dli);
    made.set(engine, cancels);
    return cancels;
  };
}

/** Only where a job does not tell its own; and a nicety, which must not cost a sweep its report. */
async function readQueueCus(dli: DliReader, cancelled: readonly Job[]): Promise<ReadonlyMap<string, number>> {
  if (cancelled.every(({ cus }) => cus !== undefined)) return new Map();
  try {
    return await listQueueCus(dli);
  } catch (error) {
    if (!(error instanceof DliError)) throw error;
    return new Map();
  }
}

/** Of all engines side by side. */
async function readBack(readers: Readers, jobs: readonly Job[], round: number): Promise<Map<string, Reading>> {
  const readings = await Promise.all(
    [...readers].flatMap(([engine, reads]) => {
      const asked = jobs.filter((job) => job.engine === engine);
      return asked.length === 0 ? [] : [reads.readBack(asked, round)];
    }),
  );
  return new Map(readings.flatMap((part) => [...part]));
}

/** What ended the cancelling before its time; of a credential, its refusal. Whoever stops when all is done stops nothing. */
function whyStopped(
  cancellations: readonly Cancellation[],
  outcomes: ReadonlyMap<string, Outcome>,
  stop: AbortSignal,
): string | undefined {
  const isLeftUndone = [...outcomes.values()].some((one) => one.kind === 'skipped' && one.reason === 'stopped');
  if (stop.aborted && isLeftUndone)
    return stop.reason instanceof SwitchedOff ? stop.reason.message : 'the operator interrupted it';
  for (const { result } of cancellations) {
    if (result.kind === 'not-sent' && result.error !== undefined) return result.error.message;
    if (result.kind === 'refused' && result.error.kind === 'authentication') return result.error.message;
  }
  return undefined;
}

function firstObstacle(obstacles: Partial<Record<SkipReason, boolean>>): SkipReason | undefined {
  return (Object.keys(obstacles) as SkipReason[]).find((reason) => obstacles[reason]);
}

/** CloudWatch cuts a record at 256 KB. */
const VICTIMS_PER_LINE = 100;

/** On record before the first DELETE, whatever happens then. */
function logVictims(victims: readonly Victim[], obstacle: SkipReason | undefined, log: Log): void {
  for (let i = 0; i < victims.length; i += VICTIMS_PER_LINE) {
    log.info('victims chosen', {
      count: victims.length,
      skipped: obstacle ?? null,
      victims: victims.slice(i, i + VICTIMS_PER_LINE).map(({ job, clocks, verdict: { rule, clock, limitMs } }) => ({
        jobId: job.id,
        queue: job.queue,
        owner: job.owner,
        rule,
        clock,
        limitMs,
        readingMs: clocks[clock],
      })),
    });
  }
}
