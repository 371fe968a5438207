import type { SuggestFlags } from '../history/suggest.ts';
import { KEYS_HELP, withPast, withProject } from './options.ts';
import { ACCOUNT, examples, type Verbs } from './program.ts';

const SUGGEST_EXIT_CODES_HELP = `
Exit codes:
  0  success, also if nothing can be suggested
  1  wrong usage, configuration or credentials
  4  partial: not everything that DLI remembers was read`;

export function addSuggestVerb({ add, terminal, exitWith }: Verbs): void {
  const words = 'suggest limits, as a policy that only logs, from the jobs that DLI remembers';
  withPast(withProject(add('policy', 'suggest', words), 'looks'))
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
