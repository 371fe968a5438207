import { type Cancellation, cancelJobs } from './cancel.ts';
import type { Clock } from './clock.ts';
import { type DecideOptions, type Decision, decide, youngestOverdueStart } from './decide.ts';
import { createDliClient, createDliReader, type DliClientOptions, type DliReader } from './dli/client.ts';
import type { ClockReading, SharedStates } from './dli/connection.ts';
import { DliError } from './dli/errors.ts';
import { isLive } from './dli/job.ts';
import { countLiveSqlJobs, listLiveSqlJobs, readBackSqlJobs } from './dli/sql.ts';
import { formatDuration } from './duration.ts';
import { explain } from './explain.ts';
import { type Log, withFields } from './log.ts';
import { dryRunReasons } from './mode.ts';
import type { Outcome, SkipReason } from './outcome.ts';
import { exemptionNotices } from './policy/exemptions.ts';
import { needsStatements, type Policy } from './policy/schema.ts';
import { buildReport, createCallCounter, logReport, type SweepReport } from './report.ts';
import type { SweepRequest } from './request.ts';
import type { Settings } from './settings/settings.ts';
import { type Verification, verifyCancellations } from './verify.ts';
import { allowedKills, type Caps, chooseVictims, exceededCap, needsLiveCount, type Victim } from './victims.ts';

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
  /** Of the DLI client. */
  connection?: Pick<DliClientOptions, 'connectTimeoutMs' | 'answerTimeoutMs' | 'maxAttempts'> | undefined;
}

export interface Decided {
  decisions: readonly Decision[];
  context: DecideOptions;
  dli: DliReader;
}

/** Ages are worth nothing when the two clocks disagree further. */
const MAX_CLOCK_SKEW_MS = 5 * 60_000;

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

  const { target, policy, exemptions, credentials, isSwitchedOn } = await deps.loadSettings(request);
  const dryRunBecause = dryRunReasons({ policy: policy.mode, target: target.mode, requestsDryRun: request.dryRun });
  const caps: Caps = { ...policy, maxKills: request.maxKills ?? policy.maxKills };

  const { apiCalls, onCall } = createCallCounter();
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
      if (event.error !== undefined) log.debug('dli call failed', { ...event, error: event.error.message });
    },
  };
  // In a dry run there is no object in the process that could cancel a job.
  const canceller = dryRunBecause.length === 0 ? createDliClient(options) : undefined;
  const dli: DliReader = canceller ?? createDliReader(options);

  try {
    const { jobs, gaps } = await listLiveSqlJobs(dli, {
      startedBefore: youngestOverdueStart(policy, startedAt),
      withStatements: needsStatements({ ...policy, exemptions: [...policy.exemptions, ...exemptions] }),
    });
    const clocks = compareClocks(dli.clockReading());
    const context: DecideOptions = { policy, exemptions, now: clocks.now ?? startedAt };
    const decisions = decide(jobs, context);
    await deps.onDecided?.({ decisions, context, dli });
    const victims = chooseVictims(decisions);

    const listedLiveCount = jobs.filter(({ state }) => isLive(state)).length;
    const cap = await checkCaps(victims, listedLiveCount, caps, dli, gaps);

    const stoppedBecause =
      clocks.problem ?? (canceller !== undefined && !isSwitchedOn ? 'the switch is not set to run' : undefined);
    const obstacle = firstObstacle({
      stopped: stoppedBecause !== undefined || stop.aborted,
      partial: gaps.length > 0 && needsWholeListing(policy, caps),
      cap: cap.exceeded !== undefined && !caps.drain,
      'dry-run': canceller === undefined,
    });
    const chosen = cap.exceeded !== undefined && caps.drain ? victims.slice(0, cap.allowed) : victims;
    logVictims(chosen, obstacle, log);

    let verification: Verification;
    if (canceller === undefined || obstacle !== undefined) {
      verification = { cancellations: [], outcomes: skipAll(chosen, obstacle ?? 'dry-run') };
    } else {
      const remainingMs = deadlineAt - clock.now();
      const stopAt = deadlineAt - Math.min(request.verifyForMs, remainingMs / 4);
      const cancellations = await cancelJobs(chosen, canceller, { stopAt, stop });
      const untilAt = Math.min(clock.now() + request.verifyForMs, deadlineAt);
      verification = await verifyCancellations(
        cancellations,
        {
          readBack: (asked, round) => readBackSqlJobs(dli, asked, round),
          askAgain: (jobId) => canceller.cancelSqlJob(jobId, { notAfter: untilAt, signal: stop }),
        },
        { clock, untilAt },
      );
    }
    // Whoever was not chosen although nothing else stands in the way is one too many.
    const reasonForOthers = obstacle === undefined || obstacle === 'dry-run' ? 'cap' : obstacle;
    const outcomes = new Map([...skipAll(victims, reasonForOthers), ...verification.outcomes]);

    const report = buildReport({
      request,
      dryRunBecause,
      startedAt,
      finishedAt: clock.now(),
      decisions,
      cancellations: verification.cancellations,
      outcomes,
      policy,
      notices: exemptionNotices([...policy.exemptions, ...exemptions], context.now),
      stoppedBecause: stoppedBecause ?? whyStopped(verification.cancellations, stop),
      caps: {
        ...{ victims: victims.length, liveJobs: cap.liveCount, exceeded: cap.exceeded ?? null },
        ...{ maxKills: caps.maxKills, maxKillsPercent: caps.maxKillsPercent },
        ...{ percentFloor: caps.percentFloor, drain: caps.drain },
      },
      gaps,
      apiCalls,
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

/** What was not listed may be what would have exceeded the percentage, or a job older than the one taken for the oldest. */
function needsWholeListing({ rules }: Policy, { maxKillsPercent }: Caps): boolean {
  return maxKillsPercent < 100 || rules.some(({ victims }) => victims === 'oldest');
}

/** What ended the cancelling before its time; of a credential, its refusal. */
function whyStopped(cancellations: readonly Cancellation[], stop: AbortSignal): string | undefined {
  if (stop.aborted) return 'the operator interrupted it';
  for (const { result } of cancellations) {
    if (result.kind === 'not-sent' && result.error !== undefined) return result.error.message;
    if (result.kind === 'refused' && result.error.kind === 'authentication') return result.error.message;
  }
  return undefined;
}

function skipAll(victims: readonly Victim[], reason: SkipReason): Map<string, Outcome> {
  return new Map(victims.map(({ job }) => [job.id, { kind: 'skipped', reason }]));
}

interface CapState {
  /** In words; undefined if no cap stands in the way. */
  exceeded: string | undefined;
  allowed: number;
  /** At least. */
  liveCount: number;
}

/** A failed count becomes a gap: without it the percentage cannot be checked. */
async function checkCaps(
  victims: readonly Victim[],
  listedLiveCount: number,
  caps: Caps,
  dli: DliReader,
  gaps: string[],
): Promise<CapState> {
  const stateFor = (liveCount: number): CapState => ({
    exceeded: exceededCap(victims.length, liveCount, caps),
    allowed: allowedKills(liveCount, caps),
    liveCount,
  });
  if (!needsLiveCount(victims.length, listedLiveCount, caps)) return stateFor(listedLiveCount);
  try {
    // A job may have ended since it was listed; it was alive when it was chosen, so it counts.
    return stateFor(Math.max(await countLiveSqlJobs(dli), listedLiveCount));
  } catch (error) {
    if (!(error instanceof DliError)) throw error;
    gaps.push(`the number of live jobs: ${error.message}`);
    return { exceeded: undefined, allowed: 0, liveCount: listedLiveCount };
  }
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
