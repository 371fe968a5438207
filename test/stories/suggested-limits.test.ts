import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { suggestedPolicy } from '../../cli/history/suggested-policy.ts';
import { createRandom } from '../../emulator/base/random.ts';
import { type Kind, type Month, month } from '../../emulator/month.ts';
import { backtest } from '../../lib/history/backtest.ts';
import { livesOf } from '../../lib/history/life.ts';
import { ENGINES_WITH_PAST, emptyHistory, type History, readHistory } from '../../lib/history/read.ts';
import { suggest } from '../../lib/history/suggest.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { createRequest } from '../../lib/request/request.ts';
import { looseCeilings } from '../helpers/ceilings.ts';
import { HOUR, MINUTE, makeWorld, NOW } from '../helpers/world.ts';

const DAY = 24 * HOUR;
/** `suggest` sees the first three of the five weeks. */
const UNSEEN_MS = 14 * DAY;
/** The seed of the month whose giants all come in that part. */
const GIANTS_UNSEEN = 3;
const COUNT = 10_000;

interface Figures {
  /** Jobs that finished well in the part that was not seen, and those of them that would have died. */
  finished: number;
  wrongKills: number;
  /** What those jobs are. */
  killed: (Kind | undefined)[];
  /** Runaways that began and ended there, and those of them that would have been caught. */
  runaways: number;
  caught: number;
}

const page = readFileSync(new URL('../../docs/limits.md', import.meta.url), 'utf8');
const rowOnPage = (seed: number) => page.split('\n').find((line) => line.startsWith(`| ${seed} |`));
const rowOf = (seed: number, { finished, wrongKills, runaways, caught }: Figures): string =>
  `| ${seed} | ${wrongKills} of ${finished} | ${caught} of ${runaways} |`;

/** Reads what the emulator remembers at its present time. */
async function read({ deps }: Awaited<ReturnType<typeof makeWorld>>): Promise<History> {
  const settings = await deps.loadSettings(createRequest({ target: 'test' }));
  const nothing = emptyHistory(settings, ENGINES_WITH_PAST, { until: deps.clock.now(), since: undefined });
  return readHistory(nothing, settings, { ...deps, maxCalls: 1_000, withStatements: false });
}

/** The policy that `suggest` prints, as someone would put it live. */
function livePolicy(history: History): Policy {
  const printed = suggestedPolicy(suggest(livesOf(history.jobs, history.until), history.until), history, []);
  const { rules, ...policy } = parse(printed) as { rules: object[] };
  return parsePolicy({ ...policy, mode: 'live', rules: rules.map((rule) => ({ ...rule, action: 'cancel' })) });
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/** When the part begins that was not seen. Each month ends on another day, so some have their month end before, others after. */
const cutOf = (seed: number): number => NOW + (seed - 1) * 3 * DAY;
const makeMonth = (seed: number): Month => month(cutOf(seed) + UNSEEN_MS, createRandom(seed), { count: COUNT });

/** Suggests limits by the first three weeks of a month, and tries them on the rest. */
async function tryMonth(made: Month, cut: number): Promise<Figures> {
  const world = await makeWorld({ jobs: made.jobs, sparkJobs: made.sparkJobs });

  world.pass(cut - NOW);
  const policy = livePolicy(await read(world));
  world.pass(UNSEEN_MS);
  const all = await read(world);
  const unseen = all.jobs.filter(({ job }) => (job.startedAt ?? 0) >= cut);
  const options = { ceilings: looseCeilings, periodMs: 15 * MINUTE };
  const { finished, wrongKills, victims } = await backtest({ ...all, jobs: unseen }, policy, options);

  const runaways = new Set(
    unseen
      .filter(({ job, endedAt }) => made.kinds.get(job.id) === 'runaway' && endedAt !== undefined)
      .map(({ job }) => job.id),
  );
  return {
    finished,
    wrongKills: wrongKills.length,
    killed: wrongKills.map(({ life }) => made.kinds.get(life.job.id)),
    runaways: runaways.size,
    caught: victims.filter(({ life }) => runaways.has(life.job.id)).length,
  };
}

describe('limits that suggest learns from three weeks of a month', () => {
  it.each(SEEDS)(
    'end at most 1 in 500 good jobs of the next two weeks, and at least half of the runaways: seed %i',
    async (seed) => {
      const figures = await tryMonth(makeMonth(seed), cutOf(seed));

      expect(figures.wrongKills * 500).toBeLessThanOrEqual(figures.finished);
      expect(figures.caught * 2).toBeGreaterThanOrEqual(figures.runaways);
      expect(rowOnPage(seed)).toBe(rowOf(seed, figures));
    },
  );

  it('end only the giants of a month in which they had seen none', async () => {
    const made = makeMonth(GIANTS_UNSEEN);
    const { jobs, sparkJobs, kinds } = made;
    const { killed } = await tryMonth(made, cutOf(GIANTS_UNSEEN));
    const born = [
      ...jobs.map(({ id, submittedAt: at }) => ({ id, at })),
      ...sparkJobs.map(({ id, life }) => ({ id, at: life[0].from })),
    ];
    const giants = born.filter(({ id }) => kinds.get(id) === 'giant');

    expect(giants).toHaveLength(4);
    expect(giants.filter(({ at }) => at < cutOf(GIANTS_UNSEEN))).toEqual([]);
    expect(new Set(killed)).toEqual(new Set(['giant']));
  });

  it('catch few runaways if a giant was seen among the jobs like them, and end no good job more', async () => {
    const made = makeMonth(1);
    const query = made.jobs.find(({ id, queue }) => queue === 'adhoc' && made.kinds.get(id) === 'usual');
    const jobs = made.jobs.map((job) => (job === query ? { ...job, endsAt: job.runsFrom + 9 * HOUR } : job));

    const before = await tryMonth(made, cutOf(1));
    const figures = await tryMonth({ ...made, jobs }, cutOf(1));

    expect(figures.wrongKills).toBeLessThanOrEqual(before.wrongKills);
    expect(figures.caught * 2).toBeLessThan(figures.runaways);
    expect(page.replaceAll(/\s+/g, ' ')).toContain(
      `${figures.caught} of ${figures.runaways} runaways instead of ${before.caught}`,
    );
  });
});
