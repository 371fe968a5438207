import type { Command } from 'commander';
import { systemClock } from '../../lib/base/clock.ts';
import type { PolicyFlags } from '../policy/stored-policy.ts';
import { wholeNumber } from './arguments.ts';
import { ONE_JSON_DOCUMENT, withStage } from './options.ts';
import type { Effect } from './place.ts';
import { examples, STAGE_EXIT_CODES_HELP, type Verbs } from './program.ts';

/** Adds the verbs for the policy that a stage holds, and for a policy file. */
export function addPolicyVerbs(verbs: Verbs): void {
  const policy = verbs
    .add('policy', 'policy', 'pull, diff, push or roll back the policy of a stage')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('policy pull --stage prod -o policy.yml', 'policy push policy.yml --stage prod'));
  addPull(policy, verbs);
  addDiff(policy, verbs);
  addPush(policy, verbs);
  addRollback(policy, verbs);
  addValidate(verbs);
  addSchema(verbs);
}

const CONFIRM_HELP = 'confirm a live policy without typing the name of the stage';

const withPolicy = (command: Command, effect: Effect) =>
  withStage(command, effect).option('--name <name>', 'name of the policy in the stage', 'base');

const withVictims = (command: Command, effect: Effect) =>
  withPolicy(command, effect).option('--no-look', 'do not ask DLI for the live jobs');

function addPull(policy: Command, { terminal, exitWith }: Verbs): void {
  withPolicy(policy.command('pull').description('write the live policy, with its version in the first line'), 'looks')
    .option('-o, --output <new-file>', 'where to write it (default: stdout)')
    .option('--replace', 'overwrite that file and its comments')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('policy pull --stage prod -o policy.yml'))
    .action((flags: PolicyFlags & { output?: string; replace?: boolean }) =>
      exitWith(async () => (await import('../policy/pull.ts')).runPull(flags, terminal)),
    );
}

function addDiff(policy: Command, { terminal, exitWith }: Verbs): void {
  withVictims(
    policy.command('diff <file>').description('show what a push would change: the text, and who is cancelled'),
    'looks',
  )
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('policy diff policy.yml --stage prod'))
    .action((file: string, flags: PolicyFlags) =>
      exitWith(async () => (await import('../policy/diff.ts')).runDiff(file, flags, terminal)),
    );
}

function addPush(policy: Command, { terminal, exitWith }: Verbs): void {
  withVictims(
    policy.command('push <file>').description('check a policy, show the difference and its effect, and write it'),
    'acts',
  )
    .option('--over-version <n>', 'the live version to replace, for a file that was not pulled', wholeNumber)
    .option('--over <file>', 'the policy to replace; refused if another is live')
    .option('--confirm <stage>', CONFIRM_HELP)
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples('policy push policy.yml --stage prod', 'policy push policy.yml --stage prod --confirm prod --json'),
    )
    .action((file: string, flags: PolicyFlags & { overVersion?: number; over?: string }) =>
      exitWith(async () => (await import('../policy/push.ts')).runPush(file, flags, terminal)),
    );
}

function addRollback(policy: Command, { terminal, exitWith }: Verbs): void {
  withVictims(
    policy.command('rollback').description('write an earlier version again; Parameter Store keeps a hundred'),
    'acts',
  )
    .option('--to <version>', 'the version to write (default: the one before the live one)', wholeNumber)
    .option('--confirm <stage>', CONFIRM_HELP)
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('policy rollback --stage prod', 'policy rollback --stage prod --to 7'))
    .action((flags: PolicyFlags & { to?: number }) =>
      exitWith(async () => (await import('../policy/push.ts')).runRollback(flags, terminal)),
    );
}

function addValidate({ add, terminal, exitWith }: Verbs): void {
  add('policy', 'validate <file>', 'check a policy: show every error with its line; warnings do not fail')
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', examples('validate policy.yml', 'validate policy.yml --json'))
    .action((file: string, flags: { json?: boolean }) =>
      exitWith(async () =>
        (await import('../policy/validate.ts')).runValidate(file, flags, terminal, systemClock.now()),
      ),
    );
}

function addSchema({ add, terminal, exitWith }: Verbs): void {
  add('policy', 'schema', 'print the JSON Schema of a policy, for editors')
    .addHelpText('after', examples('schema > policy.schema.json'))
    .action(() => exitWith(async () => (await import('../policy/validate.ts')).runSchema(terminal)));
}
