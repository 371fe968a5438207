import { createRandom } from '../emulator/base/random.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { parseRequest } from '../lib/request/request.ts';
import { LIMITS, supply } from './limits.ts';
import { against, count, type Section } from './results.ts';
import { runThrottledCalls } from './throttled-calls.ts';
import { NOW, startVirtualService } from './virtual-sweep.ts';

const CONNECTIONS = 32;
const DELAY_MS = 20;
/** The pacer has so long to find the limit. */
const LEARNED_AFTER_MS = 10_000;
const DAY_MS = 86_400_000;

type Limit = (typeof LIMITS)[number];

/** How close sweeps come to limits that they do not know. The same on every machine. */
export async function benchLimits(): Promise<Section> {
  const rows = [];
  for (const limit of LIMITS) {
    for (const isNamed of [true, false]) {
      process.stderr.write(`${limit.name} …\n`);
      rows.push([
        limit.name,
        isNamed ? 'yes' : 'no',
        ...(await paced(limit, isNamed)),
        ...(await swept(limit, isNamed)),
      ]);
    }
  }
  return {
    title: 'Limits',
    command: 'npm run bench -- limits',
    about:
      'Virtual time. The limit is not known beforehand; it is named in the refusals, or not. The first two numbers are those of ' +
      `the pacer alone, with ${CONNECTIONS} connections and ${DELAY_MS} ms a call, after the first ten seconds; ` +
      '`node bench/pacing.ts` shows more of them. The others are those of a whole sweep, in which each live job is overdue and ' +
      'the calls take no time. At the start the bucket is full, so the last number may be less than 1.',
    tables: [
      {
        head: [
          'limit',
          'named',
          'time / (calls / rate)',
          '429',
          'overdue',
          'calls',
          'missed',
          '429 of all',
          'time, s',
          'time / (calls / rate)',
        ],
        rows,
      },
    ],
  };
}

async function paced({ calls, limitAt }: Limit, isNamed: boolean): Promise<string[]> {
  const { acceptedAt, refusedAt } = await runThrottledCalls({
    calls,
    limitAt: (now) => ({ ...limitAt(now), isNamed }),
    connections: CONNECTIONS,
    delayMs: DELAY_MS,
  });
  const later = (times: readonly number[]) => times.filter((at) => at >= LEARNED_AFTER_MS).length;
  const ratio = supply(limitAt, LEARNED_AFTER_MS, acceptedAt.at(-1) ?? 0) / later(acceptedAt);
  return [against(ratio, 1.1), against(later(refusedAt), 2 * CONNECTIONS, 0)];
}

async function swept({ calls, limitAt }: Limit, isNamed: boolean): Promise<(string | number)[]> {
  const { close, emulator, requests, runUntil, sweep } = await startVirtualService((since) => ({
    ...limitAt(since),
    isNamed,
  }));
  try {
    const jobs = manyJobs(NOW, createRandom(1), { count: calls, overdueShare: 1 });
    for (const job of jobs) emulator.sql.add(job);
    await runUntil(sweep(parseRequest({ dryRun: false }), NOW + DAY_MS));
    const accepted = requests.filter(({ record }) => record.status !== 429).map(({ at }) => at);
    const end = accepted.at(-1) ?? 0;
    const refused = requests.length - accepted.length;
    return [
      count(calls),
      count(requests.length),
      against(jobs.filter(({ id }) => emulator.sql.get(id)?.cancelledAt === undefined).length, 0, 0),
      `${((refused / requests.length) * 100).toFixed(1)} %`,
      (end / 1_000).toFixed(0),
      (supply(limitAt, 0, end) / accepted.length).toFixed(2),
    ];
  } finally {
    await close();
  }
}
