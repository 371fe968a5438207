import type { TestFlags } from '../policy-test/test.ts';
import { ONE_JSON_DOCUMENT } from './options.ts';
import { examples, type Verbs } from './program.ts';

const EXIT_CODES = `
Exit codes:
  0  all tests passed
  1  wrong usage; or a file, or the policy that it names, cannot be read or is not valid
  3  a test failed`;

export function addTestVerb({ add, terminal, exitWith }: Verbs): void {
  add(
    'policy',
    'test <file...>',
    'run tests of a policy: given these jobs, which are cancelled, by which rule, and why?',
  )
    .option('--junit <new-file>', 'also write the results as JUnit XML, for CI')
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', EXIT_CODES)
    .addHelpText('after', examples('test policy.test.yml', 'test policies/*.test.yml --junit results.xml'))
    .action((files: string[], flags: TestFlags) =>
      exitWith(async () => (await import('../policy-test/test.ts')).runTest(files, flags, terminal)),
    );
}
