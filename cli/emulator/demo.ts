import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWorld } from '../../emulator/start-world.ts';
import { type Collected, createCollector } from '../../lib/aggregate/collect.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { dliReaper } from '../../lib/base/command-line.ts';
import { codeOf } from '../../lib/base/error-words.ts';
import { createLog } from '../../lib/base/log.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { SweepLog } from '../../lib/sweep/record/log-lines.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { readPageFiles } from '../report/page-files.ts';
import { pageOf } from '../report/report.ts';
import { writePage } from '../report/write-page.ts';
import { exitCodeOf } from '../screen/exit-code.ts';
import { formatReport } from '../screen/report.ts';
import { toSweepJson } from '../screen/sweep-json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { readAsset } from '../source/assets.ts';
import { performSweep } from '../sweep/perform.ts';

/** Runs plan, sweep and proof against an emulator. It needs no account and no network. @returns the exit code. */
export async function runDemo({ json = false }: { json?: boolean }, terminal: Terminal): Promise<number> {
  const say = json ? () => {} : terminal.out;
  const emulator = await startWorld({});
  // From source the page takes a second to build, in which the sweep waits for its cancels.
  if (!json) readPageFiles().catch(() => {});
  try {
    const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
    const env = { HUAWEICLOUD_SDK_AK: accessKeyId, HUAWEICLOUD_SDK_SK: secretAccessKey };
    const flags = {
      policyText: readAsset('examples/demo-policy.yml'),
      endpoint: url,
      projectId,
      json,
      quiet: !terminal.isErrScreen,
    };

    say(`An emulated DLI with ${emulator.sql.all().length} jobs listens at ${url}.\n\n`);
    say('The plan: what a sweep would do, without doing it.\n');
    const plan = await performSweep({ ...flags, dryRun: true }, { ...terminal, env });
    say(formatReport(plan, { spared: true }, terminal));
    say(sumOf(plan, emulator.sql.all().length));
    say('In a bar, █ is time within the limit, and ▓ time over it.\n');

    say('\nThe sweep: cancels jobs, and reads back what became of each.\n');
    const { log, collected } = collectLines();
    const record = { log, settle: async () => {}, giveUp: async () => {} };
    const report = await performSweep({ ...flags, dryRun: false }, { ...terminal, env }, { record });
    say(formatReport(report, { spared: true }, terminal));

    const contradictions = contradict(report, emulator.statusOf);
    say('\nThe proof: the state of each job in the emulator, compared with the report.\n');
    for (const contradiction of contradictions) say(`! ${contradiction}\n`);
    if (contradictions.length === 0) say(`It agrees with all ${report.jobs.length} outcomes.\n`);

    if (json) terminal.out(toSweepJson(report, {}));
    else say(await writeDemoPage(collected()));
    say(WHAT_NEXT);
    return contradictions.length === 0 ? exitCodeOf(report) : 3;
  } finally {
    await emulator.close();
  }
}

/** Says what the jobs of the emulator are that the plan does not show. */
function sumOf({ counts, jobs }: SweepReport, all: number): string {
  const { seen } = counts;
  const more = seen - jobs.length;
  return (
    `Of the ${all} jobs, ${all - seen} are over, too young for any rule, or resize a queue, so DLI was not asked for them. ` +
    `${seen} were seen: ${jobs.length} stand above, and ${more} more ${more === 1 ? 'has' : 'have'} no rule.\n`
  );
}

const WHAT_NEXT = `
Three things to try next:
  ${dliReaper('emulator --port 8080')}   an emulated DLI for your own program, until Ctrl-C
  ${dliReaper('drill')}                  a bad night, to practise with the verbs for it
  ${dliReaper('init')}                   a first policy for your own queues, which cancels nothing
`;

/** Collects the lines of a sweep, as `report` reads them from a log. */
function collectLines() {
  const collector = createCollector({ timeZone: 'UTC', owners: 'shown' });
  const reader = collector.source('demo');
  const log: SweepLog = createLog((level, msg, fields) => {
    reader.line({ level, msg, timestamp: new Date(systemClock.now()).toISOString(), ...fields }, msg);
  });
  return { log, collected: () => collector.finish(null) };
}

/** Writes the page of the sweep. A newcomer's own folder stays as it is. @returns what to say. */
async function writeDemoPage(collected: Collected): Promise<string> {
  const facts = { stage: undefined, command: dliReaper('demo'), owners: 'shown' as const, now: systemClock.now() };
  const html = await pageOf(collected, facts);
  try {
    const path = writePage(join(mkdtempSync(join(tmpdir(), 'dli-reaper-demo-')), 'report.html'), html);
    return `\nThe page: what the sweep did, to look at in a browser.\n${path}\n`;
  } catch (error) {
    const why = error instanceof SettingsError ? error.message : codeOf(error);
    return `\n! The page of the sweep cannot be written: ${why}\n`;
  }
}

/** Returns a sentence for each job whose outcome in the report differs from its state in the emulator. */
function contradict(report: SweepReport, statusOf: (jobId: string) => string | undefined): string[] {
  return report.jobs.flatMap(({ jobId, outcome }) => {
    const status = statusOf(jobId) ?? 'unknown';
    const isOver = ['CANCELLED', 'FINISHED', 'FAILED'].includes(status);
    const agrees =
      outcome === 'cancelled'
        ? status === 'CANCELLED'
        : outcome === 'already-terminal'
          ? isOver
          : status !== 'CANCELLED';
    return agrees ? [] : [`job ${jobId}: the report says ${outcome}, the emulator ${status}`];
  });
}
