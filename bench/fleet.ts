import { createRandom } from '../emulator/base/random.ts';
import type { RateLimit } from '../emulator/gateway/throttle.ts';
import { manyJobs } from '../emulator/worlds.ts';
import { sweepGroup } from '../lib/fleet/group.ts';
import { parseMessage, requestFor, type SweepMessage } from '../lib/fleet/message.ts';
import { planMessages } from '../lib/fleet/outgoing.ts';
import type { Dispatch } from '../lib/fleet/parse-dispatch.ts';
import { silentLog } from '../lib/sweep/record/log-lines.ts';
import { supply } from './limits.ts';
import { against, count, type Section } from './results.ts';
import { NOW, startVirtualService } from './virtual-sweep.ts';

const TARGETS = 500;
/** On each target. */
const JOBS = { live: 100, overdue: 5 };
const PERIOD_MS = 15 * 60_000;
/** A function runs for as long, less what it keeps for its report. */
const INVOCATION_MS = 15 * 60_000 - 5_000;

/** Credentials that are swept at the same time: `maxConcurrency` of serverless.yml. */
const AT_ONCE = 10;

const LIMITS: readonly { name: string; limit: RateLimit }[] = [
  { name: '60 a minute', limit: { calls: 60, windowMs: 60_000 } },
  { name: '10 a second', limit: { calls: 10, windowMs: 1_000 } },
];

/** One tick for many targets: how long it takes, and how far it gets in one period. */
export async function benchFleet(): Promise<Section> {
  const rows = [];
  for (const { name, limit } of LIMITS) {
    for (const credentials of [1, 10, 40]) {
      process.stderr.write(`${TARGETS} targets on ${credentials} credentials, ${name} …\n`);
      const groups: Group[] = [];
      for (const message of messagesOf(credentials)) groups.push(await sweepMessage(message, limit));
      const slowest = groups.reduce((a, b) => (b.tookMs > a.tookMs ? b : a));
      const sum = (of: (group: Group) => number) => groups.reduce((all, group) => all + of(group), 0);
      const calls = sum((group) => group.calls);
      rows.push([
        credentials,
        name,
        sum(({ swept }) => swept),
        sum(({ left }) => left),
        against(
          sum(({ missed }) => missed),
          0,
          0,
        ),
        count(calls),
        `${((sum(({ refused }) => refused) / calls) * 100).toFixed(1)} %`,
        (slowest.tookMs / 1_000).toFixed(0),
        (timeOfAll(groups) / 1_000).toFixed(0),
        (supply(() => limit, 0, slowest.tookMs) / (slowest.calls - slowest.refused)).toFixed(2),
      ]);
    }
  }
  return {
    title: `Fleet: ${TARGETS} targets`,
    command: 'npm run bench -- fleet',
    about:
      `Virtual time. ${JOBS.live} live jobs on each target, ${JOBS.overdue} of them overdue. The targets of a credential are swept ` +
      `one after the other, and ${AT_ONCE} credentials side by side. What a quarter of an hour is not enough for is left for the ` +
      'next tick. `missed` counts overdue jobs on targets that were swept. At the start each bucket is full, so the last number ' +
      'may be less than 1.',
    tables: [
      {
        head: [
          'credentials',
          'limit of each',
          'swept',
          'left',
          'missed',
          'calls',
          '429',
          'slowest credential, s',
          'all, s',
          'slowest: time / (calls / rate)',
        ],
        rows,
      },
    ],
  };
}

/** What came of the targets of one credential. */
interface Group {
  swept: number;
  left: number;
  missed: number;
  calls: number;
  refused: number;
  tookMs: number;
}

/** Each credential begins as soon as fewer than {@link AT_ONCE} are under way. */
function timeOfAll(groups: readonly Group[]): number {
  const lanes = Array.from({ length: AT_ONCE }, () => 0);
  for (const { tookMs } of groups) {
    const free = lanes.indexOf(Math.min(...lanes));
    lanes[free] = (lanes[free] ?? 0) + tookMs;
  }
  return Math.max(...lanes);
}

function messagesOf(credentials: number): SweepMessage[] {
  const targets = Array.from({ length: TARGETS }, (_, i) => ({
    name: `target-${String(i).padStart(3, '0')}`,
    credentials: `key-${i % credentials}`,
    policy: 'base',
    projectId: 'p1',
  }));
  const dispatch: Dispatch = {
    dispatchId: 'tick-1',
    trigger: 'schedule',
    dispatchedAt: NOW,
    payload: {},
    targets: 'all',
  };
  return planMessages(targets, dispatch, { turn: 0 }).map(({ body }) => parseMessage(body));
}

/** All targets of one credential. They follow each other, so one emulator plays them all, each with jobs of its own. */
async function sweepMessage(message: SweepMessage, limit: RateLimit): Promise<Group> {
  const { clock, close, emulator, requests, runUntil, sweep } = await startVirtualService(() => limit);
  const deadlineAt = NOW + INVOCATION_MS;
  let missed = 0;
  try {
    const sweeping = sweepGroup(message.targets, {
      clock,
      log: silentLog,
      deadlineAt,
      expiresAt: message.dispatchedAt + PERIOD_MS,
      lateAs: 'stale',
      sweepTarget: async (target) => {
        emulator.sql.clear();
        const jobs = manyJobs(clock.now(), createRandom(1), {
          count: JOBS.live,
          overdueShare: JOBS.overdue / JOBS.live,
        });
        for (const job of jobs) emulator.sql.add(job);
        const report = await sweep(requestFor(message, target), deadlineAt);
        if (report.status === 'ok') missed += JOBS.overdue - jobs.filter(({ cancelledAt }) => cancelledAt).length;
        return report;
      },
    });
    const results = await runUntil(sweeping);
    const swept = results.filter((result) => result.kind === 'swept' && result.status === 'ok').length;
    return {
      swept,
      left: results.length - swept,
      missed,
      calls: requests.length,
      refused: requests.filter(({ record }) => record.status === 429).length,
      tookMs: clock.now() - NOW,
    };
  } finally {
    await close();
  }
}
