import * as v from 'valibot';

/**
 * Puts what a schema has against a document into words, such as `policy: missing`.
 *
 * @param allowed what the document may hold, to be told with an unknown key.
 * @param whole what the document itself should be, where no part of it is to blame; by default the words of the schema.
 */
export function issueWords(
  issue: v.BaseIssue<unknown>,
  { allowed, whole = issue.message }: { allowed?: readonly string[]; whole?: string } = {},
): string {
  const path = v.getDotPath(issue);
  if (path === null) return whole;
  const problem = keyProblem(issue) ?? issue.message;
  const hint = problem === 'unknown key' && allowed !== undefined ? `; allowed: ${allowed.join(', ')}` : '';
  return `${path}: ${problem}${hint}`;
}

/** What is wrong with a key itself; undefined where its value is to blame. */
export function keyProblem({ expected, path }: v.BaseIssue<unknown>): 'unknown key' | 'missing' | undefined {
  if (expected === 'never') return 'unknown key';
  return path?.at(-1)?.origin === 'key' ? 'missing' : undefined;
}
