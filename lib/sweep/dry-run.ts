import type { Mode } from '../policy/schema.ts';
import type { DryRunReason } from './record/report.ts';

/**
 * A sweep is live only if nobody objects.
 *
 * @param mode.target undefined for a target given on the command line, which has no mode of its own.
 * @returns who objects; empty for a live sweep.
 */
export function dryRunReasons(mode: {
  policy: Mode;
  target: Mode | undefined;
  requestsDryRun: boolean;
}): DryRunReason[] {
  const reasons: DryRunReason[] = [];
  if (mode.policy !== 'live') reasons.push('policy');
  if (mode.target !== undefined && mode.target !== 'live') reasons.push('target');
  if (mode.requestsDryRun) reasons.push('request');
  return reasons;
}
