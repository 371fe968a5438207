/** How the command is called where this process was started, as its launcher says; a function has none. */
export const COMMAND = process.env.DLI_REAPER_COMMAND ?? 'dli-reaper';

/** A line of the command that can be pasted where it is printed. @param line with stage and whatever else it takes. */
export const dliReaper = (line: string): string => `${COMMAND} ${line}`;

/** By which AWS's own tools and SDKs find credentials; undefined where it is not set. */
export const awsProfile = (): string | undefined => process.env.AWS_PROFILE || undefined;
