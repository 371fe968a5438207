import { describe, expect, it } from 'vitest';
import { type Emergency, emergencyPolicy } from '../../../lib/policy/emergency.ts';
import { makeEmergency, makeExemption } from '../../helpers/make-job.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld } from '../../helpers/world.ts';

describe('an emergency sweep', () => {
  const request = (changes: Partial<Emergency> = {}) => ({
    trigger: 'emergency' as const,
    reason: 'stuck',
    emergency: makeEmergency(changes),
  });

  async function makeNight(changes: Partial<Emergency> = {}) {
    const world = await makeWorld({ jobs: [emulatedJob(1), emulatedJob(2, { owner: 'bo', ageMs: 20 * MINUTE })] });
    const emergency = makeEmergency(changes);
    const sweep = () =>
      world.sweep(request(changes), {
        loadSettings: async (asked) => {
          const settings = await world.deps.loadSettings(asked);
          return {
            ...settings,
            target: { ...settings.target, mode: 'dry-run' },
            policy: emergencyPolicy(emergency),
            exemptions: [makeExemption({ match: { owner: 'bo' } })],
            notices: ['the policy cannot be read'],
          };
        },
      });
    return { ...world, sweep };
  }

  it("is live although the target's mode is dry-run, spares exempt jobs, and is on record", async () => {
    const { sweep, emulator } = await makeNight();

    const report = await sweep();

    expect(report).toMatchObject({
      trigger: 'emergency',
      requestReason: 'stuck',
      dryRun: false,
      status: 'ok',
      emergency: { olderThanMs: 10 * MINUTE, includeExempt: false },
      counts: { cancelled: 1, skipped: { exempt: 1 } },
      unmanagedQueues: {},
    });
    expect(report.notices).toContain('the policy cannot be read');
    expect([1, 2].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'RUNNING']);
  });

  it('takes exempt jobs too where that is asked for, and says so in the report', async () => {
    const { sweep } = await makeNight({ includeExempt: true });

    expect(await sweep()).toMatchObject({ emergency: { includeExempt: true }, counts: { cancelled: 2, skipped: {} } });
  });

  it('tells of a job by id that is not there, and cancels only the one that is', async () => {
    const { sweep } = await makeNight({ jobIds: [jobId(1), jobId(7)], olderThanMs: 2 * HOUR });

    const report = await sweep();

    expect(report).toMatchObject({ status: 'failed', counts: { overdue: 1, cancelled: 1 } });
    expect(report.unmet).toContainEqual(expect.stringContaining(`job ${jobId(7)} is not among the live SQL jobs`));
  });

  it('cancels no job if there are more victims than its cap allows', async () => {
    const { sweep } = await makeNight({ includeExempt: true, maxKills: 1 });

    expect(await sweep()).toMatchObject({ status: 'capped', counts: { cancelled: 0, skipped: { cap: 2 } } });
  });
});
