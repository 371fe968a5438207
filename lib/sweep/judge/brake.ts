import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/error-words.ts';
import { TimeoutError } from '../../http/errors.ts';
import { within } from '../../http/timeout.ts';
import type { SweepRequest } from '../../request/request.ts';
import { type Ceilings, loosen } from '../../settings/ceilings.ts';
import { hashOf } from '../../settings/hash.ts';
import type { Settings } from '../../settings/settings.ts';
import { countKills, hasActedBy, LONGEST_SWEEP_MS, type PastSweep, type ReadRecord } from '../past/past-sweeps.ts';
import type { SkipReason } from '../record/outcome.ts';
import type { Hold, Stopped } from '../record/report.ts';
import type { Victim } from './cap.ts';
import type { Judgement } from './judge.ts';
import { hasWarnFirst, spareUnwarned, warningsKeptMs } from './warnings.ts';

const DAY_MS = 86_400_000;
/** A schedule pauses for less than seven days, or the deploy refuses it; one day more for a sweep that came late. */
const SETTINGS_KNOWN_FOR_MS = 8 * DAY_MS;
/** Enough to see that the right jobs go, and few enough to apologise for. */
const FIRST_SWEEP_KILLS = 3;
/** The log of a day is a few pages. */
const RECORD_WITHIN_MS = 20_000;

/** A judgement after the record of earlier sweeps was taken into account. */
export interface Braked {
  judgement: Judgement;
  /** One sentence each, for the report. */
  notices: readonly string[];
  /** Set if no job may be cancelled, since the record could not be read. */
  stopped: Stopped | undefined;
  /** Ids of jobs that other sweeps of the target may have asked to stop. */
  askedBefore: ReadonlySet<string>;
  /** The sweeps of the last 24 hours; undefined if they were not read. */
  past: readonly PastSweep[] | undefined;
}

/** Checks the judgement of a sweep against the record of its target, if the target has one. */
export async function brakeByRecord(
  judged: Judgement,
  { request, settings, ceilings }: { request: SweepRequest; settings: Settings; ceilings: Ceilings | Hold },
  { readRecord, clock, deadlineAt }: { readRecord?: ReadRecord | undefined; clock: Clock; deadlineAt: number },
): Promise<Braked> {
  if (readRecord === undefined || 'because' in ceilings) return free(spareUnwarned(judged, undefined));
  const now = clock.now();
  const { documents, target } = settings;
  return brake(judged, {
    target: request.target,
    projectId: target.projectId,
    isEmergency: request.emergency !== undefined,
    settingsHash: documents && hashOf(documents),
    ceilings,
    readRecord,
    now,
    timeoutMs: Math.min(RECORD_WITHIN_MS, (deadlineAt - now) / 4),
  });
}

interface BrakeOptions {
  target: string;
  projectId: string;
  isEmergency: boolean;
  /** Identifies the settings of the sweep; undefined if they are not on record. */
  settingsHash: string | undefined;
  ceilings: Ceilings;
  readRecord: ReadRecord;
  /** Epoch ms, our clock. */
  now: number;
  /** For the whole record. */
  timeoutMs: number;
}

/**
 * Checks the victims of a live sweep against what earlier sweeps of its target, and of its project, cancelled:
 *
 * - The kills of any 24 hours stay within the ceiling. If there are more victims than it leaves, no job is cancelled; with
 *   `drain` the worst are.
 * - A job whose rule warns first is spared until it was warned of for long enough.
 * - The first sweep with changed settings cancels a few jobs at most. The next sweep goes on.
 *
 * Reads the record only if there are victims. If it cannot be read in time, no job is cancelled.
 */
export async function brake(judgement: Judgement, options: BrakeOptions): Promise<Braked> {
  const isCapped = judgement.obstacle === 'cap' && hasWarnFirst(judgement);
  const isIdle = judgement.chosen.length === 0 || judgement.obstacle !== undefined;
  if (isIdle && !isCapped) return free(judgement);
  const { now, readRecord, target, projectId, timeoutMs } = options;
  // The reader may ignore the signal, so there is a limit here as well.
  const signal = AbortSignal.timeout(Math.max(timeoutMs, 0));
  const read = (since: number, until?: number) =>
    within(readRecord({ target, projectId, since, until, signal }), timeoutMs);
  const since = now - DAY_MS;
  let past: PastSweep[];
  try {
    past = await read(since - LONGEST_SWEEP_MS - warningsKeptMs(judgement.context.policy));
  } catch (error) {
    return unknown(judgement, error, options);
  }
  const askedBefore = new Set(past.flatMap(({ chosen }) => chosen));
  // A cap keeps all of them, and those that were not warned of are warned of now.
  if (isCapped) return { ...free(spareUnwarned(judgement, past)), askedBefore, past };
  const capped = capByDay(
    spareUnwarned(judgement, past),
    countKills(past, { since, isEmergency: options.isEmergency }),
    options,
  );
  const { settingsHash, isEmergency } = options;
  const mayBeFirst = !isEmergency && settingsHash !== undefined && capped.obstacle === undefined;
  if (!mayBeFirst || capped.chosen.length <= FIRST_SWEEP_KILLS || hasActedBy(past, settingsHash)) {
    return { ...free(capped), askedBefore, past };
  }
  // If the older record cannot be read, the sweep only begins slowly.
  const older = await read(now - SETTINGS_KNOWN_FOR_MS, since).catch(() => []);
  return { ...(hasActedBy(older, settingsHash) ? free(capped) : beginSlowly(capped)), askedBefore, past };
}

/** A judgement without a brake. */
export const free = (judgement: Judgement): Braked => ({
  judgement,
  notices: [],
  stopped: undefined,
  askedBefore: new Set(),
  past: undefined,
});

function unknown(judgement: Judgement, error: unknown, { isEmergency }: BrakeOptions): Braked {
  const why = error instanceof TimeoutError ? 'it was not read in time' : messageOf(error);
  const wayOut = isEmergency
    ? 'an emergency without --stage, with --endpoint and --project-id, needs no record'
    : 'docs/runbook.md says what to do';
  const because =
    'no job was cancelled, since it is not known what the sweeps of this target cancelled in the last 24 hours: ' +
    `${why}; ${wayOut}`;
  return { ...free({ ...judgement, obstacle: 'stopped' }), stopped: { by: 'record', because } };
}

/**
 * Keeps the kills of 24 hours within the ceiling.
 *
 * @param used the kills of the last 24 hours.
 */
export function capByDay(
  judgement: Judgement,
  used: number,
  { ceilings, isEmergency }: Pick<BrakeOptions, 'ceilings' | 'isEmergency'>,
): Judgement {
  const most = isEmergency ? ceilings.emergencyKillsPerDay : ceilings.killsPerDay;
  const left = Math.max(most - used, 0);
  const { chosen, caps } = judgement;
  if (chosen.length <= left) return judgement;
  const whose = isEmergency ? 'the emergencies on a target' : 'the sweeps of a target';
  const name = isEmergency ? 'emergencyKillsPerDay' : 'killsPerDay';
  const words =
    `${chosen.length} victims, and ${used} of the ${most} kills that ${whose} may have in 24 hours are used; ` +
    `wait, or ${loosen(name, '…', ceilings.setBy)}`;
  const exceeded = caps.exceeded === null ? words : `${caps.exceeded}; ${words}`;
  const isNone = !caps.drain || left === 0;
  return {
    ...(isNone ? judgement : keep(judgement, left, 'cap')),
    obstacle: isNone ? 'cap' : undefined,
    caps: { ...caps, exceeded },
  };
}

function beginSlowly(judgement: Judgement): Braked {
  const few = keep(judgement, FIRST_SWEEP_KILLS, 'first-sweep');
  const notice =
    'this is the first live sweep on record with this policy, target and exemptions, so it cancels only the worst ' +
    `${few.chosen.length} of ${judgement.chosen.length} victims; the next sweep goes on`;
  return { ...free(few), notices: [notice] };
}

/** Keeps the worst of the chosen jobs, and spares the others. */
function keep(judgement: Judgement, count: number, reason: SkipReason): Judgement {
  const { chosen, spared } = judgement;
  const others = chosen.slice(count).map(({ job }: Victim): [string, SkipReason] => [job.id, reason]);
  return { ...judgement, chosen: chosen.slice(0, count), spared: new Map([...spared, ...others]) };
}
