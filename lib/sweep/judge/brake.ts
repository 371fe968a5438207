import { messageOf } from '../../base/error-words.ts';
import { TimeoutError, within } from '../../http/transport.ts';
import type { SweepRequest } from '../../request/request.ts';
import { type Ceilings, loosen } from '../../settings/ceilings.ts';
import { hashOf } from '../../settings/hash.ts';
import type { Settings } from '../../settings/settings.ts';
import type { SweepDeps } from '../deps.ts';
import { countKills, hasActedBy, LONGEST_SWEEP_MS, type PastSweep, type ReadRecord } from '../past/past-sweeps.ts';
import type { SkipReason } from '../record/outcome.ts';
import type { Hold, Stopped } from '../record/report.ts';
import type { Victim } from './cap.ts';
import type { Judgement } from './judge.ts';

const DAY_MS = 86_400_000;
/** A schedule pauses for less than seven days, or the deploy refuses it; one day more for a sweep that came late. */
const SETTINGS_KNOWN_FOR_MS = 8 * DAY_MS;
/** Enough to see that the right jobs go, and few enough to apologise for. */
const FIRST_SWEEP_KILLS = 3;
/** The log of a day is a few pages. */
const RECORD_WITHIN_MS = 20_000;

/** What a judgement comes to when it is held against what was done before. */
export interface Braked {
  judgement: Judgement;
  /** One sentence each. */
  notices: readonly string[];
  /** Set if no job may be cancelled, since it is not known what was done before. */
  stopped: Stopped | undefined;
  /** Jobs that other sweeps of the target may have asked to stop, by id. */
  askedBefore: ReadonlySet<string>;
}

/** Holds the judgement of a sweep against the record of its target, if the target has one. */
export async function brakeByRecord(
  judged: Judgement,
  { request, settings, ceilings }: { request: SweepRequest; settings: Settings; ceilings: Ceilings | Hold },
  { readRecord, clock, deadlineAt }: SweepDeps,
): Promise<Braked> {
  if (readRecord === undefined || 'because' in ceilings) return free(judged);
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
  /** By what the sweep goes; undefined where nothing of it is on record. */
  settingsHash: string | undefined;
  ceilings: Ceilings;
  readRecord: ReadRecord;
  /** Epoch ms, our clock. */
  now: number;
  /** For all that is read. */
  timeoutMs: number;
}

/**
 * Holds the victims of a live sweep against what the sweeps of its target, and of its project, have cancelled before:
 *
 * - All kills of any 24 hours are within the ceiling. If there are more victims than it leaves, none is cancelled, or with
 *   `drain` the worst.
 * - The first sweep that goes by changed settings cancels a few at most. The next one goes on.
 *
 * Reads only where there are victims. What was done before is unknown if it cannot be read in time, and then no job is
 * cancelled.
 */
export async function brake(judgement: Judgement, options: BrakeOptions): Promise<Braked> {
  if (judgement.chosen.length === 0 || judgement.obstacle !== undefined) return free(judgement);
  const { now, readRecord, target, projectId, timeoutMs } = options;
  // Its own limit as well, since the reader may not obey.
  const signal = AbortSignal.timeout(Math.max(timeoutMs, 0));
  const read = (since: number, until?: number) =>
    within(readRecord({ target, projectId, since, until, signal }), timeoutMs);
  const since = now - DAY_MS;
  let past: PastSweep[];
  try {
    past = await read(since - LONGEST_SWEEP_MS);
  } catch (error) {
    return unknown(judgement, error, options);
  }
  const askedBefore = new Set(past.flatMap(({ chosen }) => chosen));
  const capped = capByDay(judgement, countKills(past, { since, isEmergency: options.isEmergency }), options);
  const { settingsHash, isEmergency } = options;
  const mayBeFirst = !isEmergency && settingsHash !== undefined && capped.obstacle === undefined;
  if (!mayBeFirst || capped.chosen.length <= FIRST_SWEEP_KILLS || hasActedBy(past, settingsHash)) {
    return { ...free(capped), askedBefore };
  }
  // What cannot be read of a week ago costs nothing but a slow beginning.
  const older = await read(now - SETTINGS_KNOWN_FOR_MS, since).catch(() => []);
  return { ...(hasActedBy(older, settingsHash) ? free(capped) : beginSlowly(capped)), askedBefore };
}

/** A judgement that nothing stands in the way of. */
export const free = (judgement: Judgement): Braked => ({
  judgement,
  notices: [],
  stopped: undefined,
  askedBefore: new Set(),
});

function unknown(judgement: Judgement, error: unknown, { isEmergency }: BrakeOptions): Braked {
  const why = error instanceof TimeoutError ? 'it was not read in time' : messageOf(error);
  const wayOut = isEmergency
    ? 'an emergency without --stage, with --endpoint and --project-id, needs no record'
    : 'docs/runbook.md says what to do';
  const because =
    'what the sweeps of this target have cancelled in the last 24 hours is not known, so no job was cancelled: ' +
    `${why}; ${wayOut}`;
  return { ...free({ ...judgement, obstacle: 'stopped' }), stopped: { by: 'record', because } };
}

function capByDay(judgement: Judgement, used: number, { ceilings, isEmergency }: BrakeOptions): Judgement {
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
    `the first live sweep on record that cancels by this policy, target and exemptions: ${few.chosen.length} of ` +
    `${judgement.chosen.length} victims are cancelled, the worst; once it is on record, the next sweep goes on`;
  return { ...free(few), notices: [notice] };
}

/** Only the worst of the chosen. */
function keep(judgement: Judgement, count: number, reason: SkipReason): Judgement {
  const { chosen, spared } = judgement;
  const others = chosen.slice(count).map(({ job }: Victim): [string, SkipReason] => [job.id, reason]);
  return { ...judgement, chosen: chosen.slice(0, count), spared: new Map([...spared, ...others]) };
}
