import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createRandom } from '../../emulator/base/random.ts';
import { isOver, statusAt } from '../../emulator/sql/jobs.ts';
import { busyMorning, manyJobs, WORLDS } from '../../emulator/worlds.ts';
import { isJobId } from '../../lib/base/job.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import { HOUR, MINUTE, makeWorld, NOW } from '../helpers/world.ts';

const crowd = { count: 50, overdueShare: 0.1 };

describe.each([
  { name: 'busyMorning', make: (seed: number) => busyMorning(NOW, createRandom(seed)) },
  { name: 'manyJobs', make: (seed: number) => manyJobs(NOW, createRandom(seed), crowd) },
])('$name', ({ make }) => {
  it('makes the same jobs from the same seed', () => {
    expect(make(7)).toEqual(make(7));
  });

  it('makes other jobs from another seed', () => {
    const ids = new Set(make(7).map(({ id }) => id));

    expect(make(8).some(({ id }) => ids.has(id))).toBe(false);
  });

  it('gives each job a different id', () => {
    const ids = make(7).map(({ id }) => id);

    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !isJobId(id))).toEqual([]);
  });
});

describe('manyJobs', () => {
  it.each([
    { count: 200, overdueShare: 0.1, overdue: 20 },
    { count: 30, overdueShare: 0.2, overdue: 6 },
    { count: 10, overdueShare: 0.25, overdue: 3 },
    { count: 5, overdueShare: 1, overdue: 5 },
    { count: 5, overdueShare: 0, overdue: 0 },
    { count: 0, overdueShare: 0.5, overdue: 0 },
  ])('makes $overdue of $count jobs overdue for a share of $overdueShare', ({ count, overdueShare, overdue }) => {
    const jobs = manyJobs(NOW, createRandom(1), { count, overdueShare });

    const old = jobs.filter(({ submittedAt }) => NOW - submittedAt >= 3 * HOUR);
    const young = jobs.filter(({ submittedAt }) => NOW - submittedAt < 30 * MINUTE);
    expect([jobs.length, old.length, young.length]).toEqual([count, overdue, count - overdue]);
    expect(old.filter((job) => job.type !== 'QUERY' || statusAt(job, NOW) !== 'RUNNING')).toEqual([]);
    expect(old.filter(({ submittedAt }) => NOW - submittedAt >= 11 * HOUR)).toEqual([]);
  });

  it('makes live jobs of several types, queues and owners, some of them launching', () => {
    const jobs = manyJobs(NOW, createRandom(1), { count: 200, overdueShare: 0.1 });
    const differing = (key: 'type' | 'queue' | 'owner') => new Set(jobs.map((job) => job[key])).size;

    expect(jobs.filter((job) => isOver(statusAt(job, NOW)))).toEqual([]);
    expect(new Set(jobs.map((job) => statusAt(job, NOW)))).toEqual(new Set(['RUNNING', 'LAUNCHING']));
    expect([differing('type'), differing('queue'), differing('owner')]).toEqual([4, 4, 5]);
  });
});

describe('busyMorning', () => {
  it('has each kind of job that a sweep must tell apart', () => {
    const jobs = busyMorning(NOW, createRandom(1));

    expect(new Set(jobs.map((job) => statusAt(job, NOW)))).toEqual(
      new Set(['RUNNING', 'LAUNCHING', 'SCALING', 'FINISHED', 'FAILED']),
    );
    expect(jobs.some(({ onCancel }) => onCancel === 'finish')).toBe(true);
    expect(jobs.some(({ shownStatus }) => shownStatus !== undefined)).toBe(true);
    expect(jobs.some(({ hiddenFields }) => hiddenFields?.includes('start_time'))).toBe(true);
  });
});

describe('a sweep of a world', () => {
  const policyOf = (name: string) =>
    parsePolicy(parse(readFileSync(new URL(`../../examples/${name}-policy.yml`, import.meta.url), 'utf8')));

  it.each([
    { name: 'busy-morning', policy: 'demo', status: 'ok', counts: { overdue: 5, cancelled: 4, alreadyTerminal: 1 } },
    {
      name: 'lake',
      policy: 'lake',
      status: 'failed',
      counts: { overdue: 8, cancelled: 4, alreadyTerminal: 1, failed: 2, unconfirmed: 1 },
    },
    { name: 'orphans', policy: 'demo', status: 'ok', counts: { overdue: 12, cancelled: 12 } },
    { name: 'storm', policy: 'demo', status: 'ok', counts: { overdue: 0 } },
    { name: 'ten-thousand', policy: 'demo', status: 'capped', counts: { cancelled: 0 } },
    { name: 'month', policy: 'demo', status: 'ok', counts: { overdue: 0 } },
    { name: 'empty', policy: 'demo', status: 'ok', counts: { seen: 0 } },
  ])('finds in $name what the docs say', async ({ name, policy, status, counts }) => {
    const make = WORLDS[name];
    const world = await makeWorld({ jobs: [], ...make?.(NOW, createRandom(1)) });
    const parsed = policyOf(policy);

    const report = await world.sweep(
      {},
      { loadSettings: async (asked) => ({ ...(await world.deps.loadSettings(asked)), policy: parsed }) },
    );

    expect(report).toMatchObject({ status, counts });
  });

  it('is tested for every world', () => {
    expect(Object.keys(WORLDS).sort()).toEqual([
      'busy-morning',
      'empty',
      'lake',
      'month',
      'orphans',
      'storm',
      'ten-thousand',
    ]);
  });
});
