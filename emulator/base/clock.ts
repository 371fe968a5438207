/** The emulator's only clock: it runs as fast as it is told, stands still, or is moved by command. */
export interface EmulatorClock {
  /** Epoch ms. */
  now: () => number;
  /** 1 for real time, 0 for a clock that only moves by steps. */
  speed: () => number;
  setSpeed: (speed: number) => void;
  /** Forwards only: what has happened cannot be undone. */
  step: (ms: number) => void;
  /** As of a saved state. */
  set: (now: number) => void;
}

/** @param wall the real time, epoch ms. */
export function createEmulatorClock(wall: () => number, speed = 1): EmulatorClock {
  let current = { speed, wallAt: wall(), emulatedAt: wall() };
  const now = () => Math.floor(current.emulatedAt + (wall() - current.wallAt) * current.speed);
  const restart = (emulatedAt: number, newSpeed = current.speed) => {
    current = { speed: newSpeed, wallAt: wall(), emulatedAt };
  };
  return {
    now,
    speed: () => current.speed,
    setSpeed: (newSpeed) => restart(now(), newSpeed),
    step: (ms) => restart(now() + Math.max(ms, 0)),
    set: (at) => restart(at),
  };
}
