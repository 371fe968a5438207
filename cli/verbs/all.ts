import { type Command, CommanderError } from 'commander';
import { dliReaper } from '../../lib/base/command-line.ts';
import { shellWord } from '../screen/shell-lines.ts';
import { interrupted } from '../screen/signals.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, onlyPrintable } from '../screen/text.ts';
import { addDoctorVerb } from './doctor.ts';
import { addEmergencyVerb } from './emergency.ts';
import { addEmulatorVerbs } from './emulator.ts';
import { usageDocument } from './error-words.ts';
import { addBacktestVerb } from './history.ts';
import { addNoticesVerbs } from './notices.ts';
import { addPolicyVerbs } from './policy.ts';
import { createVerbs, type Verbs } from './program.ts';
import { addReportVerb } from './report.ts';
import { addJobsVerb, addSnapshotVerbs } from './snapshot.ts';
import { addStageVerbs } from './stage.ts';
import { addSuggestVerb } from './suggest.ts';
import { addSweepVerbs } from './sweep.ts';
import { addTestVerb } from './test.ts';

/** Adds all verbs. Each loads its code when it is called, since the AWS SDK alone takes longer to load than an emulator to start. */
function addAll(terminal: Terminal): Verbs {
  const verbs = createVerbs(onlyPrintable(terminal));
  addJobsVerb(verbs);
  addSweepVerbs(verbs);
  addEmergencyVerb(verbs);
  addStageVerbs(verbs);
  addReportVerb(verbs);
  addNoticesVerbs(verbs);
  addDoctorVerb(verbs);
  addPolicyVerbs(verbs);
  addTestVerb(verbs);
  addSnapshotVerbs(verbs);
  addBacktestVerb(verbs);
  addSuggestVerb(verbs);
  addEmulatorVerbs(verbs);
  return verbs;
}

export const createProgram = (terminal: Terminal): Command => addAll(terminal).program;

/** @param args without the names of node and of the script. @returns the exit code. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const { program, terminal: screen, exitCode } = addAll(terminal);
  const isJson = args.includes('--json');
  try {
    await program.parseAsync([...args], { from: 'user' });
    if (interrupted.aborted && exitCode() !== 0 && !isJson) terminal.err(`${goOn(args)}\n`);
    return exitCode();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has already printed the help, or the mistake in the flags.
    if (isJson && error.exitCode !== 0) screen.out(usageDocument(error));
    return error.exitCode;
  }
}

/** The last line of a verb that was interrupted: the command that does the rest. */
const goOn = (args: readonly string[]): string =>
  `To continue: ${dliReaper(args.map(shellWord).map(cleanText).join(' '))}`;
