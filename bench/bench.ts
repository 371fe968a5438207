import { spawnSync } from 'node:child_process';
import { benchColdStart } from './cold-start.ts';
import { enterField, type Field } from './contestants.ts';
import { benchFleet } from './fleet.ts';
import { benchLimits } from './limited-sweeps.ts';
import { benchMemory } from './million.ts';
import { writePlot } from './plot.ts';
import { printSection, type Section, writeSection } from './results.ts';
import { startServer, type World } from './server.ts';
import { nameOf, QUICK_WORLDS, ratiosOf, runCases, SOME_WORLDS, toBounds, toRuns, WORLDS } from './sweeps.ts';

/*
 * Ours and the alternatives side by side, written to bench/results.md and drawn in bench/results.svg.
 *
 *     npm run bench                    all parts; about an hour on an idle machine
 *     npm run bench -- tls limits      these parts
 *     npm run bench -- --quick         two small sweeps; ends with 1 if a ratio is far off
 */

type Server = Awaited<ReturnType<typeof startServer>>;

const ROUNDS = 5;
const QUICK_ROUNDS = 3;
/** How far off a ratio must be for the quick run to fail: it shares its machine with whatever else runs there. */
const FAR_OFF = 3;

const ABOUT_ROWS =
  'Each contestant is a process of its own, from its start to its end. `floor` is hand-written on `node:http`, with 32 ' +
  'connections: it lists, cancels, and lists until all are CANCELLED. `sdk` is a script on the core of the vendor’s Node SDK, 20 ' +
  'calls at once. A cancelled job runs on for 30 ms. `missed` counts overdue jobs that still run at the end, as the emulator has ' +
  'them, in the worst round.';

const PARTS: Readonly<Record<string, (server: Server, field: Field) => Promise<Section>>> = {
  sweeps: async (server, { contestants }) => {
    const hasCurl = ['curl', 'openssl'].every((name) => spawnSync(name, ['--version']).error === undefined);
    const { curl, ...others } = contestants;
    const cases = await runCases(server, [...Object.values(others), ...(hasCurl ? [curl] : [])], WORLDS, ROUNDS);
    writePlot(cases);
    return {
      title: 'Sweeps',
      command: 'npm run bench -- sweeps',
      about: `${ABOUT_ROWS} Plain HTTP on loopback, ${ROUNDS} rounds, and 3 of the worlds with 10,000 jobs.${hasCurl ? '' : ' There is no curl or no openssl here.'}`,
      tables: [toBounds(cases), toRuns(cases)],
    };
  },
  tls: async (server, { contestants }) => {
    const worlds = SOME_WORLDS.map((world): World => ({ ...world, isTls: true }));
    const { ours, floor, sdk } = contestants;
    const cases = await runCases(server, [ours, floor, sdk, contestants['sdk + read back']], worlds, ROUNDS);
    return {
      title: 'Sweeps through TLS',
      command: 'npm run bench -- tls',
      about: `As above, with TLS in front of the emulator and in the same process. ${ROUNDS} rounds.`,
      tables: [toBounds(cases), toRuns(cases)],
    };
  },
  churn: async (server, { contestants }) => {
    const worlds = SOME_WORLDS.map((world): World => ({ ...world, churn: 3 }));
    const field = [contestants.ours, contestants.floor, contestants['sdk + read back']];
    const cases = await runCases(server, field, worlds, ROUNDS);
    return {
      title: 'Sweeps while jobs come and go',
      command: 'npm run bench -- churn',
      about: `With each list request three overdue jobs end by themselves and three young ones start. ${ROUNDS} rounds.`,
      tables: [toRuns(cases)],
    };
  },
  memory: benchMemory,
  fleet: benchFleet,
  limits: benchLimits,
  'cold-start': benchColdStart,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => name !== '--quick' && !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  process.stderr.write(
    `no such part: ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}, and --quick\n`,
  );
  process.exitCode = 1;
} else {
  await benchAll();
}

async function benchAll(): Promise<void> {
  const server = await startServer();
  const field = await enterField();
  try {
    // The first runs find the server cold.
    await runCases(server, [field.contestants.floor], QUICK_WORLDS, 1);
    if (asked.includes('--quick')) {
      await lookQuickly(server, field);
      return;
    }
    for (const [name, bench] of Object.entries(PARTS)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      const section = await bench(server, field);
      writeSection(section);
      printSection(section);
    }
  } finally {
    field.close();
    server.stop();
  }
}

async function lookQuickly(server: Server, { contestants }: Field): Promise<void> {
  const quick = [contestants.ours, contestants.floor, contestants['sdk + read back']];
  const cases = await runCases(server, quick, QUICK_WORLDS, QUICK_ROUNDS);
  printSection({
    title: 'A quick look',
    command: 'npm run bench -- --quick',
    about: `${QUICK_ROUNDS} rounds. It fails where a ratio is ${FAR_OFF} times its bound.`,
    tables: [toBounds(cases), toRuns(cases)],
  });
  for (const one of cases) {
    const {
      wallOverFloor,
      wallBound = Number.POSITIVE_INFINITY,
      wallOverReadBack,
      calls,
      callsBound,
      missed,
    } = ratiosOf(one);
    const isFarOff =
      wallOverFloor > FAR_OFF * wallBound || wallOverReadBack > FAR_OFF || calls > FAR_OFF * callsBound || missed > 0;
    if (!isFarOff) continue;
    process.stderr.write(`${nameOf(one.world)}: far off its bounds\n`);
    process.exitCode = 1;
  }
}
