import { describe, expect, it } from 'vitest';
import { parseExemption, parseFreeze } from '../../../lib/policy/parse.ts';
import { type Exceptions, SettingsError } from '../../../lib/settings/settings.ts';
import type { SweepDeps } from '../../../lib/sweep/deps.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

const JOBS = [
  emulatedJob(1, { owner: 'ana' }),
  emulatedJob(2, { owner: 'bo', ageMs: 4 * HOUR }),
  emulatedJob(3, { owner: 'chen', ageMs: 5 * HOUR }),
];

const exemption = (changes: Record<string, unknown> = {}) =>
  parseExemption({
    id: 'new',
    reason: 'closing',
    owner: 'team',
    until: '2099-01-01',
    match: { owner: 'bo' },
    ...changes,
  });

const NONE: Exceptions = { exemptions: [], freezes: [] };

/** A live sweep whose exemptions and freezes are read again with this result. */
async function sweepWith(readNewExceptions: () => Promise<Exceptions>, policy: Record<string, unknown> = {}) {
  const world = await makeWorld({ jobs: JOBS });
  const { loadSettings } = world.withPolicy(policy);
  const asked: string[] = [];
  const deps: Partial<SweepDeps> = {
    loadSettings: async (request) => ({
      ...(await (loadSettings as SweepDeps['loadSettings'])(request)),
      readNewExceptions: async () => {
        asked.push(
          `read again after ${world.conversation().filter((line) => line.startsWith('DELETE')).length} cancels`,
        );
        return readNewExceptions();
      },
    }),
  };
  const report = await world.sweep({}, deps);
  const deleted = world.conversation().flatMap((line) => /^DELETE (\d+)$/.exec(line)?.[1] ?? []);
  return { world, report, asked, deleted: deleted.sort() };
}

const outcomesOf = ({ jobs }: Awaited<ReturnType<typeof sweepWith>>['report']) =>
  jobs.map(({ jobId: id, decision, outcome, reason, rule }) => [Number(id.slice(-2)), decision, outcome, reason, rule]);

describe('the last look of a live sweep', () => {
  it('reads exemptions and freezes again, once, before the first cancel', async () => {
    const { asked, deleted, report } = await sweepWith(async () => NONE);

    expect(asked).toEqual(['read again after 0 cancels']);
    expect(deleted).toEqual(['1', '2', '3']);
    expect(report.status).toBe('ok');
  });

  it('spares the job of an exemption that a team wrote while the jobs were listed, and cancels the others', async () => {
    const { deleted, report } = await sweepWith(async () => ({ exemptions: [exemption()], freezes: [] }));

    expect(deleted).toEqual(['1', '3']);
    expect(outcomesOf(report)).toEqual([
      [1, 'cancel', 'cancelled', 'over-limit', 'r'],
      [2, 'keep', 'skipped', 'exempt', 'new'],
      [3, 'cancel', 'cancelled', 'over-limit', 'r'],
    ]);
    expect(report.counts).toMatchObject({ overdue: 2, toCancel: 2, cancelled: 2, skipped: { exempt: 1 } });
  });

  it('spares the jobs of a new freeze', async () => {
    const freeze = parseFreeze({
      id: 'launch',
      reason: 'launch',
      match: 'all',
      from: new Date(NOW - HOUR).toISOString(),
      until: '2099-01-01',
    });
    const { deleted, report } = await sweepWith(async () => ({ exemptions: [], freezes: [freeze] }));

    expect(deleted).toEqual([]);
    expect(report.counts).toMatchObject({ cancelled: 0, skipped: { frozen: 3 } });
  });

  it('heeds an exemption that began after the sweep did', async () => {
    const world = await makeWorld({ jobs: JOBS });
    const { loadSettings } = world.withPolicy({});
    const from = new Date(NOW + MINUTE).toISOString();
    const report = await world.sweep(
      {},
      {
        loadSettings: async (request) => ({
          ...(await (loadSettings as SweepDeps['loadSettings'])(request)),
          readNewExceptions: async () => {
            world.pass(2 * MINUTE);
            return { exemptions: [exemption({ from })], freezes: [] };
          },
        }),
      },
    );

    expect(report.counts).toMatchObject({ cancelled: 2, skipped: { exempt: 1 } });
  });

  it('spares a job of which it is not known whether the new exemption covers it', async () => {
    const unclear = exemption({ match: { statement: '/backfill/' } });
    const { deleted, report } = await sweepWith(async () => ({ exemptions: [unclear], freezes: [] }));

    expect(deleted).toEqual([]);
    expect(report.counts.skipped).toEqual({ undetermined: 3 });
  });

  it('makes no further job a victim, where a group would now have another one', async () => {
    const policy = { rules: [{ id: 'r', match: 'all', maxRunTime: '2h', victims: 'oldest' }] };
    const { deleted, report } = await sweepWith(
      async () => ({ exemptions: [exemption({ match: { owner: 'chen' } })], freezes: [] }),
      policy,
    );

    expect(deleted).toEqual([]);
    expect(report.jobs.find(({ jobId: id }) => id === jobId(3))).toMatchObject({
      outcome: 'skipped',
      reason: 'exempt',
    });
    expect(report.counts.cancelled).toBe(0);
  });

  it('cancels nothing if they cannot be read, and says why', async () => {
    const { deleted, report } = await sweepWith(async () => {
      throw new SettingsError(
        '/dli-reaper/dev/exemptions/',
        'cannot be read from Parameter Store (ThrottlingException)',
      );
    });

    expect(deleted).toEqual([]);
    expect(report).toMatchObject({
      status: 'stopped',
      stoppedBy: 'exemptions',
      counts: { cancelled: 0, skipped: { stopped: 3 } },
    });
    expect(report.problems[0]).toContain('could not be read again before the first cancel');
    expect(report.problems[0]).toContain('ThrottlingException');
  });

  it.each([
    { name: 'without a victim', policy: { rules: [{ id: 'r', match: { queue: 'none' }, maxRunTime: '2h' }] } },
    { name: 'that is a dry run', policy: { mode: 'dry-run' } },
    { name: 'over its cap', policy: { maxKills: 1 } },
  ])('is not taken by a sweep $name', async ({ policy }) => {
    const { asked } = await sweepWith(async () => NONE, policy);

    expect(asked).toEqual([]);
  });
});
