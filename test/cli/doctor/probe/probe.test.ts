import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { assumptionsIn, type Probe, parseProbe } from '../../../../cli/doctor/probe/file.ts';
import { type ProbeFlags, runProbe } from '../../../../cli/doctor/probe/probe.ts';
import { createRedactor, regionOf } from '../../../../cli/doctor/probe/redact.ts';
import { stageParameters } from '../../../../emulator/aws/parameter-store.ts';
import {
  ASSUMPTION_NAMES,
  ASSUMPTION_VALUES,
  type AssumptionName,
  DEFAULT_ASSUMPTIONS,
} from '../../../../emulator/base/assumptions.ts';
import { createRandom } from '../../../../emulator/base/random.ts';
import type { Fault } from '../../../../emulator/control/faults.ts';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../../../emulator/server.ts';
import type { EmulatedJob } from '../../../../emulator/sql/jobs.ts';
import { startAwsServer } from '../../../helpers/aws-server.ts';
import { emulatedBatch, emulatedFlinkJob } from '../../../helpers/emulated-api.ts';
import { CLI, cleanEnvironment, keysOf, makeFolder, runHere, runningJob } from '../../../helpers/run-cli.ts';
import { emulatedJob, HOUR, jobId, MINUTE, NOW } from '../../../helpers/world.ts';

const writeFile = makeFolder();
let files = 0;
/** A file that is not there yet, in a folder that is gone afterwards. */
const newFile = () => writeFile('folder', '').replace(/folder$/, `probe-${++files}.json`);

const QUEUE = 'adhoc';

/** Of each engine more than one job, of different age and state. */
const everything = (): Partial<EmulatorOptions> => ({
  jobs: [emulatedJob(1), emulatedJob(2, { type: 'INSERT', ageMs: HOUR })],
  sparkJobs: [
    emulatedBatch(3, { name: 'nightly-load' }),
    emulatedBatch(4, { name: 'hourly', ageMs: HOUR }),
    emulatedBatch(5, { name: 'done', ageMs: 5 * HOUR, plan: { endsAt: NOW - HOUR } }),
  ],
  flinkJobs: [emulatedFlinkJob(146, { name: 'clicks' }), emulatedFlinkJob(147, { name: 'payments', ageMs: HOUR })],
});

const submittedBy = ({ sql }: Emulator): EmulatedJob[] => sql.all().filter(({ owner }) => owner === 'emulator');

/** Whatever a test does: what changes something names the one job that the probe made. */
function expectOwnJobOnly(emulator: Emulator): void {
  const changes = emulator.requests.filter(({ method }) => method !== 'GET');
  const submissions = changes.filter(({ method, target }) => method === 'POST' && target.endsWith('/jobs/submit-job'));
  const cancels = changes.filter(({ method }) => method === 'DELETE');
  const ids = submittedBy(emulator).map(({ id }) => id);
  expect(submissions.length).toBeLessThanOrEqual(1);
  expect(submissions.length + cancels.length).toBe(changes.length);
  expect(cancels.map(({ target }) => target.split('/').at(-1))).toEqual(cancels.map(() => ids[0]));
}

/** An emulator, and probes of it that share its clock. */
async function startWorld(options: Partial<EmulatorOptions> = everything()) {
  let now = NOW;
  const emulator = await startEmulator({ now: () => now, random: createRandom(1), ...options });
  onTestFinished(emulator.close);
  const { url, projectId } = emulator.connection;
  const run = async (
    flags: ProbeFlags = { probeQueue: QUEUE, confirm: QUEUE },
    {
      ask,
      whileAsleep = () => {},
    }: { ask?: () => Promise<string>; whileAsleep?: (stop: AbortController) => void } = {},
  ) => {
    const interruption = new AbortController();
    const clock = {
      now: () => now,
      sleep: async (ms: number, signal?: AbortSignal) => {
        now += ms;
        whileAsleep(interruption);
        signal?.throwIfAborted();
      },
    };
    const out: string[] = [];
    const err: string[] = [];
    const probeFile = newFile();
    const exitCode = await runProbe(
      { endpoint: url, projectId, probeFile, ...flags },
      {
        env: keysOf(emulator.connection),
        out: (text) => void out.push(text),
        err: (text) => void err.push(text),
        ask,
      },
      { clock, random: () => 0.5, interrupted: interruption.signal },
    );
    expectOwnJobOnly(emulator);
    expect(emulator.faults.unmet()).toEqual([]);
    const written = readFileSync(probeFile, 'utf8');
    return { exitCode, stdout: out.join(''), stderr: err.join(''), written, probeFile, ...parseProbe(written) };
  };
  return { emulator, run, changes: () => emulator.requests.filter(({ method }) => method !== 'GET').length };
}

const notes = ({ assumptions }: Pick<Probe, 'assumptions'>) =>
  Object.fromEntries(
    ASSUMPTION_NAMES.filter((name) => assumptions[name].found === null).map((name) => [name, assumptions[name].note]),
  );

interface Case {
  /** The world in which its answer is found, if that is not the usual one. */
  world?: Partial<EmulatorOptions>;
  /** Why no answer is found in the usual world. */
  whyUnknown?: string;
}

const ENDS_AT_ONCE = { delays: { startMs: 0, runMs: [0, 0] } } as const;

/** Each question with whether a probe finds its answer; the compiler asks for all of them. */
const QUESTIONS: Record<AssumptionName, Case> = {
  sqlCancelOfEnded: { world: ENDS_AT_ONCE, whyUnknown: 'the job of the probe did not end by itself' },
  sqlCancelOfCancelled: {},
  unknownId: {},
  unknownQueue: { whyUnknown: 'the probe submits nothing to a queue that does not exist' },
  deniedStatus: { world: { deniedQueues: [QUEUE] }, whyUnknown: 'no cancel was denied' },
  sqlDetailOfOthers: {},
  sparkCancelOfEnded: { whyUnknown: 'the probe cancels no batch' },
  sparkFilters: {},
  sparkDefaultOrder: {},
  sparkStateSpelling: {},
  sparkAppId: {},
  nameFilter: {},
  flinkVerdicts: { whyUnknown: 'the probe stops no Flink job' },
  flinkMixedStatus: { whyUnknown: 'the probe stops no Flink job' },
  flinkUnknownInBatch: { whyUnknown: 'the probe stops no Flink job' },
  flinkStopped: { whyUnknown: 'the probe stops no Flink job' },
  flinkSuccess: {},
  queueFlags: {},
  sqlResultOfOthers: { whyUnknown: 'the probe reads no result' },
  busyQueue: { whyUnknown: 'the probe deletes no queue' },
};

const UNKNOWN = Object.fromEntries(
  ASSUMPTION_NAMES.flatMap((name) =>
    QUESTIONS[name].whyUnknown === undefined ? [] : [[name, QUESTIONS[name].whyUnknown]],
  ),
);

const turnedOver = ASSUMPTION_NAMES.flatMap((name) =>
  ASSUMPTION_VALUES[name].slice(1).map((value: string | number) => ({ name, value, ...QUESTIONS[name] })),
);

const ODD: { name: AssumptionName; fault: Fault; note: string }[] = [
  {
    name: 'unknownId',
    fault: { on: 'show-sql-job-status', answer: { status: 404, body: { error_code: 'DLI.0002' } } },
    note: 'a SQL job: 404 DLI.0002, a batch: DLI.0002',
  },
  {
    name: 'unknownId',
    fault: { on: 'show-sql-job-status', answer: { status: 404, body: { error_code: 'DLI.0023' } } },
    note: 'a SQL job: DLI.0023, a batch: DLI.0002',
  },
  {
    name: 'sqlCancelOfCancelled',
    fault: { on: 'cancel-sql-job', skip: 1, answer: { status: 409, body: { error_code: 'DLI.0009' } } },
    note: '409 DLI.0009',
  },
  {
    name: 'sparkStateSpelling',
    fault: { on: 'show-spark-batch-state', edit: { set: { state: 'SUCCESS' } } },
    note: 'SUCCESS, success',
  },
  {
    name: 'sparkAppId',
    fault: { on: 'list-spark-batches', edit: { removeFromRows: ['appId'] } },
    note: 'not there and text',
  },
  {
    name: 'sparkFilters',
    fault: { on: 'list-spark-batches', target: 'owner=', answer: { status: 400, body: { error_code: 'DLI.0001' } } },
    note: 'owner 400 DLI.0001, start known, end known, order known',
  },
  {
    name: 'nameFilter',
    fault: { on: 'list-flink-jobs', target: 'name=noname', edit: { set: { job_list: { jobs: [{ name: 'x' }] } } } },
    note: 'batches: whole, Flink jobs: the filter is ignored',
  },
  {
    name: 'nameFilter',
    // As in a project where so many names fit that the one asked about is not on the first page.
    fault: {
      on: 'list-spark-batches',
      target: 'job_name=ourl',
      edit: { set: { sessions: [{ name: 'hourly-2' }] } },
    },
    note: 'batches: part, Flink jobs: whole',
  },
  {
    name: 'sqlDetailOfOthers',
    fault: { on: 'show-sql-job-detail', answer: { status: 200, body: { is_success: true } } },
    note: '200, without data_path or data_type',
  },
  {
    name: 'queueFlags',
    fault: { on: 'list-queues', edit: { set: { is_success: 'true' } } },
    note: 'is_success: text, is_restarting: boolean',
  },
];

describe('a probe', () => {
  it('confirms what the emulator assumes, and says why it cannot tell the rest', async () => {
    const { run } = await startWorld();

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 0, ownJob: 'ended', region: null, reaper: '0.1.0' });
    expect(notes(probe)).toEqual(UNKNOWN);
    const { assumptions } = probe;
    const answered = ASSUMPTION_NAMES.filter((name) => !(name in UNKNOWN));
    expect(answered.map((name) => [name, assumptions[name]])).toEqual(
      answered.map((name) => [
        name,
        { verdict: 'holds', assumed: DEFAULT_ASSUMPTIONS[name], found: DEFAULT_ASSUMPTIONS[name], note: null },
      ]),
    );
    expect(probe.stdout).toContain('What the emulator assumes: 10 hold, 0 do not, 10 could not be told.\n');
  });

  it.each(turnedOver.filter(({ world, whyUnknown }) => world !== undefined || whyUnknown === undefined))(
    'finds that $name is $value',
    async ({ name, value, world }) => {
      const { run } = await startWorld({ ...everything(), ...world, assumptions: { [name]: value } });

      const { assumptions, stdout } = await run();

      const assumed = DEFAULT_ASSUMPTIONS[name];
      expect(assumptions[name]).toEqual({ verdict: 'does not', assumed, found: value, note: null });
      expect(stdout).toMatch(new RegExp(`✗ ${name} +does not hold \\(${assumed}\\): it is ${value}\n`));
      const others = ASSUMPTION_NAMES.filter((other) => other !== name);
      expect(others.filter((other) => assumptions[other].verdict === 'does not')).toEqual([]);
    },
  );

  it.each(turnedOver.filter(({ whyUnknown }) => whyUnknown !== undefined))(
    'does not find in the usual world that $name is $value: $whyUnknown',
    async ({ name, value, whyUnknown }) => {
      const { run } = await startWorld({ ...everything(), assumptions: { [name]: value } });

      const { assumptions } = await run();

      const assumed = DEFAULT_ASSUMPTIONS[name];
      expect(assumptions[name]).toEqual({ verdict: 'could not be told', assumed, found: null, note: whyUnknown });
    },
  );

  it('does not find what needs batches and Flink jobs if there are none', async () => {
    const { run } = await startWorld({ jobs: [emulatedJob(1)] });

    const probe = await run();

    expect(probe.exitCode).toBe(0);
    expect(notes(probe)).toEqual({
      ...UNKNOWN,
      sparkFilters: 'there was no batch',
      sparkDefaultOrder: 'there was no batch',
      sparkStateSpelling: 'there was no batch',
      sparkAppId: 'there was no batch',
      nameFilter:
        'batches: there was none with a name of three characters, Flink jobs: there was none with a name of three characters',
    });
  });

  it('cannot tell an order where all batches are of one age', async () => {
    const { run } = await startWorld({ jobs: [], queues: [], sparkJobs: [emulatedBatch(1), emulatedBatch(2)] });

    const { assumptions } = await run({});

    for (const name of ['sparkFilters', 'sparkDefaultOrder'] as const) {
      expect(assumptions[name].note).toBe('there were no two batches of different age');
    }
  });

  it.each([
    { filter: 'whole', expected: { found: null, note: 'Flink jobs: there was none with a name of three characters' } },
    { filter: 'part', expected: { found: 'part', note: null } },
  ] as const)(
    'takes one place for an answer only where it is another than assumed: $filter',
    async ({ filter, expected }) => {
      const { run } = await startWorld({ ...everything(), flinkJobs: [], assumptions: { nameFilter: filter } });

      expect((await run()).assumptions.nameFilter).toMatchObject(expected);
    },
  );

  it('asks for the details of its own job where there is no query of others', async () => {
    const { run } = await startWorld({
      jobs: [emulatedJob(1, { type: 'INSERT' })],
      assumptions: { sqlDetailOfOthers: 'DLI.0007' },
    });

    expect((await run()).assumptions.sqlDetailOfOthers.found).toBe('DLI.0007');
  });

  it.each(ODD)('reports $name as none of the known answers if DLI says $note', async ({ name, fault, note }) => {
    const { run } = await startWorld({ ...everything(), faults: [fault] });

    const { assumptions, stdout } = await run();

    expect(assumptions[name]).toMatchObject({
      verdict: 'does not',
      found: null,
      note: `none of the known answers: ${note}`,
    });
    expect(stdout).toContain(`, and is none of the known answers: ${note}\n`);
  });

  it('takes trouble and missing rights for no answer', async () => {
    const { run } = await startWorld({
      ...everything(),
      faults: [
        { on: 'list-spark-batches', times: Infinity, answer: { status: 403, body: { error_code: 'APIG.0302' } } },
        { on: 'show-sql-job-detail', times: Infinity, answer: { status: 503, body: '' } },
      ],
    });

    const { assumptions } = await run();

    expect(assumptions.sparkAppId.note).toBe('answered with 403 APIG.0302');
    expect(assumptions.sqlDetailOfOthers.note).toBe('answered with 503');
  });
});

describe('thin evidence', () => {
  it.each([200, 400])('is a page of a proxy, which is no answer of DLI, with status %i', async (status) => {
    const answer = { status, body: '<html>Please log in</html>' };
    const on = [
      'list-queues',
      'list-spark-batches',
      'show-spark-batch',
      'list-flink-jobs',
      'show-sql-job-detail',
    ] as const;
    const { run } = await startWorld({
      ...everything(),
      faults: on.map((one) => ({ on: one, times: Infinity, answer })),
    });

    const { assumptions } = await run();

    expect(ASSUMPTION_NAMES.filter((name) => assumptions[name].verdict === 'does not')).toEqual([]);
    for (const name of ['sparkFilters', 'sparkAppId', 'sqlDetailOfOthers'] as const) {
      expect(assumptions[name].note).toBe(`answered with ${status}, and no JSON`);
    }
  });

  it('is a list that was refused, which is not an empty one', async () => {
    const answer = { status: 400, body: { error_code: 'DLI.0001' } };
    const on = ['list-sql-jobs', 'list-spark-batches', 'list-flink-jobs'] as const;
    const { run } = await startWorld({
      ...everything(),
      faults: on.map((one) => ({ on: one, times: Infinity, answer })),
    });

    const { assumptions } = await run({});

    const why = 'the list answered with 400 DLI.0001';
    expect(assumptions.sqlDetailOfOthers.note).toBe(why);
    expect(assumptions.sparkDefaultOrder.note).toBe(why);
    expect(assumptions.nameFilter.note).toBe(`batches: ${why}, Flink jobs: ${why}`);
  });

  it('is a cancel that the gateway denies, since DLI itself was not asked', async () => {
    const answer = { status: 403, body: { error_code: 'APIG.0302' } };
    const { run } = await startWorld({
      ...everything(),
      faults: [{ on: 'cancel-sql-job', answer }],
    });

    const { assumptions } = await run();

    expect(assumptions.deniedStatus.note).toBe("denied with 403 APIG.0302, which is not DLI's own answer");
  });

  it('is an order of two, which chance could make', async () => {
    const { run } = await startWorld({ sparkJobs: [emulatedBatch(1), emulatedBatch(2, { ageMs: HOUR })] });

    const { assumptions } = await run({});

    expect(assumptions.sparkDefaultOrder.note).toBe('there were only two batches of different age');
  });

  it('is a batch that comes between two lists, which do not show an order by that', async () => {
    const sessions = [NOW, NOW - 2 * HOUR, NOW - 5 * HOUR].map((createdAt) => ({ create_time: createdAt }));
    const { run } = await startWorld({
      ...everything(),
      assumptions: { sparkFilters: 'otc' },
      faults: [{ on: 'list-spark-batches', target: 'CREATE_TIME_DESC', edit: { set: { sessions } } }],
    });

    const { assumptions } = await run({});

    expect(assumptions.sparkFilters.note).toBe('order: the lists are neither the same nor in order');
  });

  it('is not a name with rare characters, of which no half is asked for', async () => {
    const { run } = await startWorld({
      sparkJobs: [emulatedBatch(3, { name: '𠮷nightly𠮷' })],
      flinkJobs: [emulatedFlinkJob(146, { name: '𠮷clicks𠮷' })],
      assumptions: { nameFilter: 'part' },
    });

    const { assumptions } = await run({});

    expect(assumptions.nameFilter).toMatchObject({ verdict: 'does not', found: 'part' });
  });
});

describe('the job of a probe', () => {
  it('is the only job that is submitted or cancelled, and the jobs of others run on', async () => {
    const { emulator, run } = await startWorld();

    const { stderr, recordings } = await run();

    const [own] = submittedBy(emulator);
    const changes = emulator.requests.filter(({ method }) => method !== 'GET');
    const project = `/v1.0/${emulator.connection.projectId}`;
    expect(changes).toEqual([
      { method: 'POST', target: `${project}/jobs/submit-job`, status: 200 },
      { method: 'DELETE', target: `${project}/jobs/${own?.id}`, status: 200 },
      { method: 'DELETE', target: `${project}/jobs/${own?.id}`, status: 400 },
    ]);
    expect([jobId(1), jobId(2), own?.id ?? ''].map(emulator.statusOf)).toEqual(['RUNNING', 'RUNNING', 'CANCELLED']);
    expect(stderr).toContain(`Submitted the job ${own?.id}.`);
    const calls = recordings.slice(-5).map(({ call, status }) => `${call}: ${status}`);
    expect(calls).toEqual([
      'read the details of the job of the probe: 200',
      'cancel the job of the probe: 200',
      'read the job of the probe: 200',
      'read the job of the probe: 200',
      'cancel the job of the probe: 400',
    ]);
  });

  it('runs long, ends by itself without a cancel, and carries the mark', async () => {
    const { emulator, run } = await startWorld();

    await run();

    const [own] = submittedBy(emulator);
    expect(own).toMatchObject({
      queue: QUEUE,
      type: 'QUERY',
      conf: ['dli.sql.job.timeout = 600'],
      timeoutMs: 10 * MINUTE,
      tags: [{ key: 'dli-reaper-probe', value: expect.stringMatching(/^[0-9a-f]{32}$/) }],
      statement: expect.stringMatching(/^SELECT count\(\*\) AS probe_[0-9a-f]{32} FROM \(SELECT 0 AS n UNION ALL/),
    });
    expect(own?.statement.match(/CROSS JOIN/g)).toHaveLength(15);
  });

  it('shows the cancel of a finished job, not of a cancelled one, if it ends too early', async () => {
    const { emulator, run } = await startWorld({ ...everything(), ...ENDS_AT_ONCE });

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 0, ownJob: 'ended' });
    expect(probe.assumptions.sqlCancelOfCancelled.note).toBe('the job of the probe was not seen as cancelled');
    expect(probe.assumptions.sqlCancelOfEnded.verdict).toBe('holds');
    expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
  });

  it('is not submitted without the right name, and the reads are still reported', async () => {
    const { changes, run } = await startWorld();

    const probe = await run({ probeQueue: QUEUE }, { ask: async () => 'adhok' });

    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'not submitted' });
    expect(probe.stderr).toContain('Not confirmed: expected adhoc. Nothing was changed.');
    expect(probe.assumptions.sqlCancelOfCancelled.note).toBe('no job was submitted');
    expect(probe.assumptions.unknownId.verdict).toBe('holds');
    expect(changes()).toBe(0);
  });

  it('is submitted when the name of its queue is typed', async () => {
    const { run } = await startWorld();

    const { exitCode, stderr, ownJob } = await run({ probeQueue: QUEUE }, { ask: async () => QUEUE });

    expect({ exitCode, ownJob }).toEqual({ exitCode: 0, ownJob: 'ended' });
    expect(stderr).toContain('If that fails, DLI ends it after 10m');
  });

  it('is not submitted if no one can be asked, or without a queue', async () => {
    const { changes, run } = await startWorld();

    const unasked = await run({ probeQueue: QUEUE });
    const readsOnly = await run({});

    expect(unasked.exitCode).toBe(1);
    expect(unasked.stderr).toContain(
      'No job was submitted, since the name cannot be typed here; give --confirm adhoc.',
    );
    expect(readsOnly.exitCode).toBe(0);
    expect(changes()).toBe(0);
  });

  it('is reported if DLI refuses it', async () => {
    const answer = { status: 403, body: { error_code: 'DLI.0003', error_msg: 'no SUBMIT_JOB' } };
    const { run } = await startWorld({ ...everything(), faults: [{ on: 'submit-sql-job', answer }] });

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'not submitted' });
    expect(probe.stderr).toContain('DLI refused the job: 403 DLI.0003. The key needs dli:queue:submitJob');
    expect(probe.assumptions.sqlCancelOfCancelled.note).toBe('no job was submitted (403 DLI.0003)');
  });

  it('loses nothing of the reads if DLI refuses the key at the submission', async () => {
    const answer = { status: 401, body: { error_code: 'APIG.0301' } };
    const { run, changes } = await startWorld({ ...everything(), faults: [{ on: 'submit-sql-job', answer }] });

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'not submitted' });
    expect(probe.stderr).toMatch(
      /^No job was submitted\. submit a SQL job: 401 APIG\.0301 .*; check the credential and this machine/,
    );
    expect(probe.assumptions.sqlCancelOfCancelled.note).toBe('no job was submitted, since DLI refused the key');
    expect(probe.assumptions.sparkFilters.verdict).toBe('holds');
    expect(probe.recordings.at(-1)).toMatchObject({ call: 'submit a SQL job', status: 401 });
    expect(changes()).toBe(1);
  });

  it('is not submitted a second time where the gateway turns it away, and no right is blamed for it', async () => {
    const answer = { status: 429, body: { error_code: 'APIG.0308' } };
    const { emulator, run } = await startWorld({
      ...everything(),
      faults: [{ on: 'submit-sql-job', times: Infinity, answer }],
    });

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'not submitted' });
    expect(probe.stderr).toContain('DLI refused the job: 429.\n');
    expect(submittedBy(emulator)).toEqual([]);
  });

  it('is not submitted to a DLI that takes long for the reads, of which none begins after five minutes', async () => {
    const answer = { status: 429, body: { error_code: 'APIG.0308' } };
    const on = [
      'list-queues',
      'list-sql-jobs',
      'show-sql-job-status',
      'list-spark-batches',
      'show-spark-batch',
      'list-flink-jobs',
    ] as const;
    const { run, changes } = await startWorld({
      ...everything(),
      faults: on.map((one) => ({ on: one, times: Infinity, answer })),
    });

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'not submitted' });
    expect(probe.recordings.at(-1)?.afterMs).toBeLessThanOrEqual(5 * MINUTE);
    expect(changes()).toBe(0);
  });

  it.each([
    { title: 'is lost', fault: { on: 'submit-sql-job', executes: true, answer: 'reset' } },
    { title: 'names no job', fault: { on: 'submit-sql-job', executes: true, answer: { status: 200, body: {} } } },
  ] as const)('is not submitted twice where the answer $title, and is told by its tag', async ({ fault }) => {
    const { emulator, run, changes } = await startWorld({ ...everything(), faults: [fault] });

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'unknown' });
    const [own] = submittedBy(emulator);
    expect(probe.stderr).toContain(
      `its tag dli-reaper-probe is ${own?.tags?.[0]?.value}, and DLI ends it by itself 10m`,
    );
    expect(changes()).toBe(1);
  });

  it('is left alone if the job under its id lacks the mark', async () => {
    const fault = { on: 'submit-sql-job', edit: { set: { job_id: jobId(1) } } } as const;
    const { emulator, run, changes } = await startWorld({ ...everything(), faults: [fault] });

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'unknown' });
    expect(probe.stderr).toContain('lacks the mark of the probe. It is left alone.');
    expect(changes()).toBe(1);
    expect(emulator.statusOf(jobId(1))).toBe('RUNNING');
  });

  it.each([
    { title: 'shows neither statement nor tags', status: { edit: { set: { statement: '', tags: [] } } } },
    { title: 'cannot be read', status: { answer: { status: 500, body: '' } } },
    { title: 'may not be read', status: { answer: { status: 401, body: { error_code: 'APIG.0301' } } } },
  ] as const)('is left alone where the job under its id $title, since it may be another', async ({ status }) => {
    const { emulator, run, changes } = await startWorld({
      ...everything(),
      faults: [
        { on: 'submit-sql-job', edit: { set: { job_id: jobId(1) } } },
        // The first is the reading of a job that does not exist.
        { on: 'show-sql-job-status', skip: 1, times: Infinity, ...status },
      ],
    });

    const probe = await run();

    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'unknown' });
    expect(probe.stderr).toContain('did not show the mark of the probe. It is left alone.');
    expect(probe.assumptions.sqlCancelOfEnded.note).toBe('the job that DLI named did not show the mark of the probe');
    expect(changes()).toBe(1);
    expect(emulator.statusOf(jobId(1))).toBe('RUNNING');
  });

  it('is named by its id if the key may not cancel it', async () => {
    const { emulator, run, changes } = await startWorld({ ...everything(), deniedQueues: [QUEUE] });

    const probe = await run();

    const [own] = submittedBy(emulator);
    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'not seen to end' });
    expect(probe.stderr).toContain(
      `This key may not cancel on adhoc. The job ${own?.id} is still running; it ends by itself 10m`,
    );
    expect(probe.assumptions.deniedStatus.verdict).toBe('holds');
    expect(changes()).toBe(2);
  });

  it('is named by its id if it is not seen to stop', async () => {
    const { emulator, run } = await startWorld({
      ...everything(),
      delays: { cancelMs: HOUR, runMs: [HOUR, HOUR] },
    });

    const probe = await run();

    const [own] = submittedBy(emulator);
    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'not seen to end' });
    expect(probe.stderr).toContain(`The cancel of the job ${own?.id} was accepted, but it was not seen to stop;`);
  });

  it('is asked to stop once more where the first answer was lost on the way', async () => {
    const { emulator, run } = await startWorld({
      ...everything(),
      delays: { runMs: [HOUR, HOUR] },
      faults: [{ on: 'cancel-sql-job', answer: 'reset' }],
    });

    const probe = await run();

    const [own] = submittedBy(emulator);
    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'not seen to end' });
    expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(2);
    expect(own?.cancelledAt).toBeDefined();
  });

  it('is cancelled also where the key is refused while it is read', async () => {
    const answer = { status: 401, body: { error_code: 'APIG.0301' } };
    const { emulator, run } = await startWorld({
      ...everything(),
      // The first is the reading of a job that does not exist, and the second shows the mark.
      faults: [{ on: 'show-sql-job-status', skip: 2, times: Infinity, answer }],
    });

    const { exitCode, stderr } = await run();

    const [own] = submittedBy(emulator);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('read the job of the probe: 401 APIG.0301');
    expect(stderr).toContain(`The cancel of the job ${own?.id} was accepted`);
    expect(own?.cancelledAt).toBeDefined();
  });

  it('is cancelled, and its id printed, at Ctrl-C', async () => {
    const { emulator, run } = await startWorld({ ...everything(), delays: { startMs: HOUR, cancelMs: 0 } });

    const probe = await run(undefined, { whileAsleep: (interruption) => interruption.abort() });

    const [own] = submittedBy(emulator);
    expect(probe).toMatchObject({ exitCode: 1, ownJob: 'ended' });
    expect(probe.stderr).toContain(`Interrupted. Cancelling the job ${own?.id}.\nThe job ${own?.id} is over.\n`);
    expect(emulator.statusOf(own?.id ?? '')).toBe('CANCELLED');
  });
});

describe('Ctrl-C', () => {
  it('ends the repetitions of a read that fails, so that the cancel comes soon', async () => {
    const { emulator, run } = await startWorld({
      jobs: [emulatedJob(1, { type: 'INSERT' })],
      delays: { startMs: 0, cancelMs: 0, runMs: [HOUR, HOUR] },
      faults: [{ on: 'show-sql-job-detail', answer: { status: 503, body: '' } }],
    });

    const { ownJob, stderr } = await run(undefined, { whileAsleep: (interruption) => interruption.abort() });

    expect(ownJob).toBe('ended');
    expect(stderr).toContain('Interrupted.');
    expect(emulator.requests.filter(({ target }) => target.endsWith('/detail'))).toHaveLength(1);
  });
});

describe('what a probe writes', () => {
  /** Each of these is planted in what DLI answers. */
  const secret = 'secret';
  const rows = {
    owner: 'secret-owner',
    message: 'secret-message',
    newField: 'secret-value',
    newMap: { 'secret-key': 'secret-inner' },
    newList: ['secret-entry'],
    'secret@example.com': 'secret-mail',
  };
  const planted: Partial<EmulatorOptions> = {
    jobs: [
      emulatedJob(1, {
        statement: "SELECT 'secret-statement'",
        owner: 'secret-owner',
        queue: 'secret_queue',
        tags: [{ key: 'secret-tag', value: 'secret-tag-value' }],
      }),
      emulatedJob(2),
    ],
    sparkJobs: [
      emulatedBatch(3, { name: 'secret-batch', owner: 'secret-owner', request: { conf: { token: 'secret-token' } } }),
      emulatedBatch(4, { name: 'secret-other', ageMs: HOUR, shownState: 'secret-state' }),
    ],
    flinkJobs: [emulatedFlinkJob(7654321, { name: 'secret-stream', sqlBody: 'secret-sql', description: 'secret' })],
    faults: [
      { on: 'list-sql-jobs', times: Infinity, edit: { setInRows: rows } },
      { on: 'list-spark-batches', times: Infinity, edit: { setInRows: rows, set: rows } },
      { on: 'list-flink-jobs', times: Infinity, edit: { setInRows: rows } },
      {
        on: 'list-queues',
        edit: {
          set: {
            queues: [
              { queue_name: QUEUE, ...rows },
              { queue_name: 'secret_queue', status: 'secret-status', ...rows },
            ],
          },
        },
      },
      {
        on: 'show-spark-batch',
        answer: { status: 400, body: { error_code: 'SECRET.1234', error_msg: 'secret-error', ...rows } },
      },
      { on: 'show-flink-job', times: Infinity, answer: { status: 502, body: '<html>secret-page</html>' } },
      { on: 'show-sql-job-detail', edit: { set: { data_path: 'obs://secret-bucket/x', ...rows } } },
    ],
  };

  it('holds no name, id, text or key of the project, in the file or on the screen', async () => {
    const { emulator, run } = await startWorld(planted);

    const { written, stdout, stderr } = await run();

    const [own] = submittedBy(emulator);
    const { projectId, accessKeyId, url } = emulator.connection;
    for (const text of [secret, projectId, accessKeyId, new URL(url).host, jobId(1), jobId(3), '7654321']) {
      expect((written + stdout + stderr).toLowerCase()).not.toContain(text.toLowerCase());
    }
    // The operator named the queue, and has to know the job.
    for (const text of [own?.id ?? '', own?.tags?.[0]?.value ?? '', QUEUE])
      expect(written + stdout).not.toContain(text);
    expect(stderr).toContain(own?.id);
  });

  it('keeps shapes, words of the API and error codes, and the same name for the same job', async () => {
    const { run } = await startWorld(planted);

    const { recordings } = await run();

    const bodyOf = (call: string) => recordings.find((one) => one.call === call)?.body;
    expect(bodyOf('list SQL jobs')).toMatchObject({
      is_success: true,
      job_count: 2,
      jobs: [
        {
          job_id: '<job 1>',
          job_type: 'QUERY',
          status: 'RUNNING',
          queue_name: expect.stringMatching(/^<(queue 1|probe queue)>$/),
          statement: 'text',
          newField: 'text',
          newMap: 'object',
          newList: 'list',
          '<key 1>': 'text',
        },
        { job_id: '<job 2>' },
      ],
    });
    expect(bodyOf('submit a SQL job')).toMatchObject({ job_id: '<own job>', job_mode: 'async', schema: 'list' });
    expect(bodyOf('read a Flink job')).toBe('no JSON');
    const refused = recordings.find(({ call }) => call === 'read a batch that does not exist');
    expect(refused).toMatchObject({ status: 400, errorCode: null, body: { error_code: 'text', error_msg: 'text' } });
    expect(recordings.at(-1)).toMatchObject({
      request: 'DELETE /v1.0/{project_id}/jobs/{own_job}',
      status: 400,
      errorCode: 'DLI.0007',
      body: { error_code: 'DLI.0007', error_msg: 'text' },
    });
  });

  it('takes no time over a long key, and shows only types of deep values', async () => {
    const deep = JSON.parse(`${'{"jobs":'.repeat(20_000)}1${'}'.repeat(20_000)}`);
    const { redact } = createRedactor(undefined);

    expect(redact({ [`${'a'.repeat(39)}1`]: 1, [`a${'_b'.repeat(18)}@`]: 1 })).toEqual({
      '<key 1>': 'number',
      '<key 2>': 'number',
    });
    expect(JSON.stringify(redact(deep))).toBe(`${'{"jobs":'.repeat(6)}"object"${'}'.repeat(6)}`);
  });

  it.each([
    { endpoint: 'https://dli.eu-west-101.myhuaweicloud.eu', region: 'eu-west-101' },
    { endpoint: 'https://dli.eu-de.otc.t-systems.com', region: 'eu-de' },
    { endpoint: 'https://dli.secret.example.com', region: null },
    { endpoint: 'http://127.0.0.1:8080', region: null },
  ])('names $region as the region of $endpoint', ({ endpoint, region }) => {
    expect(regionOf(new URL(endpoint))).toBe(region);
  });

  it('is for its owner alone, overwrites nothing, and does not begin where it could not be written', async () => {
    const { emulator, run } = await startWorld();

    const { probeFile } = await run({});
    const before = emulator.requests.length;
    const again = run({ probeFile });

    await expect(again).rejects.toThrow(`${probeFile}: already exists; name another file with --probe-file`);
    expect(statSync(probeFile).mode & 0o777).toBe(0o600);
    expect(emulator.requests).toHaveLength(before);
  });

  it('has a folder before anything is asked', async () => {
    const { emulator, run } = await startWorld();
    const probeFile = `${newFile()}/missing/probe.json`;

    await expect(run({ probeFile })).rejects.toThrow(
      `${probeFile}: cannot be written there (no such file or folder, ENOENT); name another file with --probe-file`,
    );
    expect(emulator.requests).toEqual([]);
  });

  it('makes an emulator that a probe finds the same of', async () => {
    const others = { unknownId: 'DLI.0023', sparkFilters: 'oas', queueFlags: 'text', nameFilter: 'part' } as const;
    const real = await startWorld({ ...everything(), assumptions: others });
    const found = await real.run();

    const assumptions = assumptionsIn(parseProbe(found.written));
    const played = await startWorld({ ...everything(), assumptions });

    expect(assumptions).toMatchObject(others);
    expect(assumptions).not.toHaveProperty('flinkVerdicts');
    expect((await played.run()).assumptions).toEqual(found.assumptions);
  });
});

describe('a DLI that cannot be asked', () => {
  it('ends a probe with its first question, and nothing is written', async () => {
    const { emulator, run } = await startWorld();
    await emulator.close();

    const { host } = new URL(emulator.connection.url);
    await expect(run()).rejects.toThrow(`list queues: cannot connect to ${host} (ECONNREFUSED)`);
  });

  it('ends it with the first refusal of the key, since five lock it', async () => {
    const answer = { status: 401, body: { error_code: 'APIG.0301' } };
    const { emulator, run } = await startWorld({
      ...everything(),
      faults: [{ on: 'list-sql-jobs', times: Infinity, answer }],
    });

    await expect(run()).rejects.toThrow('list SQL jobs: 401 APIG.0301');
    expect(emulator.requests.map(({ status }) => status)).toEqual([200, 401]);
  });
});

describe('mistakes in the flags of a probe', () => {
  it.each([
    { flags: { probeQueue: '1' }, says: '--probe-queue: expected the name of a queue: letters, digits and _' },
    { flags: { probeQueue: QUEUE, confirm: 'adhok' }, says: '--confirm: expected adhoc; nothing was asked' },
    { flags: { confirm: QUEUE }, says: '--confirm: expected no --confirm without --probe-queue; nothing was asked' },
    { flags: { policy: 'policy.yml' }, says: '--policy: goes without --probe, which judges no job' },
  ])('end it before anything is asked: $says', async ({ flags, says }) => {
    const { emulator, run } = await startWorld();

    await expect(run(flags)).rejects.toThrow(says);
    expect(emulator.requests).toEqual([]);
  });

  it('end it at a queue that DLI does not list', async () => {
    const { emulator, run } = await startWorld();

    const mistyped = run({ probeQueue: 'adhok', confirm: 'adhok' });

    await expect(mistyped).rejects.toThrow('--probe-queue: DLI lists no queue of this name');
    expect(emulator.requests).toHaveLength(1);
  });

  it.each([
    { args: ['--probe-queue', QUEUE], says: '--probe-queue: goes with --probe' },
    { args: ['--probe', '--stage', 'dev'], says: '--target: missing; --stage needs the name of a target' },
  ])('show on the command line: $says', async ({ args, says }) => {
    expect(await runHere(['doctor', ...args])).toMatchObject({ exitCode: 1, stderr: `dli-reaper: ${says}\n` });
  });
});

describe.concurrent('dli-reaper doctor --probe', () => {
  async function start(options: Partial<EmulatorOptions> = {}) {
    const emulator = await startEmulator({
      now: Date.now,
      random: Math.random,
      jobs: [runningJob(1)],
      delays: { startMs: 0, cancelMs: 0 },
      ...options,
    });
    const { url, projectId } = emulator.connection;
    const file = newFile();
    const flags = ['--endpoint', url, '--project-id', projectId, '--probe-queue', QUEUE, '--confirm', QUEUE];
    return { emulator, file, args: ['doctor', '--probe', ...flags, '--probe-file', file] };
  }

  it('prints as JSON what it writes', async ({ onTestFinished: onFinished, expect: expectHere }) => {
    const { emulator, file, args } = await start();
    onFinished(emulator.close);

    const { exitCode, stdout, stderr } = await runHere([...args, '--json'], keysOf(emulator.connection));

    expectHere(exitCode).toBe(0);
    expectHere(stdout).toBe(readFileSync(file, 'utf8'));
    expectHere(JSON.parse(stdout)).toMatchObject({ kind: 'probe', version: 1, ownJob: 'ended' });
    expectHere(stderr).toContain(`Written to ${file}, without names, ids and texts.`);
  });

  it('cancels its job at Ctrl-C', async ({ onTestFinished: onFinished, expect: expectHere }) => {
    const { emulator, file, args } = await start({ delays: { startMs: HOUR, cancelMs: 0 } });
    onFinished(emulator.close);

    const child = spawn(process.execPath, [CLI.main, ...args], {
      cwd: CLI.cwd,
      env: cleanEnvironment(keysOf(emulator.connection)),
    });
    onFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const [line] = (await once(createInterface(child.stderr), 'line')) as [string];
    child.kill('SIGINT');

    expectHere(await exited).toEqual([1, null]);
    const [own] = submittedBy(emulator);
    expectHere(line).toBe(`Submitted the job ${own?.id}.`);
    expectHere(emulator.statusOf(own?.id ?? '')).toBe('CANCELLED');
    expectHere(parseProbe(readFileSync(file, 'utf8')).ownJob).toBe('ended');
  });

  it('needs no policy of a stage, only the target and its key', async ({
    onTestFinished: onFinished,
    expect: expectHere,
  }) => {
    const { emulator, file } = await start();
    onFinished(emulator.close);
    const parameters = stageParameters('dev', emulator.connection, {});
    const aws = await startAwsServer({ ...parameters, '/dli-reaper/dev/policies/base': 'not a policy' });
    onFinished(aws.close);
    const flags = ['doctor', '--probe', '--stage', 'dev', '--probe-file', file];

    const there = await runHere([...flags, '--target', 'default'], aws.env);
    const missing = await runHere([...flags.slice(0, -1), `${file}2`, '--target', 'other'], aws.env);

    expectHere(there.exitCode).toBe(0);
    expectHere(there.stdout).toMatch(/✓ unknownId +holds: DLI\.0002/);
    expectHere(missing).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('there is no target other in dev'),
    });
    expectHere(existsSync(`${file}2`)).toBe(false);
  });
});

describe('docs/emulator.md', () => {
  it('lists each question with its answers, and whether a probe can tell', () => {
    const text = readFileSync(new URL('../../../../docs/emulator.md', import.meta.url), 'utf8');
    const rows = [
      ...text.slice(text.indexOf('## What is assumed')).matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$/gm),
    ].map(([, name, answers = '', needs = '']) => ({
      name,
      answers: answers.replaceAll('`', ''),
      isFound: !needs.startsWith('cannot be found'),
    }));

    expect(rows).toEqual(
      ASSUMPTION_NAMES.map((name) => ({
        name,
        answers: ASSUMPTION_VALUES[name].join(', '),
        isFound: QUESTIONS[name].whyUnknown === undefined || QUESTIONS[name].world !== undefined,
      })),
    );
  });
});

describe('a file of a probe', () => {
  it('is played by the emulator, which says what it does otherwise than by default', async () => {
    const real = await startWorld({
      ...everything(),
      assumptions: { queueFlags: 'text', sparkAppId: 'null', unknownQueue: 'DLI.0008' },
    });
    const { probeFile } = await real.run();

    const child = spawn(process.execPath, [CLI.main, 'emulator', '--world', 'lake', '--assume-from', probeFile], {
      cwd: CLI.cwd,
      env: cleanEnvironment({}),
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const stderr: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => void stderr.push(chunk.toString()));
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const connection = JSON.parse(line) as Emulator['connection'];
    const args = ['doctor', '--probe', '--endpoint', connection.url, '--project-id', connection.projectId, '--json'];
    const { stdout } = await runHere([...args, '--probe-file', newFile()], keysOf(connection));

    expect(parseProbe(stdout).assumptions).toMatchObject({
      queueFlags: { found: 'text' },
      sparkAppId: { found: 'null' },
      unknownId: { found: 'DLI.0002' },
    });
    expect(stderr.join('')).toBe(
      [
        'Differs from the default, by the probe: sparkAppId null (default text), queueFlags text (default boolean).\n',
        'Unknown to the probe, so the default holds: sqlCancelOfEnded DLI.0007, unknownQueue accepted, deniedStatus 400, ',
        'sparkCancelOfEnded DLI.0007, flinkVerdicts each, flinkMixedStatus 400, flinkUnknownInBatch DLI.13007, ',
        'flinkStopped job_cancel_success, sqlResultOfOthers DLI.0007, busyQueue DLI.0007.\n',
      ].join(''),
    );
  });

  it.each([
    {
      title: 'no JSON',
      change: () => 'rules:',
      says: 'is not JSON; give a file that dli-reaper doctor --probe wrote',
    },
    {
      title: 'another document',
      change: () => '{"kind": "doctor"}',
      says: /kind: expected probe, as .* writes it; version: missing/,
    },
    {
      title: 'a later version',
      change: (text: string) => text.replace('"version": 1', '"version": 2'),
      says: 'version: expected 1; probe again with this version of dli-reaper',
    },
    {
      title: 'an unknown answer',
      change: (text: string) => text.replaceAll('"found": "DLI.0002"', '"found": "DLI.9"'),
      says: 'assumptions.unknownId.found: expected one of DLI.0002, DLI.0023',
    },
    {
      title: 'a question that is missing',
      change: (text: string) => text.replace('"queueFlags"', '"queueFlag"'),
      says: 'assumptions.queueFlags: missing',
    },
  ])('is refused where it holds $title', async ({ change, says }) => {
    const { run } = await startWorld();
    const { written } = await run({});

    const path = newFile();
    writeFileSync(path, change(written));
    const { exitCode, stdout, stderr } = await runHere(['emulator', '--assume-from', path]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(`dli-reaper: --assume-from ${path}: `);
    expect(stderr).toMatch(says);
  });
});
