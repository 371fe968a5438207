import Table from 'cli-table3';
import { LIMITS, supply } from './limits.ts';
import { countFirstRefusals, countLostRoundTrips, runThrottledCalls } from './throttled-calls.ts';

/*
 * Measures how close the pacer comes to limits that it does not know. Time is virtual, so the result is the same on every
 * run and on every machine.
 *
 *     node bench/pacing.ts
 */

const table = new Table({
  head: ['limit', 'told', 'connections', 'delay ms', 'time / (calls / rate)', 'refusals, first 10 s', 'then'],
  style: { head: [], border: [], compact: true },
});
for (const { name, calls, limitAt } of LIMITS) {
  for (const isNamed of [true, false]) {
    for (const connections of [8, 32]) {
      for (const delayMs of [20, 250]) {
        const told = (now: number) => ({ ...limitAt(now), isNamed });
        const { acceptedAt, refusedAt } = await runThrottledCalls({ calls, limitAt: told, connections, delayMs });
        const later = acceptedAt.filter((at) => at >= 10_000);
        const early = refusedAt.filter((at) => at < 10_000).length;
        const ratio = supply(limitAt, 10_000, acceptedAt.at(-1) ?? 0) / later.length;
        const isBound = (connections / delayMs) * 1_000 < (limitAt(0).calls / limitAt(0).windowMs) * 1_000;
        const shown = isBound ? `${ratio.toFixed(3)} (the connections' own)` : ratio.toFixed(3);
        table.push([name, isNamed ? 'yes' : 'no', connections, delayMs, shown, early, refusedAt.length - early]);
      }
    }
  }
}
process.stdout.write(`${table.toString()}\n`);

const opening = new Table({
  head: ['calls at once', 'connections', 'delay ms', 'refused of the first burst'],
  style: { head: [], border: [], compact: true },
});
for (const burst of [1, 4, 10, 16, 20, 32, 64, 200]) {
  for (const connections of [8, 32]) {
    for (const delayMs of [20, 250]) {
      opening.push([burst, connections, delayMs, await countFirstRefusals({ burst, connections, delayMs })]);
    }
  }
}
for (const connections of [8, 32]) {
  for (const delayMs of [20, 250]) {
    const lost = await countLostRoundTrips({ connections, delayMs });
    opening.push(['no limit', connections, delayMs, `none; ${lost} round trips lost`]);
  }
}
process.stdout.write(`${opening.toString()}\n`);

const pauses = new Table({
  head: ['limit, unnamed', 'Retry-After', 'delay ms', 'time / (calls / rate)', 'refusals'],
  style: { head: [], border: [], compact: true },
});
for (const { name, calls, limitAt } of LIMITS) {
  for (const seconds of [1, 5]) {
    for (const delayMs of [20, 250]) {
      const limited = (now: number) => ({ ...limitAt(now), isNamed: false });
      const run = { calls, limitAt: limited, connections: 32, delayMs, retryAfterMs: seconds * 1_000 };
      const { acceptedAt, refusedAt } = await runThrottledCalls(run);
      const ratio = supply(limitAt, 0, acceptedAt.at(-1) ?? 0) / calls;
      pauses.push([name, `${seconds} s`, delayMs, ratio.toFixed(3), refusedAt.length]);
    }
  }
}
process.stdout.write(`${pauses.toString()}\n`);
