import { createRandom } from '../emulator/base/random.ts';
import type { RateLimit } from '../emulator/gateway/throttle.ts';
import { startEmulator } from '../emulator/server.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { createSharedStates } from '../lib/dli/shared-state.ts';
import { parsePolicy } from '../lib/policy/parse.ts';
import { parseRequest } from '../lib/request/request.ts';
import type { Settings } from '../lib/settings/settings.ts';
import type { SweepDeps } from '../lib/sweep/deps.ts';
import type { SweepReport } from '../lib/sweep/record/report.ts';
import { sweep } from '../lib/sweep/sweep.ts';
import { looseCeilings } from '../test/helpers/ceilings.ts';

/** When the world begins, epoch ms. */
export const NOW = Date.parse('2026-01-05T09:00:00Z');

export interface OverdueWorld {
  /** Number of live SQL jobs. */
  live: number;
  /** Number of these that are over the policy's limit. */
  overdue: number;
  rateLimit?: RateLimit | undefined;
  /** How long the nth job takes to stop once it was asked, in ms. At once by default. */
  stopMs?: (n: number) => number;
  /** Settings in place of the usual ones. */
  settings?: Partial<Settings>;
  /** @param now returns the time of the world, epoch ms. */
  createLog: (now: () => number) => SweepDeps['log'];
}

/**
 * Runs one live sweep against an emulator, over real HTTP. It may cancel every overdue job. The world's clock jumps over
 * every wait of the sweep.
 */
export async function sweepOverdueJobs(world: OverdueWorld): Promise<SweepReport> {
  const { live, overdue, rateLimit, stopMs = () => 0, settings, createLog } = world;
  let now = NOW;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const asked = new Set<string>();
  const emulator = await startEmulator({
    now: clock.now,
    random: createRandom(2),
    jobs: manyJobs(NOW, createRandom(1), { count: live, overdueShare: overdue / live }),
    cancelDelayMs: 0,
    // Every job that was asked since the last request gets its own time to stop.
    onRequest: () => {
      for (const job of emulator.sql.all()) {
        if (job.cancelledAt === undefined || asked.has(job.id)) continue;
        job.cancelledAt += stopMs(asked.size);
        asked.add(job.id);
      }
    },
    ...(rateLimit !== undefined && { rateLimit }),
  });
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  try {
    return await sweep(parseRequest({ dryRun: false, maxKills: overdue }), {
      clock,
      random: createRandom(3),
      log: createLog(clock.now),
      deadlineAt: NOW + 15 * 60_000,
      sharedFor: createSharedStates(clock),
      loadCeilings: async () => looseCeilings,
      loadSettings: async () => ({
        target: { name: 'bench', endpoint: new URL(url), projectId, mode: undefined },
        policy: parsePolicy({
          version: 1,
          mode: 'live',
          maxKillsPercent: 100,
          rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }],
        }),
        exemptions: [],
        freezes: [],
        credentials: { name: 'bench', read: async () => ({ accessKeyId, secretAccessKey }) },
        isSwitchedOn: true,
        ...settings,
      }),
    });
  } finally {
    await emulator.close();
  }
}
