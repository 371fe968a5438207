import type { Terminal } from './terminal.ts';
import { cleanText } from './text.ts';
import { showWaits } from './waits.ts';

export interface Waiting {
  /** Shows what it waits for now. */
  say: (text: string) => void;
  /** Clears the spinner before the work is done. */
  stop: () => void;
}

/**
 * Shows a spinner on a screen while work goes on. Without a screen, or with --json or --quiet, it shows nothing.
 *
 * @param handleSignals false if the work itself handles Ctrl-C.
 */
export async function withSpinner<T>(
  text: string,
  { json = false, quiet = false, handleSignals = true }: { json?: boolean; quiet?: boolean; handleSignals?: boolean },
  { isErrScreen = false }: Pick<Terminal, 'isErrScreen'>,
  work: (waiting: Waiting) => Promise<T>,
): Promise<T> {
  if (json || quiet || !isErrScreen) return work({ say: () => {}, stop: () => {} });
  const { default: createSpinner } = await import('yocto-spinner');
  const spinner = createSpinner({ text, stream: process.stderr, handleSignals }).start();
  let said = text;
  let waits = '';
  const show = () => {
    spinner.text = `${said}${waits}`;
  };
  const endWaits = showWaits({
    tick: (words) => {
      const before = waits;
      waits = words === undefined ? '' : `: ${words}`;
      if (waits !== before) show();
    },
  });
  try {
    return await work({
      say: (more) => {
        said = cleanText(more);
        show();
      },
      stop: () => void spinner.stop(),
    });
  } finally {
    endWaits();
    spinner.stop();
  }
}
