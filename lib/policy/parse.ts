import * as v from 'valibot';
import { keyProblem } from '../base/issue-words.ts';
import { exampleFor, hintForKey, spellingHint } from './hints.ts';
import {
  type Exemption,
  exemptionMatchSchema,
  exemptionSchema,
  type Freeze,
  freezeSchema,
  type Policy,
  policySchema,
  tagExemptionsSchema,
} from './schema.ts';

export interface PolicyProblem {
  /** Where, such as `rules[0].maxRunTime`; empty for the document itself. */
  path: string;
  /** The same, such as `['rules', 0, 'maxRunTime']`. */
  keys: readonly (string | number)[];
  message: string;
}

/** Every problem of a policy, an exemption or a freeze, at once. */
export class PolicyError extends Error {
  override name = 'PolicyError';
  readonly problems: readonly PolicyProblem[];
  constructor(what: string, problems: readonly PolicyProblem[]) {
    const lines = problems.map(({ path, message }) => `  ${path || '(document)'}: ${message}`);
    super(`${what} is not valid:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/**
 * @param document what YAML or JSON made of the policy's text.
 * @throws {PolicyError} with every problem found, each with its path and what would be right.
 */
export function parsePolicy(document: unknown): Policy {
  return parse(policySchema, document, 'the policy');
}

/** @throws {PolicyError} as {@link parsePolicy}. */
export function parseExemption(document: unknown): Exemption {
  return parse(exemptionSchema, document, 'the exemption');
}

/** Reads which jobs an exemption, or a freeze, is for. @throws {PolicyError} as {@link parsePolicy}. */
export function parseExemptionMatch(document: unknown): Exemption['match'] {
  return parse(exemptionMatchSchema, document, 'match');
}

/** @throws {PolicyError} as {@link parsePolicy}. */
export function parseFreeze(document: unknown): Freeze {
  return parse(freezeSchema, document, 'the freeze');
}

/** Reads that part of a policy; undefined where it has none. @throws {PolicyError} as {@link parsePolicy}. */
export function parseTagExemptions(document: unknown): Policy['tagExemptions'] {
  return parse(tagExemptionsSchema, document, 'tagExemptions');
}

function parse<T extends v.GenericSchema>(schema: T, document: unknown, what: string): v.InferOutput<T> {
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
  // A check of a value's content has said it all; a check of its type is clearer with what stands there instead.
  const isOfType = issue.kind === 'schema';
  const found = isOfType ? `; found ${form(issue.input)}${hintForText(issue)}` : '';
  return [{ path, keys, message: `${issue.message}${found}` }];
}

/** YAML reads 2026 as a number, and 0123 as another one than is written. */
function hintForText({ message, input }: v.BaseIssue<unknown>): string {
  const isTextWanted = /^expected (a text|a name|one value)/.test(message);
  return isTextWanted && ['number', 'boolean'].includes(typeof input) ? '; write it in quotes' : '';
}

/** A union says that nothing fits. What the author meant is told by the form of what stands there. */
function issuesOfMeantBranch({ issues, input }: v.BaseIssue<unknown>): readonly v.BaseIssue<unknown>[] {
  const isText = typeof input === 'string';
  return (issues ?? []).filter(({ path, kind, type }) => {
    if (path !== undefined || kind !== 'schema') return true;
    return isText && type === 'picklist';
  });
}

export function formatKeys(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    return path === '' ? key : `${path}.${key}`;
  }, '');
}

/** What kind of thing stands there: enough to find it, not so much that a misplaced secret shows. */
function form(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? `the word ${value}` : 'nothing';
}
