import * as v from 'valibot';
import { formatDuration } from '../base/duration.ts';
import { durationField } from '../base/duration-field.ts';
import { ENGINE_NAMES, type Engine, isJobId, type Job } from '../base/job.ts';
import { ENGINE_FACTS } from '../policy/facts.ts';
import { JOB_ID, whyForeign, whyNever } from '../policy/forms.ts';
import { compileMatcher, compileQueueMatcher } from '../policy/matcher.ts';
import { PatternError } from '../policy/pattern.ts';
import { createRule, DEFAULT_PERCENT_FLOOR, type Policy, type Selector, type SelectorKey } from '../policy/schema.ts';
import type { Decision, Verdict } from '../sweep/judge/decide.ts';
import type { Outcome } from '../sweep/record/outcome.ts';

/** More than this at once is no emergency but a shutdown, and DLI's console has a button for that. */
export const MAX_EMERGENCY_KILLS = 1_000;
const DEFAULT_EMERGENCY_KILLS = 50;

/** What `jobType` may say, as each engine spells it. */
export const EMERGENCY_TYPES: readonly string[] = ENGINE_NAMES.flatMap((engine) => ENGINE_FACTS[engine].types);

/** Long by design, so that age alone says nothing against them: touched only where they are named. */
const LONG_BY_DESIGN: readonly string[] = ['flink'];

/** Which jobs a person wants stopped this night, whatever the policy says. Every part narrows it down. */
export interface Emergency {
  /** Jobs of any age if it is 0, which takes ids. */
  olderThanMs: number;
  /** Empty for any, as for the others. */
  jobIds: readonly string[];
  queue: readonly string[];
  owner: readonly string[];
  jobType: readonly string[];
  engines: readonly Engine[];
  maxKills: number;
  /** Exempt jobs are not spared, nor are those that a freeze is for. */
  includeExempt: boolean;
  /** False stops Flink jobs without one. */
  savepoint: boolean;
}

const oneOrMany = (item: v.GenericSchema<string, string>, most = Number.POSITIVE_INFINITY) =>
  v.optional(
    v.pipe(
      v.union([v.string(), v.array(v.string())], 'expected one value or a list of values'),
      v.transform((value) => (typeof value === 'string' ? [value] : value)),
      v.array(item),
      v.minLength(1, 'expected at least one value'),
      v.maxLength(most, `expected at most ${most} values`),
    ),
  );

const text = v.pipe(v.string('expected a text'), v.nonEmpty('is empty'), v.maxLength(256, 'is too long'));
/** Those of SQL and Spark are UUIDs, those of Flink numbers. */
const id = v.pipe(
  v.string('expected an id'),
  v.check((value) => whyNever(value, 'jobId') === undefined, `expected ${JOB_ID}`),
);
const oneOf = (values: readonly string[]) => v.picklist(values, `expected one of ${values.join(', ')}`);

/** The keys of an emergency's payload beside those of every request. */
export const emergencyEntries = {
  olderThan: v.optional(durationField('10m')),
  jobIds: oneOrMany(id, MAX_EMERGENCY_KILLS),
  queue: oneOrMany(text),
  owner: oneOrMany(text),
  engine: oneOrMany(oneOf(ENGINE_NAMES)),
  jobType: oneOrMany(oneOf(EMERGENCY_TYPES)),
  maxKills: v.optional(
    v.pipe(
      v.number('expected a whole number'),
      v.integer('expected a whole number'),
      v.minValue(0, 'expected 0 or more'),
      v.maxValue(MAX_EMERGENCY_KILLS, `expected at most ${MAX_EMERGENCY_KILLS}`),
    ),
  ),
  /** The name of the target, typed by a person: what makes it live. */
  confirm: v.optional(v.string('expected a text')),
  includeExempt: v.optional(v.boolean('expected true or false')),
  savepoint: v.optional(v.boolean('expected true or false')),
};

type Fields = v.InferOutput<v.StrictObjectSchema<typeof emergencyEntries, undefined>>;

/** What is wrong with an emergency although each key is right, as `key: problem`. */
export function emergencyProblems(
  fields: Fields & { reason?: string | undefined },
  { target, isLive }: { target: string; isLive: boolean },
): string[] {
  const problems: string[] = [];
  if (!fields.reason) problems.push('reason: missing; an emergency says why, for the record');
  if (fields.olderThan === undefined && fields.jobIds === undefined) {
    problems.push('olderThan: missing; give an age such as 10m, or the ids of jobs');
  }
  if (isLive && fields.confirm !== target) {
    problems.push(`confirm: expected the name of the target, ${target}, to cancel jobs for real`);
  }
  for (const engine of asEngines(fields.engine ?? [])) {
    const lacking = selectorKeys(fields).find((key) => !canTell(engine, key, fields));
    if (lacking !== undefined) problems.push(`${lacking}: no ${ENGINE_FACTS[engine].jobs} have that`);
  }
  if (enginesOf(fields).length === 0) problems.push('jobType: no engine has jobs like that; Flink has to be named');
  for (const key of ['queue', 'owner'] as const) {
    for (const one of fields[key] ?? []) {
      const problem = whyNever(one, key) ?? patternProblem(one);
      if (problem !== undefined) problems.push(`${key}: ${problem}`);
    }
  }
  return problems;
}

function patternProblem(text: string): string | undefined {
  try {
    compileMatcher(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return `not a pattern: ${error.message}`;
  }
}

export function toEmergency(fields: Fields): Emergency {
  const { olderThan = 0, jobIds = [], queue = [], owner = [], jobType = [] } = fields;
  return {
    ...{ olderThanMs: olderThan, jobIds, queue, owner, jobType, engines: enginesOf(fields) },
    maxKills: fields.maxKills ?? DEFAULT_EMERGENCY_KILLS,
    includeExempt: fields.includeExempt ?? false,
    savepoint: fields.savepoint ?? true,
  };
}

/** Those named; otherwise all that can tell what is asked for, less those whose jobs are long by design. */
function enginesOf(fields: Fields): Engine[] {
  const { engine: named, jobIds } = fields;
  if (named !== undefined) return asEngines(named);
  return ENGINE_NAMES.filter((engine) => {
    if (!selectorKeys(fields).every((key) => canTell(engine, key, fields))) return false;
    return jobIds === undefined ? !LONG_BY_DESIGN.includes(engine) : jobIds.some((one) => isJobId(one, engine));
  });
}

/** Whether the engine's jobs have such a thing, and of types at least one of those asked for. */
function canTell(engine: Engine, key: SelectorKey, { jobType }: Fields): boolean {
  const { selectors, types } = ENGINE_FACTS[engine];
  return selectors.includes(key) && (key !== 'jobType' || jobType?.some((type) => types.includes(type)) === true);
}

const asEngines = (names: readonly string[]) => ENGINE_NAMES.filter((engine) => names.includes(engine));

function selectorKeys(fields: Pick<Fields, 'queue' | 'owner' | 'jobType'>): SelectorKey[] {
  return (['queue', 'owner', 'jobType'] as const).filter((key) => fields[key] !== undefined);
}

/**
 * The emergency as a policy of its own, so that it goes the same way as any sweep: protections, unknowns, the cap and the
 * proof are those of every sweep. Pure.
 *
 * Age is the time since submission, waiting included: a queue that is stuck is full of jobs that wait.
 *
 * @param kept what holds of a policy that was meant for every day: its exemptions and freezes, and what may be one.
 */
export function emergencyPolicy(
  { olderThanMs, jobIds, queue, owner, jobType, engines, maxKills, includeExempt, savepoint }: Emergency,
  kept: Pick<Policy, 'exemptions' | 'doubts'> & Partial<Pick<Policy, 'freezes' | 'tagExemptions'>> = { exemptions: [] },
): Policy {
  const selector: Selector = {
    ...(queue.length > 0 && { queue: queue.map(compileQueueMatcher) }),
    ...(owner.length > 0 && { owner: owner.map(compileMatcher) }),
    ...(jobType.length > 0 && { jobType: [...jobType] }),
    ...(jobIds.length > 0 && { jobId: jobIds }),
  };
  const match = Object.keys(selector).length === 0 ? 'all' : selector;
  return {
    version: 1,
    mode: 'live',
    maxKills,
    maxKillsPercent: 100,
    percentFloor: DEFAULT_PERCENT_FLOOR,
    drain: false,
    exemptions: includeExempt ? [] : [...kept.exemptions],
    freezes: includeExempt ? [] : [...(kept.freezes ?? [])],
    tagExemptions: includeExempt ? undefined : kept.tagExemptions,
    doubts: includeExempt ? [] : kept.doubts,
    rules: engines.map((engine) =>
      createRule({
        id: engines.length === 1 ? 'emergency' : `emergency-${engine}`,
        engines: [engine],
        match,
        limits: [{ clock: 'maxTotalTime', limitMs: olderThanMs }],
        ...(ENGINE_FACTS[engine].hasSavepoints && { savepoint }),
      }),
    ),
  };
}

/** Every job that was named and is not to be cancelled, unless it has ended or is about to: why, one sentence each. */
export function unmetJobs(
  emergency: Emergency,
  { jobs, now }: { jobs: readonly Job[]; now: number },
  decisions: readonly Decision[],
  { jobsMayBeElsewhere = false }: { jobsMayBeElsewhere?: boolean | undefined } = {},
): string[] {
  return [
    ...unlookedJobs(emergency),
    ...(jobsMayBeElsewhere ? [] : missingJobs(emergency, jobs)),
    ...sparedJobs(emergency, decisions, now),
  ];
}

/** Named jobs that are not there, as far as was looked. One sentence each. */
export function missingJobs({ jobIds, engines, olderThanMs }: Emergency, seen: readonly { id: string }[]): string[] {
  const ids = new Set(seen.map((job) => job.id.toLowerCase()));
  const age = olderThanMs === 0 ? '' : ` older than ${formatDuration(olderThanMs)}`;
  return jobIds
    .filter((id) => !ids.has(id.toLowerCase()) && engines.some((engine) => isJobId(id, engine)))
    .map(
      (id) => `job ${id} is not among the live ${kindsOf(engines)}${age}; if it should be, check target and project`,
    );
}

const kindsOf = (engines: readonly Engine[]) => engines.map((engine) => ENGINE_FACTS[engine].jobs).join(' and ');

/** Named jobs that no engine in scope could have: nobody looked for them. One sentence each. */
function unlookedJobs({ jobIds, engines }: Emergency): string[] {
  return jobIds
    .filter((id) => !engines.some((engine) => isJobId(id, engine)))
    .map((id) => `job ${id} was not looked for: it is the id of none of the ${kindsOf(engines)}`);
}

const MOST_NAMES = 10;

const compile = { queue: compileQueueMatcher, owner: compileMatcher };

/** A queue or an owner that is misspelt is nobody's. What there is, one sentence for each that matches nothing. */
export function unmatchedNames({ queue, owner }: Emergency, seen: readonly Pick<Job, 'queue' | 'owner'>[]): string[] {
  const wanted = { queue, owner };
  return (['queue', 'owner'] as const).flatMap((key) => {
    const names = [...new Set(seen.flatMap((job) => job[key] ?? []))].sort();
    const there = names.length === 0 ? 'none' : names.slice(0, MOST_NAMES).join(', ');
    const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
    return wanted[key]
      .filter((text) => !names.some((name) => compile[key](text).matches(name)))
      .map((text) => {
        const hint = whyForeign(text, key);
        const found = `no job that was looked at has ${key} ${text}; there are ${there}${more}`;
        return hint === undefined ? found : `${found}; ${hint}`;
      });
  });
}

/** Named jobs that are alive and were not to be cancelled all the same: why, one sentence each. @param now as judged. */
export function sparedJobs(
  { jobIds }: Emergency,
  decisions: readonly Decision[],
  now = Number.POSITIVE_INFINITY,
): string[] {
  const named = new Set(jobIds.map((id) => id.toLowerCase()));
  return decisions.flatMap(({ job, rules, exemption, freeze, verdict }) => {
    if (verdict.action !== 'keep' || !named.has(job.id.toLowerCase())) return [];
    if (verdict.reason === 'terminal' || verdict.reason === 'stopping') return [];
    if (job.since.submitted !== undefined && job.since.submitted > now) {
      return [`job ${job.id} is spared: it began after this was asked for`];
    }
    const isVictim = rules.some(({ action }) => action !== 'keep');
    const doubt =
      exemption.exempt === 'unknown' ? mayBe('exempt') : freeze.frozen === 'unknown' ? mayBe('frozen') : undefined;
    return [`job ${job.id} is spared: ${(isVictim ? doubt : undefined) ?? whySpared(job, verdict)}`];
  });
}

const mayBe = (word: 'exempt' | 'frozen') =>
  `it may be ${word}, and that cannot be told; --include-exempt, or includeExempt, takes it all the same`;

/** Named jobs that were to be cancelled, and that the reading right before spared: why, one sentence each. */
export function sparedAtLast({ jobIds }: Emergency, outcomes: ReadonlyMap<string, Outcome>): string[] {
  const named = new Set(jobIds.map((id) => id.toLowerCase()));
  return [...outcomes].flatMap(([id, outcome]) => {
    if (outcome.kind !== 'skipped' || !named.has(id.toLowerCase())) return [];
    const { reason, status = 'no status' } = outcome;
    if (reason === 'changed') {
      return [
        `job ${id} is spared: it has changed since it was listed, and is not over the limit any more (${status})`,
      ];
    }
    return reason === 'undetermined'
      ? [`job ${id} is spared: its status is one that the reaper does not know (${status})`]
      : [];
  });
}

function whySpared({ protection, type, askedAt }: Job, { reason, rule }: Extract<Verdict, { action: 'keep' }>): string {
  switch (reason) {
    case 'protected':
      return protection === 'always'
        ? 'an operation on a queue is never cancelled'
        : `its type ${type} has to be named`;
    case 'exempt':
      return `exemption ${rule ?? '?'} is for it`;
    case 'frozen':
      return `freeze ${rule ?? '?'} is in force; --include-exempt, or includeExempt, takes it all the same`;
    case 'undetermined':
      return 'something that has to be known of it is not, such as its age or its type';
    case 'within-limit':
      return 'it is younger than was asked for';
    case 'no-rule':
      return 'its queue, owner or type is not what was asked for';
    case 'asked-recently':
      return (
        `DLI changed it${askedAt === undefined ? '' : ` at ${new Date(askedAt).toISOString()}`}, less than six hours ago; ` +
        'it may be a savepoint that failed, or an edit; --no-savepoint stops it without one'
      );
    default:
      return `it is ${reason}`;
  }
}
