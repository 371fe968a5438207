import { describe, expect, it, vi } from 'vitest';
import { SwitchedOff } from '../../lib/switch-watch.ts';
import { emulatedJob, MINUTE, makeWorld } from '../helpers/world.ts';

describe('sweep', () => {
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
      problems: ['stopped: the switch is no longer set to run'],
      counts: { cancelled: 0, skipped: { stopped: 1 } },
    });
    expect(world.conversation().filter((line) => line.startsWith('DELETE'))).toEqual([]);
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

  it('tells that the credential was refused while cancelling, so that nobody tries it elsewhere', async () => {
    const refusal = { status: 401, body: { error_code: 'APIG.0301', error_msg: 'of no interest' } };
    const world = await makeWorld({
      jobs: [emulatedJob(1)],
      faults: [{ on: 'cancel-sql-job', answer: refusal, times: 100 }],
    });

    expect(await world.sweep()).toMatchObject({ credentialRefused: true, counts: { cancelled: 0 } });
  });

  it('tells of no refused credential after an ordinary sweep, and by which parameters it went', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });
    const parameterVersions = { switch: 1, target: 2, policy: 3, credentials: 4, exemptions: {} };
    const loadSettings: typeof world.deps.loadSettings = async (asked) => ({
      ...(await world.deps.loadSettings(asked)),
      parameterVersions,
    });

    expect(await world.sweep({}, { loadSettings })).toMatchObject({ credentialRefused: false, parameterVersions });
  });
});
