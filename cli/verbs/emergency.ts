import { ENGINE_NAMES } from '../../lib/base/job.ts';
import type { EmergencyFlags } from '../emergency/payload.ts';
import { collect, durationText, wholeNumber } from './arguments.ts';
import { KEYS_HELP, withReport, withTarget } from './options.ts';
import { ACCOUNT, EXIT_CODES_HELP, examples, type Verbs } from './program.ts';

const CONFIRMATION_HELP = `
What to type: the name of the target. Without a stage it is the id of the project. With --all-targets it is the stage and
the number of its targets, such as "prod 12".

An emergency ignores the modes of policy and target. It obeys the switch, the exemptions, the freezes and the protections.
--policy is read only for its exemptions and freezes.
`;

export function addEmergencyVerb({ add, terminal, exitWith }: Verbs): void {
  const description = 'cancel jobs by age or id now, without the rules of a policy';
  withReport(withTarget(add('cancel', 'emergency', description), 'acts'))
    .option('--older-than <duration>', 'only jobs that were submitted longer ago than this', durationText)
    .option('--job-id <id>', 'only this job, of any age; may be given several times', collect)
    .option('--queue <pattern>', 'only jobs of this queue; may be given several times', collect)
    .option('--owner <pattern>', "only this user's jobs; may be given several times", collect)
    .option(
      '--engine <name>',
      `only jobs of this engine: ${ENGINE_NAMES.join(', ')}; may be given several times`,
      collect,
    )
    .option('--type <type>', 'only jobs of this type; a write such as INSERT is cancelled only if named here', collect)
    .option('--all-targets', 'every target of --stage')
    .option('--max-kills <n>', 'cancel nothing if more jobs than this match; at most 1000', wholeNumber, 50)
    .option('--reason <text>', 'why, for the record; required')
    .option('--confirm <name>', 'confirm without typing, for scripts; skips the plan')
    .option('--dry-run', 'show the plan and stop')
    .option('--include-exempt', 'cancel exempt and frozen jobs too; the report says so')
    .option('--no-savepoint', 'stop Flink jobs without a savepoint')
    .option('--verify-for <duration>', 'how long to wait for cancelled jobs to stop', durationText, '60s')
    .option('--remote', 'run it in the deployed functions of --stage, and follow their log')
    .addHelpText('after', CONFIRMATION_HELP + KEYS_HELP + EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'emergency --stage prod --target lake --older-than 10m --queue adhoc --reason "adhoc is stuck"',
        `emergency ${ACCOUNT} --job-id 5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa --reason runaway`,
        'emergency --stage prod --all-targets --older-than 2h --confirm "prod 12" --reason "quota exhausted" --remote',
      ),
    )
    .action((flags: EmergencyFlags) =>
      exitWith(async () => (await import('../emergency/emergency.ts')).runEmergency(flags, terminal)),
    );
}
