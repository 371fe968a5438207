import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import type { Aggregates } from '../../../lib/aggregate/aggregates.ts';
import { pageContentOf } from '../../helpers/page-content.ts';
import { asLines, type Line, sweepLines } from '../../helpers/record-lines.ts';
import { CLI, cleanEnvironment, makeFolder, runHere } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { startStage } from '../../helpers/start-stage.ts';
import { HOUR } from '../../helpers/world.ts';

const writeFile = makeFolder();
const folder = dirname(writeFile('here', ''));

const SWEEPS = '/aws/lambda/dli-job-reaper-dev-sweep';
const BY_HAND = '/dli-job-reaper/dev/by-hand';
const NOTIFY = '/aws/lambda/dli-job-reaper-dev-notify';

/** A stage with the record of some sweeps, the last of them an hour ago. */
async function startRecorded(
  context: TestContext,
  { sweeps = 2, ...options }: Parameters<typeof startStage>[2] & { sweeps?: number } = {},
) {
  const stage = await startStage(context, {}, options);
  const { aws } = stage;
  const log = (group: string, line: Line, agoMs: number) => {
    const at = Date.now() - agoMs;
    const time = new Date(at).toISOString();
    aws.log(group, { ...line, timestamp: time, ...('startedAt' in line && { startedAt: time, finishedAt: time }) }, at);
  };
  for (let n = 1; n <= sweeps; n++) {
    for (const line of sweepLines(n)) log(SWEEPS, line, HOUR + ((sweeps - n) * HOUR) / 4);
  }
  const report = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await runHere(['report', '--stage', 'dev', '--json', ...args], aws.env);
    return { exitCode, stderr, ...(JSON.parse(stdout) as Aggregates) };
  };
  return { ...stage, log, report };
}

describe.concurrent('report of a stage', () => {
  it('reads the log groups of sweeps, of sweeps by hand and of messages', async (context) => {
    const { log, report } = await startRecorded(context);
    const recordedBy = 'arn:aws:iam::123456789012:user/ops';
    for (const line of sweepLines(9)) log(BY_HAND, { ...line, trigger: 'manual', recordedBy }, 2 * HOUR);
    const lost = { msg: 'message without route', parameter: null, to: 'owner', owner: 'ana', target: 'lake' };
    log(NOTIFY, { level: 'warn', stage: 'dev', awsRequestId: 'n', ...lost }, HOUR);

    const { exitCode, unread, sources, targets, needs } = await report();

    expect({ exitCode, unread }).toEqual({ exitCode: 0, unread: [] });
    expect(Object.fromEntries(sources.map(({ name, used }) => [name, used]))).toEqual({
      [SWEEPS]: 4,
      [BY_HAND]: 2,
      [NOTIFY]: 1,
    });
    expect(targets).toMatchObject([{ stage: 'dev', target: 'lake', sweeps: 3, byHand: 1 }]);
    expect(needs.map(({ kind }) => kind)).toContain('untold');
  });

  it('reads 30 days by default, to now, and less or more with --since', async (context) => {
    const { log, report } = await startRecorded(context);
    for (const line of sweepLines(9)) log(SWEEPS, line, 31 * 24 * HOUR);

    const [byDefault, day, all] = [await report(), await report('--since', '90m'), await report('--since', '40d')];

    expect([byDefault, day, all].map(({ targets }) => targets[0]?.sweeps)).toEqual([2, 2, 3]);
    expect(Date.parse(byDefault.to) - Date.parse(byDefault.from)).toBe(30 * 24 * HOUR);
    expect(Date.parse(day.to) - Date.parse(day.from)).toBe(1.5 * HOUR);
  });

  it('asks CloudWatch only for the lines that it needs, of one target and of none', async (context) => {
    const { log, report } = await startRecorded(context);
    for (const line of sweepLines(9, { target: 'sea' })) log(SWEEPS, line, HOUR);
    log(SWEEPS, { msg: 'dli call failed', stage: 'dev', target: 'lake' }, HOUR);
    log(SWEEPS, { msg: 'sweep could not run', stage: 'dev', error: 'Error: no settings' }, HOUR);

    const { exitCode, sources, targets, needs } = await report('--target', 'lake');

    expect(exitCode).toBe(0);
    expect(sources.find(({ name }) => name === SWEEPS)).toMatchObject({ lines: 5, used: 5, other: 0, outside: 0 });
    expect(targets.map(({ target }) => target)).toEqual(['lake']);
    expect(needs.some(({ what }) => what.includes('no settings'))).toBe(true);
  });

  it('may be asked for a target with the longest name', async (context) => {
    const { report } = await startRecorded(context);

    const { exitCode, targets } = await report('--target', 'x'.repeat(128));

    expect({ exitCode, targets }).toEqual({ exitCode: 0, targets: [] });
  });

  it('reads page after page', async (context) => {
    const { aws, report } = await startRecorded(context, { sweeps: 5_100 });

    const { exitCode, sources, targets } = await report('--since', '90d');

    expect(exitCode).toBe(0);
    expect(sources.find(({ name }) => name === SWEEPS)).toMatchObject({ used: 10_200 });
    expect(targets[0]?.sweeps).toBe(5_100);
    expect(aws.calls.filter((call) => call === 'FilterLogEvents')).toHaveLength(4);
  });

  it('names a group that it may not read, and shows what it can', async (context) => {
    const { report } = await startRecorded(context, { hasByHandLog: false });

    const { exitCode, unread, targets } = await report();

    expect(exitCode).toBe(4);
    expect(unread).toEqual([
      {
        source: BY_HAND,
        first: null,
        count: 1,
        why: 'the log cannot be read (ResourceNotFoundException), so sweeps by hand are not shown',
      },
    ]);
    expect(targets[0]?.sweeps).toBe(2);
  });

  it('says what a stage without the function for messages does not know, and ends with 0', async (context) => {
    const { report } = await startRecorded(context, { hasNotify: false });

    const { exitCode, unread } = await report();

    expect(exitCode).toBe(0);
    expect(unread).toMatchObject([
      {
        source: NOTIFY,
        why: 'the log cannot be read (ResourceNotFoundException), so it is not known which messages to owners and operators were not delivered',
      },
    ]);
  });

  it('ends with 1 if the log of the sweeps cannot be read, and writes no page', async (context) => {
    const { aws } = await startRecorded(context, { refusedOperations: ['FilterLogEvents'] });
    const out = join(folder, 'refused.html');

    const { exitCode, stdout, stderr } = await runHere(['report', '--stage', 'dev', '--out', out], aws.env);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(`dli-reaper: ${SWEEPS}: the log cannot be read (AccessDeniedException)\n`);
    expect(existsSync(out)).toBe(false);
  });

  it('takes its stage from the environment, unless it is given files', async (context) => {
    const { aws } = await startRecorded(context);
    const env = { ...aws.env, DLI_REAPER_STAGE: 'dev', DLI_REAPER_TARGET: 'lake' };
    const file = writeFile('file.jsonl', asLines(sweepLines(1)));

    const live = await runHere(['report', '--json'], env);
    const calls = aws.calls.length;
    const stored = await runHere(['report', file, '--json'], env);

    expect(live).toMatchObject({
      exitCode: 0,
      stderr: 'stage dev, from DLI_REAPER_STAGE; target lake, from DLI_REAPER_TARGET\n',
    });
    expect(stored).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stored.stdout)).toMatchObject({ sources: [{ name: file, used: 2 }] });
    expect(aws.calls).toHaveLength(calls);
  });

  it('may be given files as well, and counts their lines once', async (context) => {
    const { aws, report } = await startRecorded(context);
    const lines = aws.linesOf(SWEEPS);

    const { exitCode, sources, targets } = await report(writeFile('same.jsonl', asLines(lines)));

    expect(exitCode).toBe(0);
    expect(sources.find(({ name }) => name === SWEEPS)).toMatchObject({ used: 0, twice: 4 });
    expect(targets[0]?.sweeps).toBe(2);
  });

  it('shows how far it is on a screen, and in the end the lines alone', async (context) => {
    const { aws } = await startRecorded(context);
    const out = join(folder, 'screen.html');

    const terminal = runOnTerminal(['report', '--stage', 'dev', '--out', out], aws.env, { columns: 140 });

    expect(await terminal.exited).toBe(0);
    expect(terminal.raw()).toMatch(/Reading \S+, \d+ lines, up to \d{4}-\d\d-\d\d/);
    expect(await terminal.screen()).toContain('The page is ');
    expect(pageContentOf(out).facts.title).toBe('What the reaper did in dev');
  });

  it('ends at Ctrl-C, and writes no page', async (context) => {
    const { aws } = await startRecorded(context, { throttled: { FilterLogEvents: 99 } });
    const out = join(folder, 'interrupted.html');

    const child = spawn(process.execPath, [CLI.main, 'report', '--stage', 'dev', '--out', out], {
      cwd: CLI.cwd,
      env: cleanEnvironment(aws.env),
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    const closed = once(child, 'close');
    await context.expect.poll(() => aws.calls.length, { timeout: 20_000 }).toBeGreaterThan(2);
    child.kill('SIGINT');
    const [exitCode] = (await closed) as [number];

    expect(exitCode).toBe(1);
    expect(stderr).toBe(`Interrupted: no page is written.\nTo continue: dli-reaper report --stage dev --out ${out}\n`);
    expect(existsSync(out)).toBe(false);
  });
});
