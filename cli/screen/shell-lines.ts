/** A stage by its name, and the region that this terminal asks for it. */
interface StageInRegion {
  name: string;
  region: () => Promise<string | undefined>;
}

/** The line that deploys a stage to the region that this terminal asks. */
export async function deployLine({ name, region }: StageInRegion): Promise<string> {
  return `npm run package && npx serverless deploy --stage ${name}${inRegion(await region())}    # in a clone`;
}

/** The flag that AWS's own tools and serverless have for it; nothing where no region is known. */
export const inRegion = (region: string | undefined): string => (region === undefined ? '' : ` --region ${region}`);

/** One argument, as a shell reads it back. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
