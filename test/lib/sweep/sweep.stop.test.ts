import { describe, expect, it, vi } from 'vitest';
import type { Fault } from '../../../emulator/control/faults.ts';
import type { SweepRequest } from '../../../lib/request/request.ts';
import type { StopOrder } from '../../../lib/settings/stop-order.ts';
import { SwitchedOff } from '../../../lib/settings/switch-watch.ts';
import type { Progress } from '../../../lib/sweep/act/progress.ts';
import { emulatedJob, HOUR, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

describe('sweep', () => {
  it('does not wait for settings beyond its deadline', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const loadSettings = () => new Promise<never>(() => {});

    const swept = world.sweep({}, { loadSettings, deadlineAt: world.clock.now() + 1 });

    await expect(swept).rejects.toThrow('target test: its settings were not read before the deadline');
    expect(world.conversation()).toEqual([]);
  });

  it('says that the switch stopped it, where it was the switch', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const stop = new AbortController();

    const report = await world.sweep(
      {},
      {
        stop: stop.signal,
        beforeCancelling: async () => stop.abort(new SwitchedOff('the switch is no longer set to run')),
      },
    );

    expect(report).toMatchObject({
      status: 'stopped',
      stoppedBy: 'switch',
      problems: ['stopped: the switch is no longer set to run'],
      counts: { cancelled: 0, skipped: { stopped: 1 } },
    });
    expect(world.conversation().filter((line) => line.startsWith('DELETE'))).toEqual([]);
  });

  it.each([
    { name: 'over its cap', policy: { maxKills: 0 }, faults: [] },
    {
      name: 'with an incomplete listing',
      policy: { maxKillsPercent: 50 },
      faults: [{ on: 'list-sql-jobs', target: 'LAUNCHING', times: 100, answer: { status: 500, body: '' } }] as Fault[],
    },
  ])('is stopped also $name, where it would choose no job', async ({ policy, faults }) => {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2)], faults });
    const stop = new AbortController();

    const report = await world.sweep(
      {},
      { ...world.withPolicy(policy), stop: stop.signal, beforeCancelling: async () => stop.abort() },
    );

    expect(report).toMatchObject({ status: 'stopped', stoppedBy: 'operator', counts: { skipped: { stopped: 2 } } });
    expect(report.problems).toContain('stopped: the operator interrupted it');
  });

  it('is stopped by a switch that was off from the beginning', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const loadSettings: typeof world.deps.loadSettings = async (asked) => ({
      ...(await world.deps.loadSettings(asked)),
      isSwitchedOn: false,
    });

    const report = await world.sweep({}, { loadSettings });

    expect(report).toMatchObject({
      status: 'stopped',
      stoppedBy: 'switch',
      problems: ['stopped: the switch is not set to run, or cannot be read'],
    });
  });

  describe('by a switch that a person set to stop', () => {
    const sweepUnder = async (stopOrder: StopOrder, changes: Partial<SweepRequest> = {}) => {
      const world = await makeWorld({ jobs: [emulatedJob(1)] });
      const loadSettings: typeof world.deps.loadSettings = async (asked) => ({
        ...(await world.deps.loadSettings(asked)),
        isSwitchedOn: false,
        stopOrder,
      });
      return world.sweep(changes, { loadSettings });
    };

    it('says until when, and why', async () => {
      const report = await sweepUnder({ until: NOW + HOUR, reason: 'month end' });

      expect(report).toMatchObject({
        status: 'stopped',
        problems: ['stopped: the switch reads stop until 2026-01-05T10:00:00.000Z (month end)'],
        notices: [],
      });
    });

    it('says no more than that of one that says no more', async () => {
      expect((await sweepUnder({ until: undefined, reason: undefined })).problems).toEqual([
        'stopped: the switch is not set to run, or cannot be read',
      ]);
    });

    it('stays stopped when its time is over, and asks', async () => {
      const report = await sweepUnder({ until: NOW, reason: 'month end' });

      expect(report).toMatchObject({ status: 'stopped', stoppedBy: 'switch', counts: { cancelled: 0 } });
      expect(report.notices).toEqual([
        'the stop ended at 2026-01-05T09:00:00.000Z, but sweeps do not resume by themselves; run dli-reaper resume --stage … to let them cancel again',
      ]);
    });

    it('says the same in a plan', async () => {
      const { status, notices } = await sweepUnder({ until: NOW, reason: 'month end' }, { dryRun: true });

      expect(status).toBe('ok');
      expect(notices).toEqual([
        'the switch reads stop until 2026-01-05T09:00:00.000Z (month end), so a live sweep would cancel no job',
        expect.stringMatching(/^the stop ended at 2026-01-05T09:00:00.000Z/),
      ]);
    });
  });

  it('tells of no progress with jobs that it never asked to stop', async () => {
    const world = await makeWorld({ jobs: Array.from({ length: 300 }, (_, n) => emulatedJob(n)) });
    const stop = new AbortController();
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => {
      seen.push(progress);
      if (progress.stage === 'cancelling') stop.abort();
    };

    const report = await world.sweep({}, { ...world.withPolicy({ maxKills: 300 }), stop: stop.signal, onProgress });

    const asked = 300 - (report.counts.skipped.stopped ?? 0);
    expect(asked).toBeLessThan(300);
    expect(seen.filter(({ stage }) => stage === 'cancelling').map(({ done }) => done)).toEqual(
      Array.from({ length: asked }, (_, n) => n + 1),
    );
    expect(seen.at(-1)).toEqual({ stage: 'verifying', done: asked, failed: 0, total: asked });
  });

  it('is complete where the stop comes after the last cancel', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const stop = new AbortController();
    const onProgress = ({ stage }: Progress) => stage === 'verifying' && stop.abort();

    expect(await world.sweep({}, { stop: stop.signal, onProgress })).toMatchObject({
      status: 'ok',
      problems: [],
      counts: { cancelled: 1 },
    });
    expect(stop.signal.aborted).toBe(true);
  });

  it.each([
    { name: 'in a dry run', job: emulatedJob(1), changes: { dryRun: true } },
    { name: 'without a victim', job: emulatedJob(1, { ageMs: MINUTE }), changes: {} },
  ])('does not ask for the last moment before it cancels $name', async ({ job, changes }) => {
    const world = await makeWorld({ jobs: [job] });
    const beforeCancelling = vi.fn(async () => {});

    const report = await world.sweep(changes, { beforeCancelling });

    expect(report.status).toBe('ok');
    expect(beforeCancelling).not.toHaveBeenCalled();
  });

  it('says that the credential was refused while cancelling, so that it is not tried for other targets', async () => {
    const refusal = { status: 401, body: { error_code: 'APIG.0301', error_msg: 'of no interest' } };
    const world = await makeWorld({
      jobs: [emulatedJob(1)],
      faults: [{ on: 'cancel-sql-job', answer: refusal, times: 100 }],
    });

    expect(await world.sweep()).toMatchObject({
      status: 'stopped',
      stoppedBy: 'credential',
      credentialRefused: true,
      counts: { cancelled: 0 },
    });
  });

  it('tells of no refused credential after an ordinary sweep, and by which parameters it went', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const parameterVersions = { switch: 1, target: 2, policy: 3, credentials: 4, exemptions: {}, freezes: {} };
    const loadSettings: typeof world.deps.loadSettings = async (asked) => ({
      ...(await world.deps.loadSettings(asked)),
      parameterVersions,
    });

    expect(await world.sweep({}, { loadSettings })).toMatchObject({ credentialRefused: false, parameterVersions });
  });
});
