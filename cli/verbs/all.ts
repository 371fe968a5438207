import { type Command, CommanderError } from 'commander';
import { dliReaper } from '../../lib/base/command-line.ts';
import { shellWord } from '../screen/shell-lines.ts';
import { interrupted } from '../screen/signals.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, onlyPrintable } from '../screen/text.ts';
import { addEmulatorVerbs } from './emulator.ts';
import { addPolicyStageVerbs } from './policy.ts';
import { addPolicyFileVerbs } from './policy-file.ts';
import { createVerbs, type Verbs } from './program.ts';
import { addStageVerbs } from './stage.ts';
import { addSweepVerbs } from './sweep.ts';
import { addSwitchVerbs } from './switch.ts';

/** Each verb loads what it needs when it is called: the AWS SDK alone takes longer than an emulator to start. */
function addAll(terminal: Terminal): Verbs {
  const verbs = createVerbs(onlyPrintable(terminal));
  addSweepVerbs(verbs);
  addSwitchVerbs(verbs);
  addStageVerbs(verbs);
  addPolicyStageVerbs(verbs);
  addPolicyFileVerbs(verbs);
  addEmulatorVerbs(verbs);
  return verbs;
}

export const createProgram = (terminal: Terminal): Command => addAll(terminal).program;

/** @param args without the names of node and of the script. @returns the exit code. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { program, exitCode } = addAll(terminal);
  try {
    await program.parseAsync([...args], { from: 'user' });
    if (interrupted.aborted && exitCode() !== 0 && !args.includes('--json')) terminal.err(`${goOn(args)}\n`);
    return exitCode();
  } catch (error) {
    // Help and mistakes in the flags, which it has written already.
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}

/** The last words of what was interrupted: the line that does what is left. */
const goOn = (args: readonly string[]): string =>
  `To go on: ${dliReaper(args.map(shellWord).map(cleanText).join(' '))}`;
