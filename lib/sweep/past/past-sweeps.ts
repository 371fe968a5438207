import type { JobWarning } from '../record/report.ts';

/*
 * This folder reads what earlier sweeps did, from the lines they wrote to the log: there is no other memory. This file counts,
 * from-lines.ts reads the lines that cloudwatch-log.ts fetches, and read-record.ts loads that file only when it is needed.
 */

/** An earlier live sweep. */
export interface PastSweep {
  /** Epoch ms: its end. If it has not ended, the instant when its victims were chosen. */
  at: number;
  /** Undefined if the sweep has not ended and does not say. */
  isEmergency: boolean | undefined;
  /** False for a sweep that is under way, or that died. */
  isFinished: boolean;
  /** The number of jobs that it cancelled; of all that it chose, if it has not ended. */
  cancelled: number;
  /** Ids of jobs that were asked to stop and not seen to stop. They may have stopped since, and later sweeps may ask again. */
  unconfirmed: readonly string[];
  /** The number of further such jobs, whose ids are not known. */
  unconfirmedUnknown: number;
  /** The jobs that it was seen to cancel, as far as their lines are on record. */
  cancelledJobs: readonly PastJob[];
  /** The jobs that it said may be cancelled soon, as far as their lines are on record. */
  warned: readonly PastWarning[];
  /** Jobs that it said are in danger no more. */
  warningsOver: readonly WarningOver[];
  /** Null if it does not say, as is the project. */
  target: string | null;
  projectId: string | null;
  /** Ids of jobs that it chose to cancel. Each may have been asked to stop, and may end later for that reason. */
  chosen: readonly string[];
  /** Identifies its settings; null if it does not say. */
  settingsHash: string | null;
  /** Whether it asked a job to stop, and was not stopped before its end. */
  hasActed: boolean;
}

/** What a job of an earlier sweep was. Null is what is not known. */
export interface PastJob {
  jobId: string;
  engine: string | null;
  name: string | null;
  queue: string | null;
  owner: string | null;
  fingerprint: string | null;
}

/** A warning counts no more: the job no longer runs, or an exemption keeps it. */
export interface WarningOver {
  jobId: string;
  /** Epoch ms. */
  at: number;
}

/** A job that an earlier sweep said may be cancelled soon. */
export interface PastWarning extends PastJob, JobWarning {
  /** Epoch ms. */
  at: number;
}

/**
 * Reads the live sweeps of a target, and of any other target on its project, from `since` to `until`, both epoch ms. `until` is
 * now by default. Without the project, a target that is new or renamed would have no past.
 *
 * @throws {SettingsError} if the record cannot be read.
 */
export type ReadRecord = (asked: {
  target: string;
  projectId: string;
  since: number;
  until?: number | undefined;
  signal: AbortSignal;
}) => Promise<PastSweep[]>;

/** Whether two texts are the id of one job: DLI does not always write it in the same case. */
export const isSameId = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** A Lambda runs for 15 minutes at most, so a sweep cancels nothing later. */
export const LONGEST_SWEEP_MS = 15 * 60_000;

/**
 * Returns how many jobs were cancelled after `since`, epoch ms, or may have been: an upper bound. A job that is asked again and
 * again and never seen to stop counts once.
 */
export function countKills(
  sweeps: readonly PastSweep[],
  { since, isEmergency }: { since: number; isEmergency: boolean },
): number {
  const counted = sweeps.filter((one) => {
    const isOfKind = one.isEmergency === undefined || one.isEmergency === isEmergency;
    return isOfKind && one.at + (one.isFinished ? 0 : LONGEST_SWEEP_MS) > since;
  });
  const unconfirmed = new Set(counted.flatMap((one) => one.unconfirmed));
  return counted.reduce((sum, one) => sum + one.cancelled + one.unconfirmedUnknown, unconfirmed.size);
}

/** Whether a sweep with the same settings asked jobs to stop, and came to its end. */
export function hasActedBy(sweeps: readonly PastSweep[], settingsHash: string): boolean {
  return sweeps.some((one) => one.hasActed && one.settingsHash === settingsHash);
}
