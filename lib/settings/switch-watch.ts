import type { Clock } from '../base/clock.ts';
import { within } from '../http/transport.ts';

/** Why a sweep stopped halfway, as the stop signal's reason. */
export class SwitchedOff extends Error {
  override name = 'SwitchedOff';
}

export interface SwitchWatch {
  /** Aborted, with {@link SwitchedOff} as its reason, once the switch is no longer set to run. */
  signal: AbortSignal;
  /** Looks once, and then again and again, if it has not yet. @returns after the first look; never rejects. */
  start: () => Promise<void>;
  end: () => void;
}

const EVERY_MS = 10_000;

/**
 * Looks at the switch right before jobs are cancelled, since listing them may have taken a while, and again and again while
 * they are.
 *
 * @param isSwitchedOn rejects if the switch cannot be read, which counts as off: nobody could stop the sweep any more.
 * @param options.deadlineAt epoch ms; a look that has not come back by then counts as off as well, so that a Parameter
 * Store that hangs does not cost the sweep its report.
 */
export function watchSwitch(
  isSwitchedOn: () => Promise<boolean>,
  { clock, deadlineAt }: { clock: Clock; deadlineAt: number },
): SwitchWatch {
  const off = new AbortController();
  const ended = new AbortController();

  async function look(): Promise<void> {
    const problem = await within(isSwitchedOn(), deadlineAt - clock.now()).then(
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
      // Rejects when it has ended, and never otherwise.
      goOnLooking().catch(() => {});
    },
    end: () => ended.abort(),
  };
}
