import type { Command } from 'commander';
import { COMMAND, dliReaper } from '../../lib/base/command-line.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanLines, cleanText } from '../screen/text.ts';
import { startWaits } from '../screen/waits.ts';
import { readAsset } from '../source/assets.ts';
import { openStdin, STDIN } from '../source/files.ts';
import { type Destination, noticeOfRehearsal } from '../source/rehearsal.ts';
import { errorDocument, wordsFor } from './error-words.ts';
import { hasPlace, takeVariables, untakenVariables } from './place.ts';
import { Verb } from './verb.ts';

/** The groups of verbs in the help, by what a person wants to do. */
const GROUPS = {
  look: 'Look, and change nothing:',
  cancel: 'Cancel jobs:',
  stage: 'Control a stage:',
  policy: 'Write and try a policy:',
  try: 'Try it without an account:',
} as const;

/** What a file in this folder needs to add its verbs. */
export interface Verbs {
  /** Adds a verb to a group of the help. */
  add: (group: keyof typeof GROUPS, nameAndArguments: string, description: string) => Command;
  program: Command;
  terminal: Terminal;
  /** Returns the exit code of the verb that was run; 0 before that. */
  exitCode: () => number;
  /** Runs a verb. An error becomes one line on stderr and exit code 1. */
  exitWith: (run: () => Promise<number>) => Promise<void>;
}

export const EXIT_CODES_HELP = `
Exit codes:
  0  success
  1  wrong usage, configuration or credentials; or the sweep was stopped by the switch, the clock or the operator,
     expired, or was held back: its project is not certain, a ceiling forbids it, or earlier cancels are not known
  3  a job failed, was not seen to stop, or was named in an emergency and is spared
  4  partial: the listing is incomplete, no job could be judged, or the deadline came first
  5  a cap stopped the sweep`;

export const STAGE_EXIT_CODES_HELP = `
Exit codes:
  0  success
  1  wrong usage, configuration, credentials or permissions; not confirmed; or a problem that the output names`;

/** The examples at the end of a verb's help. */
export const examples = (...lines: string[]) =>
  `\nExamples:\n${lines.map((line) => `  ${dliReaper(line)}`).join('\n')}`;

export const ACCOUNT = '--region eu-west-101 --project-id 0123456789abcdef0123456789abcdef';

const GLOBAL_HELP = `
A <file> may be -, which is stdin. A verb that only looks takes --stage and --target from DLI_REAPER_STAGE and
DLI_REAPER_TARGET; a verb that changes or cancels something never does.`;

function createProgram({ out, err, withoutColours }: Terminal): Command {
  return (
    new Verb(COMMAND)
      .description(
        'Finds Huawei Cloud DLI jobs that exceed a runtime policy, cancels them, and proves what became of each.',
      )
      .version((JSON.parse(readAsset('package.json')) as { version: string }).version)
      .option('--no-color', 'no colours, as with NO_COLOR; before or after the verb')
      .on('option:no-color', () => withoutColours?.())
      // Commander throws in place of ending the process, so that all output is written first.
      .exitOverride()
      .configureOutput({ writeOut: out, writeErr: (text) => err(cleanLines(text)) })
      .showHelpAfterError('(see --help)')
      // The verbs have groups of their own.
      .commandsGroup('Help:')
      .helpCommand(true)
      .addHelpText('after', GLOBAL_HELP)
      .addHelpText(
        'after',
        examples('demo', `plan --policy policy.yml ${ACCOUNT}`, 'sweep --stage prod --target lake', 'emergency --help'),
      )
  );
}

/** A terminal that remembers whether a document was printed, and what was said that may be the reason for a failure. */
function remembering(outside: Terminal) {
  let isPrinted = false;
  let last = '';
  const errors: string[] = [];
  const terminal: Terminal = {
    ...outside,
    out: (text) => {
      isPrinted = true;
      outside.out(text);
    },
    err: (text) => {
      last = text;
      if (text.startsWith(ERROR)) errors.push(text.slice(ERROR.length));
      outside.err(text);
    },
  };
  return {
    terminal,
    isPrinted: () => isPrinted,
    lastSaid: () => (errors.length > 0 ? errors : [last]).map((text) => text.trim()),
  };
}

/** Begins each error on stderr. */
const ERROR = 'dli-reaper: ';

export function createVerbs(outside: Terminal): Verbs {
  const { terminal, isPrinted, lastSaid } = remembering(outside);
  const program = createProgram(outside);
  let verb = program;
  let taken: string[] = [];
  program.hook('preAction', (_, called) => {
    verb = called;
    assertNoFlagAsValue(verb);
    taken = takeVariables(verb);
  });
  let exitCode = 0;
  /** Prints the document of an error, unless the verb has printed its own: stdout holds one document. */
  const report = (messages: string[], settings: string[]) => {
    if (verb.getOptionValue('json') === true && !isPrinted()) {
      terminal.out(errorDocument({ messages, settings }, exitCode));
    }
  };
  return {
    add: (group, nameAndArguments, description) =>
      program.command(nameAndArguments).helpGroup(GROUPS[group]).description(description),
    program,
    terminal,
    exitCode: () => exitCode,
    exitWith: async (run) => {
      // A line about a wait is no reason for a failure.
      const endWaits = startWaits(outside, verb.opts<{ quiet?: boolean }>());
      try {
        sayPlace(verb, taken, terminal);
        await openStdin(stdinFlags(verb), terminal);
        exitCode = await run();
        if (exitCode !== 0) report(lastSaid(), []);
      } catch (error) {
        const { text, messages, settings } = wordsFor(error, () => untakenVariables(verb, terminal.env));
        terminal.err(`${ERROR}${cleanLines(text)}\n`);
        exitCode = EXIT_CONFIGURATION;
        report(messages, settings);
      } finally {
        endWaits();
      }
    },
  };
}

/** Says where a verb goes if that is the rehearsal, or comes from the environment. @throws {SettingsError} if it may not go there. */
function sayPlace(verb: Command, taken: readonly string[], { env, err }: Terminal): void {
  try {
    const notice = noticeOfRehearsal(hasPlace(verb) ? verb.opts<Destination>() : {}, env);
    if (notice !== undefined) err(`${notice}\n`);
  } finally {
    if (taken.length > 0) err(`${cleanText(taken.join('; '))}\n`);
  }
}

/** An option without its value must not take the next flag as one, least of all --dry-run. */
function assertNoFlagAsValue(verb: Command): void {
  for (const option of verb.options) {
    const swallowed = [verb.getOptionValue(option.attributeName()) as unknown].flat().find(isFlag);
    if (swallowed !== undefined) verb.error(`error: option '${option.long}' needs a value; found ${swallowed}`);
  }
}

const isFlag = (value: unknown): value is string => typeof value === 'string' && /^-(-[a-z]|[a-z]$)/i.test(value);

/** Names the flags and arguments that are `-`, where they are a `<file>`: one that the verb reads. */
function stdinFlags(verb: Command): string[] {
  const flags = verb.options.flatMap((option) => {
    const values = [verb.getOptionValue(option.attributeName()) as unknown].flat();
    return option.flags.endsWith(' <file>') ? values.filter((value) => value === STDIN).map(() => option) : [];
  });
  const arguments_ = verb.registeredArguments.flatMap((one, i) => {
    const values = one.variadic ? verb.args.slice(i) : verb.args.slice(i, i + 1);
    return one.name() === 'file' ? values.filter((value) => value === STDIN).map(() => 'FILE') : [];
  });
  return [...arguments_, ...flags.map(({ long }) => String(long))];
}
