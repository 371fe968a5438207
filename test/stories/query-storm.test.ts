import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { statusAt } from '../../emulator/sql/jobs.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import { readCeilings } from '../../lib/settings/ceilings.ts';
import type { SweepDeps } from '../../lib/sweep/deps.ts';
import { emulatedJob, MINUTE, makeWorld } from '../helpers/world.ts';

/* The example of docs/policy.md for a query that a dashboard sends forty times, as it stands there. */

const page = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
const example = examples.find((text) => text.includes('id: query-storm')) ?? '';

const daily = (table: string, n: number) =>
  `SELECT region, sum(amount) FROM ${table} WHERE day = '2026-01-${String(1 + (n % 28)).padStart(2, '0')}'`;
/** The first is the oldest; all are over a quarter of an hour. */
const STORM = Array.from({ length: 40 }, (_, i) =>
  emulatedJob(i, { queue: 'bi_reports', statement: daily('sales', i), ageMs: 50 * MINUTE - i * 30_000 }),
);
/** Fewer of a kind than the rule asks for. */
const SMALL_GROUP = [50, 51, 52, 53].map((n) => emulatedJob(n, { queue: 'bi_reports', statement: daily('stock', n) }));
const OTHER_QUEUE = Array.from({ length: 16 }, (_, i) => emulatedJob(60 + i, { statement: daily('sales', i) }));

describe('the query storm of docs/policy.md', () => {
  it('ends within three ticks but for its oldest query, by the defaults of the page and of a stage', async () => {
    const world = await makeWorld({ jobs: [...STORM, ...SMALL_GROUP, ...OTHER_QUEUE] });
    const policy = parsePolicy(parse(example));
    const deps: Partial<SweepDeps> = {
      loadCeilings: async () => readCeilings({}, 'deploy'),
      loadSettings: async (asked) => ({
        ...(await world.deps.loadSettings(asked)),
        policy,
        documents: { policy: JSON.stringify(parse(example)) },
      }),
      readRecord: world.readRecord,
    };
    const tick = async () => {
      const { status, counts, caps } = await world.sweep(
        { trigger: 'schedule' },
        { ...deps, deadlineAt: world.clock.now() + 10 * MINUTE },
      );
      world.pass(15 * MINUTE);
      return { status, victims: caps.victims, cancelled: counts.cancelled };
    };

    const ticks = [await tick(), await tick(), await tick(), await tick()];

    expect(policy).toMatchObject({ maxKills: 20, maxKillsPercent: 50, percentFloor: 10 });
    expect(ticks).toEqual([
      { status: 'capped', victims: 39, cancelled: 3 },
      { status: 'capped', victims: 36, cancelled: 20 },
      { status: 'ok', victims: 16, cancelled: 16 },
      { status: 'ok', victims: 0, cancelled: 0 },
    ]);
    const left = world.emulator.sql.all().filter((job) => statusAt(job, world.clock.now()) === 'RUNNING');
    expect(new Set(left.map(({ id }) => id))).toEqual(
      new Set([...STORM.slice(0, 1), ...SMALL_GROUP, ...OTHER_QUEUE].map(({ id }) => id)),
    );
  });
});
