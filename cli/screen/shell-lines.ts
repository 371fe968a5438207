import type { Stage } from '../source/stage.ts';

/** The line that deploys a stage to the region that this terminal asks. */
export async function deployLine({ name, region }: Pick<Stage, 'name' | 'region'>): Promise<string> {
  return `npm run package && npx serverless deploy --stage ${name}${inRegion(await region())}    # in a clone`;
}

/** The flag that AWS's own tools and serverless have for it; nothing where no region is known. */
export const inRegion = (region: string | undefined): string => (region === undefined ? '' : ` --region ${region}`);

/** One argument, as a shell reads it back. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
