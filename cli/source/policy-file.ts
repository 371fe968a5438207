import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { messageOf } from '../../lib/base/error-words.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import { PolicyError } from '../../lib/policy/policy-error.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { readText } from './files.ts';

/** A policy file, with a way to find the line of each key. */
export interface PolicyFile {
  policy: Policy;
  text: string;
  /** The document as written, for Parameter Store. */
  document: unknown;
  /** Returns the place of a key, such as `policy.yml:7:5`, or the nearest place above it. */
  locate: (keys: readonly (string | number)[]) => string;
}

/** An invalid policy file, or an invalid file of tests for one. The message holds a line for each problem. */
export class PolicyFileError extends SettingsError {
  override name = 'PolicyFileError';
  /** All problems in the file, each with its line. */
  readonly problems: readonly string[];
  constructor(path: string, problem: string, { problems, cause }: { problems: readonly string[]; cause?: unknown }) {
    super(path, `${problem}:\n${problems.join('\n')}`, { cause });
    this.problems = problems;
  }
}

/**
 * Reads a policy in YAML or JSON.
 *
 * @throws {SettingsError} if the file is missing, or is not UTF-8.
 * @throws {PolicyFileError} with all problems, each with line and column.
 */
export function readPolicyFile(path: string): PolicyFile {
  return readPolicyText(readText(path), path);
}

/** Reads the text of a policy. @param path names it in messages. @throws {PolicyFileError} like {@link readPolicyFile}. */
export function readPolicyText(text: string, path: string): PolicyFile {
  const { value: policy, document, locate } = readYaml(text, path, parsePolicy);
  return { policy, text, document, locate };
}

/**
 * Reads YAML or JSON.
 *
 * @param path names the text in messages.
 * @param parse throws a {@link PolicyError} for a document that is not valid.
 * @throws {PolicyFileError} with all problems, each with line and column.
 */
export function readYaml<T>(
  text: string,
  path: string,
  parse: (document: unknown) => T,
): { value: T } & Pick<PolicyFile, 'document' | 'locate'> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const faults = faultsOf(document);
  if (faults.length > 0) {
    const problems = faults.map((fault) => `${at(fault.pos[0])}: ${wordsFor(fault)}`);
    throw new PolicyFileError(path, 'is not YAML', { problems });
  }

  const locate: PolicyFile['locate'] = (keys) => at(offsetOf(document, keys));
  try {
    const written = toJs(path, document);
    return { value: parse(written), document: written, locate };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const problems = error.problems
      .toSorted((a, b) => offsetOf(document, a.keys) - offsetOf(document, b.keys))
      .map((problem) => {
        const where = problem.path === '' ? '' : `${problem.path}: `;
        return `${locate(problem.keys)}: ${where}${problem.message}`;
      });
    throw new PolicyFileError(path, 'is not valid', { problems, cause: error });
  }
}

/**
 * Reads the document of a policy that may be invalid. @returns undefined if the file is not YAML.
 *
 * @throws {SettingsError} if the file is missing, or is not UTF-8: a person who names a file relies on its exemptions.
 */
export function readPolicyDocument(path: string): unknown {
  const document = parseDocument(readText(path), { prettyErrors: false });
  try {
    return faultsOf(document).length > 0 ? undefined : document.toJS();
  } catch {
    return undefined;
  }
}

/** All errors, and warnings: the library only warns of an unknown tag such as `!re ana.*`, and then drops it. */
const faultsOf = ({ errors, warnings }: Document.Parsed) => [...errors, ...warnings];

/** The library's message, or a plainer one. */
const wordsFor = ({ code, message }: YAMLError): string =>
  code === 'MULTIPLE_DOCS'
    ? 'a second document begins here; the file has to be one document, so remove the ---'
    : message;

/** Resolves aliases. @throws {PolicyFileError} if an alias has no anchor, or expands to too much. */
function toJs(path: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    const problem = messageOf(error);
    throw new PolicyFileError(path, 'is not YAML that can be used', {
      problems: [`${path}: ${problem}`],
      cause: error,
    });
  }
}

/** Returns the offset of a key. If the key is missing, it is the offset of the part that should hold it. */
function offsetOf(document: Document, keys: readonly (string | number)[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of keys) {
    if (isSeq(node) && typeof key === 'number') node = node.items[key];
    else if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      offset = startOf(pair?.key) ?? offset;
      node = pair?.value;
      continue;
    } else return offset;
    offset = startOf(node) ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
