import type { Clock } from '../../lib/base/clock.ts';
import { formatDuration } from '../../lib/base/duration.ts';
import { EMERGENCY_TYPES } from '../../lib/request/emergency.ts';
import { type EmergencyPayload, expiresAtOf } from '../../lib/request/request.ts';
import type { ByHandRecord } from '../source/by-hand-record.ts';
import type { SweepFlags } from '../sweep/perform.ts';
import type { Swept } from '../sweep/results.ts';

export interface EmergencyFlags extends SweepFlags {
  olderThan?: string;
  jobId?: string[];
  queue?: string[];
  owner?: string[];
  engine?: string[];
  type?: string[];
  allTargets?: boolean;
  confirm?: string;
  includeExempt?: boolean;
  savepoint?: boolean;
  remote?: boolean;
}

/**
 * Sweeps each target. `jobIds`, by target, limits it to the jobs that a person has seen and confirmed. `record` is that of a live
 * sweep of a stage from here.
 */
export type SweepTargets = (
  payload: EmergencyPayload,
  options?: { jobIds?: ReadonlyMap<string, string[]>; record?: ByHandRecord | undefined },
) => Promise<Swept>;

/** An emergency that is ready to start. */
export interface PreparedEmergency {
  /** The name to type. */
  name: string;
  payload: EmergencyPayload;
  sweepTargets: SweepTargets;
  /** Reads the switch of the stage; undefined without a stage, which has none. */
  isSwitchedOn?: (() => Promise<boolean>) | undefined;
  /**
   * Opens the record, with the number of victims if it is known. Undefined without a stage, which has none, and with --remote,
   * where the function writes its own.
   */
  openRecord?: ((count: number | null) => Promise<ByHandRecord>) | undefined;
}

export function payloadOf(flags: EmergencyFlags): EmergencyPayload {
  const { olderThan, jobId, queue, owner, engine, type, maxKills, reason, includeExempt, savepoint, verifyFor } = flags;
  return {
    kind: 'emergency',
    olderThan,
    jobIds: jobId,
    queue,
    owner,
    engine: engine?.map((one) => one.toLowerCase()),
    jobType: type?.map(asType),
    maxKills,
    reason,
    includeExempt,
    savepoint,
    verifyFor,
  };
}

/** Finds a type in any case, since each engine spells its types in its own. */
const asType = (text: string) => EMERGENCY_TYPES.find((one) => one.toLowerCase() === text.toLowerCase()) ?? text;

export const isExpired = (askedAt: number, clock: Clock): boolean =>
  clock.now() > expiresAtOf({ trigger: 'emergency', askedAt }, 0);

/** How long an emergency may begin to cancel, such as `10m`. */
export const VALID_FOR = formatDuration(expiresAtOf({ trigger: 'emergency', askedAt: 0 }, 0));
