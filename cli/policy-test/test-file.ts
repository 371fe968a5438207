import * as v from 'valibot';
import { durationField, parseDuration } from '../../lib/base/duration.ts';
import { ENGINE_NAMES, isJobId } from '../../lib/base/job.ts';
import { ENGINE_FACTS, SELECTORS } from '../../lib/policy/facts.ts';
import { readAs } from '../../lib/policy/problems.ts';
import { ACTIONS } from '../../lib/policy/schema.ts';
import { about, count, hasKey, instant, name, nonEmptyText, strictObject } from '../../lib/policy/schema-parts.ts';
import { KEEP_REASONS } from '../../lib/sweep/record/verdict.ts';
import { readText } from '../source/files.ts';
import type { PolicyFile } from '../source/policy-file.ts';
import { readYaml } from '../source/policy-file.ts';

type Keys = readonly (string | number)[];

const pathOf = (keys: Keys): [v.IssuePathItem, ...v.IssuePathItem[]] =>
  keys.map((key) => ({ type: 'unknown', origin: 'value', input: {}, key, value: undefined })) as unknown as [
    v.IssuePathItem,
  ];

/** Checks that look at several fields. Each problem names its place. */
const together = <T>(problemsOf: (value: T) => Iterable<{ keys: Keys; message: string }>) =>
  v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const { keys, message } of problemsOf(dataset.value)) addIssue({ message, path: pathOf(keys) });
  });

const oneOrEach = <T extends v.GenericSchema>(one: T, expected: string) =>
  v.optional(v.union([one, v.pipe(v.array(one), v.minLength(1, 'expected at least one'))], expected));

/** What a job shows. With null DLI does not show it, so it is unknown. */
const fact = v.optional(v.nullable(nonEmptyText));

const tag = v.pipe(
  v.string('expected a tag, such as team=bi'),
  v.regex(/^[^=]+=/, 'expected a tag with its value, such as team=bi'),
);

const age = v.optional(v.nullable(durationField('3h')));

const VERDICTS = [...ACTIONS, 'keep'] as const;

const jobExpectation = strictObject({
  verdict: v.optional(v.picklist(VERDICTS)),
  rule: v.optional(about(nonEmptyText, 'The rule that decides; of an exempt or frozen job the exemption or freeze')),
  reason: v.optional(about(v.picklist(['over-limit', 'cap', ...KEEP_REASONS]), 'README.md lists the reasons')),
  warned: v.optional(about(v.boolean('expected true or false'), 'Whether its owner is warned now')),
});

const JOB_EXPECTED = 'expected cancel, warn, log, keep, or an object such as {verdict: cancel, rule: adhoc-2h}';

const jobExpectations = v.optional(
  v.union(
    [
      v.picklist(VERDICTS),
      jobExpectation,
      v.pipe(
        v.array(v.union([v.picklist(VERDICTS), jobExpectation], JOB_EXPECTED)),
        v.minLength(1, 'expected at least one'),
      ),
    ],
    JOB_EXPECTED,
  ),
);

const jobEntries = {
  engine: v.optional(v.picklist(ENGINE_NAMES), 'sql'),
  id: v.optional(about(nonEmptyText, "DLI's id, for a policy that names it; by default a made-up one")),
  count: v.optional(
    about(
      v.pipe(count, v.minValue(1, 'expected 1 or more'), v.maxValue(10_000, 'expected at most 10000')),
      'So many jobs like this',
    ),
    1,
  ),
  queue: fact,
  owner: fact,
  jobType: fact,
  status: fact,
  name: fact,
  statement: fact,
  database: fact,
  tag: v.optional(v.union([tag, v.array(tag)], 'expected a tag such as team=bi, or a list of tags')),
  running: about(age, 'It runs, and began so long before the first instant'),
  waiting: about(age, 'It waits, and was submitted so long before the first instant'),
  changed: about(age, 'For Flink: DLI changed it so long before the first instant'),
  expect: jobExpectations,
};

const job = v.pipe(
  strictObject(jobEntries),
  together(function* (fields) {
    const { engine, id, running, waiting } = fields;
    const { jobs, selectors, hasSavepoints } = ENGINE_FACTS[engine];
    for (const key of SELECTORS) {
      if (fields[key] === undefined || selectors.includes(key)) continue;
      yield { keys: [key], message: `${jobs} have no ${key}; they have ${selectors.join(', ')}` };
    }
    if (running !== undefined && waiting !== undefined) {
      yield { keys: ['waiting'], message: 'goes without running: a job does one of the two' };
    }
    if (fields.changed !== undefined && !hasSavepoints) {
      yield { keys: ['changed'], message: 'is for Flink only; add engine: flink, or remove it' };
    }
    if (id !== undefined && !isJobId(id, engine)) {
      yield { keys: ['id'], message: `is not an id that ${jobs} can have; remove it, if the policy names no id` };
    }
    if (id !== undefined && fields.count > 1) {
      yield { keys: ['count'], message: 'goes without id: no two jobs have the same' };
    }
    for (const [i, expected] of [fields.expect ?? []].flat().entries()) {
      if (typeof expected !== 'string' && !hasKey(expected)) {
        const keys = Array.isArray(fields.expect) ? ['expect', i] : ['expect'];
        yield { keys, message: 'expected at least one of verdict, rule, reason, warned' };
      }
    }
  }),
);

const sweepExpectation = strictObject({
  victims: v.optional(about(count, 'How many jobs the policy wants cancelled, before the caps')),
  caps: v.optional(v.picklist(['within', 'exceeded'])),
});

const LATER = /^\+/;
/** Later instants would not help a test, and the latest ones could not be written as a date. */
const LATEST_MS = 3_650 * 86_400_000;
const AT = 'expected a time such as 2026-01-05T09:00:00Z, or how long after now, such as +90m; at most +3650d';

/** A time, or how long after the `now` of the file. */
const at = v.pipe(
  v.string(AT),
  v.check((text) => !LATER.test(text) || isDuration(text.slice(1)), AT),
  v.check((text) => LATER.test(text) || v.is(instant('beginning'), text), AT),
);

function isDuration(text: string): boolean {
  try {
    return parseDuration(text) <= LATEST_MS;
  } catch {
    return false;
  }
}

const test = strictObject({
  name,
  at: about(oneOrEach(at, AT), 'When the policy is judged; the jobs grow older from instant to instant'),
  jobs: v.array(job, 'expected a list of jobs'),
  expect: about(
    oneOrEach(sweepExpectation, 'expected an object such as {victims: 2, caps: within}'),
    'Of all jobs together',
  ),
});

const testFile = v.pipe(
  strictObject({
    policy: about(nonEmptyText, 'The file of the policy, from the folder of this file'),
    now: about(instant('beginning'), 'When the policy is judged'),
    tests: v.pipe(v.array(test, 'expected a list of tests'), v.minLength(1, 'expected at least one test')),
  }),
  together(function* ({ tests, now }) {
    for (const [i, one] of tests.entries()) {
      const first = tests.findIndex(({ name: other }) => other === one.name);
      if (first < i) {
        yield { keys: ['tests', i, 'name'], message: `is already the name of tests[${first}]; names must differ` };
      }
      for (const { keys, message } of problemsOfInstants(one, now)) yield { keys: ['tests', i, ...keys], message };
    }
  }),
  v.transform(({ tests, ...fields }) => ({
    ...fields,
    tests: tests.map(({ at: written, ...one }) => ({ ...one, instants: instantsOf(written, fields.now) })),
  })),
);

type WrittenTest = v.InferOutput<typeof test>;

function* problemsOfInstants({ at: written, jobs, expect }: WrittenTest, now: number) {
  const instants = instantsOf(written, now);
  const early = instants.findIndex((instantMs, i) => i > 0 && instantMs <= (instants[i - 1] ?? 0));
  if (early > 0) {
    yield { keys: ['at', early], message: 'is not later than the instant before it; write the instants in order' };
  }
  const wrong = (expected: unknown) => Array.isArray(expected) && expected.length !== instants.length;
  const message = `expected one for all instants, or one for each: there ${instants.length === 1 ? 'is 1' : `are ${instants.length}`}`;
  if (wrong(expect)) yield { keys: ['expect'], message };
  for (const [i, one] of jobs.entries()) if (wrong(one.expect)) yield { keys: ['jobs', i, 'expect'], message };

  const ids = jobs.map(({ id }) => id?.toLowerCase());
  for (const [i, id] of ids.entries()) {
    if (id === undefined || ids.indexOf(id) === i) continue;
    yield { keys: ['jobs', i, 'id'], message: `is already the id of jobs[${ids.indexOf(id)}]; ids must differ` };
  }
}

function instantsOf(written: WrittenTest['at'], now: number): number[] {
  if (written === undefined) return [now];
  return [written].flat().map((text) => {
    return LATER.test(text) ? now + parseDuration(text.slice(1)) : v.parse(instant('beginning'), text);
  });
}

export type PolicyTest = v.InferOutput<typeof testFile>['tests'][number];
export type TestJob = PolicyTest['jobs'][number];
export type JobExpectation = v.InferOutput<typeof jobExpectation>;
export type SweepExpectation = v.InferOutput<typeof sweepExpectation>;

/** A file of tests, with a way to find the line of each key. */
export interface TestFile extends v.InferOutput<typeof testFile> {
  locate: PolicyFile['locate'];
}

/** Reads a file of tests. @throws {SettingsError} if it cannot be read. @throws {PolicyFileError} with all its problems. */
export function readTestFile(path: string): TestFile {
  const { value, locate } = readYaml(readText(path), path, (document) => readAs(testFile, document, 'the test'));
  return { ...value, locate };
}

/** What is expected of a job at an instant. A job without an expectation must not be cancelled. */
export function expectedOf({ expect }: TestJob, instant: number): JobExpectation | undefined {
  const expected = Array.isArray(expect) ? expect[instant] : expect;
  return typeof expected === 'string' ? { verdict: expected } : expected;
}
