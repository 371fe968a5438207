import type { Clock } from './clock.ts';

/** Why a sweep stopped halfway, as the stop signal's reason. */
export class SwitchedOff extends Error {
  override name = 'SwitchedOff';
}

export interface SwitchWatch {
  /** Aborted, with {@link SwitchedOff} as its reason, once the switch is no longer set to run. */
  signal: AbortSignal;
  /** Begins to look, if it has not yet. */
  start(): void;
  end(): void;
}

const EVERY_MS = 10_000;

/**
 * Looks at the switch again and again while jobs are being cancelled.
 *
 * @param isSwitchedOn rejects if the switch cannot be read, which counts as off: nobody could stop the sweep any more.
 */
export function watchSwitch(isSwitchedOn: () => Promise<boolean>, clock: Clock): SwitchWatch {
  const off = new AbortController();
  const ended = new AbortController();

  async function look(): Promise<void> {
    while (!off.signal.aborted) {
      await clock.sleep(EVERY_MS, ended.signal);
      const problem = await isSwitchedOn().then(
        (isOn) => (isOn ? undefined : 'the switch is no longer set to run'),
        () => 'the switch can no longer be read',
      );
      if (problem !== undefined) off.abort(new SwitchedOff(problem));
    }
  }

  let isStarted = false;
  return {
    signal: off.signal,
    start: () => {
      if (isStarted) return;
      isStarted = true;
      // Rejects when it has ended, and never otherwise.
      look().catch(() => {});
    },
    end: () => ended.abort(),
  };
}
