import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import { parseExemption } from '../../../../lib/policy/parse.ts';
import type { Exemption, Freeze } from '../../../../lib/policy/schema.ts';
import { decide } from '../../../../lib/sweep/judge/decide.ts';
import { explain, explainForLog } from '../../../../lib/sweep/tell/explain.ts';
import { decideOne, makeExemption, makeFreeze, makeJob, makePolicy } from '../../../helpers/make-job.ts';
import { HOUR, jobId, NOW } from '../../../helpers/world.ts';

const policy = makePolicy({
  tagExemptions: { ceiling: '1d' },
  rules: [
    { id: 'etl', match: { queue: 'etl_*' }, maxQueueTime: '1h' },
    {
      id: 'long',
      match: { queue: ['adhoc', 'x'], statement: '/orders/' },
      maxRunTime: '2h',
      action: 'warn',
      ignore: { owner: 'bob', tag: 'keep' },
    },
  ],
  exemptions: [{ id: 'old', reason: 'why', owner: 'team', until: '2026-01-01', match: { owner: 'ana' } }],
});
const exemptions = [
  parseExemption({ id: 'new', reason: 'why', owner: 'team', until: '2027-01-01', match: { owner: 'eve' } }),
];
const job = makeJob({ statement: 'select secret from orders', tags: new Map([['team', 'bi']]) });
const explanation = explain(decideOne(job, policy, exemptions), { policy, exemptions, now: NOW });

const R = { id: 'r', match: 'all', maxRunTime: '2h' };

function explainOne(job: Partial<Job>, changes: Record<string, unknown>, exemptions: Exemption[] = []) {
  const options = { policy: makePolicy(changes), exemptions, now: NOW };
  const [decision] = decide([makeJob(job)], options);
  if (decision === undefined) throw new Error('no decision');
  return explain(decision, options);
}

describe('explain', () => {
  it('tells of each rule what was wanted, what was found, and what the rule says', () => {
    const [etl, long] = explanation.rules;

    expect(etl).toEqual({
      rule: 'etl',
      ignore: [],
      result: 'no-rule',
      match: [{ key: 'queue', wanted: ['etl_*'], found: 'adhoc', holds: 'no' }],
      limits: [{ clock: 'maxQueueTime', limitMs: HOUR, readingMs: null }],
    });
    expect(long).toMatchObject({
      rule: 'long',
      result: 'warn',
      match: [
        { key: 'queue', wanted: ['adhoc', 'x'], found: 'adhoc', holds: 'yes' },
        { key: 'statement', wanted: ['/orders/'], holds: 'yes' },
      ],
      ignore: [
        { key: 'owner', wanted: ['bob'], found: 'ana', holds: 'no' },
        { key: 'tag', wanted: ['keep'], found: 'team=bi', holds: 'no' },
      ],
      limits: [{ clock: 'maxRunTime', limitMs: 2 * HOUR, readingMs: 3 * HOUR }],
    });
  });

  it('tells of each exemption whether it is in force and whether it holds', () => {
    expect(explanation.exemptions).toEqual([
      {
        id: 'old',
        until: '2026-01-02T00:00:00.000Z',
        isInForce: false,
        holds: 'yes',
        from: null,
        isToCome: false,
        predicates: [{ key: 'owner', wanted: ['ana'], found: 'ana', holds: 'yes' }],
      },
      {
        id: 'new',
        until: '2027-01-02T00:00:00.000Z',
        isInForce: true,
        holds: 'no',
        from: null,
        isToCome: false,
        predicates: [{ key: 'owner', wanted: ['eve'], found: 'ana', holds: 'no' }],
      },
    ]);
    expect(explanation.tagExemption).toBe('no');
  });

  it('tells of an exemption from when it protects, and whether it has begun', () => {
    const later = makeExemption({ from: '2026-01-06', until: '2026-01-07' });
    const begun = makeExemption({ from: '2026-01-05', until: '2026-01-07' });

    expect(explainOne({}, {}, [later, begun]).exemptions).toMatchObject([
      { from: '2026-01-06T00:00:00.000Z', isInForce: false, isToCome: true, holds: 'yes' },
      { from: '2026-01-05T00:00:00.000Z', isInForce: true, isToCome: false, holds: 'yes' },
    ]);
  });

  it('tells of each freeze when it holds, and whether it does', () => {
    const freeze = { reason: 'close', from: '2026-01-05', until: '2026-01-05' };
    const freezes = [
      { ...freeze, id: 'now', match: 'all' },
      { ...freeze, id: 'of-others', match: { owner: 'bo' } },
      { ...freeze, id: 'later', from: '2026-01-06', until: '2026-01-06', match: { owner: 'ana' } },
      { ...freeze, id: 'over', from: '2026-01-01', until: '2026-01-02', match: { owner: 'bo' } },
      { id: 'days', reason: 'close', match: { statement: 'x' }, recurring: { days: [5], timeZone: 'UTC' } },
    ];

    const explained = explainOne({}, { freezes });

    expect(explained.freezes).toEqual([
      {
        id: 'now',
        from: '2026-01-05T00:00:00.000Z',
        until: '2026-01-06T00:00:00.000Z',
        isInForce: true,
        isToCome: false,
        predicates: 'all',
        holds: 'yes',
      },
      {
        id: 'of-others',
        from: '2026-01-05T00:00:00.000Z',
        until: '2026-01-06T00:00:00.000Z',
        isInForce: true,
        isToCome: false,
        holds: 'no',
        predicates: [{ key: 'owner', wanted: ['bo'], found: 'ana', holds: 'no' }],
      },
      {
        id: 'later',
        from: '2026-01-06T00:00:00.000Z',
        until: '2026-01-07T00:00:00.000Z',
        isInForce: false,
        isToCome: true,
        holds: 'yes',
        predicates: [{ key: 'owner', wanted: ['ana'], found: 'ana', holds: 'yes' }],
      },
      {
        id: 'over',
        from: '2026-01-01T00:00:00.000Z',
        until: '2026-01-03T00:00:00.000Z',
        isInForce: false,
        isToCome: false,
        holds: 'no',
        predicates: [{ key: 'owner', wanted: ['bo'], found: 'ana', holds: 'no' }],
      },
      {
        id: 'days',
        from: null,
        until: '2026-01-06T00:00:00.000Z',
        isInForce: true,
        isToCome: false,
        holds: 'unknown',
        predicates: [{ key: 'statement', wanted: ['x'], found: null, holds: 'unknown' }],
      },
    ]);
    expect(explained.verdict).toMatchObject({ reason: 'frozen', rule: 'now' });
  });

  it('tells the clocks, the status and the verdict', () => {
    expect(explanation).toMatchObject({
      status: 'RUNNING',
      clocks: { maxRunTime: 3 * HOUR, maxQueueTime: null, maxTotalTime: 3 * HOUR },
      verdict: { action: 'warn', rule: 'long', matched: ['long'] },
    });
  });

  it('never shows a statement', () => {
    expect(JSON.stringify(explanation)).not.toContain('secret');
    expect(JSON.stringify(explanation)).toMatch(/fingerprint [0-9a-f]{16}/);
  });

  it('says null for what a job does not tell', () => {
    const blank = makeJob({ queue: undefined, owner: undefined, tags: undefined, type: undefined, status: undefined });
    const open = makePolicy({
      rules: [
        { id: 'r', match: { queue: '*', owner: '*', tag: 'x', jobType: 'QUERY', status: 'RUNNING' }, maxRunTime: '1h' },
      ],
    });
    const { rules, tagExemption } = explain(decideOne(blank, open), { policy: open, exemptions: [], now: NOW });

    expect(rules[0]?.match).toHaveLength(5);
    for (const predicate of rules[0]?.match ?? []) expect(predicate).toMatchObject({ found: null, holds: 'unknown' });
    expect(tagExemption).toBeNull();
  });

  it('says all of a rule that is for every job', () => {
    const everything = makePolicy();

    expect(explain(decideOne(job), { policy: everything, exemptions: [], now: NOW }).rules[0]?.match).toBe('all');
  });

  it('says null for a name and an id that a job does not have', () => {
    const match = { jobId: ['146', '147'], name: 'n*' };

    const { jobId: id, exemptions: tried } = explainOne({ id: '' }, {}, [makeExemption({ match })]);

    expect(id).toBe('');
    expect(tried[0]).toMatchObject({
      predicates: [
        { key: 'jobId', wanted: ['146', '147'], found: null, holds: 'unknown' },
        { key: 'name', wanted: ['n*'], found: null, holds: 'no' },
      ],
      // SQL jobs have no names at all, and that is known.
      holds: 'no',
    });
  });

  it('tells every value of a job that selectors can ask for', () => {
    const { rules, exemptions } = explainOne(
      {
        database: 'sales',
        tags: new Map([
          ['team', 'bi'],
          ['keep', ''],
        ]),
      },
      { rules: [{ ...R, match: { database: '/sal/', status: ['LAUNCHING', 'RUNNING'], tag: ['team=bi', 'x'] } }] },
      [makeExemption({ match: { jobId: jobId(1) } })],
    );

    expect(rules[0]?.match).toEqual([
      { key: 'status', wanted: ['LAUNCHING', 'RUNNING'], found: 'RUNNING', holds: 'yes' },
      { key: 'tag', wanted: ['team=bi', 'x'], found: 'team=bi, keep=', holds: 'yes' },
      { key: 'database', wanted: ['/sal/'], found: 'sales', holds: 'yes' },
    ]);
    expect(exemptions[0]?.predicates).toEqual([{ key: 'jobId', wanted: [jobId(1)], found: jobId(1), holds: 'yes' }]);
  });

  it('tells what a rule says by itself, even where an exemption holds', () => {
    const { rules, exemptions, verdict } = explainOne({}, {}, [makeExemption()]);

    expect(rules).toMatchObject([{ result: 'cancel' }]);
    expect(exemptions).toMatchObject([{ id: 'backfill', isInForce: true, holds: 'yes' }]);
    expect(verdict).toMatchObject({ action: 'keep', reason: 'exempt', rule: 'backfill' });
  });

  it.each([
    { name: 'an operation on a queue', job: { type: 'SCALE_QUEUE' }, result: 'protected' },
    { name: 'a write that it does not name', job: { type: 'INSERT' }, result: 'protected' },
    { name: 'a job that waits', job: { state: 'queued' }, result: 'queued' },
    { name: 'a job within its limit', job: { startedAt: NOW }, result: 'within-limit' },
    { name: 'a job that is over', job: { state: 'finished' }, result: 'terminal' },
  ] as const)('tells what a rule says of $name', ({ job: fields, result }) => {
    expect(explainOne(fields, {}).rules).toMatchObject([{ result }]);
  });

  it('does not speak of selectors that are not given', () => {
    const { rules } = explainOne({}, { rules: [{ ...R, match: { queue: 'adhoc', owner: undefined } }] });

    expect(rules[0]?.match).toEqual([{ key: 'queue', wanted: ['adhoc'], found: 'adhoc', holds: 'yes' }]);
  });

  it("tells the policy's own exemptions before those beside it", () => {
    const own = { id: 'own', reason: 'x', owner: 'o', until: '2026-01-05', match: { owner: 'bob' } };

    const { exemptions } = explainOne({}, { exemptions: [own] }, [makeExemption()]);

    expect(exemptions).toMatchObject([
      { id: 'own', until: '2026-01-06T00:00:00.000Z', holds: 'no' },
      { id: 'backfill', holds: 'yes' },
    ]);
  });

  it.each([
    { name: 'does not allow that', tagExemptions: undefined, tags: { 'reaper/ttl': '9h' }, expected: null },
    { name: 'allows it', tagExemptions: { ceiling: '6h' }, tags: { 'reaper/ttl': '9h' }, expected: 'yes' },
    { name: 'allows it, to jobs that do not ask', tagExemptions: { ceiling: '6h' }, tags: {}, expected: 'no' },
    { name: 'cannot read it', tagExemptions: { ceiling: '6h' }, tags: { 'reaper/ttl': 'x' }, expected: 'unknown' },
  ])('tells whether its tags exempt a job where the policy $name', ({ tagExemptions, tags, expected }) => {
    const explanation = explainOne({ tags: new Map(Object.entries(tags)) }, { tagExemptions }, [makeExemption()]);

    expect(explanation.tagExemption).toBe(expected);
  });

  it('never shows a statement, whichever rules and exemptions look at it', () => {
    const secret = fc.string({ unit: fc.constantFrom('S', 'E', 'C', 'R', 'T'), minLength: 6, maxLength: 20 });
    const selector = fc.constantFrom({ statement: '/X/' }, { statement: '*' }, { queue: 'etl', statement: '*' });
    fc.assert(
      fc.property(secret, selector, selector, (statement, match, ignore) => {
        const changes = {
          rules: [
            { ...R, match, ignore },
            { ...R, id: 's', groupBy: 'fingerprint' },
          ],
        };

        const explanation = explainOne({ statement }, changes, [makeExemption({ match })]);

        expect(JSON.stringify(explanation)).not.toContain(statement);
      }),
    );
  });

  it('tries what was not tried before with no more steps than the decision had, and nothing else again', () => {
    const options = {
      policy: makePolicy({
        rules: [{ ...R, match: { queue: 'etl', statement: '/c/' }, ignore: { statement: '/c/' } }],
        exemptions: [
          { id: 'over', reason: 'r', owner: 'o', until: '2026-01-01', match: { statement: '/c/' } },
          { id: 'sure', reason: 'r', owner: 'o', until: '2027-01-01', match: { statement: '/c/' } },
          { id: 'no', reason: 'r', owner: 'o', until: '2027-01-01', match: { statement: '/d/', owner: 'bo' } },
        ],
      }),
      exemptions: [],
      now: NOW,
    };
    const decision = { ...decideOne(makeJob({ statement: 'abc' }), options.policy), maxSteps: 2 };

    const { rules, exemptions: tried } = explain(decision, options);

    expect(rules[0]?.match.at(-1)).toMatchObject({ key: 'statement', holds: 'unknown' });
    expect(rules[0]?.ignore[0]).toMatchObject({ key: 'statement', holds: 'unknown' });
    expect(tried.map(({ id, holds, predicates }) => [id, holds, predicates.at(-1)?.holds])).toEqual([
      ['over', 'unknown', 'unknown'],
      ['sure', 'yes', 'yes'],
      ['no', 'no', 'unknown'],
    ]);
  });
});

describe('explainForLog', () => {
  function logged(
    job: Partial<Job>,
    { exemptions = [], freezes = [], rules = [R] }: { exemptions?: Exemption[]; freezes?: Freeze[]; rules?: unknown[] },
  ) {
    const policy = { ...makePolicy({ rules }), freezes };
    const options = { policy, exemptions, now: NOW };
    const [decision] = decide([makeJob(job)], options);
    if (decision === undefined) throw new Error('no decision');
    return { whole: explain(decision, options), logged: explainForLog(decision, options) };
  }

  const exemptions = [
    makeExemption({ id: 'other', match: { owner: 'eve' } }),
    makeExemption({ id: 'doubtful', match: { name: 'x', statement: '*' } }),
    makeExemption({ id: 'unsure', match: { statement: '*' } }),
    makeExemption({ id: 'sure', match: { owner: 'ana' } }),
    makeExemption({ id: 'over', match: { owner: 'ana' }, until: '2026-01-01' }),
    makeExemption({ id: 'to-come', match: { owner: 'ana' }, from: '2026-01-20' }),
  ];

  it('holds the exemptions that are for the job, or may be, the certain ones first, and counts the others', () => {
    const { whole, logged: line } = logged({}, { exemptions });

    expect(line.exemptions).toEqual(
      ['sure', 'unsure'].map((id) => whole.exemptions.find((exemption) => exemption.id === id)),
    );
    expect(line.otherExemptions).toBe(4);
    expect(whole.exemptions).toHaveLength(6);
  });

  it('holds the freezes in force that are for the job, or may be, likewise', () => {
    const freezes = [
      makeFreeze({ id: 'unsure', match: { statement: '*' } }),
      makeFreeze({ id: 'other', match: { owner: 'eve' } }),
      makeFreeze({ id: 'sure' }),
      makeFreeze({ id: 'over', from: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z' }),
    ];
    const { whole, logged: line } = logged({}, { freezes });

    expect(line.freezes.map(({ id }) => id).toSorted()).toEqual(['sure', 'unsure']);
    for (const freeze of line.freezes) expect(whole.freezes).toContainEqual(freeze);
    expect(line.otherFreezes).toBe(2);
  });

  it('counts none where there are none, and is the same explanation otherwise', () => {
    const { whole, logged: line } = logged({}, {});

    expect(line).toEqual({ ...whole, otherExemptions: 0, otherFreezes: 0 });
  });

  it('holds ten of each, and no certain one gives way to a doubtful one', () => {
    const many = (match: Record<string, string>, name: string) =>
      Array.from({ length: 9 }, (_, i) => `${name}-${i}`).map((id) => ({ id, match }));
    const all = [...many({ statement: '*' }, 'unsure'), ...many({ owner: 'ana' }, 'sure')];
    const { logged: line } = logged(
      {},
      { exemptions: all.map((one) => makeExemption(one)), freezes: all.map((one) => makeFreeze(one)) },
    );

    expect(line.exemptions.map(({ id }) => id)).toEqual([...many({}, 'sure').map(({ id }) => id), 'unsure-0']);
    expect(line.freezes.filter(({ holds }) => holds === 'yes')).toHaveLength(9);
    expect(line).toMatchObject({ freezes: { length: 10 }, otherExemptions: 8, otherFreezes: 8 });
  });

  it.each([
    { letters: 300, found: 300 },
    { letters: 301, found: 301 },
    { letters: 10_000, found: 301 },
  ])('holds of a value of $letters letters $found, wherever it was looked at', ({ letters, found }) => {
    const queue = 'q'.repeat(letters);
    const match = { queue: '*' };
    const { logged: line, whole } = logged(
      { queue },
      {
        rules: [{ ...R, match, ignore: { queue: 'x' } }],
        exemptions: [makeExemption({ match })],
        freezes: [makeFreeze({ match })],
      },
    );
    const foundIn = ({ rules: [rule], exemptions: [exemption], freezes: [freeze] }: typeof whole) =>
      [rule?.match, rule?.ignore, exemption?.predicates, freeze?.predicates].map((predicates) =>
        Array.isArray(predicates) ? predicates[0]?.found?.length : undefined,
      );

    expect(foundIn(line)).toEqual([found, found, found, found]);
    expect(foundIn(whole)).toEqual([letters, letters, letters, letters]);
  });

  it('holds a freeze for all jobs as one', () => {
    expect(logged({}, { freezes: [makeFreeze({ match: 'all' })] }).logged.freezes).toMatchObject([
      { predicates: 'all' },
    ]);
  });

  it('tries no exemption again, and none that was not tried', () => {
    const tried: string[] = [];
    const owner = (text: string) => ({ text, matches: (value: string) => tried.push(text) > 0 && value === text });
    const counting = ['ana', 'eve'].map((text) => ({
      ...makeExemption({ id: text }),
      match: { owner: [owner(text)] },
    }));

    const { policy, context } = { policy: makePolicy(), context: { exemptions: counting, now: NOW } };
    const [decision] = decide([makeJob()], { policy, ...context });
    const before = [...tried];
    if (decision !== undefined) explainForLog(decision, { policy, ...context });

    expect(before).toEqual(['ana', 'eve']);
    expect(tried).toEqual(before);
  });
});
