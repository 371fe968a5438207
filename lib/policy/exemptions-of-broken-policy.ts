import { isOwnTag } from './exemptions.ts';
import { parseInstant } from './instant.ts';
import type { TagMatcher } from './matcher.ts';
import { parseExemption, parseExemptionMatch, parseFreeze, parseTagExemptions } from './parse.ts';
import { PolicyError } from './policy-error.ts';
import { type Doubt, type Exemption, type Freeze, type Policy, policySchema } from './schema.ts';
import { isRecord } from './schema-parts.ts';

/** What an emergency uses of a policy. */
export interface KeptExemptions {
  exemptions: Exemption[];
  freezes: Freeze[];
  tagExemptions: Policy['tagExemptions'];
  /** The jobs for which the unreadable parts may hold an exemption or a freeze. */
  doubts: Doubt[];
  /** One sentence for each part that could not be read: which, and which jobs that spares. */
  notices: string[];
}

/**
 * Reads the exemptions and freezes of a policy that may be broken. They still hold in an emergency, which uses nothing else of
 * the policy. If one cannot be read, every job that it may be for is spared.
 *
 * @param name of the policy, for the notices.
 * @param document the policy as parsed from JSON or YAML; undefined if it is missing or cannot be parsed.
 */
export function exemptionsOfBrokenPolicy(name: string, document: unknown): KeptExemptions {
  if (!isRecord(document)) {
    return keep({ unread: [unreadPart(`${name} and the exemptions in it cannot be read`)] });
  }
  const tags = readTagExemptions(name, document.tagExemptions);
  const exemptions = readEach(name, 'exemptions', document.exemptions, parseExemption);
  const freezes = readEach(name, 'freezes', document.freezes, parseFreeze);
  return keep({
    exemptions: exemptions.read,
    freezes: freezes.read,
    tagExemptions: tags.read,
    unread: [...misspeltKeys(name, document), ...tags.unread, ...exemptions.unread, ...freezes.unread],
  });
}

function keep({
  exemptions = [],
  freezes = [],
  tagExemptions,
  unread,
}: Partial<Pick<KeptExemptions, 'exemptions' | 'freezes' | 'tagExemptions'>> & {
  unread: readonly UnreadPart[];
}): KeptExemptions {
  return {
    exemptions,
    freezes,
    tagExemptions,
    doubts: unread.map(({ doubt }) => doubt),
    notices: unread.map(noticeOf),
  };
}

/** A part of a policy that cannot be read, and the jobs that it may exempt or freeze. */
interface UnreadPart {
  problem: string;
  word: 'exempt' | 'frozen';
  doubt: Doubt;
}

/** Describes a part that cannot be read; by default it may exempt any job for ever. */
function unreadPart(
  problem: string,
  {
    word = 'exempt',
    match = 'all',
    from,
    until = Number.POSITIVE_INFINITY,
  }: Partial<Doubt> & { word?: UnreadPart['word'] } = {},
): UnreadPart {
  return { problem, word, doubt: { match, from, until } };
}

function noticeOf({ problem, word, doubt: { match, from, until } }: UnreadPart): string {
  const start = from === undefined ? '' : ` from ${new Date(from).toISOString()}`;
  const end = Number.isFinite(until) ? ` until ${new Date(until).toISOString()}` : '';
  const [jobs, areSpared] =
    match === 'all' ? ['any job', 'is spared'] : ['the jobs that it may apply to', 'are spared'];
  return `${problem}: ${jobs} may be ${word}${start}${end} and ${areSpared}, unless exempt jobs are included (--include-exempt)`;
}

/** Finds unknown keys that may be meant for exemptions or freezes. */
function misspeltKeys(name: string, document: Record<string, unknown>): UnreadPart[] {
  return Object.entries(document)
    .filter(([key]) => !Object.hasOwn(policySchema.entries, key))
    .filter(([key, value]) => {
      // A number or a word protects no job. A list or an object under a misspelt key may be meant as the exemptions.
      return /exempt|freez|frozen/i.test(key) || (typeof value === 'object' && value !== null);
    })
    .map(([key]) => unreadPart(`${key} of ${name} is not a key of a policy, and may be meant for exemptions`));
}

function readTagExemptions(
  name: string,
  document: unknown,
): { read: Policy['tagExemptions']; unread: readonly UnreadPart[] } {
  try {
    return { read: parseTagExemptions(document ?? undefined), unread: [] };
  } catch (error) {
    const problem = `tagExemptions of ${name} cannot be read${why(error)}`;
    return { read: undefined, unread: [unreadPart(problem, { match: { tag: [ownTags] } })] };
  }
}

function readEach<T>(
  name: string,
  key: 'exemptions' | 'freezes',
  list: unknown,
  parse: (document: unknown) => T,
): { read: T[]; unread: readonly UnreadPart[] } {
  const word = key === 'freezes' ? 'frozen' : 'exempt';
  if (!Array.isArray(list ?? [])) {
    return { read: [], unread: [unreadPart(`${key} of ${name} is not a list`, { word })] };
  }
  const results = ((list ?? []) as unknown[]).map((one, i) => {
    try {
      return { read: [parse(one)], unread: [] };
    } catch (error) {
      const problem = `${key}[${i}] of ${name} cannot be read${why(error)}`;
      return { read: [], unread: [unreadPart(problem, { word, ...matchOf(one), ...spanOf(one) })] };
    }
  });
  return { read: results.flatMap(({ read }) => read), unread: results.flatMap(({ unread }) => unread) };
}

const ownTags: TagMatcher = { text: 'reaper/…', matches: (tags) => [...tags.keys()].some(isOwnTag) };

/** Reads the `match` of an exemption or a freeze. @returns undefined if it cannot be read, which stands for all jobs. */
function matchOf(one: unknown): Pick<Doubt, 'match'> | undefined {
  try {
    return { match: parseExemptionMatch(isRecord(one) ? one.match : undefined) };
  } catch {
    return undefined;
  }
}

/** Reads `from` and `until`, each if it can be read. Days that recur may be any days, so they have neither. */
function spanOf(one: unknown): Partial<Pick<Doubt, 'from' | 'until'>> {
  if (!isRecord(one) || one.recurring !== undefined) return {};
  const from = typeof one.from === 'string' ? parseInstant(one.from, 'beginning') : undefined;
  const until = typeof one.until === 'string' ? parseInstant(one.until) : undefined;
  return {
    // If it would end before it begins, one of its ends is wrong, and either may be.
    ...(from !== undefined && (until === undefined || from < until) && { from }),
    ...(until !== undefined && (from === undefined || from < until) && { until }),
  };
}

function why(error: unknown): string {
  if (!(error instanceof PolicyError)) throw error;
  return ` (${error.problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')})`;
}
