import { systemClock } from '../../lib/clock.ts';
import { examples, type Verbs } from '../program.ts';

export function addPolicyFileVerbs({ program, terminal, exitWith }: Verbs): void {
  program
    .command('validate <file>')
    .description('check a policy: every error at once, each with its line; warnings do not fail')
    .addHelpText('after', examples('validate policy.yml'))
    .action((file: string) =>
      exitWith(async () => (await import('../validate.ts')).runValidate(file, terminal, systemClock.now())),
    );

  program
    .command('schema')
    .description('print the JSON Schema of a policy, for editors')
    .addHelpText('after', examples('schema > policy.schema.json'))
    .action(() => exitWith(async () => (await import('../validate.ts')).runSchema(terminal)));
}
