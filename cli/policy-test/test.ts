import { dirname, isAbsolute, join } from 'node:path';
import { SettingsError } from '../../lib/settings/settings.ts';
import { EXIT_CONFIGURATION, EXIT_FAILED } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanLines } from '../screen/text.ts';
import { writeText } from '../source/files.ts';
import { readPolicyFile } from '../source/policy-file.ts';
import { toJunit } from './junit.ts';
import { runTests, type TestResult } from './run.ts';
import { countsOf, formatResults, toTestJson } from './screen.ts';
import { readTestFile } from './test-file.ts';

export interface TestFlags {
  /** File for the results as JUnit XML. */
  junit?: string;
  json?: boolean;
}

/** A file of tests, and what came of it. */
export interface RanFile {
  file: string;
  /** The file of its policy; undefined if that is not known. */
  policy: string | undefined;
  /** Why it could not be run. */
  problem: string | undefined;
  results: TestResult[];
}

/**
 * Runs files of tests. It asks nothing of any service.
 *
 * @returns 3 if a test fails; 1 if a file, or the policy that it names, cannot be read or is not valid. @throws {SettingsError}
 */
export async function runTest(
  paths: readonly string[],
  { junit, json }: TestFlags,
  terminal: Terminal,
): Promise<number> {
  const files: RanFile[] = [];
  for (const path of paths) files.push(await runFile(path));
  for (const { problem } of files) if (problem !== undefined) terminal.err(`dli-reaper: ${cleanLines(problem)}\n`);
  if (junit !== undefined) writeText(junit, toJunit(files));
  terminal.out(json ? toJson('policy-test', toTestJson(files)) : formatResults(files));
  const { failed, unreadable } = countsOf(files);
  if (unreadable > 0) return EXIT_CONFIGURATION;
  return failed > 0 ? EXIT_FAILED : 0;
}

async function runFile(file: string): Promise<RanFile> {
  let policy: string | undefined;
  try {
    const tests = readTestFile(file);
    policy = isAbsolute(tests.policy) ? tests.policy : join(dirname(file), tests.policy);
    return { file, policy, problem: undefined, results: await runTests(tests, readPolicyFile(policy).policy) };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { file, policy, problem: error.message, results: [] };
  }
}
