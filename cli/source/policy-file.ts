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
import { PolicyError, parsePolicy } from '../../lib/policy/parse.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { readText } from './files.ts';

/** A policy as somebody wrote it, with the way back from a path in it to its line. */
export interface PolicyFile {
  policy: Policy;
  text: string;
  /** The same as it was written, for Parameter Store. */
  document: unknown;
  /** `policy.yml:7:5`, or the nearest there is. */
  locate: (keys: readonly (string | number)[]) => string;
}

/** A policy file is wrong; the message holds a line for each problem. */
export class PolicyFileError extends SettingsError {
  override name = 'PolicyFileError';
  /** One for each thing that is wrong in the file, with its line. */
  readonly problems: readonly string[];
  constructor(path: string, problem: string, { problems, cause }: { problems: readonly string[]; cause?: unknown }) {
    super(path, `${problem}:\n${problems.join('\n')}`, { cause });
    this.problems = problems;
  }
}

/**
 * A policy in YAML, of which JSON is a part.
 *
 * @throws {SettingsError} if there is no such file, or it is not UTF-8.
 * @throws {PolicyFileError} with every problem in it, each with line and column.
 */
export function readPolicyFile(path: string): PolicyFile {
  return readPolicyText(readText(path), path);
}

/** @param path in messages. @throws {PolicyFileError} as {@link readPolicyFile}. */
export function readPolicyText(text: string, path: string): PolicyFile {
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
    return { policy: parsePolicy(written), text, document: written, locate };
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
 * What a file holds that need not be a valid policy; undefined if it is not even YAML.
 *
 * @throws {SettingsError} if there is no such file, or it is not UTF-8: a person who names one relies on what it exempts.
 */
export function readPolicyDocument(path: string): unknown {
  const document = parseDocument(readText(path), { prettyErrors: false });
  try {
    return faultsOf(document).length > 0 ? undefined : document.toJS();
  } catch {
    return undefined;
  }
}

/** A tag that YAML does not know, as in `!re ana.*`, is only a warning to the library, and is lost with what it was to say. */
const faultsOf = ({ errors, warnings }: Document.Parsed) => [...errors, ...warnings];

/** The library's words, but for those that are for programmers. */
const wordsFor = ({ code, message }: YAMLError): string =>
  code === 'MULTIPLE_DOCS' ? 'another document begins here; a policy is one document, so leave out the ---' : message;

/** Aliases that lead nowhere, or to more than anybody writes by hand, show only now. */
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

/** Of the key where there is one; of what should hold it where it is missing. */
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
