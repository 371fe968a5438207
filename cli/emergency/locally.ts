import { randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/base/clock.ts';
import { describeError } from '../../lib/dli/advice.ts';
import { type EmergencyPayload, parseRequest, type SweepRequest } from '../../lib/request/request.ts';
import { interrupted } from '../screen/signals.ts';
import type { Terminal } from '../screen/terminal.ts';
import type { ByHandRecord } from '../source/by-hand-record.ts';
import type { Stage } from '../source/open-stage.ts';
import { performSweep } from '../sweep/perform.ts';
import type { Swept } from '../sweep/results.ts';
import {
  type EmergencyFlags,
  isExpired,
  type PreparedEmergency,
  payloadOf,
  type SweepTargets,
  VALID_FOR,
} from './payload.ts';

/** Prepares an emergency that this process carries out. @throws {SettingsError} if the stage cannot be read. */
export async function prepareLocal(
  flags: EmergencyFlags,
  terminal: Terminal,
  clock: Clock,
): Promise<PreparedEmergency> {
  const { stage, target } = flags;
  const payload = payloadOf(flags);
  const sweepTargets =
    (names: readonly string[], opened?: Stage): SweepTargets =>
    (asked, { jobIds, record } = {}) =>
      sweepLocally({ names, stage: opened, flags, payload: asked, shown: jobIds, record }, terminal, clock);
  if (stage === undefined) {
    // Without a stage the target has no name, so the id of its project is typed.
    const { projectId: name = '' } = flags;
    return { name, payload: { ...payload, target: name }, sweepTargets: sweepTargets([name]) };
  }
  // Loaded only here, since the AWS SDK is slow to load.
  const opened = (await import('../source/open-stage.ts')).openStage(stage);
  const { isSwitchedOn } = opened;
  const recordOf = (targets: readonly string[]) => async (count: number | null) => {
    const { openByHandRecord } = await import('../source/by-hand-record.ts');
    return openByHandRecord(stage, { targets, count, requestReason: flags.reason ?? null }, terminal.err, clock);
  };
  if (target !== undefined) {
    const sweepTarget = sweepTargets([target], opened);
    const openRecord = recordOf([target]);
    return { name: target, payload: { ...payload, target }, sweepTargets: sweepTarget, isSwitchedOn, openRecord };
  }
  const names = await opened.listTargets();
  return {
    name: `${stage} ${names.length}`,
    payload,
    sweepTargets: sweepTargets(names, opened),
    isSwitchedOn,
    openRecord: recordOf(names),
  };
}

interface LocalSweeps {
  names: readonly string[];
  stage: Stage | undefined;
  flags: EmergencyFlags;
  payload: EmergencyPayload;
  /** The jobs that were confirmed, by target; undefined for a plan, or with --confirm. */
  shown: ReadonlyMap<string, string[]> | undefined;
  record: ByHandRecord | undefined;
}

/** Sweeps one target after the other, since they may share a credential. A target that fails does not stop the next. */
async function sweepLocally(
  { names, stage, flags, payload, shown, record }: LocalSweeps,
  terminal: Terminal,
  clock: Clock,
): Promise<Swept> {
  const swept: Swept = { reports: [], failures: [] };
  for (const name of names) {
    const jobIds = shown?.get(name);
    // Nothing of this target was confirmed.
    if (shown !== undefined && (jobIds === undefined || jobIds.length === 0)) continue;
    if (interrupted.aborted) {
      swept.failures.push(`${name}: not swept, the operator interrupted it`);
      continue;
    }
    try {
      // This may throw: a stage may hold a target under a name that a request does not allow.
      const request = requestFor(name, payload, jobIds, names.length);
      if (!request.dryRun && isExpired(request.askedAt ?? clock.now(), clock)) {
        swept.failures.push(`${name}: not swept, the request is older than ${VALID_FOR}; repeat it if still needed`);
        continue;
      }
      const target = flags.stage === undefined ? {} : { target: name };
      swept.reports.push(await performSweep({ ...flags, ...target }, terminal, { request, stage, record }));
    } catch (error) {
      if (names.length === 1) throw error;
      swept.failures.push(`${name}: ${describeError(error)}`);
    }
  }
  return swept;
}

function requestFor(
  name: string,
  payload: EmergencyPayload,
  jobIds: string[] | undefined,
  targets: number,
): SweepRequest {
  const confirmed = payload.dryRun === false ? { confirm: name } : {};
  const request = parseRequest({ ...payload, target: name, ...(jobIds && { jobIds }), ...confirmed }, randomUUID);
  return { ...request, jobsMayBeElsewhere: targets > 1 && jobIds === undefined };
}
