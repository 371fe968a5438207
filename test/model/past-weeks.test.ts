import { describe, expect, it } from 'vitest';
import { startEmulator } from '../../emulator/server.ts';
import { batchLife, type EmulatedBatch } from '../../emulator/spark/jobs.ts';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import { createSharedStates } from '../../lib/dli/shared-state.ts';
import { backtest } from '../../lib/history/backtest.ts';
import { livesOf } from '../../lib/history/life.ts';
import { looksAt } from '../../lib/history/looks.ts';
import { ENGINES_WITH_PAST, emptyHistory, type History, readHistory } from '../../lib/history/read.ts';
import { tryPolicy } from '../../lib/history/trial.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { looseCeilings } from '../helpers/ceilings.ts';
import { HOUR, jobId, MINUTE, makeWorld, NOW } from '../helpers/world.ts';

/** Each week is swept 672 times over HTTP, so `npm test` leaves this file to `npm run test:worlds`. */
const SEEDS = [1, 2, 3];
const PERIOD_MS = 15 * MINUTE;
const SWEEPS = 672;
const UNTIL = NOW + SWEEPS * PERIOD_MS;

/** In [0, 1), the same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed * 7_919 + 1;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

interface WeekOptions {
  /** The share of the jobs that wait before they run. */
  waiting: number;
}

/** A week of jobs, of which most are short, some are long, and a few would run for days. None ends while a sweep is at work. */
function makeWeek(seed: number, { waiting }: WeekOptions): { jobs: EmulatedJob[]; batches: EmulatedBatch[] } {
  const random = createRandom(seed);
  const pick = <T>(...values: [T, ...T[]]): T => values[Math.floor(random() * values.length)] ?? values[0];
  const times = () => {
    const submittedAt = NOW + Math.floor(random() * SWEEPS * PERIOD_MS);
    const took = pick(10 * MINUTE, 40 * MINUTE, HOUR, 2.5 * HOUR, 5 * HOUR, 30 * HOUR) * (0.5 + random());
    const end = Math.floor(submittedAt + took);
    const intoTick = end % PERIOD_MS;
    return { submittedAt, endsAt: intoTick < 2 * MINUTE ? end + 2 * MINUTE : end };
  };
  const jobs = Array.from({ length: 300 }, (_, i): EmulatedJob => {
    const { submittedAt, endsAt } = times();
    const wait = random() < waiting ? random() * (endsAt - submittedAt) : 0;
    return {
      id: jobId(i + 1),
      type: pick('QUERY', 'QUERY', 'QUERY', 'INSERT'),
      queue: pick('adhoc', 'bi', 'etl'),
      owner: pick('ana', 'bo', 'chen'),
      statement: 'select 1',
      submittedAt,
      runsFrom: Math.floor(submittedAt + wait),
      endsAt,
      endsAs: pick('FINISHED', 'FINISHED', 'FAILED'),
    };
  });
  const batches = Array.from({ length: 60 }, (_, i): EmulatedBatch => {
    const { submittedAt, endsAt } = times();
    const life = batchLife({ createdAt: submittedAt, runsFrom: submittedAt, endsAt, endsAs: pick('success', 'dead') });
    return { id: jobId(10_000 + i), name: 'nightly', queue: pick('general', 'ml'), owner: pick('ana', 'bo'), life };
  });
  return { jobs, batches };
}

type Week = ReturnType<typeof makeWeek>;

/** What DLI remembers of a week in which nothing was cancelled. */
async function remember({ jobs, batches }: Week): Promise<History> {
  const emulator = await startEmulator({ now: () => UNTIL, random: () => 0.5, jobs, sparkJobs: batches });
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const clock = { now: () => UNTIL, sleep: async () => {} };
  const settings = {
    target: { name: 'test', endpoint: new URL(url), projectId, mode: undefined },
    credentials: { name: 'test', read: () => Promise.resolve({ accessKeyId, secretAccessKey }) },
  };
  try {
    return await readHistory(emptyHistory(settings, ENGINES_WITH_PAST, { until: UNTIL, since: undefined }), settings, {
      clock,
      random: () => 0.5,
      sharedFor: createSharedStates(clock),
      maxCalls: 600,
      withStatements: false,
    });
  } finally {
    await emulator.close();
  }
}

/** Sweeps the week live at each tick. @returns when each job was cancelled, epoch ms. */
async function sweepLive(week: Week, policy: Policy, { cancelDelayMs = 0, resubmits = false } = {}) {
  const world = await makeWorld({ jobs: [], queues: [], cancelDelayMs });
  const { emulator, clock, deps, pass, sweep } = world;
  const loadSettings: typeof deps.loadSettings = async (asked) => ({ ...(await deps.loadSettings(asked)), policy });
  const coming = [
    ...week.jobs.map((job) => ({ at: job.submittedAt, add: () => emulator.sql.add({ ...job }) })),
    ...week.batches.map((batch) => ({ at: batch.life[0].from, add: () => emulator.spark.add({ ...batch }) })),
  ].sort((a, b) => a.at - b.at);
  const cancelled = new Map<string, number>();
  for (let tick = NOW; tick <= UNTIL; tick += PERIOD_MS) {
    pass(tick - clock.now());
    while ((coming[0]?.at ?? Number.POSITIVE_INFINITY) <= tick) coming.shift()?.add();
    const report = await sweep({}, { loadSettings, deadlineAt: tick + 10 * MINUTE });
    for (const { jobId: id, outcome, owner, queue } of report.jobs) {
      if (outcome !== 'cancelled') continue;
      cancelled.set(id, tick);
      if (resubmits) emulator.sql.add({ ...resubmitted(tick), owner: owner ?? '', queue: queue ?? '' });
    }
  }
  return cancelled;
}

let resubmissions = 0;

/** A client that tries again a minute after its job was cancelled. */
function resubmitted(cancelledAt: number): EmulatedJob {
  resubmissions += 1;
  const submittedAt = cancelledAt + MINUTE;
  const rest = { type: 'QUERY', queue: '', owner: '', statement: 'select 1', endsAs: 'FINISHED' } as const;
  return {
    ...rest,
    id: jobId(50_000 + resubmissions),
    submittedAt,
    runsFrom: submittedAt,
    endsAt: submittedAt + 50 * HOUR,
  };
}

const RULES = [
  { id: 'adhoc', match: { queue: 'adhoc' }, ignore: { owner: 'chen' }, maxTotalTime: '2h' },
  { id: 'bi', match: { queue: 'bi', jobType: ['QUERY', 'INSERT'] }, maxRunTime: '3h' },
  { id: 'batches', engines: ['spark'], match: 'all', maxTotalTime: '4h' },
  { id: 'watched', match: { queue: 'etl' }, maxTotalTime: '1h', action: 'warn' },
];
const GROUPS = [
  { id: 'storm', match: { queue: 'etl' }, maxTotalTime: '1h', groupBy: 'owner', keep: { oldest: 1 } },
  { id: 'oldest', match: { queue: 'bi' }, maxTotalTime: '2h', groupBy: 'owner', victims: 'oldest', minGroupSize: 2 },
];
const EXEMPTIONS = [{ id: 'bo', reason: 'r', owner: 'o', until: '2026-01-09', match: { owner: 'bo', queue: 'bi' } }];
const FREEZES = [
  { id: 'night', reason: 'r', match: 'all', from: '2026-01-07T20:00:00Z', until: '2026-01-08T06:00:00Z' },
];

const policyOf = (more: object = {}) =>
  parsePolicy({
    version: 1,
    mode: 'live',
    maxKills: 1_000,
    maxKillsPercent: 100,
    rules: RULES,
    exemptions: EXEMPTIONS,
    freezes: FREEZES,
    ...more,
  });

const timesOf = (kills: Iterable<readonly [string, number]>) =>
  [...kills].map(([id, at]) => `${new Date(at).toISOString()} ${id}`).sort();

describe('a backtest of a week', () => {
  it.each([
    { name: 'rules for each job', policy: policyOf(), seed: SEEDS[0] ?? 0 },
    { name: 'groups', policy: policyOf({ rules: [...GROUPS, ...RULES] }), seed: SEEDS[1] ?? 0 },
    { name: 'a cap that keeps all', policy: policyOf({ maxKills: 2 }), seed: SEEDS[2] ?? 0 },
    { name: 'a cap that drains', policy: policyOf({ maxKills: 1, drain: true }), seed: SEEDS[0] ?? 0 },
    { name: 'a cap in percent', policy: policyOf({ maxKillsPercent: 20, percentFloor: 3 }), seed: SEEDS[1] ?? 0 },
  ])('kills the jobs that live sweeps killed, each at the same tick: $name, seed $seed', async ({ policy, seed }) => {
    const week = makeWeek(seed, { waiting: 0 });
    const history = await remember(week);
    const { lives } = livesOf(history.jobs, UNTIL);
    const looks = looksAt(lives, { ...history, wait: 'none', periodMs: PERIOD_MS, engines: ENGINES_WITH_PAST });

    const { deaths } = await tryPolicy(looks, policy, { ceilings: looseCeilings });
    const live = await sweepLive(week, policy);

    expect(live.size).toBeGreaterThan(10);
    expect(timesOf(deaths.map(({ job, at }) => [job.id, at]))).toEqual(timesOf(live));
  });

  it.each(SEEDS)(
    'gives a range in which the live kills lie, where jobs wait, cancels take a minute and a client tries again: seed %i',
    async (seed) => {
      const week = makeWeek(seed, { waiting: 0.5 });
      const policy = policyOf();

      const { victims } = await backtest(await remember(week), policy, {
        ceilings: looseCeilings,
        periodMs: PERIOD_MS,
      });
      const late = await latestOf(week, policy);
      const live = await sweepLive(week, policy, { cancelDelayMs: MINUTE, resubmits: true });

      const known = new Set([...week.jobs, ...week.batches].map(({ id }) => id));
      const earliest = new Map(victims.map(({ life, at }) => [life.job.id, at]));
      const ofWeek = [...live].filter(([id]) => known.has(id));
      expect(ofWeek.length).toBeGreaterThan(10);
      expect(live.size).toBeGreaterThan(ofWeek.length);
      expect(ofWeek.filter(([id, at]) => at < (earliest.get(id) ?? Number.POSITIVE_INFINITY))).toEqual([]);
      const missed = [...late].filter(
        ([id, { at, endsAt }]) => endsAt > at + 2 * MINUTE && (live.get(id) ?? Infinity) > at,
      );
      expect(missed).toEqual([]);
    },
  );
});

/** The jobs that are cancelled even if each of them waited all its life, with the tick and their own ends. */
async function latestOf(week: Week, policy: Policy) {
  const history = await remember(week);
  const { lives } = livesOf(history.jobs, UNTIL);
  const rules = policy.rules.filter(({ limits }) => limits.every(({ clock }) => clock !== 'maxQueueTime'));
  const looks = looksAt(lives, { ...history, wait: 'all', periodMs: PERIOD_MS, engines: ENGINES_WITH_PAST });
  const { deaths } = await tryPolicy(looks, { ...policy, rules });
  const ends = new Map(lives.map(({ job, endedAt }) => [job.id, endedAt]));
  return new Map(deaths.map(({ job, at }) => [job.id, { at, endsAt: ends.get(job.id) ?? 0 }]));
}
