import type { Command } from 'commander';
import { createVerbs } from '../program.ts';
import type { Terminal } from '../terminal.ts';
import { addEmulatorVerbs } from './emulator.ts';
import { addPolicyFileVerbs } from './policy-file.ts';
import { addPolicyStageVerbs } from './policy-stage.ts';
import { addStageVerbs } from './stage.ts';
import { addSweepVerbs } from './sweep.ts';
import { addSwitchVerbs } from './switch.ts';

/** Each verb loads what it needs when it is called: the AWS SDK alone takes longer than an emulator to start. */
export function createProgram(terminal: Terminal): Command {
  const verbs = createVerbs(terminal);
  addSweepVerbs(verbs);
  addSwitchVerbs(verbs);
  addStageVerbs(verbs);
  addPolicyStageVerbs(verbs);
  addPolicyFileVerbs(verbs);
  addEmulatorVerbs(verbs);
  return verbs.program;
}
