import { fingerprint } from '../base/fingerprint.ts';
import type { Job } from '../base/job.ts';
import { MAX_STEPS_PER_VALUE, MAX_VALUE_LENGTH, type Matcher } from './matcher.ts';
import type { Rule, Selector } from './schema.ts';

/** There are three answers, because a job may not say what a rule asks for. Unknown is never a match. */
export type Selected = 'yes' | 'no' | 'unknown';

/** The result of one key of a selector for one job. */
export interface Predicate {
  key: keyof Selector;
  wanted: readonly string[];
  /** Null if the job does not say. A statement is shown by its fingerprint only. */
  found: string | null;
  holds: Selected;
}

/**
 * The result of a selector for one job: an answer for each key, in their order. The first certain no is the last answer,
 * because it outweighs any unknown.
 */
export type Tried = readonly Selected[];

const ALL: Tried = [];

/**
 * Tries a selector on a job. Every key must hold, and a key holds if any of its values matches.
 *
 * @param maxSteps most steps of matching for each text of the job; if they are not enough, the answer is unknown.
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

/** Combines the answers for the keys into one. */
export function selectedBy(tried: Tried): Selected {
  if (tried.includes('no')) return 'no';
  return tried.includes('unknown') ? 'unknown' : 'yes';
}

export const selects = (selector: 'all' | Selector, job: Job, maxSteps?: number): Selected =>
  selectedBy(trySelector(selector, job, maxSteps));

/**
 * Explains a selector for a person: for each key, what was wanted, what was found, and whether it holds.
 *
 * @param tried answers that are known already; the remaining keys are tried now.
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

/** Whether a rule names the type of this job in its `jobType`. */
export function namesType(rule: Rule, { type }: Job): boolean {
  return rule.match !== 'all' && rule.match.jobType?.some((named) => named === type) === true;
}

/** Returns the group of a job; undefined if the job does not say, or if its statement is too long. */
export function groupKey(
  by: NonNullable<Rule['groupBy']>,
  job: Job,
  maxSteps = MAX_STEPS_PER_VALUE,
): string | undefined {
  return by === 'fingerprint' ? fingerprintOf(job, maxSteps) : job[by]?.normalize('NFC');
}

const fingerprints = new WeakMap<Job, string>();

/** Returns the fingerprint of a job's statement, computed once for each job. Each character is a step. */
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
  // Null means that no job of the engine has it, which is a certain no.
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
