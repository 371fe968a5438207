import { readAs } from './problems.ts';
import {
  type Exemption,
  exemptionMatchSchema,
  exemptionSchema,
  type Freeze,
  freezeSchema,
  type Policy,
  policySchema,
  tagExemptionsSchema,
} from './schema.ts';

/**
 * Reads a policy.
 *
 * @param document the policy's text as parsed from YAML or JSON.
 * @throws {PolicyError} with every problem, each with its path and what to write instead.
 */
export function parsePolicy(document: unknown): Policy {
  return readAs(policySchema, document, 'the policy');
}

/** Reads one exemption. @throws {PolicyError} as {@link parsePolicy}. */
export function parseExemption(document: unknown): Exemption {
  return readAs(exemptionSchema, document, 'the exemption');
}

/** Reads the `match` of an exemption or a freeze. @throws {PolicyError} as {@link parsePolicy}. */
export function parseExemptionMatch(document: unknown): Exemption['match'] {
  return readAs(exemptionMatchSchema, document, 'match');
}

/** Reads one freeze. @throws {PolicyError} as {@link parsePolicy}. */
export function parseFreeze(document: unknown): Freeze {
  return readAs(freezeSchema, document, 'the freeze');
}

/** Reads the `tagExemptions` of a policy; undefined if it has none. @throws {PolicyError} as {@link parsePolicy}. */
export function parseTagExemptions(document: unknown): Policy['tagExemptions'] {
  return readAs(tagExemptionsSchema, document, 'tagExemptions');
}
