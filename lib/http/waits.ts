/** What a call waits for at this moment, for a person who waits too. It never holds a query, a header or a body. */
export interface Wait {
  /** `turn`: its turn among the calls of this process. `answer`: the server. `retry`: the pause before it is sent again. */
  for: 'turn' | 'answer' | 'retry';
  /** Host, its port if that is not the usual one, and the proxy on the way to it. */
  host: string;
  /** Name of the operation, such as "list RUNNING jobs, page 1". */
  operation: string;
  /** The attempt that is under way, or comes next; the first is 1. */
  attempt: number;
  maxAttempts: number;
  /** Returns the limit that refusals have taught; undefined as long as there was none, and for servers without a pace. */
  callsPerMinute?: (() => number | undefined) | undefined;
}

/**
 * Called each time that a call begins to wait for something else, and once when it is over: `answered`, whatever the answer
 * was, or `failed`.
 *
 * @param call stands for the call. It is the same object each time.
 */
export type OnWait = (call: object, wait: Wait | 'answered' | 'failed') => void;

/** Makes what one call reports its waits with. */
export function createCallWaits(
  onWait: OnWait | undefined,
  about: Pick<Wait, 'host' | 'operation' | 'maxAttempts' | 'callsPerMinute'>,
) {
  const call = {};
  return {
    waits: (what: Wait['for'], attempt: number) => onWait?.(call, { ...about, for: what, attempt }),
    over: (end: 'answered' | 'failed') => onWait?.(call, end),
  };
}
