import { createParameterStoreStandIn, stageParameters } from '../../emulator/aws/parameter-store.ts';
import { createRandom } from '../../emulator/base/random.ts';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import type { Ceilings } from '../../lib/settings/ceilings.ts';
import { ParameterValues } from '../../lib/settings/parameter-store.ts';
import { loadSsmSettings } from '../../lib/settings/stage.ts';
import type { SweepDeps } from '../../lib/sweep/deps.ts';
import { type RecordLine, toPastSweeps } from '../../lib/sweep/past/from-lines.ts';
import type { LineName } from '../../lib/sweep/record/log-lines.ts';
import { HOUR, MINUTE, makeWorld, NOW } from './world.ts';

const PERIOD = 15 * MINUTE;
const DAY = 24 * HOUR;

/** The parameter that holds the policy of the one target. */
export const POLICY = '/dli-reaper/dev/policies/base';

type Store = ReturnType<typeof createParameterStoreStandIn>;

/** A change of Parameter Store before each tick. */
export type BeforeTick = (store: Store, tick: number, random: () => number) => void;

/**
 * Sweeps a target every quarter of an hour in virtual time. Its log is the only memory.
 *
 * @param options.deaths the share of sweeps that die before they report.
 * @returns epoch ms of each cancel that DLI accepted, in order.
 */
export async function sweepFor(
  durationMs: number,
  {
    jobs,
    ceilings,
    before,
    deaths = 0,
  }: { jobs: EmulatedJob[]; ceilings: Ceilings; before: BeforeTick; deaths?: number },
): Promise<number[]> {
  const random = createRandom(15);
  const world = await makeWorld({ jobs });
  const store = createParameterStoreStandIn(stageParameters('dev', world.emulator.connection, {}), world.clock.now);
  const log: RecordLine[] = [];
  const deps: Partial<SweepDeps> = {
    periodMs: PERIOD,
    loadCeilings: async () => ceilings,
    loadSettings: (request) =>
      loadSsmSettings(request, {
        stage: 'dev',
        read: async (names) => valuesOf(store.answer('GetParameters', { Names: [...names] })),
        readPath: async (path) => valuesOf(store.answer('GetParametersByPath', { Path: path, Recursive: true })),
        readSwitch: async () => ({ value: 'run', version: 1 }),
      }),
    readRecord: async ({ since, until = Number.POSITIVE_INFINITY }) =>
      toPastSweeps(log.filter(({ at }) => at >= since && at <= until)),
  };
  for (let tick = 0; tick * PERIOD < durationMs; tick++) {
    world.pass(Math.max(NOW + tick * PERIOD - world.clock.now(), 0));
    before(store, tick, random);
    const seen = world.lines.length;
    const now = world.clock.now();
    const report = await world.sweep(
      { sweepId: `tick-${tick}`, target: 'default', trigger: 'schedule', askedAt: now },
      { ...deps, deadlineAt: now + 14 * MINUTE },
    );
    const hasDied = random() < deaths;
    for (const { msg, fields } of world.lines.slice(seen)) {
      if (hasDied && msg === 'sweep finished') continue;
      const at = Date.parse(msg === 'sweep finished' ? report.finishedAt : report.startedAt);
      log.push({ msg: msg as LineName, at, fields } as RecordLine);
    }
  }
  return world.emulator.sql
    .all()
    .flatMap(({ cancelledAt }) => cancelledAt ?? [])
    .sort((a, b) => a - b);
}

function valuesOf(answer: object | string | undefined): ParameterValues {
  const values = new ParameterValues();
  const { Parameters = [] } = answer as { Parameters?: { Name: string; Value: string; Version: number }[] };
  for (const one of Parameters) values.add(one);
  return values;
}

/** The largest number in any 24 hours. */
export const mostInDay = (times: readonly number[]): number =>
  Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + DAY).length));
