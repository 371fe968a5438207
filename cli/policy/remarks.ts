import { systemClock } from '../../lib/base/clock.ts';
import { lintPolicy } from '../../lib/policy/lint.ts';
import { formatKeys } from '../../lib/policy/problems.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { beyondCeilings, type Ceilings } from '../../lib/settings/ceilings.ts';
import { ceilingsOrNot, type Stage } from '../source/open-stage.ts';

/** What a person should know about a policy before it takes effect on a stage. */
export interface Remarks {
  /** What is valid and probably a mistake, one sentence each. */
  warnings: string[];
  /** What the ceilings of the stage hold back, one sentence each; null if they cannot be read. */
  held: string[] | null;
  ceilings: Ceilings | undefined;
}

export async function remarksOn(policy: Policy, stage: Stage): Promise<Remarks> {
  const warnings = lintPolicy(policy, systemClock.now()).map(({ keys, message }) => `${formatKeys(keys)}: ${message}`);
  const ceilings = await ceilingsOrNot(stage);
  return { warnings, held: ceilings === undefined ? null : beyondCeilings(policy, ceilings), ceilings };
}
