import type { EmergencyPayload } from '../lib/request.ts';
import type { EmergencyFlags, SweepTargets } from './emergency.ts';
import type { Terminal } from './terminal.ts';
export function prepareRemote(
  _f: EmergencyFlags & { stage: string },
  _p: EmergencyPayload,
  _t: Terminal,
): Promise<{ name: string; payload: EmergencyPayload; sweepTargets: SweepTargets }> {
  throw new Error('x');
}
