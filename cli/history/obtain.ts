import { systemClock } from '../../lib/base/clock.ts';
import { messageOf } from '../../lib/base/error-words.ts';
import {
  ENGINES_WITH_PAST,
  emptyHistory,
  type History,
  type HistoryReading,
  readHistory,
} from '../../lib/history/read.ts';
import { ENGINE_FACTS } from '../../lib/policy/facts.ts';
import { type Settings, SettingsError } from '../../lib/settings/settings.ts';
import { interrupted, onSweepInterrupt } from '../screen/signals.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { counted } from '../screen/text.ts';
import { sharedIn } from '../source/network.ts';
import { readHistoryFile, type Saved, saveHistory } from './file.ts';

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

/** Enough for 59,000 jobs. */
const MOST_CALLS = 600;
/** What a crash may lose. */
const PAGES_PER_SAVE = 20;
const DAY_MS = 86_400_000;

/** A history, and why it is not all that DLI remembers, in words. */
export interface Obtained {
  history: History;
  shortfall: string[];
}

/** The place that the flags name, if they name one. */
interface PlaceFlags {
  stage?: string;
  projectId?: string;
}

/**
 * Reads what DLI remembers, or goes on where the file of an earlier reading ends. A file that is complete needs no call.
 *
 * @param load reads the target and its key; called only if something is to be read, or to compare a file with a stage.
 * @throws {SettingsError} and {DliError}
 */
export async function obtainHistory(
  flags: HistoryFlags & PlaceFlags,
  terminal: Terminal,
  { load, withStatements }: { load: () => Promise<Pick<Settings, 'target' | 'credentials'>>; withStatements: boolean },
): Promise<Obtained> {
  const { days, history: path, stage } = flags;
  const kept = path === undefined ? undefined : await readHistoryFile(path);
  const stored = kept?.history;
  const isWhole = stored?.places.size === 0;
  const settings = isWhole && stage === undefined ? undefined : await load();
  assertSameProject(flags, stored, settings?.target.projectId ?? flags.projectId);
  if (stored !== undefined && (isWhole || settings === undefined))
    return within(days, { history: stored, shortfall: gapsOf(stored) });
  if (settings === undefined) throw new TypeError('no target');
  const until = systemClock.now();
  const since = days === undefined ? undefined : until - days * DAY_MS;
  const start = stored ?? emptyHistory(settings, ENGINES_WITH_PAST, { until, since });
  const { history, shortfall } = await readOn(start, settings, { flags, terminal, withStatements, saved: kept?.saved });
  return within(days, { history, shortfall });
}

/** @throws {SettingsError} for a file of another project: it would be judged by this one's exemptions. */
function assertSameProject(
  { history: path }: HistoryFlags,
  stored: History | undefined,
  projectId: string | undefined,
): void {
  if (stored === undefined || projectId === undefined || stored.project?.id === projectId) return;
  const whose = stored.project?.id ?? 'which it does not name';
  throw new SettingsError('--history', `${path} is of another project, ${whose}; name another file, or delete it`);
}

/** Leaves out the jobs of a file that are older than asked for. */
function within(days: number | undefined, { history, shortfall }: Obtained): Obtained {
  if (days === undefined) return { history, shortfall };
  const since = history.until - days * DAY_MS;
  const jobs = history.jobs.filter(({ job: { startedAt } }) => startedAt === undefined || startedAt >= since);
  return { history: { ...history, since, jobs }, shortfall };
}

interface ReadOnOptions {
  flags: HistoryFlags;
  terminal: Terminal;
  withStatements: boolean;
  saved: Saved | undefined;
}

async function readOn(
  start: History,
  settings: Pick<Settings, 'target' | 'credentials'>,
  { flags, terminal, withStatements, ...before }: ReadOnOptions,
): Promise<Obtained> {
  const { maxCalls = MOST_CALLS, history: path, json, quiet } = flags;
  let { saved } = before;
  let unsaved: string | undefined;
  // A file that cannot be written is known before the first call.
  if (path !== undefined) saved = saveHistory(path, start, saved);
  const save = (history: History): void => {
    if (path === undefined || unsaved !== undefined) return;
    try {
      saved = saveHistory(path, history, saved);
    } catch (error) {
      unsaved = messageOf(error);
    }
  };
  const waiting = { json: json === true, quiet: quiet === true, handleSignals: false };
  const reading = await withSpinner('Reading what DLI remembers', waiting, terminal, async ({ say }) => {
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
  save(reading);
  const shortfall = [
    ...gapsOf(reading),
    ...(reading.endedBy === undefined ? [] : [earlyEnd(reading, path)]),
    ...(unsaved === undefined ? [] : [`what was read is not kept: ${unsaved}`]),
  ];
  return { history: reading, shortfall };
}

const gapsOf = ({ gaps }: History): string[] => gaps.map(({ what }) => what);

/** Says why a reading ended early, and how it goes on. */
function earlyEnd({ places, calls, endedBy }: HistoryReading, path: string | undefined): string {
  const engines = [...places.keys()].map((engine) => ENGINE_FACTS[engine].jobs).join(' and ');
  const why = {
    calls: `after ${counted(calls, 'call')}, the most that were allowed`,
    signal: `after ${counted(calls, 'call')}, since it was stopped`,
    error: `after ${counted(calls, 'call')}: ${endedBy?.kind === 'error' ? endedBy.error : ''}`,
  };
  const further =
    path === undefined ? 'use --history FILE to read on later, or --max-calls' : 'run it again to read on';
  return `${engines} were not read to the end, ${why[endedBy?.kind ?? 'calls']}; ${further}`;
}
