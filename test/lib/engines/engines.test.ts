import { describe, expect, it } from 'vitest';
import type { RouteName } from '../../../emulator/base/service.ts';
import type { Edit, Fault } from '../../../emulator/control/faults.ts';
import { type EmulatedFlinkJob, flinkStatusAt } from '../../../emulator/flink/jobs.ts';
import type { Emulator, EmulatorOptions } from '../../../emulator/server.ts';
import { batchStateAt, type EmulatedBatch } from '../../../emulator/spark/jobs.ts';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { ENGINE_NAMES, type Engine } from '../../../lib/base/job.ts';
import { ENGINE_FACTS, SELECTORS } from '../../../lib/policy/facts.ts';
import { parsePolicy } from '../../../lib/policy/parse.ts';
import { PolicyError } from '../../../lib/policy/policy-error.ts';
import type { SweepReport } from '../../../lib/sweep/record/report.ts';
import { emulatedBatch, emulatedFlinkJob } from '../../helpers/emulated-api.ts';
import { FINAL, PASSING } from '../../helpers/fault-matrix.ts';
import { emulatedJob, HOUR, jobId, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

/** What has to be known of an engine to try it: how to put a job of it into the emulator, and what it says then. */
interface Specimen {
  engine: Engine;
  clock: 'maxRunTime' | 'maxTotalTime';
  idOf: (n: number) => string;
  /** Running for `ageMs`. */
  jobs: (ages: readonly number[], fields?: Fields) => Jobs;
  statusOf: (emulator: Emulator, id: string, now: number) => string | undefined;
  stopped: string;
  alive: string;
  listRoute: RouteName;
  readRoute: RouteName;
  cancelRoute: RouteName;
}

interface Jobs {
  jobs?: EmulatedJob[];
  sparkJobs?: EmulatedBatch[];
  flinkJobs?: EmulatedFlinkJob[];
}

type Options = Partial<Omit<EmulatorOptions, keyof Jobs>>;

interface Fields {
  queue?: string;
  owner?: string;
  name?: string;
  hiddenFields?: string[];
  shown?: string;
}

const numbered = <T>(ages: readonly number[], make: (n: number, ageMs: number) => T): T[] =>
  ages.map((ageMs, i) => make(i + 1, ageMs));

const SPECIMENS: Specimen[] = [
  {
    engine: 'sql',
    clock: 'maxRunTime',
    idOf: jobId,
    stopped: 'CANCELLED',
    alive: 'RUNNING',
    jobs: (ages, { shown, queue = 'adhoc', owner = 'ana', hiddenFields = [] } = {}) => ({
      jobs: numbered(ages, (n, ageMs) =>
        emulatedJob(n, { ageMs, queue, owner, hiddenFields, ...(shown !== undefined && { shownStatus: shown }) }),
      ),
    }),
    statusOf: (emulator, id) => emulator.statusOf(id),
    listRoute: 'list-sql-jobs',
    readRoute: 'show-sql-job-status',
    cancelRoute: 'cancel-sql-job',
  },
  {
    engine: 'spark',
    clock: 'maxTotalTime',
    idOf: jobId,
    stopped: 'dead',
    alive: 'running',
    jobs: (ages, { shown, ...fields } = {}) => ({
      sparkJobs: numbered(ages, (n, ageMs) =>
        emulatedBatch(n, { ageMs, ...fields, ...(shown !== undefined && { shownState: shown }) }),
      ),
    }),
    statusOf: (emulator, id, now) => {
      const batch = emulator.spark.get(id);
      return batch && batchStateAt(batch, now);
    },
    listRoute: 'list-spark-batches',
    readRoute: 'show-spark-batch-state',
    cancelRoute: 'cancel-spark-batch',
  },
  {
    engine: 'flink',
    clock: 'maxRunTime',
    idOf: (n) => String(100 + n),
    alive: 'job_running',
    stopped: 'job_cancel_success',
    jobs: (ages, { shown, ...fields } = {}) => ({
      flinkJobs: numbered(ages, (n, ageMs) =>
        emulatedFlinkJob(100 + n, { ageMs, ...fields, ...(shown !== undefined && { shownStatus: shown }) }),
      ),
    }),
    statusOf: (emulator, id, now) => {
      const job = emulator.flink.get(id);
      return job && flinkStatusAt(job, now);
    },
    listRoute: 'list-flink-jobs',
    readRoute: 'show-flink-job',
    cancelRoute: 'stop-flink-jobs',
  },
];

async function start(
  specimen: Specimen,
  ages: readonly number[],
  { fields = {}, ...options }: { fields?: Fields } & Options = {},
) {
  const world = await makeWorld({ jobs: [], ...specimen.jobs(ages, fields), ...options });
  const rule = { id: 'r', engines: [specimen.engine], match: 'all', [specimen.clock]: '2h' };
  return {
    world,
    statusOf: (n: number) => specimen.statusOf(world.emulator, specimen.idOf(n), world.clock.now()),
    orders: () => world.emulator.requests.filter(({ method }) => method !== 'GET').length,
    sweep: (changes: Record<string, unknown> = {}, request: { dryRun?: boolean } = {}, answerTimeoutMs = 10_000) =>
      world.sweep(request, {
        ...world.withPolicy({ rules: [{ ...rule, ...changes }] }),
        connection: { answerTimeoutMs },
      }),
  };
}

const reasonsOf = ({ jobs }: SweepReport) => jobs.map(({ reason }) => reason);

describe('every engine', () => {
  it('has a specimen here', () => {
    expect(SPECIMENS.map(({ engine }) => engine)).toEqual([...ENGINE_NAMES]);
  });
});

describe.each(SPECIMENS)('$engine', (specimen) => {
  const { engine, clock, idOf, stopped, alive } = specimen;
  const facts = ENGINE_FACTS[engine];

  it('is cancelled over its limit and kept exactly at it, with one outcome each that is proved', async () => {
    const { sweep, statusOf } = await start(specimen, [3 * HOUR, 2 * HOUR, MINUTE]);

    const report = await sweep();

    expect([1, 2, 3].map(statusOf)).toEqual([stopped, alive, alive]);
    expect(report).toMatchObject({ status: 'ok', counts: { overdue: 1, cancelled: 1, failed: 0, unconfirmed: 0 } });
    expect(report.jobs[0]).toMatchObject({ jobId: idOf(1), engine, outcome: 'cancelled', status: stopped, clock });
  });

  it('gets no order in a dry run, which names the same jobs', async () => {
    const { sweep, statusOf, orders } = await start(specimen, [3 * HOUR, 4 * HOUR]);

    const report = await sweep({}, { dryRun: true });

    expect(reasonsOf(report)).toEqual(['dry-run', 'dry-run']);
    expect([1, 2].map(statusOf)).toEqual([alive, alive]);
    expect(orders()).toBe(0);
  });

  it('costs nothing and finds nothing the second time', async () => {
    const { sweep, orders } = await start(specimen, [3 * HOUR]);
    await sweep();
    const before = orders();

    const second = await sweep();

    expect(second).toMatchObject({ status: 'ok', counts: { overdue: 0, cancelled: 0 } });
    expect(orders()).toBe(before);
  });

  it.each([
    { name: 'an unknown status', fields: { shown: 'hibernating' } },
    { name: 'no status', fields: { hiddenFields: ['status', 'state'] } },
    { name: 'no age', fields: { hiddenFields: ['start_time', 'create_time'] } },
    { name: 'no id', fields: { hiddenFields: ['job_id', 'id'] } },
  ])('is spared with $name, and seen', async ({ fields }) => {
    const { sweep, statusOf, orders } = await start(specimen, [3 * HOUR], { fields });

    const report = await sweep();

    expect(reasonsOf(report)).toEqual(['undetermined']);
    expect(statusOf(1)).toBe(alive);
    expect(orders()).toBe(0);
  });

  describe('whose rows say when it began', () => {
    const began = (value: unknown) => ({ start_time: value, create_time: value });
    const edited = (fault: Edit) => ({ faults: [{ on: specimen.listRoute, times: Infinity, edit: fault }] });

    it('as a text, with null for fields it does not have, is judged as before', async () => {
      const setInRows = { ...began(String(NOW - 3 * HOUR)), tags: null, name: null, database_name: null };
      const { sweep } = await start(specimen, [3 * HOUR], edited({ setInRows }));
      const hasTags = facts.selectors.includes('tag');

      expect(await sweep(hasTags ? { ignore: { tag: 'keep=true' } } : {})).toMatchObject({
        status: 'ok',
        counts: { overdue: 1, cancelled: 1 },
        notices: [
          ...(hasTags ? ['no job that was looked at is matched by the ignore of rules r'] : []),
          'DLI wrote the start of 1 job as a text, where its documents have a number; it was read as that number',
        ],
      });
    });

    it.each([
      { name: 'in seconds', value: (NOW - 3 * HOUR) / 1_000 },
      { name: 'in seconds, as a text', value: String((NOW - 3 * HOUR) / 1_000) },
      { name: 'as a date', value: new Date(NOW - 3 * HOUR).toISOString() },
      { name: 'as null', value: null },
    ])('$name is spared', async ({ value }) => {
      const { sweep, orders } = await start(specimen, [3 * HOUR], edited({ setInRows: began(value) }));

      expect(reasonsOf(await sweep())).toEqual(['undetermined']);
      expect(orders()).toBe(0);
    });
  });

  it.each([
    { key: 'queue', of: { queue: 'blue' }, others: { queue: 'red' }, value: 'blue' },
    { key: 'owner', of: { owner: 'bo' }, others: { owner: 'ana' }, value: 'b?' },
    { key: 'name', of: { name: 'nightly' }, others: { name: 'hourly' }, value: '/^night/' },
  ])(
    'is matched and ignored by its $key, or a rule that asks for it is refused',
    async ({ key, of, others, value }) => {
      if (!facts.selectors.includes(key as (typeof facts.selectors)[number])) {
        const rules = [{ id: 'r', engines: [engine], match: { [key]: value }, [clock]: '2h' }];
        expect(() => parsePolicy({ version: 1, rules })).toThrow(PolicyError);
        return;
      }
      const chosen = await start(specimen, [3 * HOUR], { fields: of });
      const other = await start(specimen, [3 * HOUR], { fields: others });

      expect((await chosen.sweep({ match: { [key]: value } })).counts.cancelled).toBe(1);
      expect((await other.sweep({ match: { [key]: value } })).counts.cancelled).toBe(0);
      expect((await other.sweep({ ignore: { [key]: value } })).counts.cancelled).toBe(1);
    },
  );

  it.each(SELECTORS.filter((key) => !facts.selectors.includes(key)))(
    'has no %s, so a rule that asks for it is refused',
    (key) => {
      const value = { status: alive, jobType: 'QUERY' }[key as string] ?? 'x';
      const rules = [{ id: 'r', engines: [engine], match: { [key]: value }, [clock]: '2h' }];

      expect(() => parsePolicy({ version: 1, rules })).toThrow(`rules[0].match.${key}: ${facts.jobs} have no ${key}`);
    },
  );

  it('is spared by an exemption for its owner', async () => {
    const { world, orders } = await start(specimen, [3 * HOUR]);
    const exemption = { id: 'e', reason: 'backfill', owner: 'o', until: '2026-12-31', match: { owner: 'ana' } };
    const rules = [{ id: 'r', engines: [engine], match: 'all', [clock]: '2h' }];

    const report = await world.sweep({}, world.withPolicy({ rules }, [exemption]));

    expect(reasonsOf(report)).toEqual(['exempt']);
    expect(orders()).toBe(0);
  });

  it('is not cancelled at all where its percentage would be exceeded', async () => {
    const { world, orders } = await start(specimen, [3 * HOUR, 3 * HOUR, MINUTE]);
    const rules = [{ id: 'r', engines: [engine], match: 'all', [clock]: '2h' }];

    const report = await world.sweep({}, world.withPolicy({ rules, maxKillsPercent: 50, percentFloor: 3 }));

    expect(report).toMatchObject({ status: 'capped', counts: { skipped: { cap: 2 } } });
    expect(report.caps.exceeded).toBe('2 victims of 3 live jobs are more than maxKillsPercent 50');
    expect(orders()).toBe(0);
  });

  it('is reported as failed where DLI refuses to cancel it, without a word against the others', async () => {
    const world = await makeWorld({
      jobs: [],
      ...merge(specimen.jobs([3 * HOUR], { queue: 'locked' }), specimen.jobs([3 * HOUR, 4 * HOUR], { queue: 'free' })),
      deniedQueues: ['locked'],
    });
    const rules = [{ id: 'r', engines: [engine], match: 'all', [clock]: '2h' }];

    const report = await world.sweep({}, world.withPolicy({ rules }));

    expect(report).toMatchObject({ status: 'failed', counts: { cancelled: 1, failed: 1 } });
    expect(report.jobs.find(({ outcome }) => outcome === 'failed')?.error).toMatch(/400 DLI\.0003 \(request /);
  });
});

// SQL has a matrix of its own, page by page and cancel by cancel.
describe.each(SPECIMENS.filter(({ engine }) => engine !== 'sql'))('$engine', (specimen) => {
  const { idOf, stopped, alive } = specimen;
  const calls = [
    { name: 'its list', on: specimen.listRoute },
    { name: 'its cancel', on: specimen.cancelRoute },
    { name: 'its reading', on: specimen.readRoute },
  ];
  describe.each(calls)('with trouble in $name', ({ on }) => {
    it.each([...PASSING, ...FINAL].flatMap((row) => [1, Number.POSITIVE_INFINITY].map((times) => ({ ...row, times }))))(
      'gets one outcome that the emulator does not deny: $name, $times times',
      async ({ answer, times }) => {
        const fault: Fault = { on, answer, times };
        const { sweep, statusOf, world, orders } = await start(specimen, [3 * HOUR, 4 * HOUR], { faults: [fault] });

        const timeoutMs = answer === 'hang' ? 60 : 10_000;
        const report = await sweep({}, {}, timeoutMs).catch((error: Error) => error);

        if (report instanceof Error) {
          expect(report.message).toMatch(/^list /);
          expect(orders()).toBe(0);
          return;
        }
        expect(world.emulator.faults.unmet()).toEqual([]);
        expect(report.counts.seen).toBe(report.jobs.length);
        for (const [i, job] of report.jobs.entries()) {
          const status = statusOf(Number(idOf(1)) > 100 ? Number(job.jobId) - 100 : Number(job.jobId.slice(-3)));
          if (job.outcome === 'cancelled') expect(status).toBe(stopped);
          if (job.outcome === 'failed' || job.outcome === 'skipped') expect([i, status]).toEqual([i, alive]);
        }
        if (report.status === 'ok') expect(report.counts.cancelled).toBe(2);
      },
    );
  });
});

/** Of two sets the second's ids are given anew, behind those of the first. */
function merge(one: Jobs, two: Jobs): Jobs {
  const keys = Object.keys(one) as (keyof Jobs)[];
  return Object.fromEntries(keys.map((key) => [key, [...(one[key] ?? []), ...(two[key] ?? []).slice(1)]]));
}

describe('a policy with a rule for each engine', () => {
  const rules = [
    { id: 'queries', match: 'all', maxRunTime: '2h' },
    { id: 'batches', engines: ['spark'], match: 'all', maxTotalTime: '2h' },
    { id: 'streams', engines: ['flink'], match: 'all', maxRunTime: '2h' },
  ];
  const world = () =>
    makeWorld({
      jobs: [emulatedJob(1), emulatedJob(2, { ageMs: HOUR })],
      sparkJobs: [emulatedBatch(11), emulatedBatch(12, { ageMs: HOUR })],
      flinkJobs: [emulatedFlinkJob(146), emulatedFlinkJob(147, { ageMs: HOUR })],
    });

  it('sweeps all of DLI in one go, every job with its outcome', async () => {
    const { sweep, withPolicy, conversation } = await world();

    const report = await sweep({}, withPolicy({ rules }));

    expect(report).toMatchObject({
      status: 'ok',
      counts: { overdue: 3, cancelled: 3, skipped: { 'within-limit': 2 } },
    });
    expect(report.jobs.map(({ jobId: id, outcome, evidence }) => [id, outcome, evidence])).toEqual([
      [jobId(1), 'cancelled', 'status'],
      ['146', 'cancelled', 'status'],
      ['147', 'skipped', null],
      [jobId(11), 'cancelled', 'own-record'],
      [jobId(12), 'skipped', null],
    ]);
    expect(conversation().filter((line) => !line.startsWith('GET'))).toEqual(
      expect.arrayContaining(['DELETE 1', 'DELETE batch 11', 'POST flink stop']),
    );
  });

  it.each([
    { on: 'list-sql-jobs', gone: 'sql' },
    { on: 'list-spark-batches', gone: 'spark' },
    { on: 'list-flink-jobs', gone: 'flink' },
  ] as const)('goes on with the others where $on fails, and is partial', async ({ on, gone }) => {
    const { sweep, withPolicy, emulator } = await world();
    emulator.faults.add({ on, times: Number.POSITIVE_INFINITY, answer: { status: 403, body: {} } });

    const report = await sweep({}, withPolicy({ rules, maxKillsPercent: 50 }));

    expect(report).toMatchObject({ status: 'partial', counts: { cancelled: 2 } });
    expect(report.jobs.filter(({ outcome }) => outcome === 'cancelled').map(({ engine }) => engine)).not.toContain(
      gone,
    );
    expect(report.problems[0]).toMatch(/^listing incomplete: list .*: 403/);
  });

  it('estimates what was freed as a range, and says that it is an estimate', async () => {
    const { sweep, withPolicy } = await world();

    const { freed } = await sweep({}, withPolicy({ rules }));

    // 8 of the batch of type A, 2 of the Flink job, and at most the 16 of the queue for the query.
    expect(freed).toEqual({ estimate: true, cus: { from: 10, to: 26 }, cuHoursAtMost: 78 });
  });
});

describe('a Flink job', () => {
  const rule = { id: 'r', engines: ['flink'], match: 'all', maxRunTime: '2h' };
  const sweepOf = async (
    job: Parameters<typeof emulatedFlinkJob>[1],
    changes: Record<string, unknown> = {},
    options: Options = {},
  ) => {
    const world = await makeWorld({ jobs: [], flinkJobs: [emulatedFlinkJob(146, job)], ...options });
    const run = () =>
      world.sweep(
        {},
        {
          ...world.withPolicy({ rules: [{ ...rule, ...changes }] }),
          deadlineAt: world.clock.now() + 10 * MINUTE,
        },
      );
    const stops = () => world.emulator.requests.filter(({ method }) => method === 'POST').length;
    const saved = () => world.emulator.flink.get('146')?.savepoints?.length ?? 0;
    return { ...world, run, stops, saved };
  };

  it('is saved before it stops', async () => {
    const { run, stops, saved } = await sweepOf({});

    const report = await run();

    expect(report.jobs).toMatchObject([{ outcome: 'cancelled', status: 'job_cancel_success', attempts: 1, cus: 2 }]);
    expect([stops(), saved()]).toEqual([1, 1]);
  });

  it('stops without a savepoint where the rule says so', async () => {
    const { run, saved } = await sweepOf({}, { savepoint: false });

    const report = await run();

    expect(report.counts.cancelled).toBe(1);
    expect(saved()).toBe(0);
  });

  it('is kept and reported as failed if its savepoint fails, and asked again after six hours and not before', async () => {
    const { run, stops, pass } = await sweepOf({ onSavepoint: 'failure' });

    const first = await run();
    pass(5 * HOUR);
    const second = await run();
    pass(HOUR + MINUTE);
    await run();

    expect(first).toMatchObject({ status: 'failed', counts: { failed: 1, cancelled: 0 } });
    expect(first.jobs[0]?.error).toBe(
      'job 146: DLI took the stop back, as it does after a savepoint that failed, and the job runs on (job_running)',
    );
    expect(reasonsOf(second)).toEqual(['asked-recently']);
    expect(stops()).toBe(2);
  });

  it('stops all the same after a savepoint that failed where the rule says so, within one sweep', async () => {
    const { run, stops, saved } = await sweepOf({ onSavepoint: 'failure' }, { onSavepointFailure: 'cancel' });

    const report = await run();

    expect(report.jobs).toMatchObject([{ outcome: 'cancelled', status: 'job_cancel_success', attempts: 2 }]);
    expect([stops(), saved()]).toEqual([2, 0]);
  });

  it('is unconfirmed while its savepoint outlives the sweep, and is not asked again by the next', async () => {
    const { run, stops } = await sweepOf({ savepointMs: 2 * HOUR });

    const first = await run();
    const second = await run();

    expect(first).toMatchObject({ status: 'failed', counts: { unconfirmed: 1 } });
    expect(second).toMatchObject({ status: 'ok', counts: { seen: 0 } });
    expect(stops()).toBe(1);
  });

  it('that DLI could not stop is a loud failure', async () => {
    const { run } = await sweepOf({ onStop: 'fail' });

    const report = await run();

    expect(report).toMatchObject({ status: 'failed', counts: { failed: 1 } });
    expect(report.jobs[0]?.error).toBe(
      'job 146: DLI accepted the request and could not stop the job, which may still be running (job_cancel_fail)',
    );
  });

  it.each([
    { state: 'job_cancel_success', outcome: 'cancelled' },
    { state: 'job_finish', outcome: 'already-terminal' },
    { state: 'job_running_exception', outcome: 'already-terminal' },
    { state: 'job_submit_fail', outcome: 'already-terminal' },
    { state: 'job_idle', outcome: 'unconfirmed' },
    { state: 'job_arrearage_stopped', outcome: 'already-terminal' },
    { state: 'job_init', outcome: 'cancelled' },
  ] as const)('that is $state after it was asked is $outcome', async ({ state, outcome }) => {
    const { run, emulator } = await sweepOf({ onStop: 'ignore' });
    const life = [...(emulator.flink.get('146')?.life ?? []), { from: NOW, state }];
    // Its examination and the look right before come first.
    emulator.faults.add({ on: 'show-flink-job', skip: 2, change: [{ job: '146', set: { life } }] });

    expect((await run()).jobs).toMatchObject([{ outcome, attempts: 1 }]);
  });

  it('that is a draft again after a stop whose answer was lost may have stopped by itself, and the result says so', async () => {
    const { run, emulator } = await sweepOf({ onStop: 'ignore' });
    const life = [...(emulator.flink.get('146')?.life ?? []), { from: NOW, state: 'job_init' as const }];
    emulator.faults.add(
      { on: 'stop-flink-jobs', times: Number.POSITIVE_INFINITY, answer: 'reset' },
      { on: 'show-flink-job', skip: 5, change: [{ job: '146', set: { life } }] },
    );

    const report = await run();

    expect(report.jobs).toMatchObject([{ outcome: 'already-terminal', status: 'job_init', evidence: null }]);
    expect(report.jobs[0]?.error).toContain('may have ended by itself, or by that request');
  });

  it.each(['job_init', 'job_arrearage_stopped'] as const)('that is %s before it was asked is spared', async (state) => {
    const { run, stops, emulator } = await sweepOf({});
    const life = [...(emulator.flink.get('146')?.life ?? []), { from: NOW, state }];
    emulator.faults.add({ on: 'show-flink-job', skip: 1, change: [{ job: '146', set: { life } }] });

    expect((await run()).jobs).toMatchObject([{ outcome: 'skipped', reason: 'undetermined', status: state }]);
    expect(stops()).toBe(0);
  });

  it.each(['keep', 'cancel'] as const)(
    'that runs on for seconds after DLI has noted its stop is saved and cancelled, with onSavepointFailure: %s',
    async (onSavepointFailure) => {
      const { run, stops, emulator } = await sweepOf({ onStop: 'ignore' }, { onSavepointFailure });
      const life = [
        ...(emulator.flink.get('146')?.life ?? []),
        { from: NOW, state: 'job_running' as const },
        { from: NOW + 3_000, state: 'job_savepointing' as const },
        { from: NOW + 4_500, state: 'job_cancel_success' as const },
      ];
      // Its examination and the look right before come first.
      emulator.faults.add({ on: 'show-flink-job', skip: 2, change: [{ job: '146', set: { life } }] });

      const report = await run();

      expect(report.jobs).toMatchObject([{ outcome: 'cancelled', status: 'job_cancel_success', attempts: 1 }]);
      expect(stops()).toBe(1);
    },
  );

  it.each(['job_finish', 'job_running_exception'] as const)(
    'that is %s before it was asked is already terminal, and is not asked',
    async (state) => {
      const { run, stops, emulator } = await sweepOf({});
      const life = [...(emulator.flink.get('146')?.life ?? []), { from: NOW, state }];
      emulator.faults.add({ on: 'show-flink-job', skip: 1, change: [{ job: '146', set: { life } }] });

      expect((await run()).jobs).toMatchObject([{ outcome: 'already-terminal', status: state, attempts: 0 }]);
      expect(stops()).toBe(0);
    },
  );

  it('that is job_cancel_success before it was asked was cancelled by someone else', async () => {
    const { run, emulator } = await sweepOf({});
    const life = [...(emulator.flink.get('146')?.life ?? []), { from: NOW, state: 'job_cancel_success' as const }];
    emulator.faults.add({ on: 'show-flink-job', skip: 1, change: [{ job: '146', set: { life } }] });

    const report = await run();

    expect(report).toMatchObject({ counts: { alreadyTerminal: 1, cancelledByOthers: 1 } });
    expect(report.jobs).toMatchObject([{ status: 'job_cancel_success', endedBy: 'others', attempts: 0 }]);
  });

  it.each(['job_savepointing', 'job_canceling'] as const)(
    'that has become %s since it was listed is not asked, and spared',
    async (state) => {
      const { run, stops, emulator } = await sweepOf({});
      const life = [...(emulator.flink.get('146')?.life ?? []), { from: NOW, state }];
      emulator.faults.add({ on: 'show-flink-job', change: [{ job: '146', set: { life } }] });

      const report = await run();

      expect(reasonsOf(report)).toEqual(['stopping']);
      expect(stops()).toBe(0);
    },
  );

  it.each([{ status: 500 }, { status: 403 }])(
    'whose examination fails with $status is spared since its status cannot be read, and not for the one in the list',
    async ({ status }) => {
      const answer = { status, body: { error_code: 'DLI.0999', error_msg: 'trouble' } };
      const { run } = await sweepOf(
        {},
        {},
        {
          faults: [{ on: 'show-flink-job', times: Number.POSITIVE_INFINITY, answer }],
        },
      );

      const { problems, jobs } = await run();

      expect(problems).toContain(
        '1 job could not be judged, and is spared as undetermined, because the status is missing, or cannot be read',
      );
      expect(jobs).toMatchObject([{ reason: 'undetermined', status: null }]);
    },
  );

  it('that begins to stop between its examination and our request is not asked', async () => {
    const { run, stops, emulator } = await sweepOf({});
    const life = [...(emulator.flink.get('146')?.life ?? []), { from: NOW, state: 'job_canceling' as const }];
    emulator.faults.add({ on: 'show-flink-job', skip: 1, change: [{ job: '146', set: { life } }] });

    const report = await run();

    expect(report.jobs).toMatchObject([{ outcome: 'skipped', reason: 'stopping', attempts: 0 }]);
    expect(stops()).toBe(0);
  });

  it.each([
    { assumptions: { flinkVerdicts: 'one' } },
    { assumptions: { flinkVerdicts: 'object' } },
    { assumptions: { flinkSuccess: 'boolean' } },
    { assumptions: { flinkStopped: 'job_init' } },
  ] as const)('is stopped however the verdict and its end are written: $assumptions', async ({ assumptions }) => {
    const { run } = await sweepOf({}, {}, { assumptions });

    expect((await run()).counts.cancelled).toBe(1);
  });

  it('is never touched by a rule that does not name the engine', async () => {
    const world = await makeWorld({ jobs: [], flinkJobs: [emulatedFlinkJob(146)] });

    const report = await world.sweep();

    expect(report.counts.seen).toBe(0);
    expect(world.conversation()).toEqual(['GET LAUNCHING 1', 'GET RUNNING 1']);
  });
});

describe('a Spark batch', () => {
  const rule = { id: 'r', engines: ['spark'], match: 'all', maxTotalTime: '2h' };
  const sweepOf = async (
    batch: Parameters<typeof emulatedBatch>[1],
    options: Options = {},
    changes: Record<string, unknown> = {},
  ) => {
    const world = await makeWorld({ jobs: [], sparkJobs: [emulatedBatch(1, batch)], ...options });
    return { ...world, run: () => world.sweep({}, world.withPolicy({ rules: [{ ...rule, ...changes }] })) };
  };

  it('is read right before its DELETE, and its end is witnessed by our own record alone', async () => {
    const { run, conversation, lines } = await sweepOf({});

    const report = await run();

    expect(conversation()).toEqual([
      'GET batches starting 0',
      'GET batches recovering 0',
      'GET batches running 0',
      'GET batches recovering 0',
      'GET batch 1/state',
      'DELETE batch 1',
      'GET batch 1/state',
      'GET batch 1/state',
      'GET batch 1/state',
      'GET batch 1/state',
    ]);
    expect(report.jobs).toMatchObject([{ outcome: 'cancelled', status: 'dead', evidence: 'own-record', cus: 8 }]);
    expect(lines.map(({ msg }) => msg).slice(0, 1)).toEqual(['victims chosen']);
  });

  it.each(['success', 'dead'] as const)(
    'that became %s before its DELETE is not asked: its history might go',
    async (state) => {
      const { run, emulator } = await sweepOf({}, { assumptions: { sparkCancelOfEnded: 'erased' } });
      const life = [...(emulator.spark.get(jobId(1))?.life.slice(0, 2) ?? []), { from: NOW, state }];
      emulator.faults.add({ on: 'show-spark-batch-state', change: [{ job: jobId(1), set: { life } }] });

      const report = await run();

      expect(report.jobs).toMatchObject([{ outcome: 'already-terminal', status: state, attempts: 0, evidence: null }]);
      // `dead` is what a failed batch is called as well, so the result does not say that it was cancelled.
      expect(report.jobs).toMatchObject([{ endedBy: null }]);
      expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
      expect(emulator.spark.get(jobId(1))).toBeDefined();
    },
  );

  it('that finishes between the read and the DELETE is already terminal', async () => {
    const { run } = await sweepOf({ onCancel: 'finish' });

    expect((await run()).jobs).toMatchObject([{ outcome: 'already-terminal', status: 'success', attempts: 1 }]);
  });

  it.each(['reset', 503] as const)(
    'that dies by itself while no cancel gets through is not called cancelled: %s',
    async (trouble) => {
      const { run, emulator } = await sweepOf({});
      const life = [...(emulator.spark.get(jobId(1))?.life.slice(0, 2) ?? []), { from: NOW, state: 'dead' as const }];
      const answer = trouble === 'reset' ? trouble : { status: trouble, body: {} };
      emulator.faults.add(
        { on: 'cancel-spark-batch', times: Number.POSITIVE_INFINITY, answer },
        { on: 'show-spark-batch-state', skip: 2, change: [{ job: jobId(1), set: { life } }] },
      );

      const report = await run();

      expect(report).toMatchObject({ freed: null, counts: { cancelled: 0, alreadyTerminal: 1 } });
      expect(report.jobs).toMatchObject([{ outcome: 'already-terminal', status: 'dead', evidence: null }]);
      expect(report.jobs[0]?.error).toBe(
        `job ${jobId(1)}: ended (dead) after a request whose answer was lost; it may have ended by itself, or by that request`,
      );
    },
  );

  it('that recovers by itself is alive, and is cancelled', async () => {
    const recoveries = [{ from: NOW - MINUTE, until: NOW + HOUR }];
    const { run } = await sweepOf({ plan: { recoveries } });

    expect((await run()).counts.cancelled).toBe(1);
  });

  it('is read after an answer that was lost, before it is asked again', async () => {
    const { run, emulator, conversation } = await sweepOf({});
    emulator.faults.add({ on: 'cancel-spark-batch', executes: true, answer: { status: 504, body: '' } });

    const report = await run();

    expect(report.jobs).toMatchObject([{ outcome: 'cancelled', status: 'dead' }]);
    const [deletion] = conversation().flatMap((line, i) => (line.startsWith('DELETE') ? [i] : []));
    expect(conversation()[(deletion ?? 0) + 1]).toBe('GET batch 1/state');
  });

  it('is known whatever the case of its state', async () => {
    const { run } = await sweepOf({}, { assumptions: { sparkStateSpelling: 'capitalised', sparkAppId: 'list' } });

    expect((await run()).counts.cancelled).toBe(1);
  });

  it('does not say since when it runs, so a limit on that spares it', async () => {
    const { run, emulator } = await sweepOf({}, {}, { maxRunTime: '1h', maxTotalTime: undefined });

    expect(reasonsOf(await run())).toEqual(['undetermined']);
    expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });

  it('waits while it starts, from its creation on', async () => {
    const { run } = await sweepOf(
      { ageMs: 2 * HOUR, plan: { runsFrom: NOW + HOUR / 2 } },
      {},
      { maxQueueTime: '1h', maxTotalTime: undefined },
    );

    expect((await run()).jobs).toMatchObject([{ outcome: 'cancelled', clock: 'maxQueueTime', queueTimeMs: 2 * HOUR }]);
  });

  it.each([
    { of: 'type B', batch: { scType: 'B' as const }, cus: 16 },
    {
      of: 'sizes of its own',
      batch: {
        scType: 'CUSTOMIZED' as const,
        request: { driverCores: 1, driverMemory: '8G', executorCores: 4, executorMemory: '4G', numExecutors: 3 },
      },
      cus: 14,
    },
    { of: 'sizes that it does not give', batch: { scType: 'CUSTOMIZED' as const }, cus: null },
  ])('holds the compute units of $of', async ({ batch, cus }) => {
    const { run } = await sweepOf(batch);

    expect((await run()).jobs[0]?.cus).toBe(cus);
  });
});

/** The lists that are paged by rows, which those of SQL are not. */
const LISTS: Record<Exclude<Engine, 'sql'>, PagedList> = {
  spark: {
    list: 'running batches',
    first: 'from=0&order=CREATE_TIME_ASC&size=100&state=running',
    second: 'from=100',
    bodyOf: (total, ids) => ({
      from: 0,
      total,
      sessions: ids.map((id) => ({ id, state: 'running', create_time: NOW })),
    }),
  },
  flink: {
    list: 'job_running Flink jobs',
    first: 'status=job_running',
    second: 'offset=100',
    bodyOf: (total, ids) => ({
      is_success: 'true',
      job_list: {
        total_count: total,
        jobs: ids.map((id) => ({
          job_id: Number(id),
          job_type: 'flink_sql_job',
          status: 'job_running',
          start_time: NOW,
        })),
      },
    }),
  },
};

interface PagedList {
  /** Its name in a problem. */
  list: string;
  /** What the request for its first page has in its target, and no other. */
  first: string;
  second: string;
  bodyOf: (total: number, ids: readonly string[]) => object;
}

describe('lists that are paged by rows', () => {
  it.each([
    { of: 'spark', count: 250 },
    { of: 'flink', count: 250 },
  ] as const)('lose no $of job while others end between the pages', async ({ of, count }) => {
    const specimen = SPECIMENS.find(({ engine }) => engine === of) as Specimen;
    const ages = Array.from({ length: count }, (_, i) => 3 * HOUR - i * 1_000);
    const { world } = await start(specimen, ages, {
      // With each page one of the first ends, and pulls all others up.
      onRequest: ({ target }) => {
        const at = { from: world.clock.now(), state: of === 'spark' ? 'success' : 'job_finish' };
        if (!/[?&](from|offset)=[12]00/.test(target)) return;
        const n = world.emulator.requests.length;
        const store = of === 'spark' ? world.emulator.spark : world.emulator.flink;
        const job = store.get(specimen.idOf(n)) as { life: unknown[] } | undefined;
        if (job !== undefined) job.life = [...job.life.slice(0, 3), at];
      },
    });
    const rules = [{ id: 'r', engines: [of], match: 'all', [specimen.clock]: '1h' }];

    const report = await world.sweep({ dryRun: true, maxKills: 1_000 }, world.withPolicy({ rules }));

    const seen = new Set(report.jobs.map(({ jobId: id }) => id));
    const living = Array.from({ length: count }, (_, i) => i + 1).filter(
      (n) => specimen.statusOf(world.emulator, specimen.idOf(n), world.clock.now()) === specimen.alive,
    );
    expect(living.length).toBeLessThan(count);
    expect(living.filter((n) => !seen.has(specimen.idOf(n)))).toEqual([]);
    expect(report.jobs).toHaveLength(seen.size);
  });

  it('are a gap with one job in two spellings of its id in place of two jobs', async () => {
    const specimen = SPECIMENS.find(({ engine }) => engine === 'spark') as Specimen;
    const id = 'abcdefab-0000-4000-8000-000000000001';
    const sessions = [id, id.toUpperCase()].map((one) => ({ id: one, state: 'running', create_time: NOW }));
    const answer = { status: 200, body: { from: 0, total: 2, sessions } };
    const { sweep } = await start(specimen, [], {
      faults: [{ on: 'list-spark-batches', target: 'state=running', times: Number.POSITIVE_INFINITY, answer }],
    });

    expect(await sweep()).toMatchObject({
      status: 'partial',
      problems: ['listing incomplete: running batches: the list says that there are 2, and shows 1'],
    });
  });

  describe.each(ENGINE_NAMES.filter((engine) => engine !== 'sql'))('of %s', (engine) => {
    const specimen = SPECIMENS.find((one) => one.engine === engine) as Specimen;
    const { clock, listRoute, idOf } = specimen;
    const { list, first, second, bodyOf } = LISTS[engine];
    const pageOf = (total: number, numbers: readonly number[]) => ({
      status: 200,
      body: bodyOf(total, numbers.map(idOf)),
    });
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    const page = (target: string, answer: ReturnType<typeof pageOf>, times = Number.POSITIVE_INFINITY) => ({
      on: listRoute,
      target,
      times,
      answer,
    });

    it.each([
      { name: 'no row of many', faults: [page(first, pageOf(50, []))], says: 'there are 50, and shows 0' },
      {
        name: 'a second page without rows',
        faults: [page(second, pageOf(250, [])), page(first, pageOf(250, hundred))],
        says: 'there are 250, and shows 100',
      },
      {
        name: 'the same page again and again',
        faults: [
          page(second, pageOf(250, hundred)),
          page('200', pageOf(250, hundred)),
          page(first, pageOf(250, hundred)),
        ],
        says: 'there are 250, and shows 100',
      },
      { name: 'more rows than it counts', faults: [page(first, pageOf(1, [1, 2]))], says: 'there are 1, and shows 2' },
    ])('are a gap with $name', async ({ faults, says }) => {
      const { sweep } = await start(specimen, [], { faults });

      const report = await sweep();

      expect(report).toMatchObject({
        status: 'partial',
        problems: [`listing incomplete: ${list}: the list says that ${says}`],
      });
    });

    it('are read again, and no gap, where a job ended between the count and the rows', async () => {
      const { sweep } = await start(specimen, [3 * HOUR], { faults: [page(first, pageOf(2, [1]), 1)] });

      expect(await sweep({ [clock]: '2h' })).toMatchObject({ status: 'ok', counts: { seen: 1, cancelled: 1 } });
    });
  });
});
