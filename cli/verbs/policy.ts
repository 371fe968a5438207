import type { Command } from 'commander';
import type { PolicyFlags } from '../policy/push.ts';
import { wholeNumber } from './arguments.ts';
import { examples, STAGE_EXIT_CODES_HELP, type Verbs } from './program.ts';

const withPolicy = (command: Command) =>
  command
    .requiredOption('--stage <stage>', 'whose parameters below /dli-reaper/')
    .option('--name <name>', 'name of the policy there', 'base');

const withEffect = (command: Command) =>
  withPolicy(command)
    .option('--no-look', 'do not ask DLI who would be cancelled now')
    .option('--json', 'one JSON document on stdout and nothing else');

export function addPolicyStageVerbs({ program, terminal, exitWith }: Verbs): void {
  const policy = program
    .command('policy')
    .description('the policy that a stage holds: pull, diff, push, rollback')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('policy pull --stage prod -o policy.yml', 'policy push policy.yml --stage prod'));

  withPolicy(policy.command('pull').description('write the live policy, with its version in the first line'))
    .option('-o, --output <file>', 'where to; stdout unless told')
    .option('--replace', 'overwrite that file, and the comments in it')
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('policy pull --stage prod -o policy.yml'))
    .action((flags: PolicyFlags & { output?: string; replace?: boolean }) =>
      exitWith(async () => (await import('../policy/push.ts')).runPull(flags, terminal)),
    );

  withEffect(policy.command('diff <file>').description('what a push would change, in text and in who is cancelled'))
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('policy diff policy.yml --stage prod'))
    .action((file: string, flags: PolicyFlags) =>
      exitWith(async () => (await import('../policy/push.ts')).runDiff(file, flags, terminal)),
    );

  withEffect(policy.command('push <file>').description('validate, show the difference and its effect, and write it'))
    .option('--over-version <n>', 'the live version that may be replaced, for a file that was not pulled', wholeNumber)
    .option('--confirm <stage>', 'in place of typing the name of the stage, which a live policy takes')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples('policy push policy.yml --stage prod', 'policy push policy.yml --stage prod --confirm prod --json'),
    )
    .action((file: string, flags: PolicyFlags & { overVersion?: number }) =>
      exitWith(async () => (await import('../policy/push.ts')).runPush(file, flags, terminal)),
    );

  withEffect(policy.command('rollback').description('put a version back that Parameter Store still holds'))
    .option('--to <version>', 'the version before the live one unless told', wholeNumber)
    .option('--confirm <stage>', 'in place of typing the name of the stage, which a live policy takes')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('policy rollback --stage prod', 'policy rollback --stage prod --to 7'))
    .action((flags: PolicyFlags & { to?: number }) =>
      exitWith(async () => (await import('../policy/push.ts')).runRollback(flags, terminal)),
    );
}
