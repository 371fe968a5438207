import { Option } from 'commander';
import type { ReportFlags } from '../report/report.ts';
import { ONE_JSON_DOCUMENT } from './options.ts';
import { PlaceOption } from './place.ts';
import { examples, type Verbs } from './program.ts';

const REPORT_EXIT_CODES_HELP = `
Files are lines of a log, documents of --json and output of "aws logs filter-log-events", also as .gz and mixed. A folder
is read with all that is in it, such as an export of CloudWatch to S3.

Exit codes:
  0  success
  1  wrong usage, configuration, credentials or permissions; nothing was written
  4  partial: something could not be read; the page names it`;

export function addReportVerb({ add, terminal, exitWith }: Verbs): void {
  add('look', 'report [files...]', 'make a page to look at: what the reaper did, from a stage or from files')
    .addOption(new PlaceOption('stage', 'read the record of this stage', 'looks'))
    .addOption(new PlaceOption('target', 'only this target', 'looks'))
    .option('--since <when>', 'a day such as 2026-10-01, a time with its zone, or a duration back (--stage: 30d)')
    .option('--until <when>', 'end, in the same forms (default: now, or the last line)')
    .option('--time-zone <name>', 'for days, such as Europe/Berlin', 'UTC')
    .option('--out <file>', 'file of the page (default: dli-reaper-report.html)')
    .addOption(
      new Option('--owners <how>', 'whether to show names of people').choices(['shown', 'hidden']).default('shown'),
    )
    .option('--json', `${ONE_JSON_DOCUMENT}: the numbers of the page, which is not written`)
    .option('-q, --quiet', 'show no progress on stderr')
    .addHelpText('after', REPORT_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        'report --stage prod',
        'report --stage prod --since 2026-10-01 --until 2026-10-31 --time-zone Europe/Berlin --owners hidden',
        'report export/ sweeps.jsonl backtest.json --out october.html',
      ),
    )
    .action((files: string[], flags: ReportFlags) =>
      exitWith(async () => (await import('../report/report.ts')).runReport(files, flags, terminal)),
    );
}
