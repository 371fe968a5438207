import { parseExemption, parseTagExemptions } from './parse.ts';
import type { Exemption, Policy } from './schema.ts';

export interface Salvage {
  exemptions: Exemption[];
  tagExemptions: Policy['tagExemptions'];
  /** What could not be read, one sentence each. */
  notices: string[];
}

/**
 * The exemptions of a policy that need not be valid: they still hold in an emergency, which asks nothing else of it.
 *
 * @param name of the policy, for the notices.
 * @param document what JSON or YAML made of it; undefined if it is missing or no such text.
 */
export function salvageExemptions(name: string, document: unknown): Salvage {
  if (typeof document !== 'object' || document === null) {
    return { ...NOTHING, notices: [`${name} cannot be read, so exemptions written in it do not hold`] };
  }
  const { exemptions = [], tagExemptions }: { exemptions?: unknown; tagExemptions?: unknown } = document;
  const salvage: Salvage = { exemptions: [], tagExemptions: undefined, notices: [] };
  const keep = (what: string, read: () => void) => {
    try {
      read();
    } catch {
      salvage.notices.push(`${what} of ${name} cannot be read, so it does not hold`);
    }
  };
  keep('tagExemptions', () => {
    salvage.tagExemptions = parseTagExemptions(tagExemptions);
  });
  for (const [i, one] of (Array.isArray(exemptions) ? exemptions : [undefined]).entries()) {
    keep(`exemptions[${i}]`, () => salvage.exemptions.push(parseExemption(one)));
  }
  return salvage;
}

const NOTHING = { exemptions: [], tagExemptions: undefined };
