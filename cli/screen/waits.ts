import { type Clock, systemClock } from '../../lib/base/clock.ts';
import type { OnWait, Wait } from '../../lib/http/waits.ts';
import { watchAws } from './aws-waits.ts';
import type { Terminal } from './terminal.ts';
import { cleanText } from './text.ts';

/** A person who waits longer wants to know what for. */
const NAMED_AFTER_MS = 3_000;

export const TICK_MS = 500;

/**
 * Follows what the calls of this process wait for. It counts the time in ticks, so that a process that was held up itself
 * blames no server for that.
 */
export function createWaitWatch(): { note: OnWait; tick: () => string | undefined } {
  const calls = new Map<object, { wait: Wait; ms: number }>();
  /** Time since the last answer to any call, while calls were waiting. */
  let quietMs = 0;
  let idleMs = 0;
  return {
    note: (call, wait) => {
      if (wait === 'answered') quietMs = 0;
      const before = calls.get(call);
      if (wait === 'answered' || wait === 'failed') calls.delete(call);
      // A person waits for the call, whichever attempt it is.
      else calls.set(call, { wait, ms: before !== undefined && wait.attempt > 1 ? before.ms : 0 });
    },

    /** Notes that a tick has passed. @returns what is waited for, in words, once that takes long. */
    tick: () => {
      if (calls.size === 0) {
        idleMs += TICK_MS;
        if (idleMs >= NAMED_AFTER_MS) quietMs = 0;
        return undefined;
      }
      idleMs = 0;
      quietMs += TICK_MS;
      let longest: { wait: Wait; ms: number } | undefined;
      for (const one of calls.values()) {
        // A call may be in line for minutes while others are answered.
        if (one.wait.for !== 'turn') one.ms += TICK_MS;
        if (longest === undefined || one.ms > longest.ms) longest = one;
      }
      const waitedMs = Math.max(longest?.ms ?? 0, quietMs);
      return longest === undefined || waitedMs < NAMED_AFTER_MS ? undefined : waitWords(longest.wait, waitedMs);
    },
  };
}

function waitWords(
  { for: what, host, operation, attempt, maxAttempts, callsPerMinute }: Wait,
  waitedMs: number,
): string {
  const limit = what === 'turn' ? callsPerMinute?.() : undefined;
  const attempts = `attempt ${attempt} of ${maxAttempts}`;
  const words = [
    `waiting ${Math.floor(waitedMs / 1_000)} s for ${limit === undefined ? host : `the limit of DLI, about ${limit} calls a minute`}`,
    operation,
    what === 'retry' ? `before ${attempts}` : attempts,
  ];
  return cleanText(words.join(', '));
}

/** Something on the screen that says what is waited for. */
export interface WaitDisplay {
  /** Called at every tick. @param words undefined as long as nothing takes long. */
  tick: (words: string | undefined) => void;
}

let watch: ReturnType<typeof createWaitWatch> | undefined;

/** The displays of this moment. The last one speaks. */
const displays: WaitDisplay[] = [];

/** Notes what a call of this process waits for. */
export const noteWait: OnWait = (call, wait) => watch?.note(call, wait);

/** Lets a display speak until the returned function is called. */
export function showWaits(display: WaitDisplay): () => void {
  displays.push(display);
  return () => {
    const at = displays.indexOf(display);
    if (at >= 0) displays.splice(at, 1);
  };
}

/**
 * Says on stderr what a verb waits for, whenever that takes long. A display with a place of its own on the screen speaks
 * instead. @returns a function that ends it.
 */
export function startWaits(
  { err }: Pick<Terminal, 'err'>,
  { quiet = false }: { quiet?: boolean },
  clock: Clock = systemClock,
): () => void {
  const current = createWaitWatch();
  watch = current;
  const ended = new AbortController();
  const endAws = watchAws(current.note);
  const endLines = showWaits(quiet ? { tick: () => {} } : showWaitLines(err));
  const goOn = async () => {
    for (;;) {
      await clock.sleep(TICK_MS, ended.signal);
      displays.at(-1)?.tick(current.tick());
    }
  };
  // It rejects only because it was ended.
  goOn().catch(() => {});
  return () => {
    ended.abort();
    if (watch === current) watch = undefined;
    endAws();
    endLines();
  };
}

/** Says what is waited for in lines, in which nothing can be renewed. */
export function showWaitLines(err: Terminal['err']): WaitDisplay {
  const repetition = createRepetition();
  return {
    tick: (words) => {
      const isDue = repetition.isDue(words !== undefined);
      if (isDue && words !== undefined) err(`${words.charAt(0).toUpperCase()}${words.slice(1)}\n`);
    },
  };
}

const LONGEST_GAP_MS = 60_000;

/**
 * Decides when to say again what is still true: at once, then after three seconds, and then after gaps that double up to a
 * minute. Whatever was not true for a whole gap is new.
 */
export function createRepetition() {
  let gapMs = NAMED_AFTER_MS;
  let saidMs = Number.POSITIVE_INFINITY;
  return {
    /** Notes that it has just been said in another way. */
    said: () => {
      saidMs = 0;
    },
    /** Notes that a tick has passed. */
    isDue: (isTrue: boolean): boolean => {
      saidMs += TICK_MS;
      if (!isTrue && saidMs > gapMs) {
        gapMs = NAMED_AFTER_MS;
        saidMs = Number.POSITIVE_INFINITY;
      }
      if (!isTrue || saidMs < gapMs) return false;
      gapMs = saidMs === Number.POSITIVE_INFINITY ? NAMED_AFTER_MS : Math.min(2 * gapMs, LONGEST_GAP_MS);
      saidMs = 0;
      return true;
    },
  };
}
