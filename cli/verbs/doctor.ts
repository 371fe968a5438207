import type { DoctorFlags } from '../doctor/doctor.ts';
import { ONE_JSON_DOCUMENT, withTarget } from './options.ts';
import { ACCOUNT, examples, STAGE_EXIT_CODES_HELP, type Verbs } from './program.ts';

export function addDoctorVerb({ add, terminal, exitWith }: Verbs): void {
  const description =
    'check credentials, clocks, permissions, parameters, policy and schedule; name each problem and its fix';
  withTarget(add('look', 'doctor', description), 'looks')
    .option('--probe', 'in place of the checks, find out how this DLI behaves where no document says it')
    .option('--probe-queue <name>', 'queue for the one SQL job that the probe submits and cancels (default: no job)')
    .option('--probe-file <new-file>', 'where the probe writes its results (default: dli-probe-<day>.json)')
    .option('--confirm <queue>', 'confirm the queue without typing, for scripts')
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'doctor --stage prod --target lake',
        `doctor --policy policy.yml ${ACCOUNT}`,
        `doctor --probe --probe-queue sandbox ${ACCOUNT}`,
      ),
    )
    .action((flags: DoctorFlags) =>
      exitWith(async () => (await import('../doctor/doctor.ts')).runDoctor(flags, terminal)),
    );
}
