import { randomUUID } from 'node:crypto';
import { type EmergencyPayload, parseRequest } from '../../lib/request/request.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { sweepAllRemotely, sweepRemotely } from '../remote/follow.ts';
import type { Terminal } from '../screen/terminal.ts';
import { assertRemote } from '../source/load-settings.ts';
import { type EmergencyFlags, type PreparedEmergency, payloadOf } from './payload.ts';

/** Prepares an emergency that the deployed functions carry out, with their credentials and their network. */
export async function prepareRemote(flags: EmergencyFlags, terminal: Terminal): Promise<PreparedEmergency> {
  const { stage, target } = flags;
  if (stage === undefined) throw new SettingsError('--remote', 'goes with --stage, whose functions it uses');
  assertRemote(flags);
  const payload = payloadOf(flags);
  const { isSwitchedOn, listTargets } = (await import('../source/open-stage.ts')).openStage(stage);
  if (target !== undefined) {
    return {
      name: target,
      isSwitchedOn,
      payload: { ...payload, target },
      sweepTargets: (asked, { jobIds: shown } = {}) => {
        const jobIds = shown?.get(target);
        const sweepId = randomUUID();
        const limited = { ...asked, sweepId, ...(jobIds && { jobIds }), ...confirmed(asked, target) };
        // A mistake shows here, not only in the log of the function.
        parseRequest(limited);
        return sweepRemotely(stage, limited, flags, terminal);
      },
    };
  }
  const name = `${stage} ${(await listTargets()).length}`;
  return {
    name,
    isSwitchedOn,
    payload,
    sweepTargets: (asked, { jobIds: shown } = {}) =>
      sweepAllRemotely(stage, { ...asked, ...limitTo(shown), ...confirmed(asked, name) }, flags, terminal),
  };
}

const confirmed = ({ dryRun }: EmergencyPayload, name: string) => (dryRun === false ? { confirm: name } : {});

/** Limits a payload to the jobs that were confirmed on each target. Two projects may have jobs of the same id. */
function limitTo(shown: ReadonlyMap<string, string[]> | undefined) {
  if (shown === undefined) return {};
  return {
    jobIds: undefined,
    jobIdsByTarget: Object.fromEntries([...shown].filter(([, jobIds]) => jobIds.length > 0)),
  };
}
