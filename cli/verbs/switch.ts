import { examples, STAGE_EXIT_CODES_HELP, type Verbs } from '../program.ts';
import type { SwitchFlags } from '../switch.ts';

export function addSwitchVerbs({ program, terminal, exitWith }: Verbs): void {
  program
    .command('stop')
    .description('keep every sweep of a stage from cancelling, those under way included')
    .option('--stage <stage>', 'whose switch')
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('stop --stage prod'))
    .action((flags: SwitchFlags) =>
      exitWith(async () => (await import('../switch.ts')).runSwitch('stop', flags, terminal)),
    );

  program
    .command('resume')
    .description('let the sweeps of a stage cancel again, once its name is typed')
    .option('--stage <stage>', 'whose switch')
    .option('--confirm <stage>', 'in place of typing it, for scripts')
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('resume --stage prod'))
    .action((flags: SwitchFlags) =>
      exitWith(async () => (await import('../switch.ts')).runSwitch('run', flags, terminal)),
    );
}
