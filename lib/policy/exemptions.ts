import { formatDuration, parseDuration } from '../base/duration.ts';
import { fewOf } from '../base/few.ts';
import type { Job } from '../base/job.ts';
import { parseInstant } from './instant.ts';
import type { Exemption, Policy } from './schema.ts';
import { type Selected, selectedBy, selects, type Tried, trySelector } from './select.ts';

/** Whether something exempts a job; `unknown` spares it as well. */
export interface ExemptionResult {
  exempt: Selected;
  /** The id of the exemption, or `tag`; undefined unless the job is exempt. */
  by?: string | undefined;
  /** What the job's own tags say; undefined where the policy does not allow that. */
  byTags: Selected | undefined;
}

/** Tags by which the owner of a job can exempt it. DLI's rules for keys know no slash, so a colon does as well. */
const UNTIL_TAGS = ['reaper/exempt-until', 'reaper:exempt-until'];
const TTL_TAGS = ['reaper/ttl', 'reaper:ttl'];

/** Whether a tag is meant for the reaper, rightly spelt or not. */
export const isOwnTag = (key: string): boolean => /^reaper[/:]/i.test(key);

/** Whether an exemption protects at an instant. @param now epoch ms. */
export const isExemptionInForce = ({ from, until }: Exemption, now: number): boolean =>
  (from === undefined || from <= now) && now < until;

/** An exemption that is for a job, or may be. */
export interface TriedExemption {
  exemption: Exemption;
  /** What its selector found: never a no. */
  tried: Tried;
}

/**
 * Tries every exemption on a job, so that it is known of each whether it is for any job at all.
 *
 * @param exemptions those in force or not; those that have expired, or not begun, do not protect.
 * @param now epoch ms.
 * @param maxSteps what each text of the job is worth.
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

/** @param tried as {@link tryExemptions} gives it. */
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

/** The tags count up to the ceiling only, which is an age: whoever submits a job must not be able to keep it for ever. */
function exemptByTag({ tags, startedAt }: Job, ceilingMs: number, now: number): Selected {
  if (tags === undefined) return 'unknown';
  const own = [...tags].filter(([key]) => isOwnTag(key));
  if (own.length === 0) return 'no';
  if (startedAt === undefined) return 'unknown';
  if (now - startedAt >= ceilingMs) return 'no';

  const ends = own.map(([key, value]) => endOfTag(key.toLowerCase(), value, startedAt));
  if (ends.some((end) => end !== undefined && now < end)) return 'yes';
  // Somebody wanted the job to be spared, and wrote it wrongly.
  return ends.includes(undefined) ? 'unknown' : 'no';
}

/** @returns undefined for a key that is none of ours, or a value that says no end. */
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

/** How long before its end an exemption is announced by the schedule. */
export const MARKS_MS: readonly number[] = [7 * DAY_MS, DAY_MS];

const ANNOUNCE_BEFORE_MS = Math.max(...MARKS_MS);

/**
 * What the owners of exemptions should know: which no longer protect, and which soon will not.
 *
 * @param isAnnounced which of those that soon end are spoken of; by default all.
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
      return [`exemption ${id} (owner ${owner}) expired at ${day}; it protects nothing, remove or renew it`];
    const leftMs = until - now;
    if (leftMs > ANNOUNCE_BEFORE_MS || !isAnnounced(exemption)) return [];
    return [`exemption ${id} (owner ${owner}) ends at ${day}, in ${formatDuration(leftMs - (leftMs % 60_000))}`];
  });
  return fewOf(sentences, 'exemptions that have expired or soon end');
}
