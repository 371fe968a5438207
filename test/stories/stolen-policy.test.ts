import { describe, expect, it } from 'vitest';
import { DEFAULT_CEILINGS } from '../../lib/settings/ceilings.ts';
import { type BeforeTick, mostInDay, POLICY, sweepFor } from '../helpers/many-sweeps.ts';
import { emulatedJob, HOUR, MINUTE, NOW } from '../helpers/world.ts';

/** From Friday evening to Monday morning. */
const WEEKEND = 60 * HOUR;

const policy = (changes: object = {}, rule: object = {}) =>
  JSON.stringify({
    version: 1,
    mode: 'live',
    maxKills: 100_000,
    maxKillsPercent: 100,
    drain: true,
    rules: [{ id: 'r', match: { queue: ['adhoc', 'etl'] }, maxTotalTime: '15m', ...rule }],
    ...changes,
  });

const ATTEMPTS: ((tick: number) => string)[] = [
  () => policy(),
  (tick) => policy({}, { id: `r${tick}` }),
  () => policy({ drain: false }),
  () => policy({ maxKills: 100 }),
  () => policy({}, { match: 'all', maxTotalTime: '1s' }),
  () => policy({}, { match: { queue: '*' } }),
  () => policy({ mode: 'dry-run' }),
  () => policy({ exemptions: [] }),
];

/** Somebody with the right to write policies, and no other. */
const THIEVES: { name: string; before: BeforeTick }[] = [
  // Its best: nothing about it is new after the first hour.
  {
    name: 'goes to and fro between two policies',
    before: (store, tick) => store.put(POLICY, policy({}, { id: `r${tick % 2}` })),
  },
  {
    name: 'writes a new one each time',
    before: (store, tick) => store.put(POLICY, policy({}, { id: `r${tick}` })),
  },
  {
    name: 'removes it and makes it again, as version 1',
    before: (store, tick) => {
      store.answer('DeleteParameter', { Name: POLICY });
      store.put(POLICY, policy({}, { id: `r${tick % 3}` }));
    },
  },
  {
    name: 'tries whatever comes to mind',
    before: (store, tick, random) =>
      store.put(POLICY, ATTEMPTS[Math.floor(random() * ATTEMPTS.length)]?.(tick) ?? policy()),
  },
];

describe('a stolen right to write policies, over a weekend', () => {
  it.each(THIEVES)(
    'cancels as many jobs in 24 hours as the ceiling of a day allows and no more, where somebody $name',
    async ({ before }) => {
      // More jobs than the ceiling of a day allows.
      const jobs = Array.from({ length: 220 }, (_, i) =>
        emulatedJob(i + 1, {
          ageMs: 3 * HOUR - Math.max(i - 100, 0) * 30 * MINUTE,
          queue: i % 3 === 0 ? 'etl' : 'adhoc',
          endsAt: NOW + 2 * WEEKEND,
        }),
      );
      const ceilings = { ...DEFAULT_CEILINGS, killsPerSweep: 30, killsPerDay: 70, setBy: 'deploy' as const };

      const killedAt = await sweepFor(WEEKEND, { jobs, ceilings, before, deaths: 0.05 });

      expect(mostInDay(killedAt)).toBe(70);
    },
  );
});
