import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { createRandom } from '../emulator/base/random.ts';
import type { RequestRecord } from '../emulator/base/request.ts';
import type { RateLimit } from '../emulator/gateway/throttle.ts';
import { type Emulator, startEmulator } from '../emulator/server.ts';
import type { Clock } from '../lib/base/clock.ts';
import { createSharedStates } from '../lib/dli/shared-state.ts';
import { parsePolicy } from '../lib/policy/parse.ts';
import type { SweepRequest } from '../lib/request/request.ts';
import { silentLog } from '../lib/sweep/record/log-lines.ts';
import type { SweepReport } from '../lib/sweep/record/report.ts';
import { sweep } from '../lib/sweep/sweep.ts';
import { looseCeilings } from '../test/helpers/ceilings.ts';
import { STOP_MS } from './server.ts';
import { createVirtualClock } from './virtual-clock.ts';

/** On a whole second, as HTTP's Date is. */
export const NOW = Date.parse('2026-01-05T09:00:00Z');

const POLICY = parsePolicy({
  version: 1,
  mode: 'live',
  maxKills: 100_000,
  maxKillsPercent: 100,
  rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }],
});

/** Turns of the event loop in which what an answer has set going comes to its next call or sleep. */
const QUIET_TURNS = 5;

/** Counts the HTTP requests of this process that are under way, as their client sees them. */
function watchRequests() {
  let open = 0;
  const onCreated = (message: unknown) => {
    open += 1;
    (message as { request: ClientRequest }).request.once('close', () => {
      open -= 1;
    });
  };
  subscribe('http.client.request.created', onCreated);
  return {
    /** Resolves when none is. */
    settle: async () => {
      for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
        await new Promise(setImmediate);
        if (open > 0) quiet = 0;
      }
    },
    end: () => void unsubscribe('http.client.request.created', onCreated),
  };
}

/**
 * An emulator and sweeps of it under one credential, on one virtual clock. The calls are real, and take none of its time.
 *
 * @param rateLimit by ms since the start.
 */
export async function startVirtualService(rateLimit: (sinceStart: number) => RateLimit) {
  const requests: { record: RequestRecord; at: number }[] = [];
  const watch = watchRequests();
  const virtual = createVirtualClock(NOW, watch.settle);
  const clock: Clock = {
    now: virtual.now,
    // Whole, as a system's clock is.
    sleep: (ms, signal) => virtual.sleep(Math.ceil(ms), signal),
  };
  const emulator: Emulator = await startEmulator({
    now: clock.now,
    random: createRandom(2),
    cancelDelayMs: STOP_MS,
    rateLimit: (at) => rateLimit(at - NOW),
    onRequest: (record) => requests.push({ record, at: clock.now() - NOW }),
  });
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const sharedFor = createSharedStates(clock);
  return {
    clock,
    runUntil: virtual.runUntil,
    emulator,
    /** Every request, with when it came: ms since the start. */
    requests,
    sweep: (request: SweepRequest, deadlineAt: number): Promise<SweepReport> =>
      sweep(request, {
        clock,
        random: createRandom(3),
        log: silentLog,
        deadlineAt,
        sharedFor,
        loadCeilings: async () => looseCeilings,
        loadSettings: async () => ({
          target: { name: request.target, endpoint: new URL(url), projectId, mode: 'live' },
          policy: POLICY,
          exemptions: [],
          freezes: [],
          credentials: { name: 'bench', read: async () => ({ accessKeyId, secretAccessKey }) },
          isSwitchedOn: true,
        }),
      }),
    close: () => {
      watch.end();
      return emulator.close();
    },
  };
}
