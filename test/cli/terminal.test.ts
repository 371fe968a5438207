import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Command } from 'commander';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { formatJobs } from '../../cli/screen/job-table.ts';
import { showProgress } from '../../cli/screen/progress.ts';
import { onInterrupt } from '../../cli/screen/signals.ts';
import { formatTable } from '../../cli/screen/table.ts';
import { cleanText } from '../../cli/screen/text.ts';
import { createProgram } from '../../cli/verbs/all.ts';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import type { JobReport, SweepReport } from '../../lib/sweep/record/report.ts';
import { LOOSE_CEILINGS } from '../helpers/ceilings.ts';
import { fakeClock } from '../helpers/fake-clock.ts';
import {
  CLI,
  cleanEnvironment,
  keysOf,
  makeFolder,
  runCli,
  runHere,
  runningJob,
  startService,
} from '../helpers/run-cli.ts';
import { runOnTerminal, steady } from '../helpers/run-terminal.ts';
import { HOUR, jobId, MINUTE } from '../helpers/world.ts';

const writeFile = makeFolder();
const policy = writeFile(
  'policy.json',
  JSON.stringify({
    version: 1,
    mode: 'live',
    maxKills: 100,
    maxKillsPercent: 100,
    rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }],
  }),
);
const ageMs = 3 * HOUR + 30.5 * MINUTE;

async function start(context: TestContext, jobs: EmulatedJob[]) {
  const { emulator } = await startService(context, policy, { jobs });
  const { url, projectId } = emulator.connection;
  const flags = ['--policy', policy, '--endpoint', url, '--project-id', projectId];
  return { emulator, flags, env: { ...LOOSE_CEILINGS, ...keysOf(emulator.connection) } };
}

describe.concurrent('a terminal', () => {
  it('shows a sweep as it goes, and in the end the table alone, in colours', async (context) => {
    const { flags, env } = await start(context, [runningJob(1, { ageMs, queue: '报表', owner: '张伟' })]);

    const terminal = runOnTerminal(['sweep', '--no-dry-run', ...flags], env, { columns: 140 });

    expect(await terminal.exited).toBe(0);
    expect(terminal.raw()).toContain('Listing');
    expect(terminal.raw()).toMatch(/Cancelling █{30} 1\/1/);
    expect(terminal.raw()).toContain('\u001b[32mcancelled\u001b[39m');
    context.expect(steady(await terminal.screen())).toMatchSnapshot();
  });

  it('gives each job two lines where no table fits, and no colours with NO_COLOR', async (context) => {
    const { flags, env } = await start(context, [runningJob(1, { ageMs })]);

    const terminal = runOnTerminal(['plan', ...flags], { ...env, NO_COLOR: '1' }, { columns: 80 });

    expect(await terminal.exited).toBe(0);
    context.expect(steady(await terminal.screen())).toMatchSnapshot();
    // The bar moves the cursor and does no more.
    for (const colour of [31, 32, 33, 90]) expect(terminal.raw()).not.toContain(`\u001b[${colour}m`);
  });

  it.for([
    { name: 'before the verb', place: (plan: string[]) => ['--no-color', ...plan] },
    { name: 'after it, against FORCE_COLOR too', place: (plan: string[]) => [...plan, '--no-color'] },
  ])('shows no colours with --no-color $name', async ({ place }, context) => {
    const { flags, env } = await start(context, [runningJob(1, { ageMs })]);

    const terminal = runOnTerminal(place(['plan', ...flags]), { ...env, FORCE_COLOR: '1' });

    expect(await terminal.exited).toBe(0);
    expect(await terminal.screen()).toContain('1 overdue');
    for (const colour of [31, 32, 33, 90]) expect(terminal.raw()).not.toContain(`\u001b[${colour}m`);
  });

  it('shows no progress with -q, and the log with -v', async (context) => {
    const { flags, env } = await start(context, [runningJob(1, { ageMs })]);

    const quiet = await runHere(['plan', '-q', ...flags], env);
    const verbose = await runHere(['plan', '-v', ...flags], env);

    expect(quiet).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(verbose.stderr.split('\n')[0] ?? '')).toHaveProperty('msg');
  });
});

/** A sweep of so many victims that has asked some of them to stop, and is sent signals then. */
async function interrupt(
  context: TestContext,
  { victims = 60, more = [], signals = ['SIGINT'] }: { victims?: number; more?: string[]; signals?: NodeJS.Signals[] },
) {
  const jobs = Array.from({ length: victims }, (_, n) => runningJob(n + 1));
  const { emulator, flags, env } = await start(context, jobs);
  emulator.faults.add({ on: 'cancel-sql-job', times: Infinity, delayMs: 1_500, executes: true });
  const deletes = () => emulator.requests.filter(({ method }) => method === 'DELETE').length;
  const args = ['sweep', '--no-dry-run', '--max-kills', String(victims), '--verbose', ...more, ...flags];

  const child = spawn(process.execPath, [CLI.main, ...args], {
    cwd: CLI.cwd,
    env: cleanEnvironment({ ...env, REAPER_KILLS_PER_SWEEP: '1000' }),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const closed = once(child, 'close');
  // Logged right before the first of them is asked to stop.
  await context.expect.poll(() => stderr, { timeout: 20_000 }).toContain('victims chosen');
  await context.expect.poll(deletes, { timeout: 20_000 }).toBeGreaterThan(0);
  for (const signal of signals) child.kill(signal);
  const [exitCode] = await closed;
  return { exitCode: exitCode as number, stdout, stderr, deletes: deletes(), flags };
}

describe.concurrent('Ctrl-C', () => {
  it('asks for no further cancel, finishes what is under way, and reports it with exit code 1', async (context) => {
    const { exitCode, stdout, deletes } = await interrupt(context, { more: ['--json'] });

    expect(exitCode).toBe(1);
    const report = JSON.parse(stdout) as SweepReport;
    expect(report).toMatchObject({ status: 'stopped', problems: ['stopped: the operator interrupted it'] });
    expect(report.counts.cancelled).toBe(deletes);
    expect(report.counts.skipped.stopped).toBe(60 - deletes);
    expect(deletes).toBeLessThan(60);
  });

  it('counts once where it comes several times within moments, as npm and the launcher pass it on', async (context) => {
    const { exitCode, stdout, deletes } = await interrupt(context, {
      more: ['--json'],
      signals: ['SIGINT', 'SIGTERM'],
    });

    expect(exitCode).toBe(1);
    expect((JSON.parse(stdout) as SweepReport).counts.cancelled).toBe(deletes);
  });

  it('ends with the line that goes on, however many jobs there are', async (context) => {
    const more = ['--reason', "adhoc's stuck"];

    const { exitCode, stderr, flags } = await interrupt(context, { victims: 300, more });

    expect(exitCode).toBe(1);
    const line = `sweep --no-dry-run --max-kills 300 --verbose --reason 'adhoc'\\''s stuck' ${flags.join(' ')}`;
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`To continue: dli-reaper ${line}`);
  });
});

describe('a second signal', () => {
  it('ends the process, unless it comes within a second of the first', ({ onTestFinished }) => {
    const clock = fakeClock();
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const tell = vi.fn();
    const end = onInterrupt(tell, ['SIGUSR2'], clock);
    onTestFinished(() => {
      end();
      kill.mockRestore();
    });

    process.emit('SIGUSR2', 'SIGUSR2');
    clock.pass(999);
    process.emit('SIGUSR2', 'SIGUSR2');
    expect(kill).not.toHaveBeenCalled();

    clock.pass(1);
    process.emit('SIGUSR2', 'SIGUSR2');
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGUSR2']]);
    expect(tell).toHaveBeenCalledOnce();
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });
});

describe.concurrent('a pipe', () => {
  it('may be closed before the report is read, without a crash and without a changed exit code', async (context) => {
    const { flags, env } = await start(
      context,
      Array.from({ length: 99 }, (_, n) => runningJob(n + 1)),
    );

    const child = spawn(process.execPath, [CLI.main, 'plan', '--json', '--spared', ...flags], {
      cwd: CLI.cwd,
      env: cleanEnvironment(env),
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    child.stdout.destroy();
    const exitCode = await new Promise((resolve) => child.once('close', resolve));

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

describe.concurrent('usage', () => {
  it.for([
    { args: ['swep'], says: "unknown command 'swep'\n(Did you mean sweep?)" },
    { args: ['plan', '--polcy', 'x'], says: "unknown option '--polcy'\n(Did you mean --policy?)" },
    { args: ['policy', 'pul'], says: "unknown command 'pul'\n(Did you mean pull?)" },
    { args: ['doctor', 'lake'], says: "too many arguments for 'doctor': lake\n(Did you mean --stage lake?)" },
  ])('ends with 1 and a hint for $args', async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await runCli(args);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(says);
  });
});

describe('the help', () => {
  const program = createProgram({ env: {}, out: () => {}, err: () => {} });
  const verbs = [program, ...program.commands.flatMap((verb) => [verb, ...verb.commands])];
  const nameOf = (verb: Command): string => (verb.parent ? `${nameOf(verb.parent)} ${verb.name()}` : verb.name());
  const helpOf = (verb: Command) => {
    let text = '';
    verb.configureOutput({ writeOut: (more) => (text += more) });
    verb.outputHelp();
    return text;
  };

  it('knows every verb', () => {
    expect(verbs.map((verb) => nameOf(verb).replace('dli-reaper ', ''))).toEqual([
      'dli-reaper',
      'jobs',
      'plan',
      'sweep',
      'why',
      'was-reaped',
      'emergency',
      'stop',
      'resume',
      'status',
      'exempt',
      'unexempt',
      'freeze',
      'unfreeze',
      'init',
      'report',
      'notices',
      'notices show',
      'notices test',
      'notices announce',
      'doctor',
      'policy',
      'policy pull',
      'policy diff',
      'policy push',
      'policy rollback',
      'validate',
      'schema',
      'test',
      'snapshot',
      'replay',
      'backtest',
      'suggest',
      'emulator',
      'emulator env',
      'drill',
      'demo',
    ]);
  });

  it('sorts the verbs by what a person wants to do', () => {
    const groups = Map.groupBy(program.commands, (verb) => verb.helpGroup());

    expect([...groups].map(([group, members]) => [group, ...members.map((verb) => verb.name())].join(' '))).toEqual([
      'Look, and change nothing: jobs plan why was-reaped status report doctor',
      'Cancel jobs: sweep emergency',
      'Control a stage: stop resume exempt unexempt freeze unfreeze init notices',
      'Write and try a policy: policy validate schema test snapshot replay backtest suggest',
      'Try it without an account: emulator drill demo',
    ]);
    expect(helpOf(program).match(/^[A-Z].*:$/gm)).toEqual(['Options:', ...groups.keys(), 'Help:', 'Examples:']);
  });

  it.each(verbs.map((verb) => ({ verb, name: nameOf(verb) })))(
    'of $name ends with examples of it',
    ({ verb, name }) => {
      const [, examples = ''] = helpOf(verb).split('\nExamples:\n');

      const lines = examples.trimEnd().split('\n');
      expect(lines.every((line) => line.startsWith(`  ${name}`))).toBe(true);
    },
  );
});

describe('formatTable', () => {
  const columns = [
    { head: 'id', cell: ({ id }: { id: string }) => id },
    { head: 'owner', cell: ({ owner }: { owner: string }) => owner, dropped: 2 },
    { head: 'note', cell: () => 'note', dropped: 1 },
  ];
  const owner = 'ana';
  const headsOf = (text: string | undefined) => text?.split('\n')[1]?.match(/\w+/g);

  it.each([
    { width: 40, heads: ['id', 'owner', 'note'] },
    { width: 18, heads: ['id', 'owner'] },
    { width: 8, heads: ['id'] },
    { width: 4, heads: undefined },
  ])('keeps $heads within $width columns', ({ width, heads }) => {
    expect(headsOf(formatTable(columns, [{ id: 'a', owner }], { columns: width }))).toEqual(heads);
  });

  it('stays straight whatever a name holds', () => {
    const owners = ['张伟', 'ana\u001b[2J\u001b[1;1H', 'b\no', '\u202enimda', 'café', '\u001b[8mx\u001b[8m'];

    const lines =
      formatTable(
        columns,
        owners.map((one) => ({ id: 'a', owner: one })),
      )?.split('\n') ?? [];

    expect(lines.slice(3, -1)).toEqual([
      '│ a  │ 张伟   │ note │',
      '│ a  │ ana    │ note │',
      '│ a  │ b�o    │ note │',
      '│ a  │ �nimda │ note │',
      '│ a  │ café   │ note │',
      '│ a  │ x      │ note │',
    ]);
  });
});

describe('cleanText', () => {
  it('leaves out what would move the cursor', () => {
    expect(cleanText('a\u001b]0;title\u0007b\rc')).toBe('ab�c');
  });
});

describe('formatJobs', () => {
  const job = (fields: Partial<JobReport>): JobReport =>
    ({
      jobId: jobId(1),
      engine: 'sql',
      queue: 'adhoc',
      owner: 'ana',
      jobType: 'QUERY',
      rule: 'r',
      matched: ['r'],
      runTimeMs: 9 * HOUR,
      queueTimeMs: null,
      totalTimeMs: 9 * HOUR,
      clock: 'maxRunTime',
      limitMs: 2 * HOUR,
      decision: 'cancel',
      reason: 'dry-run',
      outcome: 'skipped',
      status: 'RUNNING',
      attempts: 0,
      overLimitMs: 7 * HOUR,
      requestId: null,
      error: null,
      ...fields,
    }) as JobReport;
  const WITHIN: Partial<JobReport> = { decision: 'keep', reason: 'within-limit', clock: null, overLimitMs: null };
  const barOf = (fields: Partial<JobReport>) =>
    formatJobs([job(fields)], { isPlan: true })
      .split('\n')
      .at(-2)
      ?.split('│')
      .at(-4)
      ?.trim();

  it.each([
    { name: 'nine hours of two', fields: {}, bar: '██▓▓▓▓▓▓▓▓' },
    { name: 'half an hour of two', fields: { ...WITHIN, runTimeMs: HOUR / 2 }, bar: '███░░░░░░░' },
    { name: 'a minute over two hours', fields: { overLimitMs: MINUTE }, bar: '█████████▓' },
    { name: 'exactly the limit', fields: { ...WITHIN, runTimeMs: 2 * HOUR }, bar: '██████████' },
    { name: 'any time of none', fields: { limitMs: 0, overLimitMs: 9 * HOUR }, bar: '▓▓▓▓▓▓▓▓▓▓' },
    { name: 'an unknown time', fields: { ...WITHIN, runTimeMs: null, totalTimeMs: null }, bar: '' },
    {
      name: 'the time in all, where that is over its limit and the running time is not',
      fields: { clock: 'maxTotalTime', runTimeMs: HOUR, totalTimeMs: 9 * HOUR },
      bar: '██▓▓▓▓▓▓▓▓',
    },
    { name: 'nothing of a job that waits', fields: { ...WITHIN, reason: 'queued', limitMs: null }, bar: '' },
    { name: 'nothing of a job that an exemption spares', fields: { ...WITHIN, reason: 'exempt' }, bar: '' },
    { name: 'nothing of a job that its rule ignores', fields: { ...WITHIN, reason: 'ignored' }, bar: '' },
  ] satisfies { name: string; fields: Partial<JobReport>; bar: string }[])('draws $name', ({ fields, bar }) => {
    expect(barOf(fields)).toBe(bar);
  });
});

describe('showProgress', () => {
  const linesOf = (flags: { json?: boolean; quiet?: boolean }) => {
    const lines: string[] = [];
    const { show, note, end } = showProgress(flags, { err: (text) => lines.push(text) });
    for (let done = 1; done <= 3; done++) show({ stage: 'listing', done });
    for (let done = 1; done <= 100; done++) show({ stage: 'cancelling', done, failed: 0, total: 100 });
    note('Interrupted');
    end();
    return lines;
  };

  it('writes a line per stage and quarter where there is no screen, and nothing for machines', () => {
    expect(linesOf({})).toEqual([
      'Listing\n',
      'Cancelling 1 of 100\n',
      'Cancelling 25 of 100\n',
      'Cancelling 50 of 100\n',
      'Cancelling 75 of 100\n',
      'Cancelling 100 of 100\n',
      'Interrupted\n',
    ]);
    expect(linesOf({ json: true })).toEqual([]);
    expect(linesOf({ quiet: true })).toEqual(['Interrupted\n']);
  });

  it('keeps what failed apart from what is done, and says what DLI allows and how long that takes', () => {
    const lines: string[] = [];
    const { show, end } = showProgress({}, { err: (text) => lines.push(text) });

    show({ stage: 'cancelling', done: 25, failed: 25, total: 200, callsPerMinute: 60 });
    show({ stage: 'verifying', done: 170, failed: 30, total: 200, callsPerMinute: 60 });
    end();

    expect(lines).toEqual([
      'Cancelling 25 of 200, 25 failed; DLI allows about 60 calls a minute, 3 min left\n',
      'Verifying 170 of 200, 30 failed; DLI allows about 60 calls a minute\n',
    ]);
  });
});
