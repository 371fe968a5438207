import type { BacktestFlags } from '../history/backtest.ts';
import { period } from './arguments.ts';
import { KEYS_HELP, withPast, withTarget } from './options.ts';
import { ACCOUNT, examples, type Verbs } from './program.ts';

const BACKTEST_EXIT_CODES_HELP = `
Exit codes:
  0  no job that finished well would have been cancelled
  1  wrong usage, configuration or credentials
  3  without caps, one would have been
  4  partial: not everything was read, or nothing could be tried`;

export function addBacktestVerb({ add, terminal, exitWith }: Verbs): void {
  const words = 'try a policy on what DLI remembers: which jobs that finished well would it have cancelled?';
  withPast(withTarget(add('policy', 'backtest', words), 'looks'))
    .option('--against <file>', "today's policy, to show the difference")
    .option('--every <duration>', 'time between two sweeps (default: as deployed, or 15m)', period)
    .option('--all', 'show every line, however many there are')
    .addHelpText('after', KEYS_HELP + BACKTEST_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'backtest --policy policy.yml --stage prod --target lake',
        `backtest --policy policy.yml ${ACCOUNT} --history past.json`,
      ),
    )
    .action((flags: BacktestFlags) =>
      exitWith(async () => (await import('../history/backtest.ts')).runBacktest(flags, terminal)),
    );
}
