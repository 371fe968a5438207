import { type Options, SingleBar } from 'cli-progress';
import type { Silence } from '../../lib/http/proxy.ts';
import type { Progress } from '../../lib/sweep/act/progress.ts';
import { silenceWords } from './silence.ts';
import type { Terminal } from './terminal.ts';

/** Shows a sweep at work, on stderr, so that stdout holds the report alone. */
export interface ProgressDisplay {
  show: (progress: Progress) => void;
  /** Names a server that does not answer. Only a screen shows it. */
  silent: (silence: Silence) => void;
  /** Prints a line that stays. */
  note: (text: string) => void;
  end: () => void;
}

/** Shows a bar on a screen, a line per quarter in a file, and nothing with --json, --quiet or --verbose. */
export function showProgress(
  { json = false, quiet = false, verbose = false }: { json?: boolean; quiet?: boolean; verbose?: boolean },
  { err, isErrScreen = false }: Pick<Terminal, 'err' | 'isErrScreen'>,
): ProgressDisplay {
  if (json || quiet || verbose) {
    return { show: () => {}, silent: () => {}, note: (text) => (json ? undefined : err(`${text}\n`)), end: () => {} };
  }
  return isErrScreen ? showBar(err) : showLines(err);
}

const TITLES: Record<Progress['stage'], string> = {
  listing: 'Listing',
  cancelling: 'Cancelling',
  verifying: 'Verifying',
};

const totalOf = (progress: Progress) => (progress.stage === 'listing' ? undefined : progress.total);

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

function showLines(err: Terminal['err']): ProgressDisplay {
  let last = '';
  return {
    show: (progress) => {
      const total = totalOf(progress);
      // A listing is one line, however many calls it takes: the report has their number.
      const quarter = total === undefined ? 0 : Math.floor((4 * progress.done) / Math.max(total, 1));
      const mark = `${progress.stage} ${quarter}`;
      if (mark === last) return;
      last = mark;
      err(
        `${TITLES[progress.stage]}${total === undefined ? '' : ` ${progress.done} of ${total}`}${remarkOn(progress)}\n`,
      );
    },
    silent: () => {},
    note: (text) => err(`${text}\n`),
    end: () => {},
  };
}

function showBar(err: Terminal['err']): ProgressDisplay {
  let bar: { stage: Progress['stage']; single: SingleBar } | undefined;
  const end = () => {
    bar?.single.stop();
    bar = undefined;
  };
  const show = (progress: Progress) => {
    const total = totalOf(progress);
    if (bar?.stage !== progress.stage) {
      end();
      const single = new SingleBar(optionsFor(progress));
      bar = { stage: progress.stage, single };
      single.start(total ?? Number.MAX_SAFE_INTEGER, progress.done, { silence: '', remark: '' });
    }
    bar.single.update(progress.done, { remark: remarkOn(progress) });
  };
  return {
    show,
    silent: (silence) => {
      // There is no bar before the first list, for example while IAM is asked.
      if (bar === undefined) show({ stage: 'listing', done: 0 });
      bar?.single.update({ silence: silence.silentMs === 0 ? '' : `  ${silenceWords(silence)}` });
    },
    note: (text) => {
      end();
      err(`${text}\n`);
    },
    end,
  };
}

function optionsFor({ stage }: Progress): Options {
  const title = TITLES[stage].padEnd(10);
  return {
    format:
      stage === 'listing'
        ? `${title} {value} calls{remark}{silence}`
        : `${title} {bar} {value}/{total}{remark}{silence}`,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    hideCursor: true,
    // Ctrl-C belongs to the sweep.
    gracefulExit: false,
  };
}
