import { parseJsonText, withoutMark } from '../base/text.ts';

/** What a target of a stage says about its project. */
export interface ProjectClaim {
  target: string;
  projectId: string;
  /** Whether it says that other targets may use the same project. */
  shared: boolean;
}

/**
 * Reads the claims of all targets of a stage. A target that is invalid for another reason still makes a claim. A target
 * without a project id makes none and does not stop the others: it is never swept, each dispatch counts it as an error, and a
 * live sweep checks the name of its own project with IAM.
 *
 * @param values by the full names of the parameters, all of them below `path`.
 */
export function claimsIn(values: ReadonlyMap<string, string>, path: string): ProjectClaim[] {
  return [...values].flatMap(([parameter, text]) => {
    const target = parameter.slice(path.length);
    // A parameter in a folder below the path is not a target.
    const fields = target.includes('/') ? {} : readFields(text);
    if (typeof fields.projectId !== 'string') return [];
    return [{ target, projectId: fields.projectId, shared: fields.shared === true }];
  });
}

function readFields(text: string): Record<string, unknown> {
  try {
    const document = parseJsonText(withoutMark(text));
    return typeof document === 'object' && document !== null ? { ...document } : {};
  } catch {
    return {};
  }
}

/** A problem, and what to do about it. */
export interface Problem {
  found: string;
  fix: string;
}

/**
 * Says which other targets use the same project, unless all of them say that they share it. Only the id counts: it exists in
 * one region only, so two endpoints with one id lead to the same jobs.
 *
 * @returns undefined if no other target does, or if all of them share it.
 */
export function clashOf(own: ProjectClaim, claims: readonly ProjectClaim[]): Problem | undefined {
  const id = own.projectId.toLowerCase();
  const others = claims.filter(({ target, projectId }) => target !== own.target && projectId.toLowerCase() === id);
  if (others.length === 0 || [own, ...others].every(({ shared }) => shared)) return undefined;
  const names = others.map(({ target }) => target).sort();
  return {
    found: `projectId: ${own.projectId} is also the project of ${names.join(', ')}`,
    fix: 'correct the wrong one, or put "shared": true into all of them if this is meant',
  };
}

export const inWords = ({ found, fix }: Problem): string => `${found}; ${fix}`;
