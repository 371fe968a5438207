import { systemClock } from '../../lib/base/clock.ts';
import { ENGINES_WITH_PAST, emptyHistory, type History, readHistory } from '../../lib/history/read.ts';
import { type Settings, SettingsError } from '../../lib/settings/settings.ts';
import { interrupted, onSweepInterrupt } from '../screen/signals.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { counted } from '../screen/text.ts';
import { sharedIn } from '../source/network.ts';
import { readHistoryFile, saveHistory } from './file.ts';

/** Flags that say which history is read. */
export interface HistoryFlags {
  /** Reads only jobs that were submitted in so many days. */
  days?: number;
  maxCalls?: number;
  /** File in which the history is kept, and from which it goes on. */
  history?: string;
  json?: boolean;
  quiet?: boolean;
}

/** Enough for 60,000 jobs. */
const MOST_CALLS = 600;
/** What a crash may lose. */
const PAGES_PER_SAVE = 20;
const DAY_MS = 86_400_000;

/**
 * Reads what DLI remembers, or goes on where the file of an earlier reading ends. A file that is complete needs no call.
 *
 * @param load reads the target and its key; called only if something is to be read.
 * @throws {SettingsError} and {DliError}
 */
export async function obtainHistory(
  { days, maxCalls = MOST_CALLS, history: path, json, quiet }: HistoryFlags,
  terminal: Terminal,
  { load, withStatements }: { load: () => Promise<Pick<Settings, 'target' | 'credentials'>>; withStatements: boolean },
): Promise<History> {
  const kept = path === undefined ? undefined : await readHistoryFile(path);
  const stored = kept?.history;
  if (stored?.places.size === 0) return stored;
  const settings = await load();
  if (stored !== undefined && stored.project?.id !== settings.target.projectId) {
    throw new SettingsError(
      '--history',
      `${path} is of another project, ${stored.project?.id ?? 'which it does not name'}`,
    );
  }
  const until = systemClock.now();
  const since = days === undefined ? undefined : until - days * DAY_MS;
  const start = stored ?? emptyHistory(settings, ENGINES_WITH_PAST, { until, since });
  let saved = kept?.saved;
  const save = (history: History): void => {
    if (path !== undefined) saved = saveHistory(path, history, saved);
  };
  const waiting = { json: json === true, quiet: quiet === true, handleSignals: false };
  const read = await withSpinner('Reading what DLI remembers', waiting, terminal, async ({ say }) => {
    const stopListening = onSweepInterrupt(() => say('Stopping after this call'));
    try {
      return await readHistory(start, settings, {
        clock: systemClock,
        random: Math.random,
        sharedFor: sharedIn(terminal.env),
        maxCalls,
        withStatements,
        signal: interrupted,
        onPage: ({ calls, left }, soFar) => {
          say(`Reading what DLI remembers: ${counted(calls, 'call')}, about ${counted(left, 'job')} left`);
          if (calls % PAGES_PER_SAVE === 0) save(soFar());
        },
      });
    } finally {
      stopListening();
    }
  });
  save(read);
  return read;
}

/** Says why a history is not all that DLI remembers; undefined if it is. */
export function shortfallOf(
  { places, gaps }: History,
  { history: path, maxCalls = MOST_CALLS }: HistoryFlags,
): string[] {
  const further =
    path === undefined ? 'use --history FILE to read on later, or --max-calls' : 'run it again to read on';
  return [
    ...gaps.map(({ what }) => what),
    ...[...places.keys()].map(
      (engine) => `the ${engine} jobs were not read to the end in ${counted(maxCalls, 'call')}; ${further}`,
    ),
  ];
}
