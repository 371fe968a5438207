/** The command as the user calls it, from the launcher of this process; a function has no launcher. */
export const COMMAND = process.env.DLI_REAPER_COMMAND ?? 'dli-reaper';

/** Returns a command that can be copied and run. @param line the verb and its arguments. */
export const dliReaper = (line: string): string => `${COMMAND} ${line}`;

/** Returns the profile by which AWS's tools and SDKs find credentials; undefined if none is set. */
export const awsProfile = (): string | undefined => process.env.AWS_PROFILE || undefined;
