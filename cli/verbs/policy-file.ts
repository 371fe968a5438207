import { systemClock } from '../../lib/base/clock.ts';
import { examples, type Verbs } from './program.ts';

export function addPolicyFileVerbs({ program, terminal, exitWith }: Verbs): void {
  program
    .command('validate <file>')
    .description('check a policy: every error at once, each with its line; warnings do not fail')
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', examples('validate policy.yml', 'validate policy.yml --json'))
    .action((file: string, flags: { json?: boolean }) =>
      exitWith(async () =>
        (await import('../policy/validate.ts')).runValidate(file, flags, terminal, systemClock.now()),
      ),
    );

  program
    .command('schema')
    .description('print the JSON Schema of a policy, for editors')
    .addHelpText('after', examples('schema > policy.schema.json'))
    .action(() => exitWith(async () => (await import('../policy/validate.ts')).runSchema(terminal)));
}
