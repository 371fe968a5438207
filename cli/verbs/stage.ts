import type { Command } from 'commander';
import { systemClock } from '../../lib/base/clock.ts';
import type { StageFlags } from '../source/open-stage.ts';
import type { ExemptFlags } from '../stage/exempt.ts';
import type { FreezeFlags } from '../stage/freeze.ts';
import type { InitFlags } from '../stage/init.ts';
import type { StatusFlags } from '../stage/status.ts';
import type { StopFlags } from '../stage/switch.ts';
import { collect, durationText, numberList } from './arguments.ts';
import { ONE_JSON_DOCUMENT, withStage } from './options.ts';
import { PlaceOption } from './place.ts';
import { ACCOUNT, examples, STAGE_EXIT_CODES_HELP, type Verbs } from './program.ts';

/** Adds the verbs that look at a stage, or change it. */
export function addStageVerbs(verbs: Verbs): void {
  addStop(verbs);
  addResume(verbs);
  addStatus(verbs);
  addExempt(verbs);
  addUnexempt(verbs);
  addFreeze(verbs);
  addUnfreeze(verbs);
  addInit(verbs);
}

/** Adds the flags that select the jobs of an exemption or a freeze. */
const withMatch = (command: Command) =>
  command
    .option('--job-id <id>', 'this job; may be given several times', collect)
    .option('--queue <pattern>', 'jobs of this queue; may be given several times', collect)
    .option('--owner <pattern>', "this user's jobs; may be given several times", collect)
    .option('--tag <tag>', 'jobs with this tag, such as team=bi; may be given several times', collect);

function addStop({ add, terminal, exitWith }: Verbs): void {
  withStage(add('stage', 'stop', 'stop all cancelling in a stage, also by sweeps that are running'), 'acts')
    .option('--until <when>', 'when to ask for a resume; the stage never resumes by itself')
    .option('--reason <text>', 'why, for the people who read it later')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('stop --stage prod', 'stop --stage prod --until 2026-12-05 --reason "month end"'))
    .action((flags: StopFlags) =>
      exitWith(async () => (await import('../stage/switch.ts')).runStop(flags, terminal, systemClock.now())),
    );
}

function addResume({ add, terminal, exitWith }: Verbs): void {
  withStage(add('stage', 'resume', 'allow the sweeps of a stage to cancel again; asks for its name'), 'acts')
    .option('--confirm <stage>', 'confirm without typing, for scripts')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('resume --stage prod'))
    .action((flags: StageFlags) =>
      exitWith(async () => (await import('../stage/switch.ts')).runResume(flags, terminal, systemClock.now())),
    );
}

function addStatus({ add, terminal, exitWith }: Verbs): void {
  withStage(add('look', 'status', 'show the switch, the schedule, the last sweeps, and what is overdue now'), 'looks')
    .option('--within <duration>', 'how far back to look in the log', durationText, '24h')
    .option('--no-look', 'do not ask DLI what is overdue now')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('status --stage prod', 'status --stage prod --no-look --json'))
    .action((flags: StatusFlags) =>
      exitWith(async () => (await import('../stage/status.ts')).runStatus(flags, terminal)),
    );
}

function addExempt({ add, terminal, exitWith }: Verbs): void {
  withMatch(withStage(add('stage', 'exempt <id>', 'protect some jobs from every rule for a time'), 'acts'))
    .requiredOption('--reason <text>', 'why, for the people who read it later')
    .requiredOption('--contact <name>', 'whom to ask about it')
    .requiredOption('--until <when>', 'a day such as 2027-02-01, a time with its zone, or a duration such as 7d')
    .option('--from <when>', 'start, in the same forms (default: now)')
    .option('--replace', 'overwrite an exemption of the same id')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'exempt backfill --stage prod --owner orders --until 7d --reason "backfill of 2025" --contact orders-team',
      ),
    )
    .action((id: string, flags: ExemptFlags) =>
      exitWith(async () => (await import('../stage/exempt.ts')).runExempt(id, flags, terminal, systemClock.now())),
    );
}

function addUnexempt({ add, terminal, exitWith }: Verbs): void {
  withStage(add('stage', 'unexempt <id>', 'remove an exemption; asks for its id'), 'acts')
    .option('--confirm <id>', 'confirm without typing, for scripts')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('unexempt backfill --stage prod'))
    .action((id: string, flags: StageFlags) =>
      exitWith(async () => (await import('../stage/exempt.ts')).runUnexempt(id, flags, terminal)),
    );
}

function addFreeze({ add, terminal, exitWith }: Verbs): void {
  withMatch(withStage(add('stage', 'freeze <id>', 'cancel none of these jobs on some days'), 'acts'))
    .requiredOption('--reason <text>', 'why, for the people who read it later')
    .option('--all', 'every job')
    .option('--from <when>', 'start: a day such as 2026-11-29, a time with its zone, or a duration from now')
    .option('--until <when>', 'end, in the same forms; a day counts to its end')
    .option(
      '--days <list>',
      'in place of --from and --until: days of each month; -1 is the last day, such as -2,-1,1',
      numberList,
    )
    .option('--months <list>', 'only in these months, such as 3,6,9,12', numberList)
    .option('--time-zone <name>', 'time zone of the days, such as Europe/Berlin')
    .option('--replace', 'overwrite a freeze of the same id')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'freeze launch --stage prod --all --from 2026-11-29 --until 2026-12-05 --reason "launch week"',
        'freeze month-end --stage prod --queue finance_* --days=-2,-1,1,2,3,4,5 --time-zone Europe/Berlin --reason "month end"',
      ),
    )
    .action((id: string, flags: FreezeFlags) =>
      exitWith(async () => (await import('../stage/freeze.ts')).runFreeze(id, flags, terminal, systemClock.now())),
    );
}

function addUnfreeze({ add, terminal, exitWith }: Verbs): void {
  withStage(add('stage', 'unfreeze <id>', 'remove a freeze; asks for its id'), 'acts')
    .option('--confirm <id>', 'confirm without typing, for scripts')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('unfreeze month-end --stage prod'))
    .action((id: string, flags: StageFlags) =>
      exitWith(async () => (await import('../stage/freeze.ts')).runUnfreeze(id, flags, terminal)),
    );
}

function addInit({ add, terminal, exitWith }: Verbs): void {
  const description = 'write a first policy with comments, which cancels nothing; with --stage also its parameters';
  const ofStage = 'create what is missing in Parameter Store: switch (at stop), target and policy';
  add('stage', 'init', description)
    .option('--policy <new-file>', 'where to write it', 'policy.yml')
    .addOption(new PlaceOption('stage', ofStage, 'acts'))
    .option('--target <name>', 'name of the target in the stage', 'default')
    .option('--region <region>', 'region of the target')
    .option('--project-id <id>', 'project of the target')
    .option('--project-name <name>', 'its name, such as eu-west-101_lake; a live target needs it')
    .option('--credentials', 'ask for the key of DLI, or read it as JSON from stdin, and store it encrypted')
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'init',
        `init --stage prod --target lake ${ACCOUNT}`,
        'init --stage prod --credentials < credentials.json',
      ),
    )
    .action((flags: InitFlags) => exitWith(async () => (await import('../stage/init.ts')).runInit(flags, terminal)));
}
