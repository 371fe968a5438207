import { describe, expect, it } from 'vitest';
import { nightOf } from '../../../cli/drill/snapshot-night.ts';
import { parseSnapshot } from '../../../cli/snapshot/document.ts';
import { addJobs } from '../../../emulator/control/jobs.ts';
import { startWorld } from '../../../emulator/start-world.ts';
import type { Job } from '../../../lib/base/job.ts';
import { parsePolicy } from '../../../lib/policy/parse.ts';
import { makeJob, makeStoredLook } from '../../helpers/make-job.ts';
import { keysOf, runHere } from '../../helpers/run-cli.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

const policyOf = (more: object = {}) => {
  const document = {
    version: 1,
    mode: 'live',
    rules: [{ id: 'r', match: { queue: 'bi' }, maxRunTime: '1h' }],
    ...more,
  };
  return { document, policy: parsePolicy(document), olderThanMs: 2 * HOUR };
};

/** A job that was submitted `ageMs` ago, on a queue that the policy does not name. */
const old = (n: number, more: Partial<Job> = {}, ageMs = 3 * HOUR): Job => {
  const at = NOW - ageMs;
  const since = { running: at, waiting: at, submitted: at };
  return makeJob({ id: jobId(n), queue: 'adhoc', startedAt: at, since, ...more });
};

/** What the worlds lack: jobs that wait, have tags, or were asked to stop in vain. */
const RARE = [
  { engine: 'sql', age: '5h', tags: [{ key: 'team', value: 'lake' }] },
  { engine: 'spark', age: '2h', waits: '3h' },
  { engine: 'flink', age: '5h', waits: '6h' },
  { engine: 'flink', age: '5h', changed: '10m', tags: [{ key: 'team', value: 'lake' }] },
];

/** Takes a snapshot of an emulator. */
async function snapshotOf({ connection }: Awaited<ReturnType<typeof startWorld>>, ...flags: string[]) {
  const args = ['snapshot', '--endpoint', connection.url, '--project-id', connection.projectId, ...flags];
  return parseSnapshot(JSON.parse((await runHere(args, keysOf(connection))).stdout));
}

describe('nightOf', () => {
  it.for(['lake', 'busy-morning', 'storm'])(
    'makes a world in which DLI shows the same jobs as in the snapshot of %s, as old as they were',
    async (world, context) => {
      const real = await startWorld({ world });
      context.onTestFinished(real.close);
      addJobs(RARE, real, Math.floor(Date.now() / 1_000) * 1_000);
      const stored = await snapshotOf(real, '--with-statements');

      const now = Math.floor(Date.now() / 1_000) * 1_000;
      const night = nightOf(stored, policyOf(), now);
      const played = await startWorld({}, { saved: night.saved });
      context.onTestFinished(played.close);
      const again = await snapshotOf(played, '--with-statements');

      const shift = now - stored.now;
      const moved = (at: number | undefined) => at && at + shift;
      // The last change is not played: only that of a Flink job matters, and then it is also in askedAt.
      const byId = (jobs: readonly Job[]) =>
        jobs.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map((job) => ({ ...job, updatedAt: undefined }));
      const expected = stored.jobs.map((job) => ({
        ...job,
        startedAt: moved(job.startedAt),
        askedAt: moved(job.askedAt),
        since: {
          running: moved(job.since.running),
          waiting: moved(job.since.waiting),
          submitted: moved(job.since.submitted),
        },
      }));
      expect(stored.jobs.length).toBeGreaterThan(10);
      expect(byId(again.jobs)).toEqual(byId(expected));
    },
  );

  it('calls a job a runaway if it is old, or if the policy wants it cancelled, and nothing protects it', async () => {
    const flink: Partial<Job> = { engine: 'flink', type: 'flink_sql_job', protection: 'none', name: 'stream' };
    const jobs = [
      old(1),
      old(2, {}, HOUR),
      old(3, { queue: 'bi' }, 90 * MINUTE),
      old(4, { type: 'INSERT', protection: 'unless-named' }),
      old(5, { type: 'SCALE_QUEUE', protection: 'always' }),
      old(6, { owner: 'chen' }),
      old(7, { state: 'queued', status: 'LAUNCHING' }),
      old(8, { engine: 'spark', type: null, protection: 'none', name: 'b', status: 'running' }),
      old(9, { ...flink, id: '146' }, 90 * HOUR),
      old(10, { state: 'finished' }),
      old(11, { state: 'unknown', status: 'HIBERNATING' }),
    ];
    const exemptions = [
      { id: 'e', match: { owner: 'chen' }, until: '2026-02-01T00:00:00Z', reason: 'load', owner: 'chen' },
    ];
    const night = nightOf(makeStoredLook({ jobs, now: NOW }), policyOf({ exemptions }), NOW);

    expect([...(await night.runawaysAt(NOW))].sort()).toEqual([1, 3, 7, 8].map(jobId));
    // An hour later the second one is as old.
    expect([...(await night.runawaysAt(NOW + HOUR + 1))].sort()).toEqual([1, 2, 3, 7, 8].map(jobId));
  });

  it('says what it cannot play as it was', () => {
    const jobs = [
      old(1, { statement: undefined }),
      old(2, { statement: 'select 1', startedAt: undefined }),
      old(3, { statement: 'select 1', id: '' }),
      old(4, { statement: 'select 1', state: 'finished' }),
      old(5, { engine: 'spark', name: 'b' }),
    ];
    const gaps = [{ engine: 'spark' as const, what: 'batches: HTTP 500' }];

    const { unknown, jobs: count } = nightOf(makeStoredLook({ jobs, gaps, now: NOW }), policyOf(), NOW);

    expect(count).toBe(3);
    expect(unknown).toEqual([
      'no job of a snapshot says when it would end, so they all run on',
      '1 job without an id that DLI takes, left out',
      '1 job that had ended, left out',
      '1 job without a statement, so rules about statements cannot judge them',
      '1 job without a start',
      'not in the snapshot: batches: HTTP 500',
    ]);
  });
});
