import { type Clock, systemClock } from '../../lib/base/clock.ts';

const interruption = new AbortController();

/** Aborted by Ctrl-C or SIGTERM during any sweep of this process: what has several to do does no further one. */
export const interrupted: AbortSignal = interruption.signal;

/** Listens as {@link onInterrupt}, and aborts {@link interrupted} first. */
export const onSweepInterrupt = (tell: () => void): (() => void) =>
  onInterrupt(() => {
    interruption.abort();
    tell();
  });

/** A terminal, npm and the launcher each pass on what they get, so that one signal may come as several. */
const SAME_SIGNAL_MS = 1_000;

const DEFAULT_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/**
 * Calls back when the process is asked to end. Another signal, a second or more later, ends it as by default.
 *
 * @returns what ends the listening.
 */
export function onInterrupt(interrupt: () => void, signals = DEFAULT_SIGNALS, clock: Clock = systemClock): () => void {
  let firstAt: number | undefined;
  const end = () => {
    for (const signal of signals) process.off(signal, listen);
  };
  const listen = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = clock.now();
      interrupt();
    } else if (clock.now() - firstAt >= SAME_SIGNAL_MS) {
      end();
      process.kill(process.pid, signal);
    }
  };
  for (const signal of signals) process.on(signal, listen);
  return end;
}
