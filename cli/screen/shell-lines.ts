/** A stage, and the AWS region that this terminal uses. */
interface StageInRegion {
  name: string;
  region: () => Promise<string | undefined>;
}

/** The line that deploys a stage to the AWS region that this terminal uses. */
export async function deployLine({ name, region }: StageInRegion): Promise<string> {
  return `npm run deploy -- --stage ${name}${inRegion(await region())}    # in a clone`;
}

/** The region flag of the aws and serverless commands; empty if no region is known. */
export const inRegion = (region: string | undefined): string => (region === undefined ? '' : ` --region ${region}`);

/** Quotes one argument for a shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
