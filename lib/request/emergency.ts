import * as v from 'valibot';
import { durationField } from '../base/duration.ts';
import { ENGINE_NAMES, type Engine, isJobId } from '../base/job.ts';
import type { Emergency } from '../policy/emergency.ts';
import { ENGINE_FACTS } from '../policy/facts.ts';
import { JOB_ID, whyNever } from '../policy/forms.ts';
import { compileMatcher } from '../policy/matcher.ts';
import { PatternError } from '../policy/pattern.ts';
import type { SelectorKey } from '../policy/schema.ts';

/** The most jobs of one emergency. To cancel more is a shutdown, for which DLI's console has a button. */
export const MAX_EMERGENCY_KILLS = 1_000;
const DEFAULT_EMERGENCY_KILLS = 50;

/** Values for `jobType`, as each engine spells them. */
export const EMERGENCY_TYPES: readonly string[] = ENGINE_NAMES.flatMap((engine) => ENGINE_FACTS[engine].types);

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
/** The id of a job: a UUID for SQL and Spark, a number for Flink. */
const id = v.pipe(
  v.string('expected an id'),
  v.check((value) => whyNever(value, 'jobId') === undefined, `expected ${JOB_ID}`),
);
const oneOf = (values: readonly string[]) => v.picklist(values, `expected one of ${values.join(', ')}`);

/** The keys of an emergency's payload, in addition to those of every request. */
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
  /** The name of the target, typed by a person. A live emergency needs it. */
  confirm: v.optional(v.string('expected a text')),
  includeExempt: v.optional(v.boolean('expected true or false')),
  savepoint: v.optional(v.boolean('expected true or false')),
};

type Fields = v.InferOutput<v.StrictObjectSchema<typeof emergencyEntries, undefined>>;

/** Finds what is wrong with an emergency whose keys are right each, as `key: problem`. */
export function emergencyProblems(
  fields: Fields & { reason?: string | undefined },
  { target, isLive }: { target: string; isLive: boolean },
): string[] {
  const problems: string[] = [];
  if (isLive && !fields.reason) problems.push('reason: missing; an emergency must say why, for the record');
  if (fields.olderThan === undefined && fields.jobIds === undefined) {
    problems.push('olderThan: missing; give an age such as 10m, or the ids of jobs');
  }
  if (isLive && fields.confirm !== target) {
    problems.push(`confirm: expected the name of the target, ${target}, to cancel jobs for real`);
  }
  for (const engine of asEngines(fields.engine ?? [])) {
    const lacking = selectorKeys(fields).find((key) => !canTell(engine, key, fields));
    if (lacking !== undefined) problems.push(`${lacking}: no ${ENGINE_FACTS[engine].jobs} have this`);
  }
  if (enginesOf(fields).length === 0)
    problems.push('jobType: no engine has jobs of that type; for Flink add engine: flink');
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

/** Makes an emergency of a payload without problems; keys that are missing have their defaults. */
export function toEmergency(fields: Fields): Emergency {
  const { olderThan = 0, jobIds = [], queue = [], owner = [], jobType = [] } = fields;
  return {
    olderThanMs: olderThan,
    jobIds,
    queue,
    owner,
    jobType,
    engines: enginesOf(fields),
    maxKills: fields.maxKills ?? DEFAULT_EMERGENCY_KILLS,
    includeExempt: fields.includeExempt ?? false,
    savepoint: fields.savepoint ?? true,
  };
}

/** The engines named; by default all whose jobs can be selected by these keys, except those whose jobs are long by design. */
function enginesOf(fields: Fields): Engine[] {
  const { engine: named, jobIds } = fields;
  if (named !== undefined) return asEngines(named);
  return ENGINE_NAMES.filter((engine) => {
    if (!selectorKeys(fields).every((key) => canTell(engine, key, fields))) return false;
    return jobIds === undefined ? !ENGINE_FACTS[engine].isLongByDesign : jobIds.some((one) => isJobId(one, engine));
  });
}

/** Whether the jobs of an engine have a key; for `jobType`, whether they have one of the types asked for. */
function canTell(engine: Engine, key: SelectorKey, { jobType }: Fields): boolean {
  const { selectors, types } = ENGINE_FACTS[engine];
  return selectors.includes(key) && (key !== 'jobType' || jobType?.some((type) => types.includes(type)) === true);
}

const asEngines = (names: readonly string[]) => ENGINE_NAMES.filter((engine) => names.includes(engine));

function selectorKeys(fields: Pick<Fields, 'queue' | 'owner' | 'jobType'>): SelectorKey[] {
  return (['queue', 'owner', 'jobType'] as const).filter((key) => fields[key] !== undefined);
}
