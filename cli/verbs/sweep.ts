import type { Command } from 'commander';
import { ENGINE_NAMES, type Engine } from '../../lib/base/job.ts';
import type { EmergencyFlags } from '../emergency/emergency.ts';
import type { ReplayFlags } from '../snapshot/replay.ts';
import type { SettingsFlags } from '../source/load-settings.ts';
import type { SweepFlags } from '../sweep/perform.ts';
import { collect, collectOf, durationText, wholeNumber } from './arguments.ts';
import { ACCOUNT, EXIT_CODES_HELP, examples, type Verbs } from './program.ts';

const KEYS_HELP = `
The keys are taken from HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK and HUAWEICLOUD_SDK_SECURITY_TOKEN (a password from
OS_USERNAME, OS_PASSWORD, OS_DOMAIN_NAME and OS_AUTH_URL), or with --stage from Parameter Store.`;

/** The flags of every verb that looks at a target's jobs. */
const withTarget = (command: Command) =>
  command
    .option('--policy <file>', 'the runtime policy, YAML or JSON')
    .option('--endpoint <url>', 'address of DLI; https, or http to this machine')
    .option('--project-id <id>', 'id of the project in that region')
    .option('--project-name <name>', 'its name, such as eu-west-101_lake; a live sweep asks IAM whether it is right')
    .option('--region <region>', 'region, for the default endpoint')
    .option('--stage <stage>', 'take target, credentials and policy from Parameter Store')
    .option('--target <name>', 'name of the target there');

const withOutput = (command: Command) =>
  command
    .option('--spared', 'show the jobs that a rule, an exemption or a protection spares as well')
    .option('--json', 'one JSON document on stdout and nothing else')
    .option('--verbose', 'the log on stderr, JSON lines')
    .option('--quiet', 'no progress on stderr');

export function addSweepVerbs({ program, terminal, exitWith }: Verbs): void {
  const verb = (name: string, description: string) =>
    withOutput(withTarget(program.command(name).description(description)));

  verb('plan', 'show what a sweep would do; never cancels')
    .option('--max-kills <n>', "in place of the policy's maxKills", wholeNumber)
    .option('--from <file>', 'judge the jobs of a snapshot in place of those of this moment')
    .addHelpText('after', KEYS_HELP + EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        `plan --policy policy.yml ${ACCOUNT}`,
        'plan --stage prod --target lake --spared',
        'plan --policy new.yml --from world.json',
      ),
    )
    .action((flags: SweepFlags & { from?: string }) =>
      exitWith(async () => {
        const { from, ...others } = flags;
        if (from !== undefined) return (await import('../snapshot/judge.ts')).runPlanFrom(from, others, terminal);
        return (await import('../sweep/run.ts')).runSweep({ ...others, dryRun: true }, terminal);
      }),
    );

  verb('sweep', 'cancel overdue jobs and prove what became of each; a dry run unless --no-dry-run')
    .option('--dry-run', 'show what it would do; so it is unless told otherwise', true)
    .option('--no-dry-run', 'cancel for real, if the mode of policy and target is live')
    .option('--max-kills <n>', "in place of the policy's maxKills", wholeNumber)
    .option('--verify-for <duration>', 'how long to wait for cancelled jobs to stop', durationText, '60s')
    .option('--reason <text>', 'why, for the record')
    .option('--remote', 'through the deployed function of --stage, following its log')
    .addHelpText('after', KEYS_HELP + EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        `sweep --policy policy.yml ${ACCOUNT} --no-dry-run`,
        'sweep --stage prod --target lake --json',
        'sweep --stage prod --target lake --no-dry-run --remote --reason "queue adhoc is stuck"',
      ),
    )
    .action((flags: SweepFlags & { remote?: boolean }) =>
      exitWith(async () => {
        const { remote, ...others } = flags;
        if (remote) return (await import('../remote/sweep.ts')).runRemoteSweep(others, terminal);
        return (await import('../sweep/run.ts')).runSweep(others, terminal);
      }),
    );

  verb('explain <job-id>', 'why a job would be cancelled or spared: every rule and exemption that is tried')
    .option('--from <file>', 'a job of a snapshot in place of one of this moment')
    .addHelpText('after', KEYS_HELP + EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'explain 5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa --stage prod --target lake',
        'explain 5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa --policy new.yml --from world.json',
      ),
    )
    .action((jobId: string, flags: SweepFlags & { from?: string }) =>
      exitWith(async () => {
        const { from, ...others } = flags;
        if (from !== undefined) {
          return (await import('../snapshot/judge.ts')).runExplainFrom(from, jobId, others, terminal);
        }
        return (await import('../sweep/explain.ts')).runExplain(jobId, others, terminal);
      }),
    );

  withTarget(
    program.command('snapshot').description('every live job as JSON, for plan --from, explain --from and replay'),
  )
    .option(
      '--engine <name>',
      'jobs of this engine; may be given several times; all unless told',
      collectOf(ENGINE_NAMES),
    )
    .option('--json', 'it is always one JSON document')
    .option('--with-statements', 'with the SQL itself, for policies that select by statement; keep such a file safe')
    .addHelpText('after', KEYS_HELP)
    .addHelpText(
      'after',
      examples('snapshot --stage prod --target lake > world.json', `snapshot ${ACCOUNT} > world.json`),
    )
    .action((flags: SettingsFlags & { withStatements?: boolean; engine?: Engine[] }) =>
      exitWith(async () => (await import('../snapshot/judge.ts')).runSnapshot(flags, terminal)),
    );

  program
    .command('replay')
    .description('a policy over saved snapshots: who would have been cancelled, when, and the difference to today')
    .requiredOption('--policy <file>', 'the policy to try')
    .requiredOption('--snapshots <folder>', 'what the verb snapshot has saved, any number of .json files')
    .option('--against <file>', "today's policy, to compare with")
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', examples('replay --policy new.yml --snapshots snapshots/ --against policy.yml'))
    .action((flags: ReplayFlags) =>
      exitWith(async () => (await import('../snapshot/replay.ts')).runReplay(flags, terminal)),
    );

  verb('emergency', 'cancel jobs by age or id tonight, whatever the policy says; needs no valid policy')
    .option('--older-than <duration>', 'only jobs that were submitted longer ago', durationText)
    .option('--job-id <id>', 'only this job, of any age; may be given several times', collect)
    .option('--queue <pattern>', 'only jobs of this queue; may be given several times', collect)
    .option('--owner <pattern>', "only this user's jobs; may be given several times", collect)
    .option('--engine <name>', 'only jobs of this engine: sql, spark or flink; may be given several times', collect)
    .option('--type <type>', 'only jobs of this type; writes only if named so', collect)
    .option('--all-targets', 'every target of --stage')
    .option('--max-kills <n>', 'more victims than this, and none is cancelled; at most 1000', wholeNumber, 50)
    .option('--reason <text>', 'why, for the record; required')
    .option('--confirm <name>', 'in place of typing the name of the target, for scripts')
    .option('--dry-run', 'show the plan and stop')
    .option('--include-exempt', 'cancel exempt and frozen jobs too; on record in the report')
    .option('--no-savepoint', 'stop Flink jobs without a savepoint')
    .option('--verify-for <duration>', 'how long to wait for cancelled jobs to stop', durationText, '60s')
    .option('--remote', 'through the deployed functions of --stage, following their log')
    .addHelpText(
      'after',
      `
What to type: the name of the target; with flags in place of a stage the id of the project; with --all-targets the
stage and the number of its targets, such as "prod 12". The modes of policy and target do not matter then; the switch,
the exemptions, the freezes and the protections do. --policy is read for its exemptions and freezes only.
${KEYS_HELP}${EXIT_CODES_HELP}`,
    )
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
