import { systemClock } from '../../lib/base/clock.ts';
import type { StopFlags, SwitchFlags } from '../stage/switch.ts';
import { examples, STAGE_EXIT_CODES_HELP, type Verbs } from './program.ts';

export function addSwitchVerbs({ program, terminal, exitWith }: Verbs): void {
  program
    .command('stop')
    .description('keep every sweep of a stage from cancelling, those under way included')
    .option('--stage <stage>', 'whose switch')
    .option('--until <when>', 'when it will be over; it never resumes by itself, from then on it asks')
    .option('--reason <text>', 'why, for whoever reads it later')
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText('after', examples('stop --stage prod', 'stop --stage prod --until 2026-12-05 --reason "month end"'))
    .action((flags: StopFlags) =>
      exitWith(async () => (await import('../stage/switch.ts')).runStop(flags, terminal, systemClock.now())),
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
      exitWith(async () => (await import('../stage/switch.ts')).runResume(flags, terminal, systemClock.now())),
    );
}
