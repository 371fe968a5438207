import { formatDuration, parseDuration } from '../base/duration.ts';
import type { Job } from '../base/job.ts';
import { fewOf } from '../base/text.ts';
import { parseInstant } from './instant.ts';
import type { Exemption, Policy } from './schema.ts';
import { type Selected, selectedBy, selects, type Tried, trySelector } from './select.ts';

/** The answer to whether a job is exempt; `unknown` spares it as well. */
export interface ExemptionResult {
  exempt: Selected;
  /** The id of the exemption, or `tag`; undefined unless the job is exempt. */
  by?: string | undefined;
  /** The answer of the job's own tags; undefined if the policy does not allow exemption by tags. */
  byTags: Selected | undefined;
}

/** Tags by which the owner of a job can exempt it. DLI allows no slash in the key of a tag, so a colon works as well. */
const UNTIL_TAGS = ['reaper/exempt-until', 'reaper:exempt-until'];
const TTL_TAGS = ['reaper/ttl', 'reaper:ttl'];

/** Whether a tag is meant for the reaper, correctly spelt or not. */
export const isOwnTag = (key: string): boolean => /^reaper[/:]/i.test(key);

/** Whether an exemption protects at an instant. @param now epoch ms. */
export const isExemptionInForce = ({ from, until }: Exemption, now: number): boolean =>
  (from === undefined || from <= now) && now < until;

/** An exemption that matches a job, or may match it. */
export interface TriedExemption {
  exemption: Exemption;
  /** The answers of its selector; together they are never a no. */
  tried: Tried;
}

/**
 * Finds the exemptions that match a job, or may match it. It tries all of them, so that a sweep can name the exemptions that
 * match no job.
 *
 * @param exemptions all exemptions; those that have expired or not begun are skipped.
 * @param now epoch ms.
 * @param maxSteps most steps of matching for each text of the job.
 */
export function tryExemptions(
  job: Job,
  exemptions: readonly Exemption[],
  now: number,
  maxSteps?: number,
): TriedExemption[] {
  return exemptions.flatMap((exemption) => {
    if (!isExemptionInForce(exemption, now)) return [];
    const tried = trySelector(exemption.match, job, maxSteps);
    return selectedBy(tried) === 'no' ? [] : [{ exemption, tried }];
  });
}

/** Decides whether a job is exempt. @param tried the result of {@link tryExemptions}. @param now epoch ms. */
export function exemptionOf(
  job: Job,
  tried: readonly TriedExemption[],
  { tagExemptions, doubts = [] }: Pick<Policy, 'tagExemptions' | 'doubts'>,
  now: number,
  maxSteps?: number,
): ExemptionResult {
  const byTags = tagExemptions === undefined ? undefined : exemptByTag(job, tagExemptions.ceiling, now);
  const certain = tried.find((one) => selectedBy(one.tried) === 'yes');
  if (certain !== undefined) return { exempt: 'yes', by: certain.exemption.id, byTags };
  if (byTags === 'yes') return { exempt: 'yes', by: 'tag', byTags };
  const isInDoubt = doubts.some(
    ({ match, from = 0, until }) => from <= now && now < until && selects(match, job, maxSteps) !== 'no',
  );
  return { exempt: tried.length > 0 || byTags === 'unknown' || isInDoubt ? 'unknown' : 'no', byTags };
}

/** Tags protect a job only up to an age, the ceiling: its submitter must not be able to keep it for ever. */
function exemptByTag({ tags, startedAt }: Job, ceilingMs: number, now: number): Selected {
  if (tags === undefined) return 'unknown';
  const own = [...tags].filter(([key]) => isOwnTag(key));
  if (own.length === 0) return 'no';
  if (startedAt === undefined) return 'unknown';
  if (now - startedAt >= ceilingMs) return 'no';

  const ends = own.map(([key, value]) => endOfTag(key.toLowerCase(), value, startedAt));
  if (ends.some((end) => end !== undefined && now < end)) return 'yes';
  // The owner wanted the job to be spared, but made a mistake in the tag.
  return ends.includes(undefined) ? 'unknown' : 'no';
}

/** @returns undefined for a key that is not ours, or a value that names no end. */
function endOfTag(key: string, value: string, startedAt: number): number | undefined {
  if (UNTIL_TAGS.includes(key)) return parseInstant(value);
  return TTL_TAGS.includes(key) ? endOfTtl(value, startedAt) : undefined;
}

function endOfTtl(text: string, startedAt: number): number | undefined {
  if (text === 'forever') return Number.POSITIVE_INFINITY;
  try {
    return startedAt + parseDuration(text);
  } catch {
    return undefined;
  }
}

const DAY_MS = 86_400_000;

/** How long before the end of an exemption the scheduled sweeps announce it. */
export const MARKS_MS: readonly number[] = [7 * DAY_MS, DAY_MS];

const ANNOUNCE_BEFORE_MS = Math.max(...MARKS_MS);

/**
 * Sentences for the owners of exemptions: which have expired, and which end soon.
 *
 * @param isAnnounced selects, of those that end soon, the ones to announce; by default all.
 */
export function exemptionNotices(
  exemptions: readonly Exemption[],
  now: number,
  isAnnounced: (exemption: Exemption) => boolean = () => true,
): string[] {
  const sentences = exemptions.flatMap((exemption) => {
    const { id, owner, until } = exemption;
    const day = new Date(until).toISOString();
    if (now >= until)
      return [`exemption ${id} (owner ${owner}) expired at ${day}; it protects nothing any more; remove or renew it`];
    const leftMs = until - now;
    if (leftMs > ANNOUNCE_BEFORE_MS || !isAnnounced(exemption)) return [];
    return [`exemption ${id} (owner ${owner}) ends at ${day}, in ${formatDuration(leftMs - (leftMs % 60_000))}`];
  });
  return fewOf(sentences, 'exemptions that have expired or end soon');
}
