import { type Contestant, type Outcome, runOnce } from './contestants.ts';
import { against, count, median, type Sheet, spread } from './results.ts';
import type { startServer, World } from './server.ts';

/*
 * Whole processes side by side: ours, a script on the vendor's SDK, curl, and the floor. In each round every contestant has
 * its turn, and another one begins.
 */

type Server = Awaited<ReturnType<typeof startServer>>;

/** What each contestant came to in one world, a run per round. */
export interface Case {
  world: World;
  outcomes: Map<string, Outcome[]>;
}

/** Slow contestants sweep no world with more live jobs. */
const MOST_FOR_SLOW = 200;

/** A world with more live jobs takes minutes for each round. */
const LARGE = 2_000;
const ROUNDS_OF_LARGE = 3;

const SIZES = [200, 2_000, 10_000];
const DELAYS_MS = [0, 20, 60];

export const WORLDS: readonly World[] = SIZES.flatMap((live) =>
  [live / 10, live].flatMap((overdue) => DELAYS_MS.map((delayMs) => ({ live, overdue, delayMs }))),
);

/** What a quick look takes, and what is run in more than one way. */
export const QUICK_WORLDS: readonly World[] = WORLDS.filter(
  ({ live, overdue, delayMs }) => live <= 2_000 && overdue < live && delayMs === 20,
);
export const SOME_WORLDS: readonly World[] = WORLDS.filter(({ live, delayMs }) => live <= 2_000 && delayMs === 20);

/** Each case is announced on stderr when it begins. */
export async function runCases(
  server: Server,
  contestants: readonly Contestant[],
  worlds: readonly World[],
  mostRounds: number,
): Promise<Case[]> {
  const cases: Case[] = [];
  for (const world of worlds) {
    process.stderr.write(`${nameOf(world)} …\n`);
    const field = contestants.filter(({ isSlow }) => !isSlow || world.live <= MOST_FOR_SLOW);
    const rounds = world.live > LARGE ? Math.min(mostRounds, ROUNDS_OF_LARGE) : mostRounds;
    const outcomes = new Map(field.map(({ name }): [string, Outcome[]] => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < field.length; turn++) {
        const contestant = field[(round + turn) % field.length] as Contestant;
        outcomes.get(contestant.name)?.push(await runOnce(server, contestant, world));
      }
    }
    cases.push({ world, outcomes });
  }
  return cases;
}

export const nameOf = ({ live, overdue, delayMs }: World): string =>
  `${count(live)} / ${count(overdue)} / ${delayMs} ms`;

/** Everything that was measured, a row for each contestant in each case. */
export function toRuns(cases: readonly Case[]): Sheet {
  return {
    head: [
      'live / overdue / delay',
      'by',
      'wall, s',
      'list',
      'status',
      'cancel',
      'other',
      '429',
      'CPU, s',
      'peak, MB',
      "server's CPU, s",
      'missed',
    ],
    rows: cases.flatMap(({ world, outcomes }) =>
      [...outcomes].map(([name, runs]) => {
        const middle = (of: (run: Outcome) => number) => median(runs.map(of));
        const calls = middle(callsOf);
        const peaks = runs.flatMap(({ peakMb }) => peakMb ?? []);
        return [
          nameOf(world),
          name,
          spread(runs.map(({ wallMs }) => wallMs)),
          count(middle(({ list }) => list)),
          count(middle(({ status }) => status)),
          count(middle(({ cancel }) => cancel)),
          count(middle(({ other }) => other)),
          `${Math.round((middle(({ refused }) => refused) / calls) * 100)} %`,
          spread(runs.map(({ cpuMs }) => cpuMs)),
          peaks.length === 0 ? '–' : Math.round(median(peaks)),
          (middle(({ serverCpuMs }) => serverCpuMs) / 1_000).toFixed(2),
          missedIn(runs) === 0 ? 0 : `**${missedIn(runs)}**`,
        ];
      }),
    ),
  };
}

export const callsOf = ({ list, status, cancel, other }: Outcome): number => list + status + cancel + other;

/** The worst run counts. */
export const missedIn = (runs: readonly Outcome[]): number => Math.max(...runs.map(({ missed }) => missed));

/** Ours against the others, as ratios of medians. */
export interface Ratios {
  wallOverFloor: number;
  wallBound: number | undefined;
  wallOverReadBack: number;
  cpuOverFloor: number;
  calls: number;
  callsBound: number;
  missed: number;
}

export function ratiosOf({ world, outcomes }: Case): Ratios {
  const of = (name: string, value: (run: Outcome) => number) => median((outcomes.get(name) ?? []).map(value));
  const wall = ({ wallMs }: Outcome) => wallMs;
  const cpu = ({ cpuMs }: Outcome) => cpuMs;
  return {
    wallOverFloor: of('ours', wall) / of('floor', wall),
    wallBound: wallBoundOf(world),
    wallOverReadBack: of('ours', wall) / of('sdk + read back', wall),
    cpuOverFloor: of('ours', cpu) / of('floor', cpu),
    calls: of('ours', callsOf),
    callsBound: 1.05 * world.overdue + 10,
    missed: missedIn(outcomes.get('ours') ?? []),
  };
}

/** The two worlds that a bound was set for. */
function wallBoundOf({ live, overdue, delayMs }: World): number | undefined {
  if (live !== 2_000 || delayMs !== 20) return undefined;
  return overdue === live ? 1.25 : 1.5;
}

export function toBounds(cases: readonly Case[]): Sheet {
  return {
    head: ['live / overdue / delay', 'wall / floor', 'wall / sdk + read back', 'calls', 'CPU / floor, aim', 'missed'],
    rows: cases.map((one) => {
      const { wallOverFloor, wallBound, wallOverReadBack, cpuOverFloor, calls, callsBound, missed } = ratiosOf(one);
      return [
        nameOf(one.world),
        wallBound === undefined ? wallOverFloor.toFixed(2) : against(wallOverFloor, wallBound),
        against(wallOverReadBack, 1),
        against(calls, Math.floor(callsBound), 0),
        against(cpuOverFloor, 1.5),
        against(missed, 0, 0),
      ];
    }),
  };
}
