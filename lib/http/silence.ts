import type { Network } from './proxy.ts';

/** A person who waits longer wants to know for which server. */
const SILENT_AFTER_MS = 2_000;

/**
 * Watches how long a server says nothing while it is called. A call never fails because of it: that is up to the timeouts.
 *
 * @param host the name of the server in the messages.
 */
export function createSilenceWatch(host: string, { onSilence, silentAfterMs = SILENT_AFTER_MS }: Network) {
  if (onSilence === undefined) return { begin: () => {}, heard: () => {}, end: () => {} };
  let underWay = 0;
  let silentMs = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    /** Notes that a call begins. */
    begin: () => {
      underWay += 1;
      timer ??= setInterval(() => {
        silentMs += silentAfterMs;
        onSilence({ host, silentMs });
      }, silentAfterMs);
    },
    /** Notes that the server begins to answer. */
    heard: () => {
      timer?.refresh();
      if (silentMs > 0) onSilence({ host, silentMs: 0 });
      silentMs = 0;
    },
    /** Notes that a call is over, whether it succeeded or not. */
    end: () => {
      underWay -= 1;
      if (underWay > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
  };
}
