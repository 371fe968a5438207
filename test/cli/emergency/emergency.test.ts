import { writeFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { runEmergency } from '../../../cli/emergency/emergency.ts';
import { stageParameters } from '../../../emulator/aws/parameter-store.ts';
import type { EmulatorOptions } from '../../../emulator/server.ts';
import { startAwsServer } from '../../helpers/aws-server.ts';
import { keysOf, makeFolder, runHere, runningJob, startService as startCliService } from '../../helpers/run-cli.ts';
import { runOnTerminal, steady } from '../../helpers/run-terminal.ts';
import { HOUR, jobId, MINUTE } from '../../helpers/world.ts';

// Half a minute beside the full one, since a clock that is read in whole seconds makes jobs a little younger.
const ageMs = 3 * HOUR + 30.5 * MINUTE;
const jobs = () => [
  runningJob(1, { ageMs }),
  runningJob(2, { ageMs: ageMs - HOUR, queue: '报表', owner: '张伟' }),
  runningJob(3, { ageMs: MINUTE }),
  runningJob(4, { ageMs, type: 'INSERT' }),
];

async function startService(context: TestContext, options: Partial<EmulatorOptions> = {}) {
  const { emulator, deletes } = await startCliService(context, '', { jobs: jobs(), ...options });
  const { url, projectId } = emulator.connection;
  const args = ['emergency', '--endpoint', url, '--project-id', projectId];
  const env = keysOf(emulator.connection);
  return {
    emulator,
    deletes,
    projectId,
    run: (...more: string[]) => runHere([...args, ...more], env),
    runHere: (...more: string[]) => runHere([...args, ...more], env),
    runOnTerminal: (...more: string[]) => runOnTerminal([...args, ...more], env),
  };
}

const TTL = [{ key: 'reaper/ttl', value: '24h' }];
const writeFile = makeFolder();
const REASON = ['--reason', 'adhoc is stuck'];

describe.concurrent('dli-reaper emergency', () => {
  it('needs no policy, cancels by age once confirmed, and spares writes and young jobs', async (context) => {
    const { run, emulator, projectId } = await startService(context);

    const result = await run('--older-than', '10m', ...REASON, '--confirm', projectId, '--json');

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      kind: 'sweep',
      trigger: 'emergency',
      target: projectId,
      requestReason: 'adhoc is stuck',
      dryRun: false,
      emergency: { olderThanMs: 10 * MINUTE, includeExempt: false, savepoint: true, maxKills: 50 },
      counts: { cancelled: 2, skipped: { protected: 1 } },
    });
    expect([1, 2, 3, 4].map((n) => emulator.statusOf(jobId(n)))).toEqual([
      'CANCELLED',
      'CANCELLED',
      'RUNNING',
      'RUNNING',
    ]);
  });

  it('takes a write where its type is named, and a young job by its id', async (context) => {
    const { run, emulator, projectId } = await startService(context);

    const write = await run('--job-id', jobId(4), '--type', 'insert', ...REASON, '--confirm', projectId);
    const young = await run('--job-id', jobId(3), '--job-id', jobId(7), ...REASON, '--confirm', projectId);

    expect([write.exitCode, young.exitCode]).toEqual([0, 3]);
    expect(young.stdout).toContain(
      `! job ${jobId(7)} is not among the live SQL jobs and Spark batches; if it should be, check target and project`,
    );
    expect([1, 2, 3, 4].map((n) => emulator.statusOf(jobId(n)))).toEqual([
      'RUNNING',
      'RUNNING',
      'CANCELLED',
      'CANCELLED',
    ]);
  });

  it('ends with 3 for a job that was named and is spared, and says why', async (context) => {
    const { run, deletes, projectId } = await startService(context);

    const plan = await run('--job-id', jobId(4), ...REASON, '--dry-run');
    const live = await run('--job-id', jobId(4), ...REASON, '--confirm', projectId);

    const why = `job ${jobId(4)} is spared: its type INSERT has to be named`;
    expect(plan).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`! ${why}`) });
    expect(live).toMatchObject({ exitCode: 3, stdout: expect.stringContaining(`! ${why}`) });
    expect(deletes()).toBe(0);
  });

  it('says what there is if a queue or an owner has no jobs, and that an id is not of the engine', async (context) => {
    const { run, projectId } = await startService(context);

    const misspelt = await run('--older-than', '10m', '--queue', 'adhok', '--engine', 'SQL', ...REASON, '--dry-run');
    const elsewhere = await run('--job-id', '150', '--engine', 'sql', ...REASON, '--confirm', projectId);

    expect(misspelt.stdout).toContain('Note: no job that was looked at has queue adhok; there are adhoc, 报表.');
    expect(elsewhere).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining('! job 150 was not looked for: no job among the SQL jobs can have this id'),
    });
  });

  it('is not held up by an exemption that cannot be read, once exempt jobs are to go too', async (context) => {
    const { emulator } = await startService(context);
    const parameters = stageParameters('dev', emulator.connection, {});
    const aws = await startAwsServer({ ...parameters, '/dli-reaper/dev/exemptions/backfill': '{}' });
    context.onTestFinished(aws.close);
    const run = (...more: string[]) =>
      runHere(['emergency', '--stage', 'dev', '--older-than', '3h', ...REASON, '--dry-run', ...more], aws.env);

    const held = await run('--target', 'default');
    const taken = await run('--target', 'default', '--include-exempt');
    const mistyped = await run('--target', 'lak');

    expect(held).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('/dli-reaper/dev/exemptions/backfill') });
    expect(taken).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 overdue') });
    expect(mistyped).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('--target: there is no target lak in dev; there are default'),
    });
  });

  it('ends with 3 on a terminal as well, whether or not there is another to ask about', async (context) => {
    const { runOnTerminal: run, emulator, projectId } = await startService(context);
    const why = `job ${jobId(4)} is spared: its type INSERT has to be named`;

    const alone = run('--job-id', jobId(4), ...REASON);
    const aloneExit = await alone.exited;
    const both = run('--job-id', jobId(4), '--job-id', jobId(3), ...REASON);
    await both.waitFor('to cancel this job');
    both.type(`${projectId}\r`);

    expect([aloneExit, await both.exited]).toEqual([3, 3]);
    expect(await alone.screen()).toContain(`! ${why}`);
    expect((await both.screen()).split('\n').at(-1)).toBe(`dli-reaper: ${why}`);
    expect([3, 4].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'RUNNING']);
  });

  it('spares what either the stage or the named policy exempts, tags included', async (context) => {
    const { emulator } = await startService(context, {
      jobs: [runningJob(1, { ageMs }), runningJob(2, { ageMs, owner: 'bo' }), runningJob(3, { ageMs, tags: TTL })],
    });
    const exempting = (owner: string, ceiling: string) => ({
      version: 1,
      rules: [{ id: 'r', match: 'all', maxRunTime: '1h' }],
      tagExemptions: { ceiling },
      exemptions: [{ id: owner, reason: 'r', owner: 'o', until: '2999-01-01', match: { owner } }],
    });
    const aws = await startAwsServer(stageParameters('dev', emulator.connection, exempting('ana', '1h')));
    context.onTestFinished(aws.close);
    const file = writeFile('exempting.json', JSON.stringify(exempting('bo', '24h')));
    const run = (...more: string[]) =>
      runHere(
        ['emergency', '--stage', 'dev', '--target', 'default', '--older-than', '1h', ...REASON, ...more],
        aws.env,
      );

    const plan = await run('--policy', file, '--dry-run', '--json');
    const mistyped = await run('--policy', `${file}.absent`, '--dry-run');

    expect(JSON.parse(plan.stdout)).toMatchObject({ counts: { overdue: 0, skipped: { exempt: 3 } } });
    expect(mistyped).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('cannot be read (no such file or folder, ENOENT)'),
    });
  });

  it('says before it asks what it cannot read of exemptions, and spares the jobs that it may be for', async (context) => {
    const { emulator } = await startService(context, {
      jobs: [runningJob(1, { ageMs }), runningJob(2, { ageMs, owner: 'bo' })],
    });
    const half = { id: 'bo', reason: 'r', owner: 'o', until: 'soon', match: { owner: 'bo' } };
    const aws = await startAwsServer(
      stageParameters('dev', emulator.connection, { rules: 'none', exemptions: [half] }),
    );
    context.onTestFinished(aws.close);
    const args = ['emergency', '--stage', 'dev', '--target', 'default', '--older-than', '1h', ...REASON];

    const terminal = runOnTerminal(args, aws.env);
    await terminal.waitFor('to cancel this job');
    const asked = await terminal.screen();
    terminal.type('default\r');
    await terminal.exited;

    expect(asked.replaceAll(/\s+/g, ' ')).toMatch(
      /Note: .*policies\/base cannot be read \(until: expected a day .* the jobs that it may apply to may be exempt and are spared/,
    );
    expect([1, 2].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'RUNNING']);
  });

  it.for([
    { name: 'is no JSON', policy: '{' },
    { name: 'is not there', policy: undefined },
  ])('asks about no job where a policy that $name may exempt them all', async ({ policy }, context) => {
    const { emulator } = await startService(context);
    const parameters = stageParameters('dev', emulator.connection, {});
    if (policy === undefined) delete parameters['/dli-reaper/dev/policies/base'];
    else parameters['/dli-reaper/dev/policies/base'] = policy;
    const aws = await startAwsServer(parameters);
    context.onTestFinished(aws.close);
    const run = (...more: string[]) =>
      runHere(
        ['emergency', '--stage', 'dev', '--target', 'default', '--older-than', '1h', ...REASON, ...more],
        aws.env,
      );

    const plan = await run('--dry-run');
    const included = await run('--dry-run', '--include-exempt');

    expect(plan.stdout).toContain('0 overdue, none cancelled');
    expect(plan.stdout).toContain(
      'any job may be exempt and is spared, unless exempt jobs are included (--include-exempt)',
    );
    expect(included.stdout).toContain('2 overdue, none cancelled');
    expect(included.stdout).not.toContain('may be exempt');
  });

  it('does not begin with a named policy that is not UTF-8', async (context) => {
    const { runHere: run, projectId, emulator } = await startService(context);
    const file = writeFile('gbk.yml', '');
    writeFileSync(file, Uint8Array.from([0xba, 0xcb]));

    const { exitCode, stderr } = await run('--older-than', '1h', ...REASON, '--policy', file, '--confirm', projectId);

    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `dli-reaper: ${file}: is not UTF-8 (line 1); save it as UTF-8\n`,
    });
    expect(emulator.requests).toEqual([]);
  });

  it('spares by a named policy that cannot be read, and by that of the stage, whatever the other says', async (context) => {
    const { emulator } = await startService(context);
    const whole = { version: 1, rules: [{ id: 'r', match: 'all', maxRunTime: '1h' }] };
    const aws = await startAwsServer(stageParameters('dev', emulator.connection, whole));
    context.onTestFinished(aws.close);
    const file = writeFile('torn.yml', 'exemptions: [\n');
    const run = (...more: string[]) =>
      runHere(
        ['emergency', '--stage', 'dev', '--target', 'default', '--older-than', '1h', ...REASON, ...more],
        aws.env,
      );

    expect((await run('--dry-run')).stdout).toContain('2 overdue');
    expect((await run('--dry-run', '--policy', file)).stdout).toContain('0 overdue');
    expect((await run('--dry-run', '--policy', file, '--include-exempt')).stdout).toContain('2 overdue');
  });

  it('cancels no job with --dry-run, or over its cap', async (context) => {
    const { run, deletes, projectId } = await startService(context);

    const dry = await run('--older-than', '10m', ...REASON, '--dry-run');
    const capped = await run('--older-than', '10m', ...REASON, '--max-kills', '1', '--confirm', projectId);

    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('2 overdue, none cancelled') });
    expect(capped).toMatchObject({
      exitCode: 5,
      stdout: expect.stringContaining('2 victims are more than maxKills 1'),
    });
    expect(deletes()).toBe(0);
  });

  it.for<{ name: string; args: string[]; says: string }>([
    { name: 'no reason', args: ['--older-than', '10m', '--confirm', 'lake'], says: '--reason: missing' },
    {
      name: 'several flags that are missing, all at once',
      args: ['--target', 'lake'],
      says: ['--older-than: missing', '--reason: missing', '--confirm: missing'].join(' … '),
    },
    {
      name: 'neither age nor id',
      args: [...REASON, '--dry-run'],
      says: '--older-than: missing; give an age such as 10m',
    },
    {
      name: 'no one to ask, and says what to do',
      args: [...REASON, '--older-than', '10m'],
      says: '--confirm: missing; the name cannot be typed, since stdin or stderr is not a terminal, or stdin is read as a file: give --confirm NAME, or',
    },
    {
      name: 'the name of another target',
      args: [...REASON, '--older-than', '10m', '--confirm', 'lake'],
      says: '--confirm: expected the name of the target, 0123456789abcdef0123456789abcdef',
    },
    {
      name: 'a value that was forgotten, so that it took the flag behind it',
      args: ['--older-than', '10m', '--confirm', 'x', '--reason', '--dry-run'],
      says: "option '--reason' needs a value; found --dry-run",
    },
    {
      name: 'what is the id of no job',
      args: [...REASON, '--job-id', 'xyz', '--dry-run'],
      says: '--job-id: expected the id of a job: 8-4-4-4-12 hexadecimal digits',
    },
    {
      name: 'more kills than the ceiling',
      args: [...REASON, '--older-than', '10m', '--max-kills', '1001', '--dry-run'],
      says: '--max-kills: expected at most 1000',
    },
  ])('ends with 1 for $name, before the first call', async ({ args, says }, context) => {
    const { runHere: run, emulator } = await startService(context);

    const { exitCode, stdout, stderr } = await run(...args);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    for (const words of says.split(' … ')) expect(stderr).toContain(words);
    expect(emulator.requests).toEqual([]);
  });

  it('shows the plan on a terminal, asks for the name, and cancels what it showed', async (context) => {
    const { runOnTerminal: run, emulator, projectId } = await startService(context);

    const terminal = run('--older-than', '10m', ...REASON);
    await terminal.waitFor('to cancel these 2 jobs');
    // It is old enough by now, but the plan on the screen does not have it.
    emulator.sql.add(runningJob(5, { ageMs }));
    terminal.type(`${projectId}\r`);

    expect(await terminal.exited).toBe(0);
    // The snapshot is the test's own, also where others run beside it.
    context.expect(steady(await terminal.screen())).toMatchSnapshot();
    expect([1, 2, 5].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'CANCELLED', 'RUNNING']);
  });

  it('says at the end, and by its exit code, that the plan could not judge every job in scope', async (context) => {
    const unreadable = runningJob(5, { ageMs, hiddenFields: ['start_time'] });
    const { runOnTerminal: run, emulator, projectId } = await startService(context, { jobs: [...jobs(), unreadable] });

    const terminal = run('--older-than', '10m', ...REASON);
    await terminal.waitFor('to cancel these 2 jobs');
    terminal.type(`${projectId}\r`);

    expect(await terminal.exited).toBe(4);
    expect((await terminal.screen()).replaceAll('\n', '')).toContain(
      `dli-reaper: ${projectId}: 1 job could not be judged, and is spared as undetermined`,
    );
    expect([1, 2, 5].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'CANCELLED', 'RUNNING']);
  });

  /** An emergency for one job that is there and forty that are not, on a screen; what it shows after the question. */
  async function runWithMissing(context: TestContext, { json }: { json: boolean }) {
    const { emulator, projectId } = await startService(context);
    let [stdout, afterQuestion] = ['', ''];
    const exitCode = await runEmergency(
      {
        endpoint: emulator.connection.url,
        projectId,
        jobId: [1, ...Array.from({ length: 40 }, (_, n) => n + 100)].map(jobId),
        reason: 'stuck',
        json,
        quiet: true,
      },
      {
        env: keysOf(emulator.connection),
        columns: 80,
        out: (text) => {
          stdout += text;
          afterQuestion += text;
        },
        err: (text) => {
          afterQuestion += text;
        },
        ask: async () => {
          afterQuestion = '';
          return projectId;
        },
      },
    );
    return { exitCode, stdout, afterQuestion };
  }

  it('names a reason once on a screen, however many of the named jobs are missing', async (context) => {
    const { exitCode, afterQuestion } = await runWithMissing(context, { json: false });

    expect(exitCode).toBe(3);
    const [, , , ...end] = afterQuestion.trimEnd().split('\n').slice(-10);
    expect(end.join('\n')).toMatch(
      /^dli-reaper: 40 times: job … is not among the live SQL jobs[\s\S]*\n {4}[0-9a-f-]{36}\n {4}and 35 more$/,
    );
  });

  it('has every job that is missing in the document', async (context) => {
    const { exitCode, stdout } = await runWithMissing(context, { json: true });

    expect(exitCode).toBe(3);
    const { leftOut } = JSON.parse(stdout) as { leftOut: string[] };
    expect(leftOut).toHaveLength(40);
    expect(leftOut[0]).toMatch(/^job [0-9a-f-]{36} is not among the live SQL jobs/);
  });

  /** Types the name after so long, each time that it is asked for. */
  async function confirmAfter(context: TestContext, waitsMs: number[]) {
    const { emulator, deletes, projectId } = await startService(context);
    const { url } = emulator.connection;
    let now = Date.now();
    const questions: { question: string; deletes: number }[] = [];
    let stderr = '';
    const flags = { endpoint: url, projectId, olderThan: '10m', reason: 'stuck', json: true };
    const exitCode = await runEmergency(
      flags,
      {
        env: keysOf(emulator.connection),
        out: () => {},
        err: (text) => {
          stderr += text;
        },
        ask: async (question) => {
          questions.push({ question, deletes: deletes() });
          now += waitsMs.shift() ?? 0;
          emulator.sql.add(runningJob(5, { ageMs }));
          return projectId;
        },
      },
      { now: () => now, sleep: () => Promise.reject(new Error('nothing waits')) },
    );
    return { exitCode, questions, stderr, emulator };
  }

  it('cancels what it showed where the name is typed within ten minutes', async (context) => {
    const { exitCode, questions, emulator } = await confirmAfter(context, [10 * MINUTE]);

    expect({ exitCode, asked: questions.length }).toEqual({ exitCode: 0, asked: 1 });
    expect([1, 5].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'RUNNING']);
  });

  it('sweeps no target that is reached more than ten minutes after it was asked for', async (context) => {
    const { emulator, projectId } = await startService(context);
    const times = [Date.now()];
    const errors: string[] = [];

    const exitCode = await runEmergency(
      { endpoint: emulator.connection.url, projectId, olderThan: '10m', reason: 'stuck', confirm: projectId },
      { env: keysOf(emulator.connection), out: () => {}, err: (text) => errors.push(text) },
      // It was asked for at the first look at the clock.
      { now: () => times.pop() ?? Date.now() + 11 * MINUTE, sleep: () => Promise.reject(new Error('nothing waits')) },
    );

    expect(exitCode).toBe(1);
    expect(errors.join('')).toContain(`${projectId}: not swept, the request is older than 10m`);
    expect(emulator.requests).toEqual([]);
  });

  it('lists again, and asks again, where the name is typed later than that', async (context) => {
    const { exitCode, questions, stderr, emulator } = await confirmAfter(context, [10 * MINUTE + 1, 11 * MINUTE, 0]);

    expect(exitCode).toBe(0);
    expect(questions.map(({ question }) => question.match(/these \d jobs/)?.[0])).toEqual([
      'these 2 jobs',
      'these 3 jobs',
      'these 3 jobs',
    ]);
    expect(questions.every(({ deletes }) => deletes === 0)).toBe(true);
    expect(stderr).toContain('The plan is older than 10m, so other jobs may run now. Nothing was cancelled');
    expect([1, 2, 5].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED']);
  });

  it.for([
    {
      name: 'something else is typed three times',
      typed: { '': 'yes\r', '2 more tries': 'no\r', '1 more try': 'what\r' },
    },
    { name: 'the question is broken off with Ctrl-C', typed: { '': '\u0003' } },
    { name: 'the question is broken off with Ctrl-D', typed: { '': '\u0004' } },
  ])('cancels no job if $name', async ({ typed }, context) => {
    const { runOnTerminal: run, deletes, projectId } = await startService(context);

    const terminal = run('--older-than', '10m', ...REASON);
    for (const [after, text] of Object.entries(typed)) {
      await terminal.waitFor('to cancel these 2 jobs', { after });
      terminal.type(text);
    }

    expect(await terminal.exited).toBe(1);
    expect(await terminal.screen()).toContain(`Not confirmed: expected ${projectId}. Nothing was changed.`);
    expect(deletes()).toBe(0);
  });

  it('asks again after a typing error, without listing again', async (context) => {
    const { runOnTerminal: run, emulator, projectId } = await startService(context);

    const terminal = run('--older-than', '10m', ...REASON);
    await terminal.waitFor('to cancel these 2 jobs');
    const listed = emulator.requests.length;
    terminal.type(`${projectId}x\r`);
    await terminal.waitFor('to cancel these 2 jobs', { after: '2 more tries' });
    const listedThen = emulator.requests.length;
    terminal.type(`${projectId}\r`);

    expect(await terminal.exited).toBe(0);
    expect(listedThen).toBe(listed);
    expect([1, 2].map((n) => emulator.statusOf(jobId(n)))).toEqual(['CANCELLED', 'CANCELLED']);
  });

  it('shows the plan without a reason, since a plan cancels no job', async (context) => {
    const { run, deletes } = await startService(context);

    const { exitCode, stdout } = await run('--older-than', '10m', '--dry-run');

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('2 overdue, none cancelled') });
    expect(deletes()).toBe(0);
  });

  it('names the flag and the number that would let it through its cap', async (context) => {
    const { run } = await startService(context);

    const { stdout } = await run('--older-than', '10m', '--dry-run', '--max-kills', '1');

    expect(stdout).toContain('\nIf all of them are to be cancelled: --max-kills 2\n');
  });

  it('does not ask while the switch of the stage is off, and gives the line that sets it', async (context) => {
    const { emulator } = await startService(context);
    const aws = await startAwsServer({
      ...stageParameters('dev', emulator.connection, {}),
      '/dli-reaper/dev/switch': 'stop',
    });
    context.onTestFinished(aws.close);

    const terminal = runOnTerminal(
      ['emergency', '--stage', 'dev', '--target', 'default', '--older-than', '10m', ...REASON],
      aws.env,
    );

    expect(await terminal.exited).toBe(1);
    const screen = (await terminal.screen()).replaceAll('\n', '');
    expect(screen).toContain('resume --stage dev');
    expect(screen).not.toContain('Type default');
  });

  it('sweeps every target of a stage with a policy of broken rules, whatever their modes', async (context) => {
    const { emulator } = await startService(context);
    const parameters = stageParameters('dev', emulator.connection, {});
    const target = JSON.parse(parameters['/dli-reaper/dev/targets/default'] ?? '') as object;
    const ssm = await startAwsServer({
      ...parameters,
      '/dli-reaper/dev/policies/base': '{"rules": "none"}',
      '/dli-reaper/dev/targets/default': JSON.stringify({ ...target, mode: 'dry-run' }),
      '/dli-reaper/dev/targets/broken': '{}',
    });
    context.onTestFinished(ssm.close);
    const run = (...more: string[]) =>
      runHere(['emergency', '--stage', 'dev', '--older-than', '3h', ...REASON, '--json', ...more], ssm.env);

    const refused = await run('--all-targets', '--confirm', 'dev');
    const all = await run('--all-targets', '--confirm', 'dev 2');

    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('expected dev 2') });
    expect(JSON.parse(refused.stdout)).toMatchObject({ kind: 'error', settings: ['--confirm'], exitCode: 1 });
    expect(all).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('dli-reaper: broken: ') });
    expect(JSON.parse(all.stdout)).toMatchObject({
      kind: 'sweeps',
      sweeps: [{ target: 'default', dryRun: false, counts: { cancelled: 1 } }],
      failures: [expect.stringContaining('broken: ')],
    });
  });
});
