import { SettingsError } from './settings.ts';

/** @see serverless.yml, name of the function */
export const functionName = (stage: string, name: 'sweep' | 'dispatch' | 'notify') => `dli-job-reaper-${stage}-${name}`;

/** What writes a record: one of the functions, or people who sweep with their own credentials. */
export type RecordName = 'sweep' | 'dispatch' | 'notify' | 'by-hand';

/** Returns the log group of a record. Only its function can write that of a function. */
export function logGroupOf(stage: string, name: RecordName): string {
  return name === 'by-hand' ? `/dli-job-reaper/${stage}/by-hand` : `/aws/lambda/${functionName(stage, name)}`;
}

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const LONGEST_FUNCTION_NAME = 64;
const LONGEST_STAGE = LONGEST_FUNCTION_NAME - functionName('', 'dispatch').length;

/** @throws {SettingsError} for a stage that no deploy takes; deploy/options.cjs has the same, and a test compares them. */
export function assertStage(stage: string | undefined): asserts stage is string {
  const isName = stage !== undefined && /^[A-Za-z0-9][A-Za-z0-9-]*$/.test(stage);
  if (isName && stage.length <= LONGEST_STAGE) return;
  const form = `at most ${LONGEST_STAGE} letters, digits and hyphens, and no hyphen first, such as dev`;
  throw new SettingsError('stage', `expected ${form}`);
}
