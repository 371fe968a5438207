import { randomUUID } from 'node:crypto';
import { type EmergencyPayload, parseRequest } from '../../lib/request/request.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { sweepAllRemotely, sweepRemotely } from '../remote/follow.ts';
import type { Terminal } from '../screen/terminal.ts';
import type { EmergencyFlags, SweepTargets } from './emergency.ts';

/** The emergency through the deployed functions: their credentials, their place in the network, their log. */
export async function prepareRemote(
  flags: EmergencyFlags & { stage: string },
  payload: EmergencyPayload,
  terminal: Terminal,
): Promise<{ name: string; payload: EmergencyPayload; sweepTargets: SweepTargets }> {
  const { stage, target, allTargets } = flags;
  if (!allTargets) {
    if (target === undefined) throw new SettingsError('--target', 'missing; --remote needs one, or --all-targets');
    return {
      name: target,
      payload: { ...payload, target },
      sweepTargets: (asked, shown) => {
        const jobIds = shown?.get(target);
        const narrowed = {
          ...asked,
          sweepId: randomUUID(),
          ...(jobIds && { jobIds }),
          ...confirmed(asked, target),
        };
        // What the function would refuse is refused here, where somebody reads it.
        parseRequest(narrowed);
        return sweepRemotely(stage, narrowed, flags, terminal);
      },
    };
  }
  const { openStage } = await import('../source/open-stage.ts');
  const name = `${stage} ${(await openStage(stage).listTargets()).length}`;
  return {
    name,
    payload,
    sweepTargets: (asked, shown) =>
      sweepAllRemotely(stage, { ...asked, ...narrow(shown), ...confirmed(asked, name) }, flags, terminal),
  };
}

const confirmed = ({ dryRun }: EmergencyPayload, name: string) => (dryRun === false ? { confirm: name } : {});

/** What was shown of each target, and nothing of one of which nothing was shown. Ids of two projects may be the same. */
function narrow(shown: ReadonlyMap<string, string[]> | undefined) {
  if (shown === undefined) return {};
  return {
    jobIds: undefined,
    jobIdsByTarget: Object.fromEntries([...shown].filter(([, jobIds]) => jobIds.length > 0)),
  };
}
