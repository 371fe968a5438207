import { ENGINE_NAMES, type Job } from '../../lib/base/job.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { type Decision, decide } from '../../lib/sweep/judge/decide.ts';
import { createMeasure, type Judgement, type Measure } from '../../lib/sweep/judge/judge.ts';
import type { Explanation } from '../../lib/sweep/record/explanation.ts';
import type { CapReport } from '../../lib/sweep/record/report.ts';
import { judgeStored } from '../../lib/sweep/snapshot.ts';
import { explain } from '../../lib/sweep/tell/explain.ts';
import { makeJobs } from './made-jobs.ts';
import { expectedOf, type JobExpectation, type PolicyTest, type SweepExpectation, type TestFile } from './test-file.ts';

/** Something that came otherwise than a test expects. */
export interface Failure {
  /** Epoch ms. */
  at: number;
  /** The line of the expectation, such as `policy.test.yml:7:5`. */
  where: string;
  expected: string;
  found: string;
  /** How the job was judged; undefined if the failure is about all jobs of the test. */
  why: { explanation: Explanation; caps: CapReport } | undefined;
}

export interface TestResult {
  name: string;
  /** Epoch ms. */
  instants: readonly number[];
  /** Empty if it passed. */
  failures: Failure[];
}

/**
 * Runs the tests of a file. Each instant is judged as a sweep judges, as if the policy were live and nothing had been cancelled
 * before. What a stage adds is not played: its ceilings, exemptions, freezes and earlier warnings.
 */
export async function runTests({ tests, locate }: TestFile, policy: Policy): Promise<TestResult[]> {
  const results: TestResult[] = [];
  for (const [i, test] of tests.entries()) {
    const at = (...keys: (string | number)[]) => locate(['tests', i, ...keys]);
    results.push({ name: test.name, instants: test.instants, failures: await failuresOf(test, policy, at) });
  }
  return results;
}

type Locate = (...keys: (string | number)[]) => string;

async function failuresOf(
  { jobs: entries, instants, expect }: PolicyTest,
  policy: Policy,
  at: Locate,
): Promise<Failure[]> {
  const made = makeJobs(entries, instants[0] ?? 0);
  const measure = createMeasure(policy, {});
  const failures: Failure[] = [];
  for (const [i, now] of instants.entries()) {
    const { judgement, findingOf } = await judgeAt(made.flat(), now, measure);
    const each = Array.isArray(expect);
    const sweepFailure = compareSweep((each ? expect[i] : expect) ?? {}, judgement.caps);
    if (sweepFailure !== undefined) {
      failures.push({ ...sweepFailure, at: now, where: at('expect', ...(each ? [i] : [])), why: undefined });
    }
    for (const [n, entry] of entries.entries()) {
      const expected = expectedOf(entry, i);
      const wrong = (made[n] ?? []).map(findingOf).filter((finding) => !isAsExpected(expected, finding));
      const [first] = wrong;
      if (first === undefined) continue;
      const share = entry.count === 1 ? '' : ` (${wrong.length} of ${entry.count} jobs)`;
      failures.push({
        at: now,
        where: at(
          'jobs',
          n,
          ...(expected === undefined ? [] : ['expect', ...(Array.isArray(entry.expect) ? [i] : [])]),
        ),
        expected: expected === undefined ? 'not cancelled, since the job has no expect' : wordsOf(expected),
        found: wordsOf({ ...first, warned: expected?.warned === undefined ? undefined : first.warned }) + share,
        why: { explanation: explain(first.decision, judgement.context), caps: judgement.caps },
      });
    }
  }
  return failures;
}

/** What a live sweep would do with a job. */
interface Finding extends JobExpectation {
  decision: Decision;
}

async function judgeAt(jobs: readonly Job[], now: number, measure: Measure) {
  const look = { target: 'test', project: null, now, clockProblem: undefined, engines: ENGINE_NAMES, gaps: [], jobs };
  const { judgement } = await judgeStored(look, measure);
  const decisions = new Map(judgement.decisions.map((decision) => [decision.job, decision]));
  const findingOf = (job: Job): Finding => {
    // A sweep does not list a job that is too young for every rule.
    const decision = decisions.get(job) ?? decideAlone(job, judgement);
    const { verdict, danger } = decision;
    const isHeldByCap = verdict.action === 'cancel' && !isChosen(job, judgement);
    return {
      verdict: isHeldByCap ? 'keep' : verdict.action,
      reason: isHeldByCap ? 'cap' : verdict.reason,
      rule: verdict.rule,
      warned: danger !== undefined,
      decision,
    };
  };
  return { judgement, findingOf };
}

function decideAlone(job: Job, { context }: Judgement): Decision {
  const [decision] = decide([job], context);
  if (decision === undefined) throw new TypeError('no decision for a job');
  return decision;
}

const isChosen = (job: Job, { obstacle, chosen }: Judgement): boolean =>
  obstacle === undefined && chosen.some((victim) => victim.job === job);

/** A job that only a cap spares is not kept, unless the test names that reason: a cap must not hide a rule that reaches too far. */
function isAsExpected(expected: JobExpectation | undefined, found: Finding): boolean {
  const isSpared = found.verdict !== 'cancel' && found.reason !== 'cap';
  if (expected === undefined) return isSpared;
  if (expected.verdict === 'keep' && expected.reason === undefined && !isSpared) return false;
  return EXPECTED_KEYS.every((key) => expected[key] === undefined || expected[key] === found[key]);
}

const EXPECTED_KEYS = ['verdict', 'reason', 'rule', 'warned'] as const;

/** Such as `cancel, reason over-limit, rule adhoc-2h`. */
function wordsOf({ verdict, reason, rule, warned }: JobExpectation): string {
  return [
    ...(verdict === undefined ? [] : [verdict]),
    ...(reason === undefined ? [] : [`reason ${reason}`]),
    ...(rule === undefined ? [] : [`rule ${rule}`]),
    ...(warned === undefined ? [] : [warned ? 'warned' : 'not warned']),
  ].join(', ');
}

function compareSweep(
  { victims, caps }: SweepExpectation,
  found: CapReport,
): Pick<Failure, 'expected' | 'found'> | undefined {
  const state = found.exceeded === null ? 'within' : 'exceeded';
  if ((victims ?? found.victims) === found.victims && (caps ?? state) === state) return undefined;
  const words = [
    ...(victims === undefined ? [] : [`victims ${victims}`]),
    ...(caps === undefined ? [] : [`caps ${caps}`]),
  ];
  const because = found.exceeded === null ? '' : ` (${found.exceeded})`;
  return { expected: words.join(', '), found: `victims ${found.victims}, caps ${state}${because}` };
}
