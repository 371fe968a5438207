/** The code that is running: the version in package.json, and the commit, which is `unknown` without git. */
export interface CodeVersion {
  version: string;
  commit: string;
}

/** The build puts the values in. Code that runs from its sources has none. */
export const CODE: CodeVersion | undefined = undefined as CodeVersion | undefined;
