import type { Job } from '../base/job.ts';
import { fingerprint } from './fingerprint.ts';
import { MAX_STEPS_PER_VALUE, MAX_VALUE_LENGTH, type Matcher } from './matcher.ts';
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

/**
 * Every key must hold, by any of its values.
 *
 * @param maxSteps what each text of the job is worth; where that is not enough the answer is unknown.
 */
export function trySelector(selector: 'all' | Selector, job: Job, maxSteps = MAX_STEPS_PER_VALUE): Tried {
  if (selector === 'all') return ALL;
  const answers: Selected[] = [];
  for (const key of keysOf(selector)) {
    const answer = holds(selector, key, job, maxSteps);
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

export const selects = (selector: 'all' | Selector, job: Job, maxSteps?: number): Selected =>
  selectedBy(trySelector(selector, job, maxSteps));

/**
 * Each key at length, with what was wanted and found, for a person who asks why.
 *
 * @param tried answers that are known already; the other keys are tried now.
 */
export function predicatesOf(
  selector: 'all' | Selector,
  job: Job,
  { tried = [], maxSteps = MAX_STEPS_PER_VALUE }: { tried?: Tried | undefined; maxSteps?: number } = {},
): Predicate[] {
  if (selector === 'all') return [];
  return keysOf(selector).map((key, i) => ({
    key,
    wanted: wantedTexts(selector, key),
    found: foundText(key, job),
    holds: tried[i] ?? holds(selector, key, job, maxSteps),
  }));
}

/** Whether the rule says by name that it means this type of job. */
export function namesType(rule: Rule, { type }: Job): boolean {
  return rule.match !== 'all' && rule.match.jobType?.some((named) => named === type) === true;
}

/** What a rule's groups are formed by; undefined if the job does not say, or its statement is too long. */
export function groupKey(
  by: NonNullable<Rule['groupBy']>,
  job: Job,
  maxSteps = MAX_STEPS_PER_VALUE,
): string | undefined {
  return by === 'fingerprint' ? fingerprintOf(job, maxSteps) : job[by]?.normalize('NFC');
}

const fingerprints = new WeakMap<Job, string>();

/** Made once for each job, since groups and logs ask for it again. A character is a step. */
function fingerprintOf(job: Job, maxSteps = MAX_STEPS_PER_VALUE): string | undefined {
  const { statement } = job;
  if (typeof statement !== 'string' || statement.length > Math.min(MAX_VALUE_LENGTH, maxSteps)) return undefined;
  const made = fingerprints.get(job) ?? fingerprint(statement);
  fingerprints.set(job, made);
  return made;
}

function keysOf(selector: Selector): (keyof Selector)[] {
  return (Object.keys(selector) as (keyof Selector)[]).filter((key) => selector[key] !== undefined);
}

function holds(wanted: Selector, key: keyof Selector, job: Job, maxSteps: number): Selected {
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
      return isAny(job[key], wanted[key], (value, one: Matcher) => one.matches(value, maxSteps));
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
      return foundStatement(job);
    default:
      return job[key] ?? null;
  }
}

function foundStatement(job: Job): string | null {
  const made = fingerprintOf(job);
  return made === undefined ? null : `fingerprint ${made}`;
}
