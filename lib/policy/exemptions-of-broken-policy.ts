import { isOwnTag } from './exemptions.ts';
import { parseInstant } from './instant.ts';
import type { TagMatcher } from './matcher.ts';
import { PolicyError, parseExemption, parseExemptionMatch, parseFreeze, parseTagExemptions } from './parse.ts';
import { type Doubt, type Exemption, type Freeze, type Policy, policySchema } from './schema.ts';
import { isRecord } from './schema-parts.ts';

export interface Salvage {
  exemptions: Exemption[];
  freezes: Freeze[];
  tagExemptions: Policy['tagExemptions'];
  /** For which jobs there may be an exemption or a freeze among what could not be read. */
  doubts: Doubt[];
  /** What could not be read, and whom that spares, one sentence each. */
  notices: string[];
}

/**
 * The exemptions and freezes of a policy that need not be valid: they still hold in an emergency, which asks nothing else of
 * it. Where one cannot be read, nobody can tell which jobs it is for, so that every job it may be for is spared.
 *
 * @param name of the policy, for the notices.
 * @param document what JSON or YAML made of it; undefined if it is missing or no such text.
 */
export function salvageExemptions(name: string, document: unknown): Salvage {
  const salvage: Salvage = { exemptions: [], freezes: [], tagExemptions: undefined, doubts: [], notices: [] };
  const doubt = (
    what: string,
    {
      match = 'all',
      from,
      until = Number.POSITIVE_INFINITY,
      word = 'exempt',
    }: Partial<Doubt> & { word?: 'exempt' | 'frozen' } = {},
  ) => {
    salvage.doubts.push({ match, ...(from !== undefined && { from }), until });
    const jobs = match === 'all' ? `any job may be ${word}` : `the jobs that it may be for may be ${word}`;
    const start = from === undefined ? '' : ` from ${new Date(from).toISOString()}`;
    const end = Number.isFinite(until) ? ` until ${new Date(until).toISOString()}` : '';
    salvage.notices.push(
      `${what}: ${jobs}${start}${end}, and is spared unless exempt jobs are included (--include-exempt)`,
    );
  };

  if (!isRecord(document)) {
    doubt(`${name} cannot be read, nor can the exemptions in it`);
    return salvage;
  }
  const { exemptions, freezes, tagExemptions, ...others } = document;
  for (const [key, value] of Object.entries(others)) {
    // A number or a word protects no job; a list or an object under a misspelt key may be all that was meant to.
    const mayProtect = /exempt|freez|frozen/i.test(key) || (typeof value === 'object' && value !== null);
    if (mayProtect && !Object.hasOwn(policySchema.entries, key))
      doubt(`${key} of ${name} is not a key of a policy, and may be meant for exemptions`);
  }
  try {
    salvage.tagExemptions = parseTagExemptions(tagExemptions ?? undefined);
  } catch (error) {
    doubt(`tagExemptions of ${name} cannot be read${why(error)}`, { match: { tag: [ownTags] } });
  }
  salvage.exemptions = readEach('exemptions', exemptions, parseExemption);
  salvage.freezes = readEach('freezes', freezes, parseFreeze);
  return salvage;

  function readEach<T>(key: 'exemptions' | 'freezes', list: unknown, parse: (document: unknown) => T): T[] {
    const word = key === 'freezes' ? 'frozen' : 'exempt';
    if (!Array.isArray(list ?? [])) {
      doubt(`${key} of ${name} is no list`, { word });
      return [];
    }
    return ((list ?? []) as unknown[]).flatMap((one, i) => {
      try {
        return [parse(one)];
      } catch (error) {
        doubt(`${key}[${i}] of ${name} cannot be read${why(error)}`, { word, ...matchOf(one), ...spanOf(one) });
        return [];
      }
    });
  }
}

const ownTags: TagMatcher = { text: 'reaper/…', matches: (tags) => [...tags.keys()].some(isOwnTag) };

/** @returns nothing for one that does not say for which jobs it is, or says all. */
function matchOf(one: unknown): Pick<Doubt, 'match'> | undefined {
  try {
    return { match: parseExemptionMatch(isRecord(one) ? one.match : undefined) };
  } catch {
    return undefined;
  }
}

/** Leaves out each end that cannot be read. Days that recur may be any. */
function spanOf(one: unknown): Partial<Pick<Doubt, 'from' | 'until'>> {
  if (!isRecord(one) || one.recurring !== undefined) return {};
  const from = typeof one.from === 'string' ? parseInstant(one.from, 'beginning') : undefined;
  const until = typeof one.until === 'string' ? parseInstant(one.until) : undefined;
  return {
    // A window that never opens says only that one of its ends is wrong.
    ...(from !== undefined && (until === undefined || from < until) && { from }),
    ...(until !== undefined && (from === undefined || from < until) && { until }),
  };
}

function why(error: unknown): string {
  if (!(error instanceof PolicyError)) throw error;
  return ` (${error.problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')})`;
}
