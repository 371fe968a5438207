import type { Clock } from '../base/clock.ts';
import { within } from '../http/timeout.ts';

/** The reason of the stop signal: why a sweep stopped before its end. */
export class SwitchedOff extends Error {
  override name = 'SwitchedOff';
}

export interface SwitchWatch {
  /** Aborted with {@link SwitchedOff} as its reason once the switch is no longer set to run. */
  signal: AbortSignal;
  /** Starts looking at the switch; a second call does nothing. @returns after the first look; never rejects. */
  start: () => Promise<void>;
  end: () => void;
}

export const EVERY_MS = 10_000;

/** Meanwhile jobs are cancelled although the switch may be off. */
const LOOK_WITHIN_MS = 30_000;

/**
 * Watches the switch: once right before jobs are cancelled, since listing them may have taken long, and repeatedly while they
 * are cancelled.
 *
 * @param isSwitchedOn rejects if the switch cannot be read. That counts as off, since no one could stop the sweep any more.
 * @param options.deadlineAt epoch ms. A look without an answer by then, or within 30 seconds, counts as off as well: a Parameter Store
 * that hangs must not cost the sweep its report.
 */
export function watchSwitch(
  isSwitchedOn: () => Promise<boolean>,
  { clock, deadlineAt }: { clock: Clock; deadlineAt: number },
): SwitchWatch {
  const off = new AbortController();
  const ended = new AbortController();

  async function look(): Promise<void> {
    const problem = await within(isSwitchedOn(), Math.min(LOOK_WITHIN_MS, deadlineAt - clock.now())).then(
      (isOn) => (isOn ? undefined : 'the switch is no longer set to run'),
      () => 'the switch can no longer be read',
    );
    if (problem !== undefined) off.abort(new SwitchedOff(problem));
  }

  async function goOnLooking(): Promise<void> {
    while (!off.signal.aborted) {
      await clock.sleep(EVERY_MS, ended.signal);
      await look();
    }
  }

  let isStarted = false;
  return {
    signal: off.signal,
    start: async () => {
      if (isStarted) return;
      isStarted = true;
      await look();
      // It rejects only because the watch has ended.
      goOnLooking().catch(() => {});
    },
    end: () => ended.abort(),
  };
}
