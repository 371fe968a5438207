import * as v from 'valibot';

/**
 * Puts an issue of a schema into words, such as `policy: missing`.
 *
 * @param allowed the keys that are allowed, to be listed with an unknown key.
 * @param whole the words for an issue of the whole document. Default: the words of the schema.
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

/** Returns what is wrong with a key itself; undefined if its value is wrong. */
export function keyProblem({ expected, path }: v.BaseIssue<unknown>): 'unknown key' | 'missing' | undefined {
  if (expected === 'never') return 'unknown key';
  return path?.at(-1)?.origin === 'key' ? 'missing' : undefined;
}
