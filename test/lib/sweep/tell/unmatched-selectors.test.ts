import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import type { Exemption } from '../../../../lib/policy/schema.ts';
import { decide } from '../../../../lib/sweep/judge/decide.ts';
import { unmatchedSelectors } from '../../../../lib/sweep/tell/unmatched-selectors.ts';
import { makeExemption, makeJob, makePolicy } from '../../../helpers/make-job.ts';
import { jobId, NOW } from '../../../helpers/world.ts';

const R = { id: 'r', match: 'all', maxRunTime: '2h' };
const NONE = 'no job that was looked at is matched by';

function unmatched(rules: object[], jobs: Partial<Job>[], exemptions: Exemption[] = [], own: object[] = []) {
  const context = { policy: makePolicy({ rules, exemptions: own }), exemptions, now: NOW };
  const all = jobs.map((job, i) => makeJob({ id: jobId(i), ...job }));
  return unmatchedSelectors(decide(all, context), context);
}

describe('unmatchedSelectors', () => {
  it('names the exemptions, the ignores and the rules that are for none of the jobs', () => {
    const rules = [
      { ...R, ignore: { owner: 'dashboards' } },
      { ...R, id: 'etl', match: { queue: 'etl' } },
      { ...R, id: 'own', match: { owner: 'ana' }, ignore: { tag: 'keep' } },
    ];
    const exemptions = [makeExemption({ id: 'stage', match: { owner: 'bo' } })];
    const own = [
      { id: 'own', reason: 'r', owner: 'o', until: '2027-01-01', match: { queue: 'x' } },
      { id: 'used', reason: 'r', owner: 'o', until: '2027-01-01', match: { queue: 'adhoc' } },
    ];

    expect(unmatched(rules, [{}, {}], exemptions, own)).toEqual([
      `${NONE} exemptions own, stage`,
      `${NONE} the ignore of rules r, own`,
      `${NONE} rules etl`,
    ]);
  });

  it.each<{ name: string; rules: object[]; jobs: Partial<Job>[]; exemptions?: Exemption[] }>([
    {
      name: 'where no job was looked at',
      rules: [{ ...R, match: { queue: 'etl' } }],
      jobs: [],
      exemptions: [makeExemption({ match: { owner: 'bo' } })],
    },
    { name: 'of a rule for all', rules: [R], jobs: [{}] },
    { name: 'of a rule for one of them', rules: [{ ...R, match: { queue: 'etl' } }], jobs: [{}, { queue: 'etl' }] },
    { name: 'of a rule that may be for one', rules: [{ ...R, match: { queue: 'etl' } }], jobs: [{ queue: undefined }] },
    {
      name: 'of a rule for an engine of which no job was looked at',
      rules: [{ ...R, engines: ['flink'], match: { queue: 'etl' } }],
      jobs: [{}],
    },
    {
      name: 'of an ignore for one of them',
      rules: [{ ...R, ignore: { owner: 'bo' } }],
      jobs: [{}, { owner: 'bo' }],
    },
    {
      name: 'of an ignore that may be for one',
      rules: [{ ...R, ignore: { owner: 'bo' } }],
      jobs: [{ owner: undefined }],
    },
    {
      name: 'of an ignore that was not tried on any',
      rules: [{ ...R, ignore: { owner: 'bo' } }],
      jobs: [{ state: 'finished' }],
    },
    {
      name: 'of a rule where only an operation on a queue was looked at',
      rules: [{ ...R, match: { queue: 'etl' } }],
      jobs: [{ type: 'SCALE_QUEUE' }],
    },
    {
      name: 'of an exemption for one of them',
      rules: [R],
      jobs: [{}, { owner: 'bo' }],
      exemptions: [makeExemption({ match: { owner: 'bo' } })],
    },
    {
      name: 'of an exemption that may be for one',
      rules: [R],
      jobs: [{ owner: undefined }],
      exemptions: [makeExemption({ match: { owner: 'bo' } })],
    },
    {
      name: 'of an exemption that has expired, which another notice names',
      rules: [R],
      jobs: [{}],
      exemptions: [makeExemption({ until: '2026-01-04', match: { owner: 'bo' } })],
    },
  ])('says nothing $name', ({ rules, jobs, exemptions }) => {
    expect(unmatched(rules, jobs, exemptions)).toEqual([]);
  });

  it('names the freezes in force that match none of the jobs, and no exemption that has not begun', () => {
    const freeze = { reason: 'close', from: '2026-01-05', until: '2026-01-05', match: { owner: 'bo' } };
    const freezes = [
      { ...freeze, id: 'idle' },
      { ...freeze, id: 'used', match: { owner: 'ana' } },
      { ...freeze, id: 'every', match: 'all' },
      { ...freeze, id: 'perhaps', match: { statement: 'x' } },
      { ...freeze, id: 'later', from: '2026-01-06', until: '2026-01-07' },
      { ...freeze, id: 'over', from: '2026-01-01', until: '2026-01-02' },
    ];
    const context = {
      policy: makePolicy({ freezes }),
      exemptions: [makeExemption({ from: '2026-01-06', match: { owner: 'bo' } })],
      now: NOW,
    };

    expect(unmatchedSelectors(decide([makeJob()], context), context)).toEqual([`${NONE} freezes idle`]);
  });

  it('says what a value may be mistaken for', () => {
    const rules = [{ ...R, match: { owner: ['a|b', '^c'] } }];
    const exemptions = [makeExemption({ match: { tag: 'keep:true' } })];

    expect(unmatched(rules, [{}], exemptions)).toEqual([
      `${NONE} exemptions backfill (tag keep:true: is read as the key of a tag; write a tag with its value as keep=true)`,
      `${NONE} rules r (owner a|b: is read as one value, not as a list; write [a, b]; owner ^c: ^ and $ are plain characters in a glob; write /^c/)`,
    ]);
  });

  it('names ten of a kind, and counts the others', () => {
    const some = (count: number) =>
      Array.from({ length: count }, (_, i) => makeExemption({ id: `e${i}`, match: { owner: 'bo' } }));
    const ten = 'e0, e1, e2, e3, e4, e5, e6, e7, e8, e9';

    expect(unmatched([R], [{}], some(10))).toEqual([`${NONE} exemptions ${ten}`]);
    expect(unmatched([R], [{}], some(12))).toEqual([`${NONE} exemptions ${ten} and 2 more`]);
  });
});
