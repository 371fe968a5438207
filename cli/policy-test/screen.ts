import { formatExplanation } from '../screen/explanation.ts';
import { cleanText, counted, indented } from '../screen/text.ts';
import type { Failure, TestResult } from './run.ts';
import type { RanFile } from './test.ts';

/** Says what was expected and what came; of a job also how it was judged. */
export function formatFailure({ at, where, expected, found, why }: Failure): string {
  return [
    cleanText(`${where}, at ${new Date(at).toISOString()}`),
    cleanText(`  expected  ${expected}`),
    cleanText(`  found     ${found}`),
    ...(why === undefined ? [] : [indented(formatExplanation(why.explanation, why.caps).trimEnd())]),
  ].join('\n');
}

/** Formats the results for a person: one line for each test, and more for one that failed. */
export function formatResults(files: readonly RanFile[]): string {
  const { tests, passed, failed, unreadable } = countsOf(files);
  const total = [
    `${counted(tests, 'test')} in ${counted(files.length, 'file')}: ${passed} passed, ${failed} failed`,
    ...(unreadable === 0 ? [] : [`${counted(unreadable, 'file')} could not be run`]),
  ];
  return [...files.map(formatFile), `${total.join('; ')}\n`].join('\n');
}

function formatFile({ file, problem, results }: RanFile): string {
  if (problem !== undefined) return `${cleanText(file)}\n  ✗ could not be run\n`;
  return `${[cleanText(file), ...results.map(formatTest)].join('\n')}\n`;
}

function formatTest({ name, failures }: TestResult): string {
  const head = `  ${failures.length === 0 ? '✓' : '✗'} ${cleanText(name)}`;
  return [head, ...failures.map((failure) => indented(indented(formatFailure(failure))))].join('\n');
}

export function countsOf(files: readonly RanFile[]) {
  const all = files.flatMap(({ results }) => results);
  const failed = all.filter(({ failures }) => failures.length > 0).length;
  const unreadable = files.filter(({ problem }) => problem !== undefined).length;
  return { tests: all.length, passed: all.length - failed, failed, unreadable };
}

/** Makes the JSON document; docs/report.schema.json describes it. */
export function toTestJson(files: readonly RanFile[]) {
  return {
    counts: countsOf(files),
    files: files.map(({ file, policy, problem, results }) => ({
      file,
      policy: policy ?? null,
      problem: problem ?? null,
      tests: results.map(({ name, instants, failures }) => ({
        name,
        at: instants.map((ms) => new Date(ms).toISOString()),
        passed: failures.length === 0,
        failures: failures.map(({ at, where, expected, found, why }) => ({
          at: new Date(at).toISOString(),
          where,
          expected,
          found,
          why: why === undefined ? null : { ...why.explanation, caps: why.caps },
        })),
      })),
    })),
  };
}
