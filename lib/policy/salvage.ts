import { isOwnTag } from './exemptions.ts';
import type { TagMatcher } from './matcher.ts';
import { PolicyError, parseExemption, parseExemptionMatch, parseTagExemptions } from './parse.ts';
import { type Doubt, type Exemption, isRecord, type Policy, parseInstant, policySchema } from './schema.ts';

export interface Salvage {
  exemptions: Exemption[];
  tagExemptions: Policy['tagExemptions'];
  /** For whom there may be an exemption among what could not be read. */
  doubts: Doubt[];
  /** What could not be read, and whom that spares, one sentence each. */
  notices: string[];
}

/**
 * The exemptions of a policy that need not be valid: they still hold in an emergency, which asks nothing else of it. Where
 * one cannot be read, nobody can tell whom it is for, so that every job it may be for is spared.
 *
 * @param name of the policy, for the notices.
 * @param document what JSON or YAML made of it; undefined if it is missing or no such text.
 */
export function salvageExemptions(name: string, document: unknown): Salvage {
  const salvage: Salvage = { exemptions: [], tagExemptions: undefined, doubts: [], notices: [] };
  const doubt = (what: string, { match = 'all', until = Number.POSITIVE_INFINITY }: Partial<Doubt> = {}) => {
    salvage.doubts.push({ match, until });
    const jobs = match === 'all' ? 'any job may be exempt' : 'the jobs that it may be for may be exempt';
    const end = Number.isFinite(until) ? ` until ${new Date(until).toISOString()}` : '';
    salvage.notices.push(`${what}: ${jobs}${end}, and is spared unless exempt jobs are included (--include-exempt)`);
  };

  if (!isRecord(document)) {
    doubt(`${name} cannot be read, nor can the exemptions in it`);
    return salvage;
  }
  const { exemptions, tagExemptions, ...others } = document;
  for (const [key, value] of Object.entries(others)) {
    // A number or a word protects no job; a list or an object under a misspelt key may be all that was meant to.
    const mayProtect = /exempt/i.test(key) || (typeof value === 'object' && value !== null);
    if (mayProtect && !Object.hasOwn(policySchema.entries, key))
      doubt(`${key} of ${name} is not a key of a policy, and may be meant for exemptions`);
  }
  try {
    salvage.tagExemptions = parseTagExemptions(tagExemptions ?? undefined);
  } catch (error) {
    doubt(`tagExemptions of ${name} cannot be read${why(error)}`, { match: { tag: [ownTags] } });
  }
  if (!Array.isArray(exemptions ?? [])) {
    doubt(`exemptions of ${name} is no list`);
    return salvage;
  }
  for (const [i, one] of ((exemptions ?? []) as unknown[]).entries()) {
    try {
      salvage.exemptions.push(parseExemption(one));
    } catch (error) {
      doubt(`exemptions[${i}] of ${name} cannot be read${why(error)}`, { ...matchOf(one), ...untilOf(one) });
    }
  }
  return salvage;
}

const ownTags: TagMatcher = { text: 'reaper/…', matches: (tags) => [...tags.keys()].some(isOwnTag) };

/** @returns nothing for an exemption that does not say for which jobs it is. */
function matchOf(exemption: unknown): Pick<Doubt, 'match'> | undefined {
  try {
    return { match: parseExemptionMatch(isRecord(exemption) ? exemption.match : undefined) };
  } catch {
    return undefined;
  }
}

/** @returns nothing for an exemption whose end cannot be read. */
function untilOf(exemption: unknown): Pick<Doubt, 'until'> | undefined {
  const text = isRecord(exemption) ? exemption.until : undefined;
  const until = typeof text === 'string' ? parseInstant(text) : undefined;
  return until === undefined ? undefined : { until };
}

function why(error: unknown): string {
  if (!(error instanceof PolicyError)) throw error;
  return ` (${error.problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')})`;
}
