import type { Command } from 'commander';
import { systemClock } from '../../lib/base/clock.ts';
import type { DoctorFlags } from '../doctor/doctor.ts';
import type { StageFlags } from '../source/open-stage.ts';
import type { ExemptFlags, FreezeFlags } from '../stage/exempt.ts';
import type { InitFlags } from '../stage/init.ts';
import type { StatusFlags } from '../stage/status.ts';
import { collect, durationText, numberList } from './arguments.ts';
import { ACCOUNT, examples, STAGE_EXIT_CODES_HELP, type Verbs } from './program.ts';

const withStage = (command: Command) =>
  command
    .requiredOption('--stage <stage>', 'whose parameters below /dli-reaper/')
    .option('--json', 'one JSON document on stdout and nothing else');

/** Which jobs an exemption or a freeze is for. */
const withMatch = (command: Command) =>
  command
    .option('--job-id <id>', 'this job; may be given several times, as the others', collect)
    .option('--queue <pattern>', 'jobs of this queue', collect)
    .option('--owner <pattern>', "this user's jobs", collect)
    .option('--tag <tag>', 'jobs with this tag, such as team=bi', collect);

/** The verbs that look at a stage, or change it. */
export function addStageVerbs({ program, terminal, exitWith }: Verbs): void {
  withStage(program.command('status').description('switch, last sweep of each target, what is overdue, is it alive'))
    .option('--within <duration>', 'how far back to look in the log', durationText, '24h')
    .option('--no-look', 'do not ask DLI what is overdue now')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('status --stage prod', 'status --stage prod --no-look --json'))
    .action((flags: StatusFlags) =>
      exitWith(async () => (await import('../stage/status.ts')).runStatus(flags, terminal)),
    );

  withMatch(withStage(program.command('exempt <id>').description('protect some jobs from every rule, for a while')))
    .requiredOption('--reason <text>', 'why, for whoever reads it later')
    .requiredOption('--contact <name>', 'whom to ask about it')
    .requiredOption('--until <when>', 'a day such as 2027-02-01, a time with its zone, or how long, such as 7d')
    .option('--from <when>', 'when it begins to protect, likewise; at once by default')
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

  withStage(program.command('unexempt <id>').description('take an exemption away; asks for its id'))
    .option('--confirm <id>', 'in place of typing the id, for scripts')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('unexempt backfill --stage prod'))
    .action((id: string, flags: StageFlags) =>
      exitWith(async () => (await import('../stage/exempt.ts')).runUnexempt(id, flags, terminal)),
    );

  withMatch(withStage(program.command('freeze <id>').description('have no job of these cancelled, on some days')))
    .requiredOption('--reason <text>', 'why, for whoever reads it later')
    .option('--all', 'every job')
    .option('--from <when>', 'a day such as 2026-11-29, a time with its zone, or how long from now')
    .option('--until <when>', 'likewise; a day counts to its end')
    .option(
      '--days <list>',
      'in place of both, days of each month, from its end below zero, such as -2,-1,1',
      numberList,
    )
    .option('--months <list>', 'only in these months, such as 3,6,9,12', numberList)
    .option('--time-zone <name>', 'whose days they are, such as Europe/Berlin')
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
      exitWith(async () => (await import('../stage/exempt.ts')).runFreeze(id, flags, terminal, systemClock.now())),
    );

  withStage(program.command('unfreeze <id>').description('take a freeze away; asks for its id'))
    .option('--confirm <id>', 'in place of typing the id, for scripts')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('unfreeze month-end --stage prod'))
    .action((id: string, flags: StageFlags) =>
      exitWith(async () => (await import('../stage/exempt.ts')).runUnfreeze(id, flags, terminal)),
    );

  program
    .command('init')
    .description('a commented policy to begin with, which kills nothing; with --stage its parameters too')
    .option('--policy <file>', 'where to write it', 'policy.yml')
    .option('--stage <stage>', 'create switch (stop), target and policy in Parameter Store, where they are missing')
    .option('--target <name>', 'name of the target there', 'default')
    .option('--region <region>', 'region of the target')
    .option('--project-id <id>', 'project of the target')
    .option('--project-name <name>', 'its name, such as eu-west-101_lake; the target needs it before it is live')
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('init', `init --stage prod --target lake ${ACCOUNT}`))
    .action((flags: InitFlags) => exitWith(async () => (await import('../stage/init.ts')).runInit(flags, terminal)));

  program
    .command('doctor')
    .description(
      'credentials, clocks, reachability, permissions, parameters, policy, schedule: what is wrong, and the fix',
    )
    .option('--policy <file>', 'the runtime policy, YAML or JSON')
    .option('--endpoint <url>', 'address of DLI; https, or http to this machine')
    .option('--project-id <id>', 'id of the project in that region')
    .option('--project-name <name>', 'its name, such as eu-west-101_lake; IAM is asked whether it is right')
    .option('--region <region>', 'region, for the default endpoint')
    .option('--stage <stage>', 'take target, credentials and policy from Parameter Store')
    .option('--target <name>', 'name of the target there')
    .option('--probe', 'instead, find out what this DLI does where no document says it; reads, then asks')
    .option('--probe-queue <name>', 'queue for the one SQL job that the probe submits and cancels; without it none')
    .option('--probe-file <file>', 'where the probe writes what it found (default: dli-probe-<day>.json)')
    .option('--confirm <queue>', 'in place of typing the name of the queue, for scripts')
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'doctor --stage prod --target lake',
        `doctor --policy policy.yml ${ACCOUNT}`,
        `doctor --probe --probe-queue sandbox ${ACCOUNT}`,
      ),
    )
    .action((flags: DoctorFlags) =>
      exitWith(async () => (await import('../doctor/doctor.ts')).runDoctor(flags, terminal)),
    );
}
