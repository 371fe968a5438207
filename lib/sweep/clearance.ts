import type { Mode } from '../policy/schema.ts';
import type { SweepRequest } from '../request/request.ts';
import { beyondCeilings, type Ceilings } from '../settings/ceilings.ts';
import type { Settings } from '../settings/settings.ts';
import { sharedKey } from './connection.ts';
import type { SweepDeps } from './deps.ts';
import { type Identity, identify, projectOf } from './look/identity.ts';
import type { DryRunReason, Hold, SweptProject } from './record/report.ts';

/** Whether a sweep may cancel, and where it goes. */
export interface Clearance {
  project: SweptProject;
  /** Who keeps the sweep from cancelling; empty for a live one. */
  dryRunBecause: DryRunReason[];
  /** Set if a brake alone makes a dry run of it. */
  held: Hold | undefined;
  /** For a dry run: what would hold a live sweep, one sentence each. */
  notices: string[];
}

/**
 * Finds out whether a sweep is live: no one objects, it is within the ceilings, and its target is the project that is meant.
 *
 * @throws {DliError} if IAM refuses the credential.
 */
export async function clear(
  request: SweepRequest,
  settings: Settings,
  ceilings: Ceilings | Hold,
  deps: SweepDeps,
): Promise<Clearance> {
  const beyond = heldByCeilings(request, settings, ceilings);
  const known: Identity = { project: projectOf(settings.target) };
  const dryRunBecause = objections(request, settings);
  if (dryRunBecause.length > 0) {
    const { project, doubt } = isPlanOfEmergency(request, settings) ? await whereItGoes(settings, deps) : known;
    const reasons = [beyond?.because, doubt].filter((because) => because !== undefined);
    return { project, dryRunBecause, held: undefined, notices: reasons.map(wouldBeHeld) };
  }
  const { project, doubt } = beyond === undefined ? await whereItGoes(settings, deps) : known;
  const held = beyond ?? heldByIdentity(doubt);
  return { project, dryRunBecause: held === undefined ? [] : [held.by], held, notices: [] };
}

/** Names who objects to a live sweep. */
function objections({ emergency, dryRun }: SweepRequest, { policy, target }: Settings): DryRunReason[] {
  // A target's name typed out outweighs its mode.
  const targetMode = emergency === undefined ? target.mode : undefined;
  return dryRunReasons({ policy: policy.mode, target: targetMode, requestsDryRun: dryRun });
}

/**
 * @param mode.target undefined for a target given on the command line, which has no mode of its own.
 * @returns who objects to a live sweep; empty if no one does.
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

/** An emergency has no policy that could be beyond the ceilings. Its own ceilings are among its caps. */
function heldByCeilings(
  { emergency }: SweepRequest,
  { policy }: Settings,
  ceilings: Ceilings | Hold,
): Hold | undefined {
  if ('because' in ceilings) return ceilings;
  const beyond = emergency === undefined ? beyondCeilings(policy, ceilings) : [];
  return beyond.length === 0 ? undefined : { by: 'ceilings', because: beyond.join('; ') };
}

function heldByIdentity(doubt: string | undefined): Hold | undefined {
  return doubt === undefined ? undefined : { by: 'identity', because: `no job was cancelled, since ${doubt}` };
}

/** The project that a sweep goes to, and whether it is certain that it is the one that is meant. */
function whereItGoes(settings: Settings, { clock, random, deadlineAt, sharedFor }: SweepDeps): Promise<Identity> {
  const shared = sharedFor(sharedKey(settings.target, settings.credentials));
  return identify(settings, { clock, random, deadlineAt, shared });
}

/**
 * Whether the project matters although nothing can be cancelled: a person who is about to type a name should know before.
 * If the name of the project is missing, another notice says so.
 */
const isPlanOfEmergency = ({ emergency }: SweepRequest, { target }: Settings): boolean =>
  emergency !== undefined && target.projectName !== undefined;

/** The notice of a dry run for what would hold a live sweep. */
export const wouldBeHeld = (because: string): string => `a live sweep would be a dry run: ${because}`;
