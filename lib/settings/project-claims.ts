import { parseJsonText, withoutMark } from '../base/text.ts';

/** What a target of a stage says of its project. */
export interface ProjectClaim {
  target: string;
  projectId: string;
  /** Whether it says that another target may be on the same project. */
  shared: boolean;
}

/**
 * The claims of all targets of a stage, by what can be read of their parameters: one that is invalid for another reason still
 * tells its project. One that tells no project makes no claim. It keeps no other target from its work, since it is never
 * swept, each dispatch counts it as an error, and what a live sweep cancels is known by IAM's name of its own project.
 *
 * @param values by the whole names of the parameters, all of them below `path`.
 */
export function claimsIn(values: ReadonlyMap<string, string>, path: string): ProjectClaim[] {
  return [...values].flatMap(([parameter, text]) => {
    const target = parameter.slice(path.length);
    // A parameter deeper down is no target.
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

/** What is wrong, and what to do about it. */
export interface Problem {
  found: string;
  fix: string;
}

/**
 * Says which other targets are on the same project, unless all of them say that they share it. The id alone decides: it is
 * known in one region only, so that two addresses with one id are two ways to the same jobs.
 *
 * @returns undefined if there is nothing wrong.
 */
export function clashOf(own: ProjectClaim, claims: readonly ProjectClaim[]): Problem | undefined {
  const id = own.projectId.toLowerCase();
  const others = claims.filter(({ target, projectId }) => target !== own.target && projectId.toLowerCase() === id);
  if (others.length === 0 || [own, ...others].every(({ shared }) => shared)) return undefined;
  const names = others.map(({ target }) => target).sort();
  return {
    found: `projectId: ${own.projectId} is the project of ${names.join(', ')} as well`,
    fix: 'correct the one that is wrong, or put "shared": true into all of them if that is meant',
  };
}

export const inWords = ({ found, fix }: Problem): string => `${found}; ${fix}`;
