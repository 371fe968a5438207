import type { Clock } from '../../base/clock.ts';
import type { Engine, Job } from '../../base/job.ts';
import type { DliClient } from '../../dli/client.ts';
import { listQueueCus } from '../../dli/queues.ts';
import type { EngineCancels, ReadBack } from '../../engines/engine.ts';
import { ENGINES } from '../../engines/engines.ts';
import { clockOf } from '../../policy/clocks.ts';
import { describeStop, hasWords, type StopOrder } from '../../settings/stop-order.ts';
import { SwitchedOff } from '../../settings/switch-watch.ts';
import type { Victim } from '../judge/cap.ts';
import type { Judgement } from '../judge/judge.ts';
import type { Readers } from '../look/look.ts';
import type { SweepLog } from '../record/log-lines.ts';
import type { Outcome, SkipReason } from '../record/outcome.ts';
import type { Freed, Stopped } from '../record/report.ts';
import { type CancelJob, type Cancellation, cancelJobs, cancelOne } from './cancel.ts';
import { estimateFreed } from './freed-capacity.ts';
import type { ProgressWatch } from './progress.ts';
import { type Verification, verifyCancellations } from './verify.ts';

/** What became of the overdue jobs. */
export interface Ends {
  /** One for each overdue job, by job id. */
  outcomes: ReadonlyMap<string, Outcome>;
  /** One for each job that was chosen. */
  cancellations: readonly Cancellation[];
  /** Requests sent for jobs that had been asked before. */
  askedAgain: number;
  stopped: Stopped | undefined;
  freed: Freed | undefined;
}

/** What a live sweep can do to jobs, and how it reads them afterwards. A dry run has none. */
export interface Cancels {
  cancel: CancelJob;
  /** Whether a job that still runs after an accepted request may be asked once more in the same sweep. */
  mayAskAgain: (job: Job) => boolean;
  /** Reads jobs of one engine. */
  readBack: ReadBack;
  /** Returns the compute units of each queue. @throws {DliError} */
  listQueueCus: () => Promise<ReadonlyMap<string, number>>;
}

export function createCancels(client: DliClient, readers: Readers, clock: Clock): Cancels {
  const made = new Map<Engine, EngineCancels>();
  const cancelsOf = ({ engine }: Job): EngineCancels => {
    const cancels = made.get(engine) ?? ENGINES[engine].createCancels(client, clock);
    made.set(engine, cancels);
    return cancels;
  };
  return {
    cancel: (job, options) => cancelsOf(job).cancel(job, options),
    mayAskAgain: (job) => cancelsOf(job).mayAskAgain,
    readBack: async (jobs, look) => {
      const [first] = jobs;
      return first === undefined ? new Map() : ((await readers.get(first.engine)?.readBack(jobs, look)) ?? new Map());
    },
    listQueueCus: () => listQueueCus(client),
  };
}

/** When to stop. */
export interface Limits {
  clock: Clock;
  /** Epoch ms; everything but the report is over by then. */
  deadlineAt: number;
  /** Epoch ms; the sweep does not begin to cancel later. */
  expiresAt: number;
  /** How long to wait for cancelled jobs to stop. */
  verifyForMs: number;
  isSwitchedOn: boolean;
  /** The order to stop that a person wrote into the switch. */
  stopOrder?: StopOrder | undefined;
  /** Once aborted, no more jobs are cancelled; those already asked to stop are still read back. */
  stop: AbortSignal;
  /** Awaited before the first cancel: the last moment to abort `stop`. */
  beforeCancelling?: (() => Promise<void>) | undefined;
  /** Awaited before the first cancel: then the victims are on record. */
  settleLog?: (() => Promise<void>) | undefined;
}

/**
 * Asks the chosen jobs to stop, and reads back what became of each.
 *
 * @param options.askedBefore jobs that other sweeps of ours may have asked to stop, by id.
 */
export async function act(
  judgement: Judgement,
  cancels: Cancels,
  { clock, deadlineAt, expiresAt, verifyForMs, isSwitchedOn, stopOrder, stop, beforeCancelling, settleLog }: Limits,
  { log, progress, askedBefore }: { log: SweepLog; progress: ProgressWatch; askedBefore: ReadonlySet<string> },
): Promise<Ends> {
  const { overdue, chosen } = judgement;
  if (overdue.length > 0) await beforeCancelling?.();
  if (!isSwitchedOn || stop.aborted || judgement.obstacle !== undefined) {
    return leaveAlone(judgement, { stop, log, isSwitchedOn, stopOrder });
  }
  if (chosen.length > 0 && clock.now() > expiresAt) return leaveExpired(judgement, { expiresAt, log });

  logVictims(chosen, undefined, log);
  if (chosen.length > 0) await settleLog?.();
  progress.begin(chosen.length);
  const stopAt = deadlineAt - Math.min(verifyForMs, (deadlineAt - clock.now()) / 4);
  const { now } = judgement.context;
  const asked = await cancelJobs(chosen, cancels.cancel, { clock, now, stopAt, stop, onAsked: progress.asked });
  const untilAt = Math.min(clock.now() + verifyForMs, deadlineAt);
  const { outcomes, cancellations, askedAgain } = await verify(asked, cancels, { clock, now, untilAt, stop, progress });

  const all = new Map([...spareAll(judgement, 'cap'), ...withoutBlame(outcomes, askedBefore)]);
  const cancelled = chosen.flatMap(({ job }) => (outcomes.get(job.id)?.kind === 'cancelled' ? [job] : []));
  return {
    outcomes: all,
    cancellations,
    askedAgain,
    stopped: whatStopped(cancellations, all, stop),
    freed: estimateFreed(cancelled, await readQueueCus(cancels, cancelled), now),
  };
}

/** Reads back what became of each job, engine by engine: how long a stop takes differs between them. */
async function verify(
  asked: readonly Cancellation[],
  { cancel, readBack, mayAskAgain }: Cancels,
  { clock, now, untilAt, stop, progress }: VerifyLimits,
): Promise<Verification> {
  const reading = new Map<Engine, { pending: number; failed: number }>();
  const tell = (engine: Engine, counts: { pending: number; failed: number }) => {
    reading.set(engine, counts);
    const sum = (of: 'pending' | 'failed') => [...reading.values()].reduce((all, one) => all + one[of], 0);
    progress.reading({ pending: sum('pending'), failed: sum('failed') });
  };
  const engines = [...new Set(asked.map(({ victim }) => victim.job.engine))];
  const parts = await Promise.all(
    engines.map(async (engine) => {
      const part = await verifyCancellations(
        asked.filter(({ victim }) => victim.job.engine === engine),
        {
          readBack,
          onLook: (counts) => tell(engine, counts),
          mayAskAgain,
          askAgain: (victim, { savepoint }) =>
            cancelOne(victim, cancel, { now, savepoint, notAfter: untilAt, signal: stop }),
        },
        { clock, untilAt },
      );
      return part;
    }),
  );
  const latest = new Map(parts.flatMap((part) => part.cancellations).map((one) => [one.victim, one]));
  return {
    outcomes: new Map(parts.flatMap((part) => [...part.outcomes])),
    cancellations: asked.map((one) => latest.get(one.victim) ?? one),
    askedAgain: parts.reduce((sum, part) => sum + part.askedAgain, 0),
  };
}

interface VerifyLimits {
  clock: Clock;
  /** The instant of the decisions, epoch ms. */
  now: number;
  untilAt: number;
  stop: AbortSignal;
  progress: ProgressWatch;
}

/** Blames no one else for a job that an earlier request of ours may have stopped. */
function withoutBlame(outcomes: ReadonlyMap<string, Outcome>, askedBefore: ReadonlySet<string>) {
  return [...outcomes].map(([id, outcome]): [string, Outcome] =>
    outcome.kind === 'already-terminal' && askedBefore.has(id)
      ? [id, { ...outcome, endedBy: undefined }]
      : [id, outcome],
  );
}

/** Asks no job to stop: for a plan, and for a sweep that something keeps from cancelling. */
export function leaveAlone(
  judgement: Judgement,
  {
    log,
    stop,
    isSwitchedOn = true,
    stopOrder,
  }: { log: SweepLog; stop?: AbortSignal; isSwitchedOn?: boolean; stopOrder?: StopOrder | undefined },
): Ends {
  const obstacle = !isSwitchedOn || stop?.aborted ? 'stopped' : (judgement.obstacle ?? 'dry-run');
  logVictims(judgement.chosen, obstacle, log);
  const outcomes = spareAll(judgement, obstacle);
  return {
    outcomes,
    cancellations: [],
    askedAgain: 0,
    stopped: isSwitchedOn ? whatStopped([], outcomes, stop) : { by: 'switch', because: whyOff(stopOrder) },
    freed: undefined,
  };
}

/** Quotes the order in the switch, if it says more than the word. */
function whyOff(order: StopOrder | undefined): string {
  return order !== undefined && hasWords(order)
    ? `the switch reads ${describeStop(order)}`
    : 'the switch is not set to run, or cannot be read';
}

/** Asks no job to stop, since the request is too old: listing took long, or the request came late. */
function leaveExpired(judgement: Judgement, { expiresAt, log }: { expiresAt: number; log: SweepLog }): Ends {
  logVictims(judgement.chosen, 'expired', log);
  const at = new Date(expiresAt).toISOString();
  return {
    outcomes: spareAll(judgement, 'expired'),
    cancellations: [],
    askedAgain: 0,
    stopped: {
      by: 'expired',
      because: `the request expired at ${at}, before the first cancel; no job was cancelled, so ask again if it is still wanted`,
    },
    freed: undefined,
  };
}

/** Gives each overdue job the outcome of a job that was not asked to stop. */
function spareAll({ overdue, chosen, spared }: Judgement, reason: SkipReason): Map<string, Outcome> {
  const skip = (id: string, why: SkipReason): [string, Outcome] => [id, { kind: 'skipped', reason: why }];
  if (reason === 'stopped') return new Map(overdue.map(({ job }) => skip(job.id, reason)));
  return new Map([...chosen.map(({ job }) => skip(job.id, reason)), ...[...spared].map(([id, why]) => skip(id, why))]);
}

/** Says what ended the cancelling early. A stop after the last job ends nothing. */
function whatStopped(
  cancellations: readonly Cancellation[],
  outcomes: ReadonlyMap<string, Outcome>,
  stop: AbortSignal | undefined,
): Stopped | undefined {
  const isLeftUndone = [...outcomes.values()].some((one) => one.kind === 'skipped' && one.reason === 'stopped');
  if (stop?.aborted && isLeftUndone) {
    return stop.reason instanceof SwitchedOff
      ? { by: 'switch', because: stop.reason.message }
      : { by: 'operator', because: 'the operator interrupted it' };
  }
  for (const { result } of cancellations) {
    const isRefused = result.kind === 'refused' && result.error.kind === 'authentication';
    const isHeldBack = result.kind === 'not-sent' && result.reason === 'stopped';
    if ((isRefused || isHeldBack) && result.error !== undefined) {
      return { by: 'credential', because: result.error.message };
    }
  }
  return undefined;
}

/** Asks only if a job does not say its own units. An error must not cost the sweep its report. */
async function readQueueCus(cancels: Cancels, cancelled: readonly Job[]): Promise<ReadonlyMap<string, number>> {
  if (cancelled.every(({ cus }) => cus !== undefined)) return new Map();
  try {
    return await cancels.listQueueCus();
  } catch {
    return new Map();
  }
}

/** CloudWatch cuts a record at 256 KB. */
const VICTIMS_PER_LINE = 100;

/** Puts the victims on record before the first DELETE. */
function logVictims(victims: readonly Victim[], skipped: SkipReason | undefined, log: SweepLog): void {
  for (let i = 0; i < victims.length; i += VICTIMS_PER_LINE) {
    log.info('victims chosen', {
      count: victims.length,
      skipped: skipped ?? null,
      victims: victims.slice(i, i + VICTIMS_PER_LINE).map(({ job, clocks, verdict: { rule, clock, limitMs } }) => ({
        jobId: job.id,
        queue: job.queue,
        owner: job.owner,
        rule,
        clock,
        limitMs,
        readingMs: clocks[clockOf(clock).reading],
      })),
    });
  }
}
