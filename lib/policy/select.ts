import type { Job } from '../job.ts';
import { fingerprint } from './fingerprint.ts';
import type { Matcher } from './matcher.ts';
import type { Rule, Selector } from './schema.ts';

/** Three answers, because a job may not say what a rule asks for, and unknown is never a match. */
export type Selected = 'yes' | 'no' | 'unknown';

/** One key of a selector, tried on one job. */
export interface Predicate {
  key: keyof Selector;
  wanted: readonly string[];
  /** Null if the job does not say. Of a statement only its fingerprint is told. */
  found: string | null;
  holds: Selected;
}

/**
 * What trying a selector on a job came to: an answer for each of its keys, in their order, up to the first certain no,
 * which outweighs what is unknown.
 */
export type Tried = readonly Selected[];

const ALL: Tried = [];

/** Every key must hold, by any of its values. */
export function trySelector(selector: 'all' | Selector, job: Job): Tried {
  if (selector === 'all') return ALL;
  const answers: Selected[] = [];
  for (const key of keysOf(selector)) {
    const answer = holds(selector, key, job);
    answers.push(answer);
    if (answer === 'no') break;
  }
  return answers;
}

/** What the answers come to together. */
export function selectedBy(tried: Tried): Selected {
  if (tried.includes('no')) return 'no';
  return tried.includes('unknown') ? 'unknown' : 'yes';
}

export const selects = (selector: 'all' | Selector, job: Job): Selected => selectedBy(trySelector(selector, job));

/**
 * Each key at length, with what was wanted and found, for a person who asks why.
 *
 * @param tried answers that are known already; the other keys are tried now.
 */
export function predicatesOf(selector: 'all' | Selector, job: Job, tried: Tried = []): Predicate[] {
  if (selector === 'all') return [];
  return keysOf(selector).map((key, i) => ({
    key,
    wanted: wantedTexts(selector, key),
    found: foundText(key, job),
    holds: tried[i] ?? holds(selector, key, job),
  }));
}

/** Whether the rule says by name that it means this type of job. */
export function namesType(rule: Rule, { type }: Job): boolean {
  return rule.match !== 'all' && rule.match.jobType?.some((named) => named === type) === true;
}

/** What a rule's groups are formed by; undefined if the job does not say. */
export function groupKey(by: NonNullable<Rule['groupBy']>, job: Job): string | undefined {
  if (by !== 'fingerprint') return job[by];
  return typeof job.statement === 'string' ? fingerprint(job.statement) : undefined;
}

function keysOf(selector: Selector): (keyof Selector)[] {
  return (Object.keys(selector) as (keyof Selector)[]).filter((key) => selector[key] !== undefined);
}

function holds(wanted: Selector, key: keyof Selector, job: Job): Selected {
  switch (key) {
    case 'jobId':
      return isAny(job.id || undefined, wanted.jobId, (id, one) => id.toLowerCase() === one.toLowerCase());
    case 'jobType':
      return isAny(job.type, wanted.jobType, (type, one) => type === one);
    case 'status':
      return isAny(job.status, wanted.status, (status, one) => status === one);
    case 'tag':
      return isAny(job.tags, wanted.tag, (tags, one) => one.matches(tags));
    case 'name':
    case 'queue':
    case 'owner':
    case 'database':
    case 'statement':
      return isAny(job[key], wanted[key], (value, one: Matcher) => one.matches(value));
    default:
      return key satisfies never;
  }
}

function isAny<TValue, TWanted>(
  value: TValue | undefined | null,
  wanted: readonly TWanted[] | undefined,
  matches: (value: TValue, one: TWanted) => boolean | undefined,
): Selected {
  if (wanted === undefined) return 'yes';
  // What the jobs of an engine never have is no secret of this one.
  if (value === null) return 'no';
  if (value === undefined) return 'unknown';
  const answers = wanted.map((one) => matches(value, one));
  if (answers.includes(true)) return 'yes';
  return answers.includes(undefined) ? 'unknown' : 'no';
}

function wantedTexts(selector: Selector, key: keyof Selector): string[] {
  const wanted: readonly (string | { text: string })[] = selector[key] ?? [];
  return wanted.map((one) => (typeof one === 'string' ? one : one.text));
}

function foundText(key: keyof Selector, job: Job): string | null {
  switch (key) {
    case 'jobId':
      return job.id || null;
    case 'jobType':
      return job.type ?? null;
    case 'tag':
      return job.tags === undefined ? null : [...job.tags].map(([name, value]) => `${name}=${value}`).join(', ');
    case 'statement':
      return typeof job.statement === 'string' ? `fingerprint ${fingerprint(job.statement)}` : null;
    default:
      return job[key] ?? null;
  }
}
