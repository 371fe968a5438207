import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../../lib/request/request.ts';
import { emulatedJob, HOUR, jobId, makeWorld, NOW } from '../../../helpers/world.ts';

const policy = {
  rules: [
    { id: 'adhoc', match: { queue: 'adhoc' }, ignore: { owner: 'ana' }, maxRunTime: '2h' },
    {
      id: 'storm',
      match: { queue: 'bi' },
      groupBy: 'owner',
      victims: 'all-but-oldest',
      maxRunTime: '1h',
      action: 'warn',
    },
    { id: 'typo', match: { queue: 'adhok' }, maxRunTime: '1h' },
  ],
  exemptions: [{ id: 'bo', match: { owner: 'bo' }, reason: 'closing', owner: 'team', until: '2099-01-01' }],
};

describe('the report of a sweep', () => {
  it('says of each rule how many jobs it is for, how many are over its limit, and what spares them', async () => {
    const world = await makeWorld({
      jobs: [
        emulatedJob(1, { queue: 'adhoc', owner: 'ana' }),
        emulatedJob(2, { queue: 'adhoc', owner: 'bo' }),
        emulatedJob(3, { queue: 'adhoc', owner: 'chen' }),
        emulatedJob(4, { queue: 'adhoc', owner: 'chen', ageMs: 1.5 * HOUR }),
        emulatedJob(5, { queue: 'adhoc', owner: 'chen', type: 'INSERT' }),
        emulatedJob(6, { queue: 'bi', owner: 'dashboards', ageMs: 5 * HOUR }),
        emulatedJob(7, { queue: 'bi', owner: 'dashboards', ageMs: 4 * HOUR }),
        emulatedJob(8, {
          queue: 'bi',
          owner: 'dashboards',
          submittedAt: NOW - 1.5 * HOUR,
          hiddenFields: ['start_time'],
        }),
        emulatedJob(9, { queue: 'etl' }),
      ],
    });

    const { rules } = await world.sweep({ dryRun: true }, world.withPolicy(policy));

    expect(rules).toEqual([
      {
        rule: 'adhoc',
        action: 'cancel',
        matched: 5,
        overLimit: 2,
        spared: { ignored: 1, exempt: 1, protected: 1 },
        nearest: {
          jobId: jobId(4),
          engine: 'sql',
          queue: 'adhoc',
          owner: 'chen',
          clock: 'maxRunTime',
          limitMs: 2 * HOUR,
          readingMs: 1.5 * HOUR,
        },
      },
      { rule: 'storm', action: 'warn', matched: 3, overLimit: 2, spared: { group: 1, undetermined: 1 }, nearest: null },
      { rule: 'typo', action: 'cancel', matched: 0, overLimit: 0, spared: {}, nearest: null },
    ]);
  });

  it('names the job that is nearest to any limit of a rule, from half of that limit on', async () => {
    const rule = { id: 'r', match: 'all', maxRunTime: '12h', maxTotalTime: '10h' };
    // Jobs that are younger than every limit are not listed.
    const shorter = { id: 'shorter', match: { queue: 'none' }, maxRunTime: '1h' };
    const nearestOf = async (...jobs: ReturnType<typeof emulatedJob>[]) => {
      const world = await makeWorld({ jobs });
      const report = await world.sweep({ dryRun: true }, world.withPolicy({ rules: [rule, shorter] }));
      return report.rules?.[0]?.nearest;
    };

    expect(await nearestOf(emulatedJob(1, { ageMs: 5 * HOUR - 1_000 }))).toBeNull();
    expect(await nearestOf(emulatedJob(1, { ageMs: 6 * HOUR }), emulatedJob(2, { ageMs: 8 * HOUR }))).toMatchObject({
      jobId: jobId(2),
      clock: 'maxTotalTime',
      limitMs: 10 * HOUR,
      readingMs: 8 * HOUR,
    });
  });

  it('of an emergency says nothing of rules, since they are made for it', async () => {
    const world = await makeWorld({ jobs: [emulatedJob(1)] });

    const { rules } = await world.sweep(parseRequest({ kind: 'emergency', olderThan: '1h' }));

    expect(rules).toEqual([]);
  });
});
