import type { Network } from './proxy.ts';

/** By then a person who waits should know for whom. */
const SILENT_AFTER_MS = 2_000;

/**
 * Watches how long a server says nothing although it was called. Nothing fails by it: that is up to the timeouts.
 *
 * @param host in the words that it is to be told by.
 */
export function createSilenceWatch(host: string, { onSilence, silentAfterMs = SILENT_AFTER_MS }: Network) {
  if (onSilence === undefined) return { begin: () => {}, heard: () => {}, end: () => {} };
  let underWay = 0;
  let silentMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const watch = () => {
    timer ??= setInterval(() => {
      silentMs += silentAfterMs;
      onSilence({ host, silentMs });
    }, silentAfterMs);
  };
  return {
    /** A call begins. */
    begin: () => {
      underWay += 1;
      watch();
    },
    /** The server begins to answer one. */
    heard: () => {
      stop();
      watch();
      if (silentMs > 0) onSilence({ host, silentMs: 0 });
      silentMs = 0;
    },
    /** A call is over, whatever it came to. */
    end: () => {
      underWay -= 1;
      if (underWay === 0) stop();
    },
  };
}
