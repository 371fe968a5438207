import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouteName } from '../../emulator/base/service.ts';
import type { Fault } from '../../emulator/control/faults.ts';
import { ENGINE_NAMES, type Engine } from '../../lib/base/job.ts';
import { HOUR, MINUTE, NOW } from '../helpers/world.ts';
import { type JobDraft, ModelWorld, type SweepDraft, tally, UNDISTURBED, type WorldDraft } from './model-world.ts';
import { AGES, type FreezeDraft, type PolicyDraft, type RuleDraft } from './oracle.ts';

/** `npm run test:worlds` tries two thousand, `npm test` fifty. */
const WORLDS = Number(process.env.WORLDS ?? 50);

/** The same worlds at each run, so that a change is not blamed for what it has not done; `SEED=7` tries others. */
const SEED = Number(process.env.SEED ?? 1);

/** Each of the others in one case of so many, and otherwise the usual. */
const oneIn = <T, U>(cases: number, usual: T, ...others: U[]): fc.Arbitrary<T | U> =>
  fc.oneof(
    { weight: cases - others.length, arbitrary: fc.constant(usual) },
    ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })),
  );

/** How often each engine has a job. */
const SHARES: Record<Engine, number> = { sql: 2, spark: 2, flink: 1 };

const job: fc.Arbitrary<JobDraft> = fc.record({
  engine: fc.constantFrom(...ENGINE_NAMES.flatMap((engine) => Array<Engine>(SHARES[engine]).fill(engine))),
  ageMs: fc.constantFrom(...AGES),
  isStartHidden: oneIn(10, false, true),
  isWaiting: fc.boolean(),
  changesInMs: fc.constantFrom(500, 1_500, 5_000, 30_000, 10 * MINUTE, ...Array.from({ length: 5 }, () => 24 * HOUR)),
  endsAs: fc.constantFrom('success', 'dead'),
  owner: oneIn(4, 'ana', 'bo'),
  queue: fc.constantFrom('adhoc', 'etl'),
  type: oneIn(8, 'QUERY', 'INSERT', 'SCALE_QUEUE'),
  onCancel: oneIn(8, 'stop', 'finish', 'ignore'),
  onSavepoint: fc.constantFrom('success', 'success', 'failure'),
});

/** Which jobs of a group live on, in either of two words. */
const group = fc.constantFrom<Pick<RuleDraft, 'victims' | 'keep'>[]>(
  { victims: 'all' },
  { victims: 'all' },
  { victims: 'oldest' },
  { victims: 'oldest' },
  { victims: 'all-but-oldest' },
  { victims: 'all', keep: { oldest: 1 } },
  { victims: 'all', keep: { oldest: 2 } },
  { victims: 'all', keep: { youngest: 2 } },
);

const ruleWithoutGroup: fc.Arbitrary<Omit<RuleDraft, 'victims' | 'keep'>> = fc.record({
  id: fc.constantFrom('a', 'b'),
  engines: fc.constantFrom<RuleDraft['engines'][]>(
    ...ENGINE_NAMES.map((engine) => [engine]),
    [...ENGINE_NAMES],
    [...ENGINE_NAMES],
    [...ENGINE_NAMES],
  ),
  match: fc.constantFrom<RuleDraft['match'][]>('all', 'all', 'all', { queue: 'adhoc' }, { owner: 'ana' }),
  limit: fc.constantFrom('maxRunTime', 'maxQueueTime', 'maxQueueTime', 'maxTotalTime', 'maxTotalTime'),
  hours: fc.constantFrom(0.5, 2),
  action: fc.constantFrom('cancel', 'cancel', 'cancel', 'warn'),
});
const rule: fc.Arbitrary<RuleDraft> = fc.tuple(ruleWithoutGroup, group).map(([one, more]) => ({ ...one, ...more }));
const namingRule: fc.Arbitrary<RuleDraft> = rule.map((draft) => ({
  ...draft,
  engines: ['sql'],
  match: { jobType: ['QUERY', 'INSERT'] },
  ignore: { owner: 'bo' },
}));

const policy: fc.Arbitrary<PolicyDraft> = fc.record({
  rules: fc.uniqueArray(fc.oneof({ weight: 3, arbitrary: rule }, namingRule), {
    minLength: 1,
    maxLength: 2,
    selector: ({ id }) => id,
  }),
  maxKills: oneIn(12, 20, 0, 1, 3),
  maxKillsPercent: oneIn(6, 100, 50),
  percentFloor: fc.constantFrom(1, 10),
  drain: fc.boolean(),
  exemptOwner: oneIn(4, undefined, 'bo'),
  exemptFrom: oneIn(3, undefined, NOW + HOUR),
  freeze: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    fc
      .record({
        match: fc.constantFrom<FreezeDraft['match'][]>('all', { owner: 'ana' }, { owner: 'bo' }, { queue: 'etl' }),
        // Some begin, and some end, while sweeps go on.
        from: fc.constantFrom(NOW - HOUR, NOW + 1_500, NOW + HOUR),
        until: fc.constantFrom(NOW + 2_500, NOW + 90 * MINUTE, NOW + 24 * HOUR),
        days: fc.constantFrom(undefined, undefined, undefined, [5], [6]),
      })
      .filter(({ from, until }) => from < until),
  ),
  ceilings: fc.record({ kills: oneIn(8, 100, 2), allMayCancel: oneIn(12, true, false) }),
});

const world: fc.Arbitrary<WorldDraft> = fc.record({
  jobs: fc.array(job, { minLength: 8, maxLength: 14, size: 'max' }),
  policy,
  skewMs: oneIn(12, 0, 3 * MINUTE, -3 * MINUTE, 11 * HOUR, -11 * HOUR),
  latencyMs: fc.constantFrom(0, 0, 200, 2_000),
});

const anAwait = fc.oneof(
  { weight: 4, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
  fc.integer({ min: 1, max: 40 }),
);
const sweep: fc.Arbitrary<SweepDraft> = fc.record({
  dryRun: oneIn(12, false, true),
  emergencyOlderThanMs: fc.constantFrom(undefined, undefined, undefined, HOUR / 2, 2 * HOUR),
  askedMsAgo: oneIn(6, 0, 5 * MINUTE, 31 * MINUTE),
  isSwitchedOn: oneIn(16, true, false),
  identity: oneIn(24, undefined, 'certain', 'no name', 'another name', 'IAM refuses', 'another target on it'),
  killAt: anAwait,
  stopAt: anAwait,
  surprises: fc.array(
    fc.record({
      atRequest: fc.integer({ min: 2, max: 16 }),
      job: fc.oneof(fc.constant('every' as const), fc.integer({ min: 1, max: 14 })),
      what: fc.constantFrom('begins to run', 'begins to run', 'ends', 'ends', 'restarts'),
    }),
    { maxLength: 6, size: 'max' },
  ),
});

const ROUTES: RouteName[] = [
  'list-sql-jobs',
  'show-sql-job-status',
  'cancel-sql-job',
  'list-spark-batches',
  'list-spark-batches',
  'show-spark-batch-state',
  'cancel-spark-batch',
  'cancel-spark-batch',
  'list-flink-jobs',
  'show-flink-job',
  'stop-flink-jobs',
];
const dli = (code: string) => ({ error_code: code, error_msg: 'of no interest' });
const ANSWERS: NonNullable<Fault['answer']>[] = [
  'reset',
  { status: 503, body: { error_code: 'APIG.0613', error_msg: '' } },
  { status: 504, body: '<html></html>' },
  { status: 429, body: { error_code: 'APIG.0308', error_msg: '' } },
  { status: 400, body: dli('DLI.0999') },
  { status: 400, body: dli('DLI.0003') },
  { status: 200, body: { is_success: false } },
];
const isTurnedAway = (answer: Fault['answer']) => typeof answer === 'object' && answer.status === 429;
const fault: fc.Arbitrary<Fault> = fc
  .record({
    on: fc.constantFrom(...ROUTES),
    skip: fc.constantFrom(0, 0, 1, 2),
    times: fc.constantFrom(1, 2, 30, 30),
    executes: fc.boolean(),
    answer: fc.constantFrom(...ANSWERS),
    edit: fc.constantFrom<NonNullable<Fault['edit']>[]>(
      { setInRows: { status: 'Running', state: 'Starting?' } },
      { removeFromRows: ['start_time', 'create_time'] },
      { removeFromRows: ['owner', 'user_name', 'queue_name'] },
    ),
    isEdit: fc.boolean(),
  })
  .map(({ isEdit, edit, answer, executes, ...common }) =>
    // What the gateway turns away for its rate never comes to DLI.
    isEdit ? { ...common, edit } : { ...common, answer, executes: executes && !isTurnedAway(answer) },
  );

/** Nothing is remembered of the world but the world itself: each sweep is held against it when it ends. */
type Model = Record<string, never>;
type Command = fc.AsyncCommand<Model, ModelWorld>;

const command = (name: string, run: (world: ModelWorld) => Promise<unknown>): Command => ({
  check: () => true,
  run: async (_, real) => void (await run(real)),
  toString: () => name,
});

const commands = fc.commands(
  [
    sweep.map((draft) => command(`sweep ${JSON.stringify(draft)}`, (real) => real.sweep(draft))),
    sweep.map((draft) => command(`sweep ${JSON.stringify(draft)}`, (real) => real.sweep(draft))),
    fault.map((one) => command(`fault ${JSON.stringify(one)}`, async (real) => real.addFault(one))),
    fault.map((one) => command(`fault ${JSON.stringify(one)}`, async (real) => real.addFault(one))),
    job.map((draft) => command(`submit ${JSON.stringify(draft)}`, async (real) => real.submit(draft))),
    fc.constantFrom(1_000, MINUTE, 2 * HOUR).map((ms) => command(`pass ${ms} ms`, async (real) => real.pass(ms))),
  ],
  { maxCommands: 8, size: 'max' },
);

const LIVE: SweepDraft = { dryRun: false, emergencyOlderThanMs: undefined, ...UNDISTURBED };

describe('in every world', () => {
  it(`no job dies that the policy spares, and no sweep says what DLI would deny (${WORLDS} worlds)`, async () => {
    await fc.assert(
      fc.asyncProperty(world, commands, async (draft, some) => {
        const real = await ModelWorld.open(draft);
        try {
          await fc.asyncModelRun(() => ({ model: {}, real }), some);
          await real.sweep(LIVE);
        } finally {
          await real.close();
        }
      }),
      { numRuns: WORLDS, seed: SEED },
    );
    const { worlds, sweeps, cancels, kills, faults } = tally;
    process.stdout.write(
      `${worlds} worlds of seed ${SEED}: ${sweeps} sweeps, ${kills} of them killed; ${faults} faults; ${cancels} jobs asked to stop\n`,
    );
  });

  it('a sweep that was killed, followed by another, ends where an undisturbed one ends', async () => {
    const calm = fc.record({
      jobs: fc.array(
        job.map((draft): JobDraft => ({ ...draft, changesInMs: 24 * HOUR, onCancel: 'stop', onSavepoint: 'success' })),
        { maxLength: 8 },
      ),
      policy: policy.map(
        (draft): PolicyDraft => ({
          ...draft,
          drain: false,
          rules: draft.rules.map((one) => ({ ...one, victims: 'all' as const, keep: undefined })),
        }),
      ),
      skewMs: fc.constant(0),
      latencyMs: fc.constant(0),
    });
    const endOf = async (draft: WorldDraft, sweeps: SweepDraft[]) => {
      const real = await ModelWorld.open(draft);
      try {
        for (const one of sweeps) await real.sweep(one);
        real.pass(MINUTE);
        return real.statuses();
      } finally {
        await real.close();
      }
    };
    await fc.assert(
      fc.asyncProperty(calm, fc.integer({ min: 1, max: 60 }), async (draft, killAt) => {
        const undisturbed = await endOf(draft, [LIVE]);
        const killed = await endOf(draft, [{ ...LIVE, killAt }, LIVE]);

        expect(killed).toEqual(undisturbed);
      }),
      { numRuns: Math.ceil(WORLDS / 5), seed: SEED },
    );
  });
});
