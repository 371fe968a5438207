import { Command } from 'commander';
import { COMMAND, dliReaper } from '../../lib/base/command-line.ts';
import { DliError, describeError } from '../../lib/dli/errors.ts';
import { RequestError } from '../../lib/request/request.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanLines } from '../screen/text.ts';
import { readAsset } from '../source/assets.ts';

/** What a file of verbs is given to add them by. */
export interface Verbs {
  program: Command;
  terminal: Terminal;
  /** Of the verb that was run; 0 until then. */
  exitCode: () => number;
  /** Runs a verb and turns what it throws into one line and exit code 1. */
  exitWith: (run: () => Promise<number>) => Promise<void>;
}

export const EXIT_CODES_HELP = `
Exit codes:
  0  all well
  1  usage, configuration or credentials; or the switch, the clock or the operator stopped the sweep, it came too late,
     or it was held back: its project is not certain, the ceilings say no, or what was cancelled before is not known
  3  some job failed, was not seen to stop, or was named in an emergency and is spared
  4  partial: the listing is incomplete, no job could be judged, or the deadline came first
  5  a cap stopped the sweep`;

export const STAGE_EXIT_CODES_HELP = `
Exit codes:
  0  all well
  1  usage, configuration, credentials or permissions; not confirmed; or something is wrong, and is named`;

/** Always the last part of a verb's help. */
export const examples = (...lines: string[]) =>
  `\nExamples:\n${lines.map((line) => `  ${dliReaper(line)}`).join('\n')}`;

export const ACCOUNT = '--region eu-west-101 --project-id 0123456789abcdef0123456789abcdef';

export function createVerbs(terminal: Terminal): Verbs {
  const program = new Command(COMMAND)
    .description(
      'Finds Huawei Cloud DLI jobs that exceed a runtime policy, cancels them, and proves what became of each.',
    )
    .version((JSON.parse(readAsset('package.json')) as { version: string }).version)
    // Thrown, so that whoever runs it ends the process, and not before everything is written.
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: (text) => terminal.err(cleanLines(text)) })
    .showHelpAfterError('(--help tells more)')
    .addHelpText(
      'after',
      examples('demo', `plan --policy policy.yml ${ACCOUNT}`, 'sweep --stage prod --target lake', 'emergency --help'),
    );

  // A value that was forgotten must not swallow the flag behind it, least of all --dry-run.
  program.hook('preAction', (_, verb) => {
    for (const option of verb.options) {
      const swallowed = [verb.getOptionValue(option.attributeName()) as unknown].flat().find(isFlag);
      if (swallowed !== undefined)
        verb.error(`error: option '${option.long}' lacks its value, and was given ${swallowed}`);
    }
  });
  let exitCode = 0;
  return {
    program,
    terminal,
    exitCode: () => exitCode,
    exitWith: async (run) => {
      try {
        exitCode = await run();
      } catch (error) {
        terminal.err(`dli-reaper: ${cleanLines(toWords(error))}\n`);
        exitCode = EXIT_CONFIGURATION;
      }
    },
  };
}

const isFlag = (value: unknown): value is string => typeof value === 'string' && /^--[a-z]/.test(value);

/** Below the text that follows `dli-reaper: `. */
const NEXT_LINE = '\n            ';

/** What stops a verb is told in one line; a stack helps only where the error is ours. */
function toWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof RequestError) return error.problems.map(inFlags).join(NEXT_LINE);
  if (error instanceof DliError) return describeError(error, NEXT_LINE);
  // An error of the system, such as a port that is taken, has a code and needs no stack.
  const isOurs = !('syscall' in error) && (error.name === 'Error' || error instanceof TypeError);
  return (isOurs && error.stack) || error.message;
}

/** The flags that become keys of a request under another name. */
const FLAGS: Readonly<Record<string, string>> = {
  jobIds: '--job-id',
  jobType: '--type',
  olderThan: '--older-than',
  maxKills: '--max-kills',
  verifyFor: '--verify-for',
  ...Object.fromEntries(['target', 'queue', 'owner', 'engine', 'reason', 'confirm'].map((key) => [key, `--${key}`])),
};

/** `jobIds.0: expected the id of a job` is of --job-id to whoever typed it. */
function inFlags(problem: string): string {
  const [whole = '', key = ''] = /^(\w+)(\.\d+)?(?=: )/.exec(problem) ?? [];
  const flag = FLAGS[key];
  return flag === undefined ? problem : flag + problem.slice(whole.length);
}
