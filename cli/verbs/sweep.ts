import type { Command } from 'commander';
import type { SweepFlags } from '../sweep/perform.ts';
import type { WasReapedFlags } from '../sweep/was-reaped.ts';
import type { WhyFlags } from '../sweep/why.ts';
import { durationText } from './arguments.ts';
import { KEYS_HELP, withMaxKills, withReport, withStage, withTarget } from './options.ts';
import { PlaceOption } from './place.ts';
import { ACCOUNT, EXIT_CODES_HELP, examples, type Verbs } from './program.ts';

export function addSweepVerbs(verbs: Verbs): void {
  addPlan(verbs);
  addSweep(verbs);
  addWhy(verbs);
  addWasReaped(verbs);
}

const lookCommand = ({ add }: Verbs, name: string, description: string): Command =>
  withReport(withTarget(add('look', name, description), 'looks'));

function addPlan(verbs: Verbs): void {
  const { terminal, exitWith } = verbs;
  withMaxKills(lookCommand(verbs, 'plan', 'show what a sweep would do; never cancels'))
    .option('--from <file>', 'judge the jobs of a snapshot, not the live jobs; - is stdin')
    .addHelpText('after', KEYS_HELP + EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        `plan --policy policy.yml ${ACCOUNT}`,
        'plan --stage prod --target lake --spared',
        'plan --policy new.yml --from world.json',
      ),
    )
    .action(({ from, ...flags }: SweepFlags & { from?: string }) =>
      exitWith(async () => {
        if (from !== undefined) return (await import('../snapshot/judge.ts')).runPlanFrom(from, flags, terminal);
        return (await import('../sweep/run.ts')).runSweep({ ...flags, dryRun: true }, terminal);
      }),
    );
}

function addSweep(verbs: Verbs): void {
  const { terminal, exitWith } = verbs;
  const description = 'cancel overdue jobs and prove what became of each; a dry run by default';
  withMaxKills(
    withReport(withTarget(verbs.add('cancel', 'sweep', description), 'acts'))
      .option('--dry-run', 'show what it would do', true)
      .option('--no-dry-run', 'cancel for real, if the mode of policy and target is live'),
  )
    .option('--verify-for <duration>', 'how long to wait for cancelled jobs to stop', durationText, '60s')
    .option('--reason <text>', 'why, for the record')
    .option('--remote', 'run it in the deployed function of --stage, and follow its log')
    .addHelpText('after', KEYS_HELP + EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        `sweep --policy policy.yml ${ACCOUNT} --no-dry-run`,
        'sweep --stage prod --target lake --json',
        'sweep --stage prod --target lake --no-dry-run --remote --reason "queue adhoc is stuck"',
      ),
    )
    .action(({ remote, ...flags }: SweepFlags & { remote?: boolean }) =>
      exitWith(async () => {
        if (remote) return (await import('../remote/sweep.ts')).runRemoteSweep(flags, terminal);
        return (await import('../sweep/run.ts')).runSweep(flags, terminal);
      }),
    );
}

function addWhy(verbs: Verbs): void {
  const { terminal, exitWith } = verbs;
  lookCommand(verbs, 'why <job-id>', 'show why a job is cancelled or spared: the rules now, and what sweeps did to it')
    .alias('explain')
    .option('--from <file>', 'a job of a snapshot, not a live job; - is stdin')
    .option('--within <duration>', 'how far back to read the record of --stage', durationText, '7d')
    .addHelpText('after', KEYS_HELP + EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'why 5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa --stage prod --target lake',
        'why 5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa --policy new.yml --from world.json',
      ),
    )
    .action((jobId: string, { from, ...flags }: WhyFlags & { from?: string }) =>
      exitWith(async () => {
        if (from !== undefined) {
          return (await import('../snapshot/judge.ts')).runWhyFrom(from, jobId, flags, terminal);
        }
        return (await import('../sweep/why.ts')).runWhy(jobId, flags, terminal);
      }),
    );
}

const ANSWERS_HELP = `
Exit codes:
  0  yes: a live sweep of the stage cancelled the job, or has chosen it
  1  wrong usage or configuration
  3  no: the job has ended, no sweep chose it, and the record is complete
  4  unknown: something is missing, which the output names`;

function addWasReaped({ add, terminal, exitWith }: Verbs): void {
  const description = 'say whether a sweep cancelled a job, for an orchestrator that would run it again';
  withStage(add('look', 'was-reaped <job-id>', description), 'looks')
    .addOption(new PlaceOption('target', 'name of the target in the stage', 'looks').makeOptionMandatory())
    .option('--within <duration>', 'how far back to read the record', durationText, '7d')
    .option('--wait <duration>', 'how long to ask again while it is unknown', durationText)
    .option('--ended-at <time>', 'when the job ended, or later; needed if DLI cannot be asked')
    .addHelpText('after', ANSWERS_HELP)
    .addHelpText(
      'after',
      examples('was-reaped 5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa --stage prod --target lake --wait 2m'),
    )
    .action((jobId: string, flags: WasReapedFlags) =>
      exitWith(async () => (await import('../sweep/was-reaped.ts')).runWasReaped(jobId, flags, terminal)),
    );
}
