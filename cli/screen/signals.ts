import { type Clock, systemClock } from '../../lib/base/clock.ts';

const interruption = new AbortController();

/** Aborted by Ctrl-C or SIGTERM during a sweep. A verb with several sweeps to do then starts no further one. */
export const interrupted: AbortSignal = interruption.signal;

/** Listens like {@link onInterrupt}, and aborts {@link interrupted} before it calls back. */
export const onSweepInterrupt = (onSignal: () => void): (() => void) =>
  onInterrupt(() => {
    interruption.abort();
    onSignal();
  });

/** One Ctrl-C may arrive several times, since the terminal, npm and the launcher each pass it on. */
const SAME_SIGNAL_MS = 1_000;

const DEFAULT_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/**
 * Calls back when the process is asked to end. A further signal, a second or more later, ends the process.
 *
 * @returns a function that ends the listening.
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
