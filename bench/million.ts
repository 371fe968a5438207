import type { Field } from './contestants.ts';
import { against, count, median, type Section } from './results.ts';
import type { startServer, World } from './server.ts';
import { type Case, runCases, toRuns } from './sweeps.ts';

/** The function has 512 MB, and its runtime gives Node nine tenths of that. */
const HEAP_MB = 460;
/** What a sweep of many overdue jobs has to get by with. It collects garbage all the time, so this is what it holds. */
const SMALL_HEAP_MB = 40;
const ROUNDS = 3;

const FEW: World = { live: 1_000, overdue: 1_000, delayMs: 0 };
const MANY_OVERDUE: World = { live: 10_000, overdue: 10_000, delayMs: 0 };
const MANY_YOUNG: World = { live: 1_000_000, overdue: 1_000, delayMs: 0 };

/** What a million jobs that are not overdue cost, and what each that is. */
export async function benchMemory(server: Awaited<ReturnType<typeof startServer>>, field: Field): Promise<Section> {
  const contestants = [field.oursWithin(HEAP_MB), field.contestants.floor];
  const cases = await runCases(server, contestants, [FEW, MANY_OVERDUE, MANY_YOUNG], ROUNDS);
  const small = { ...field.oursWithin(SMALL_HEAP_MB), name: `ours, heap of ${SMALL_HEAP_MB} MB` };
  const squeezed = await runCases(server, [small], [MANY_OVERDUE], 1);
  const costs = (name: string) => {
    const [few = Number.NaN, manyOverdue = Number.NaN, manyYoung = Number.NaN] = cases.map((one) => peakOf(one, name));
    return {
      youngMb: manyYoung - few,
      overdueKb: ((manyOverdue - few) * 1_024) / (MANY_OVERDUE.overdue - FEW.overdue),
    };
  };
  const [ours, floor] = [costs('ours'), costs('floor')];
  return {
    title: 'Memory: a million live jobs',
    command: 'npm run bench -- memory',
    about:
      `The heap has ${HEAP_MB} MB, as in the function. Medians of ${ROUNDS} rounds. The peak is that of the ` +
      'whole process, garbage included.',
    tables: [
      toRuns([...cases, ...squeezed]),
      {
        head: ['what it costs', 'ours', 'floor'],
        rows: [
          [`${count(MANY_YOUNG.live)} young jobs, MB`, against(ours.youngMb, 40, 0), floor.youngMb.toFixed(0)],
          ['each overdue job, KB', against(ours.overdueKb, 1), floor.overdueKb.toFixed(2)],
        ],
      },
    ],
  };
}

const peakOf = ({ outcomes }: Case, name: string): number =>
  median((outcomes.get(name) ?? []).map(({ peakMb = Number.NaN }) => peakMb));
