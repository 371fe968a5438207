import * as v from 'valibot';
import { keyProblem } from '../base/issue-words.ts';
import { exampleFor, hintForKey, spellingHint } from './hints.ts';
import { PolicyError, type PolicyProblem } from './policy-error.ts';

/** Reads what a person wrote. @throws {PolicyError} with every problem, each with its path and what to write instead. */
export function readAs<T extends v.GenericSchema>(schema: T, document: unknown, what: string): v.InferOutput<T> {
  const result = v.safeParse(schema, document);
  if (result.success) return result.output;
  throw new PolicyError(
    what,
    result.issues.flatMap((issue) => describe(issue, [])),
  );
}

function describe(issue: v.BaseIssue<unknown>, above: readonly (string | number)[]): PolicyProblem[] {
  const keys = [...above, ...(issue.path ?? []).map(({ key }) => key as string | number)];
  const inner = issue.type === 'union' ? issuesOfMeantBranch(issue) : [];
  if (inner.length > 0) return inner.flatMap((one) => describe(one, keys));

  const path = formatKeys(keys);
  const key = String(keys.at(-1));
  const problem = keyProblem(issue);
  if (problem === 'unknown key') {
    return [{ path, keys, message: `${problem}${hintForKey(key, issue.message.split(', '))}` }];
  }
  if (problem === 'missing') return [{ path, keys, message: `${problem}${exampleFor(key)}` }];
  if (issue.type === 'picklist') {
    const allowed = issue.expected?.replaceAll(' | ', ', ').replaceAll(/[()"]/g, '') ?? '';
    const hint = spellingHint(issue.input, allowed.split(', '));
    return [{ path, keys, message: `expected one of ${allowed}; found ${form(issue.input)}${hint}` }];
  }
  // The message of a check on the content is complete; a check on the type also says what was found.
  const isOfType = issue.kind === 'schema';
  const found = isOfType ? `; found ${form(issue.input)}${hintForText(issue)}` : '';
  return [{ path, keys, message: `${issue.message}${found}` }];
}

/** Asks for quotes: YAML reads 2026 as a number, and 0123 as a number with another value. */
function hintForText({ message, input }: v.BaseIssue<unknown>): string {
  const isTextWanted = /^expected (a text|a name|one value)/.test(message);
  return isTextWanted && ['number', 'boolean'].includes(typeof input) ? '; write it in quotes' : '';
}

/** A union says only that nothing fits. The form of the value shows which branch its author meant. */
function issuesOfMeantBranch({ issues, input }: v.BaseIssue<unknown>): readonly v.BaseIssue<unknown>[] {
  const isText = typeof input === 'string';
  return (issues ?? []).filter(({ path, kind, type }) => {
    if (path !== undefined || kind !== 'schema') return true;
    return isText && type === 'picklist';
  });
}

/** Writes a place in a document as a path, such as `rules[0].maxRunTime`. */
export function formatKeys(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    return path === '' ? key : `${path}.${key}`;
  }, '');
}

/** Names the kind of a value: enough to find it, and not so much that it shows a misplaced secret. */
function form(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? `the word ${value}` : 'nothing';
}
