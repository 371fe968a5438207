import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, it, type TestContext } from 'vitest';
import { stringify } from 'yaml';
import type { toDrillJson } from '../../../cli/drill/debrief-screen.ts';
import { startWorld } from '../../../emulator/start-world.ts';
import { CLI, cleanEnvironment, keysOf, makeFolder, runCli, runHere } from '../../helpers/run-cli.ts';

const run = promisify(execFile);
const writeFile = makeFolder();

/** A small night, through a gateway that lets it pass. */
const SMALL = ['--jobs', '60', '--calls-per-minute', '60000'];

type Document = ReturnType<typeof toDrillJson>;

/** A folder of its own, in which the rehearsal says how to reach it. */
function makeTemporary({ onTestFinished }: TestContext): { TMPDIR: string } {
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-drill-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return { TMPDIR: folder };
}

async function drillAlone(
  context: TestContext,
  ...flags: string[]
): Promise<{ exitCode: number | null; found: Document }> {
  const { exitCode, stdout } = await runCli(['drill', '--unattended', '--json', ...flags], makeTemporary(context));
  return { exitCode, found: JSON.parse(stdout) as Document };
}

/** Starts a drill for a person, and that person's shell. */
async function startDrill(context: TestContext, ...flags: string[]) {
  const temporary = makeTemporary(context);
  const command = [CLI.main, 'drill', '--json', ...flags];
  const child = spawn(process.execPath, command, { cwd: CLI.cwd, env: cleanEnvironment(temporary) });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  const stdout = text(child.stdout);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const hears = (words: string) => expect.poll(() => said, { timeout: 60_000 }).toContain(words);
  await hears('Ctrl-C here ends the drill');
  // It prints the keys, which no other verb may.
  const env = await run(process.execPath, [CLI.main, 'emulator', 'env'], { env: cleanEnvironment(temporary) });
  const shell = Object.fromEntries(
    [...env.stdout.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
  return {
    temporary,
    hears,
    /** Runs a verb in the other terminal. */
    inShell: (...args: string[]) => runCli([...args, '--stage', 'rehearsal'], { ...temporary, ...shell }),
    control: async (call: string, body?: unknown) => {
      const [method = '', path = ''] = call.split(' ');
      const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
      return (await fetch(`${url}/_emulator${path}`, init)).json() as Promise<Record<string, unknown>>;
    },
    /** Writes a line to the record of sweeps by hand. */
    log: async (line: object) => {
      const stream = { logGroupName: '/dli-job-reaper/rehearsal/by-hand', logStreamName: 'forged' };
      const events = [{ timestamp: Date.now(), message: JSON.stringify(line) }];
      const headers = { authorization: `AWS4-HMAC-SHA256 Credential=${shell.AWS_ACCESS_KEY_ID}/x` };
      for (const [operation, body] of Object.entries({
        CreateLogStream: stream,
        PutLogEvents: { ...stream, logEvents: events },
      })) {
        const answer = await fetch(shell.AWS_ENDPOINT_URL ?? '', {
          method: 'POST',
          headers: { ...headers, 'x-amz-target': `Logs_20140328.${operation}` },
          body: JSON.stringify(body),
        });
        expect(answer.status).toBe(200);
      }
    },
    end: async (signal: NodeJS.Signals) => {
      const ended = once(child, 'exit');
      child.kill(signal);
      const [exitCode] = (await ended) as [number | null];
      return { exitCode, found: JSON.parse(await stdout) as Document };
    },
  };
}

const EMERGENCY = ['emergency', '--target', 'lake', '--older-than', '2h', '--reason', 'a drill', '--confirm', 'lake'];

/** The id of a query that has run for minutes. */
async function youngOf({ control }: Awaited<ReturnType<typeof startDrill>>): Promise<string> {
  const { jobs } = (await control('GET /jobs')) as { jobs: { id: string; type: string; submittedAt: number }[] };
  const young = jobs.find(({ type, submittedAt }) => type === 'QUERY' && submittedAt > Date.now() - 3_600_000);
  return young?.id ?? '';
}

describe('dli-reaper drill --unattended', () => {
  it('plays the sweep and the emergency through the bundled functions, with all its trouble, and ends with 0', async (context) => {
    const { exitCode, found } = await drillAlone(context, ...SMALL);

    expect(found).toMatchObject({ jobs: 60, runaways: 36, left: [], wrongKills: [], falseWords: [], unconfirmed: [] });
    expect(found).toMatchObject({ takenAt: null, isAttended: false, callsPerMinute: 60_000, faults: 4, faultsMet: 4 });
    expect(found.firstStoppedMs).toBeGreaterThan(0);
    expect(found.lastStoppedMs).toBeGreaterThanOrEqual(found.firstStoppedMs ?? 0);
    expect(exitCode).toBe(0);
  });

  it('ends with 4 if a cap leaves the runaways', async (context) => {
    const { exitCode, found } = await drillAlone(context, ...SMALL, '--overdue', '0.5', '--max-kills', '5');

    expect(found.left.length).toBeGreaterThan(20);
    expect(found).toMatchObject({ runaways: 30, lastStoppedMs: null, wrongKills: [], falseWords: [] });
    expect(exitCode).toBe(4);
  });

  it('ends with 3 if the emergency is for jobs that are no runaways', async (context) => {
    const flags = ['--overdue', '0.5', '--older-than', '1m', '--max-kills', '100'];

    const { exitCode, found } = await drillAlone(context, ...SMALL, ...flags);

    expect(found.wrongKills.length).toBeGreaterThan(0);
    expect(found).toMatchObject({ left: [], falseWords: [] });
    expect(exitCode).toBe(3);
  });

  it('plays the jobs of a snapshot, of every engine, by a policy of its own', async (context) => {
    const real = await startWorld({ world: 'lake' });
    context.onTestFinished(real.close);
    const { url, projectId } = real.connection;
    const snapshot = await runHere(['snapshot', '--endpoint', url, '--project-id', projectId], keysOf(real.connection));
    const policy = {
      version: 1,
      mode: 'live',
      rules: [
        { id: 'streams', engines: ['flink'], match: { queue: 'flink_dev' }, maxRunTime: '65h', savepoint: false },
        { id: 'batches', engines: ['spark'], match: { queue: 'gen_q' }, maxTotalTime: '19h' },
      ],
    };
    const files = [
      '--snapshot',
      writeFile('lake.json', snapshot.stdout),
      '--policy',
      writeFile('p.yml', stringify(policy)),
    ];

    const { exitCode, found } = await drillAlone(context, ...files, '--calls-per-minute', '60000');

    // The oldest stream and the oldest batch by the policy; a query and two more batches by their age.
    expect(found).toMatchObject({ jobs: 13, runaways: 5, left: [], wrongKills: [], falseWords: [], unconfirmed: [] });
    expect(found.takenAt).toBe((JSON.parse(snapshot.stdout) as { takenAt: string }).takenAt);
    expect(found.unknown).toContain('no job of a snapshot says when it would end, so they all run on');
    expect(exitCode).toBe(0);
  });

  it.for([
    { flags: ['--policy', 'p.yml'], says: '--policy: goes with --snapshot, whose jobs it is for' },
    { flags: ['--snapshot', 's.json', '--jobs', '5'], says: '--jobs: goes without --snapshot, which has its own jobs' },
  ])('refuses $flags', async ({ flags, says }) => {
    const { exitCode, stderr } = await runHere(['drill', ...flags]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: `dli-reaper: ${says}\n` });
  });
});

describe('dli-reaper drill', () => {
  it('says when the last runaway has ended, and shows its debrief at the end', async (context) => {
    const drill = await startDrill(context, ...SMALL);

    const emergency = await drill.inShell(...EMERGENCY);
    await drill.hears('The last runaway has ended');
    const { exitCode, found } = await drill.end('SIGTERM');

    expect(emergency.stdout).toContain('36 cancelled');
    expect(found).toMatchObject({ runaways: 36, left: [], wrongKills: [], falseWords: [], isAttended: true });
    expect(exitCode).toBe(0);
    expect(readdirSync(drill.temporary.TMPDIR)).toEqual([]);
  });

  it('ends with 4 at Ctrl-C if a person has done nothing', async (context) => {
    const drill = await startDrill(context, ...SMALL);

    const { exitCode, found } = await drill.end('SIGINT');

    expect(found).toMatchObject({ firstStoppedMs: null, lastStoppedMs: null, wrongKills: [], calls: 0 });
    expect(found.left).toHaveLength(36);
    expect(exitCode).toBe(4);
  });

  it('finds a young job that DLI cancelled with another', async (context) => {
    const drill = await startDrill(context, ...SMALL);
    const young = await youngOf(drill);
    await drill.control('POST /faults', {
      on: 'cancel-sql-job',
      skip: 20,
      change: [{ job: young, set: { cancelledAt: 'now' } }],
    });

    await drill.inShell(...EMERGENCY);
    const { exitCode, found } = await drill.end('SIGINT');

    expect(found.wrongKills).toMatchObject([{ jobId: young, status: 'CANCELLED' }]);
    expect(found.falseWords).toEqual([{ jobId: young, said: null, status: 'CANCELLED' }]);
    expect(exitCode).toBe(3);
  });

  it('finds a line of the log that is not true', async (context) => {
    const drill = await startDrill(context, ...SMALL);
    const young = await youngOf(drill);

    await drill.inShell(...EMERGENCY);
    await drill.log({ msg: 'job cancelled', jobId: young, outcome: 'cancelled' });
    const { exitCode, found } = await drill.end('SIGINT');

    expect(found).toMatchObject({ left: [], wrongKills: [] });
    expect(found.falseWords).toEqual([
      { jobId: young, said: 'cancelled', status: expect.stringMatching(/RUNNING|LAUNCHING/) },
    ]);
    expect(exitCode).toBe(3);
  });
});
