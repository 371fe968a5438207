/** The emulator's clock. It can run at any speed, stand still, or be stepped. */
export interface EmulatorClock {
  /** Epoch ms. */
  now: () => number;
  /** 1: real time. 0: the clock only moves by steps. */
  speed: () => number;
  setSpeed: (speed: number) => void;
  /** Moves the clock forwards. It cannot go back, because the past does not change. */
  step: (ms: number) => void;
  /** Sets the clock to the time of a saved state. */
  set: (now: number) => void;
}

/** @param wall returns the real time, epoch ms. */
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
