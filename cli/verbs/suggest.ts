import type { SuggestFlags } from '../history/suggest.ts';
import { positiveNumber } from './arguments.ts';
import { KEYS_HELP, ONE_JSON_DOCUMENT, withProject } from './options.ts';
import { ACCOUNT, examples, type Verbs } from './program.ts';

const SUGGEST_EXIT_CODES_HELP = `
Exit codes:
  0  success, also if nothing can be suggested
  1  wrong usage, configuration or credentials
  4  partial: not everything that DLI remembers was read`;

export function addSuggestVerb({ add, terminal, exitWith }: Verbs): void {
  withProject(
    add('policy', 'suggest', 'suggest limits, as a policy that only logs, from the jobs that DLI remembers'),
    'looks',
  )
    .option('--days <n>', 'read only jobs that were submitted in so many days (default: all)', positiveNumber)
    .option('--max-calls <n>', 'most calls to DLI (default: 600, for 59,000 jobs)', positiveNumber)
    .option('--history <file>', 'keep what was read in this file, without SQL, and go on from there')
    .option('--json', ONE_JSON_DOCUMENT)
    .option('-q, --quiet', 'show no progress on stderr')
    .addHelpText('after', KEYS_HELP + SUGGEST_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'suggest --stage prod --target lake > policy.yml',
        `suggest ${ACCOUNT} --days 60 --history past.json > policy.yml`,
        'suggest --history past.json --json',
      ),
    )
    .action((flags: SuggestFlags) =>
      exitWith(async () => (await import('../history/suggest.ts')).runSuggest(flags, terminal)),
    );
}
