import { type Collected, createCollector } from '../../lib/aggregate/collect.ts';

import { systemClock } from '../../lib/base/clock.ts';
import { COMMAND } from '../../lib/base/command-line.ts';
import { assertTargetName } from '../../lib/request/request.ts';
import { assertStage } from '../../lib/settings/names.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { EXIT_CONFIGURATION, EXIT_PARTIAL } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { shellWord } from '../screen/shell-lines.ts';
import { interrupted, onSweepInterrupt } from '../screen/signals.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { readAsset } from '../source/assets.ts';
import { renderPage } from './html.ts';
import { assertReadable, type Reading, readFiles } from './read-files.ts';
import { assertTimeZone, readSpan, type Span, type SpanFlags } from './span.ts';
import { formatSummary } from './summary.ts';
import { assertReplaceable, writePage } from './write-page.ts';

export interface ReportFlags extends SpanFlags {
  stage?: string;
  target?: string;
  timeZone: string;
  /** File of the page. */
  out?: string;
  owners: 'shown' | 'hidden';
  json?: boolean;
  quiet?: boolean;
}

const DEFAULT_PAGE = 'dli-reaper-report.html';
/** A log group keeps its lines for longer, and each day takes a call or more. */
const DEFAULT_SPAN = '30d';

/**
 * Makes a page of what the reaper did, from the record of a stage, from files, or from both.
 *
 * @returns 0; 4 if something could not be read. @throws {SettingsError} before anything is written.
 */
export async function runReport(files: readonly string[], flags: ReportFlags, terminal: Terminal): Promise<number> {
  const { stage, target, timeZone, owners, json = false, out } = flags;
  const now = systemClock.now();
  assertFlags(files, flags);
  const span = readSpan(flags, timeZone, now, stage === undefined ? undefined : DEFAULT_SPAN);
  const collector = createCollector({ ...span, target, timeZone, owners });
  let absent: string[] = [];
  try {
    absent = await readAll(files, { stage, target, span }, collector, flags, terminal);
  } catch (error) {
    if (!interrupted.aborted) throw error;
    terminal.err(`Interrupted: ${json ? 'nothing is printed' : 'no page is written'}.\n`);
    return EXIT_CONFIGURATION;
  }
  const collected = collector.finish(stage === undefined ? null : Math.min(span.until ?? now, now));
  const { aggregates } = collected;
  if (json) terminal.out(toJson('report', aggregates));
  else {
    const command = commandOf(files, flags);
    const path = writePage(out ?? DEFAULT_PAGE, await pageOf(collected, { stage, command, owners, now }));
    terminal.out(formatSummary(aggregates, path, terminal));
  }
  // A stage without a function for messages lacks nothing.
  return aggregates.unread.some(({ source }) => !absent.includes(source)) ? EXIT_PARTIAL : 0;
}

/** Looks at all flags and files before anything is read. @throws {SettingsError} */
function assertFlags(files: readonly string[], { stage, target, timeZone, json = false, out }: ReportFlags): void {
  if (files.length === 0 && stage === undefined) {
    throw new SettingsError('--stage', 'missing; name a stage, or files with the record of sweeps (- is stdin)');
  }
  if (stage !== undefined) assertStage(stage);
  if (target !== undefined) assertTargetName(target);
  assertTimeZone(timeZone);
  if (json && out !== undefined) throw new SettingsError('--out', 'leave it out, since --json writes no file');
  if (!json) assertReplaceable(out ?? DEFAULT_PAGE);
  assertReadable(files);
}

/** Reads files and stage, and shows how far it is. @returns the log groups that do not exist, and need not. */
async function readAll(
  files: readonly string[],
  { stage, target, span }: { stage: string | undefined; target: string | undefined; span: Span },
  collector: ReturnType<typeof createCollector>,
  flags: ReportFlags,
  terminal: Terminal,
): Promise<string[]> {
  const endListening = onSweepInterrupt(() => {});
  try {
    return await withSpinner('Reading', { ...flags, handleSignals: false }, terminal, async ({ say }) => {
      const onProgress: Reading['onProgress'] = (name, lines, upTo) => {
        const reached = upTo === undefined ? '' : `, up to ${new Date(upTo).toISOString().slice(0, 10)}`;
        say(`Reading ${name}, ${lines.toLocaleString('en')} lines${reached}`);
      };
      const reading = { onProgress, signal: interrupted };
      await readFiles(files, collector, terminal, reading);
      if (stage === undefined) return [];
      // Loaded only here, since the AWS SDK is slow to load.
      const { readStage } = await import('./read-stage.ts');
      return readStage({ stage, target, since: span.since ?? 0, until: span.until }, collector, reading);
    });
  } finally {
    endListening();
  }
}

interface PageFacts {
  stage: string | undefined;
  command: string;
  owners: ReportFlags['owners'];
  /** Epoch ms. */
  now: number;
}

/** Returns the text of the page. The demo makes one too. */
export async function pageOf(collected: Collected, { stage, command, owners, now }: PageFacts): Promise<string> {
  return renderPage({
    ...collected,
    title: stage === undefined ? 'What the reaper did' : `What the reaper did in ${stage}`,
    madeAt: new Date(now).toISOString(),
    version: (JSON.parse(readAsset('package.json')) as { version: string }).version,
    command,
    ownersHidden: owners === 'hidden',
  });
}

/** The command that makes the page again. */
function commandOf(files: readonly string[], flags: ReportFlags): string {
  const { stage, target, since, until, timeZone, owners, out } = flags;
  const given = {
    '--stage': stage,
    '--target': target,
    '--since': since,
    '--until': until,
    '--time-zone': timeZone === 'UTC' ? undefined : timeZone,
    '--owners': owners === 'shown' ? undefined : owners,
    '--out': out,
  };
  const typed = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  return [COMMAND, 'report', ...[...files, ...typed].map(shellWord)].join(' ');
}
