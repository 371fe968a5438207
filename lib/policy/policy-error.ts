export interface PolicyProblem {
  /** The place, such as `rules[0].maxRunTime`; empty for the document itself. */
  path: string;
  /** The same place as a list, such as `['rules', 0, 'maxRunTime']`. */
  keys: readonly (string | number)[];
  message: string;
}

/** A policy, an exemption or a freeze that is not valid, with every problem found. */
export class PolicyError extends Error {
  override name = 'PolicyError';
  readonly problems: readonly PolicyProblem[];
  constructor(what: string, problems: readonly PolicyProblem[]) {
    const lines = problems.map(({ path, message }) => `  ${path || '(document)'}: ${message}`);
    super(`${what} is not valid:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}
