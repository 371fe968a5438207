import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../../lib/sweep/act/progress.ts';
import { emulatedJob, jobId, MINUTE, makeWorld } from '../../../helpers/world.ts';

const policy = { maxKills: 100, maxKillsPercent: 100 };

describe('the progress of a sweep', () => {
  it('keeps apart what was agreed to, what was refused, and what has stopped', async () => {
    const world = await makeWorld({ jobs: [1, 2, 3, 4].map((n) => emulatedJob(n)) });
    world.emulator.faults.add({
      on: 'cancel-sql-job',
      target: jobId(2),
      times: Number.POSITIVE_INFINITY,
      answer: { status: 400, body: { error_code: 'DLI.0003' } },
    });
    const seen: Progress[] = [];

    const { counts } = await world.sweep({}, { ...world.withPolicy(policy), onProgress: (one) => seen.push(one) });

    expect(counts).toMatchObject({ cancelled: 3, failed: 1 });
    expect(seen.filter(({ stage }) => stage === 'cancelling').at(-1)).toMatchObject({ done: 3, failed: 1, total: 4 });
    expect(seen.at(-1)).toMatchObject({ stage: 'verifying', done: 3, failed: 1, total: 4 });
  });

  it('names the limit of DLI once a refusal has taught it, and not before', async () => {
    const world = await makeWorld({
      jobs: Array.from({ length: 40 }, (_, n) => emulatedJob(n + 1)),
      rateLimit: { calls: 30, windowMs: MINUTE, isNamed: true },
    });
    const seen: Progress[] = [];

    await world.sweep({}, { ...world.withPolicy(policy), onProgress: (one) => seen.push(one) });

    expect(seen[0]).toMatchObject({ stage: 'listing', callsPerMinute: undefined });
    expect(seen.at(-1)?.callsPerMinute).toBeGreaterThan(20);
    expect(seen.at(-1)?.callsPerMinute).toBeLessThanOrEqual(30);
  });
});
