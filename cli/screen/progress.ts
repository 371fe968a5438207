import createSpinner, { type Spinner } from 'yocto-spinner';
import { type Clock, systemClock } from '../../lib/base/clock.ts';
import type { Progress } from '../../lib/sweep/act/progress.ts';
import type { Terminal } from './terminal.ts';
import { createRepetition, showWaitLines, showWaits } from './waits.ts';

/** Shows a sweep at work, on stderr, so that stdout holds the report alone. */
export interface ProgressDisplay {
  show: (progress: Progress) => void;
  /** Prints a line that stays. */
  note: (text: string) => void;
  end: () => void;
}

/** Shows a bar on a screen, lines in a file, and nothing with --json, --quiet or --verbose. */
export function showProgress(
  { json = false, quiet = false, verbose = false }: { json?: boolean; quiet?: boolean; verbose?: boolean },
  { err, isErrScreen = false }: Pick<Terminal, 'err' | 'isErrScreen'>,
  clock: Clock = systemClock,
): ProgressDisplay {
  if (json || quiet || verbose) {
    return { show: () => {}, note: (text) => (json ? undefined : err(`${text}\n`)), end: () => {} };
  }
  return isErrScreen ? showBar(err, clock) : showLines(err);
}

const TITLES: Record<Progress['stage'], string> = {
  listing: 'Listing',
  cancelling: 'Cancelling',
  verifying: 'Verifying',
};

/** What failed so far, and what the limit of DLI means for the time that is left. */
function remarkOn(progress: Progress): string {
  if (progress.stage === 'listing') return limitWords(progress.callsPerMinute);
  const { stage, failed, done, total, callsPerMinute } = progress;
  const left = stage === 'cancelling' ? total - done - failed : 0;
  return `${failed === 0 ? '' : `, ${failed} failed`}${limitWords(callsPerMinute, left)}`;
}

/** @param calls that are left, one for each job that was not asked yet. */
function limitWords(callsPerMinute: number | undefined, calls = 0): string {
  if (callsPerMinute === undefined) return '';
  const minutes = Math.ceil(calls / Math.max(callsPerMinute, 1));
  return `; DLI allows about ${callsPerMinute} calls a minute${minutes === 0 ? '' : `, ${minutes} min left`}`;
}

/** A line per stage and quarter, and again after growing gaps while nothing else is said. */
function showLines(err: Terminal['err']): ProgressDisplay {
  const waits = showWaitLines(err);
  const repetition = createRepetition();
  let last: { mark: string; progress: Progress } | undefined;
  const write = (progress: Progress, counts: string) => {
    err(`${TITLES[progress.stage]}${counts}${remarkOn(progress)}\n`);
    repetition.said();
  };
  const endWaits = showWaits({
    tick: (words) => {
      waits.tick(words);
      const isDue = repetition.isDue(words === undefined && last !== undefined);
      if (isDue && last !== undefined) write(last.progress, countsOf(last.progress));
    },
  });
  return {
    show: (progress) => {
      const mark = `${progress.stage} ${quarterOf(progress)}`;
      const isNew = mark !== last?.mark;
      last = { mark, progress };
      // How many calls a listing takes is not known at its first one.
      if (isNew) write(progress, progress.stage === 'listing' ? '' : countsOf(progress));
    },
    note: (text) => err(`${text}\n`),
    end: endWaits,
  };
}

const countsOf = (progress: Progress): string =>
  progress.stage === 'listing' ? `, ${progress.done} calls` : ` ${progress.done} of ${progress.total}`;

function quarterOf(progress: Progress): number {
  return progress.stage === 'listing' ? 0 : Math.floor((4 * progress.done) / Math.max(progress.total, 1));
}

/** The bar need not be renewed more often. */
const RENEW_MS = 80;

function showBar(err: Terminal['err'], clock: Clock): ProgressDisplay {
  let spinner: Spinner | undefined;
  let progress: Progress = { stage: 'listing', done: 0 };
  let waits = '';
  let renewedAt = Number.NEGATIVE_INFINITY;
  const render = () => {
    // Ctrl-C belongs to the sweep.
    spinner ??= createSpinner({ stream: process.stderr, handleSignals: false }).start();
    spinner.text = `${barOf(progress)}${waits}`;
    renewedAt = clock.now();
  };
  const stop = () => {
    spinner?.stop();
    spinner = undefined;
  };
  const endWaits = showWaits({
    tick: (words) => {
      const before = waits;
      waits = words === undefined ? '' : `\n  ${words}`;
      // There is no bar before the first list, for example while IAM is asked.
      if (waits !== before) render();
    },
  });
  return {
    show: (next) => {
      const isNew = spinner === undefined || next.stage !== progress.stage;
      progress = next;
      if (isNew || clock.now() - renewedAt >= RENEW_MS) render();
    },
    note: (text) => {
      stop();
      err(`${text}\n`);
    },
    end: () => {
      endWaits();
      stop();
    },
  };
}

const BAR_CELLS = 30;

function barOf(progress: Progress): string {
  const title = TITLES[progress.stage].padEnd(10);
  if (progress.stage === 'listing') return `${title} ${progress.done} calls${remarkOn(progress)}`;
  const { done, total } = progress;
  const cells = Math.round((BAR_CELLS * Math.min(done, total)) / Math.max(total, 1));
  return `${title} ${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${done}/${total}${remarkOn(progress)}`;
}
