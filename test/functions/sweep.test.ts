import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../emulator/random.ts';
import { type Emulator, startEmulator } from '../../emulator/server.ts';
import { manyJobs } from '../../emulator/worlds.ts';
import { stageParameters, startSsmServer } from '../helpers/ssm-server.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

const SCHEDULE_TICK = { version: '0', source: 'aws.scheduler', 'detail-type': 'Scheduled Event' };
const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };

/** Imports the bundle as Lambda does, calls it once, and prints what it returned or threw as the last line. */
const INVOKE = `
  const [bundle, event] = process.argv.slice(1);
  const { handler } = await import(bundle);
  const context = { awsRequestId: 'request-1', functionName: 'sweep', getRemainingTimeInMillis: () => 300_000 };
  try {
    console.log(JSON.stringify({ returned: await handler(JSON.parse(event), context) }));
  } catch (error) {
    console.log(JSON.stringify({ threw: error.name + ': ' + error.message }));
  }
`;

let emulator: Emulator;
let ssm: Awaited<ReturnType<typeof startSsmServer>>;

beforeAll(async () => {
  await run(process.execPath, ['scripts/build.ts'], { cwd: root });
});

afterEach(async () => {
  await emulator.close();
  await ssm.close();
});

async function start(
  change: (parameters: Record<string, string>) => void = () => {},
  refusedOperations: readonly string[] = [],
) {
  const jobs = manyJobs(Date.now(), createRandom(7), { count: 30, overdueShare: 0.2 });
  emulator = await startEmulator({ now: Date.now, random: Math.random, jobs, cancelDelayMs: 0 });
  const parameters = stageParameters('dev', emulator.connection, POLICY);
  change(parameters);
  ssm = await startSsmServer(parameters, { refusedOperations });
}

async function invoke(event: unknown) {
  // Lambda keeps both streams in one log, in the order written.
  const { stdout } = await run(
    'sh',
    [
      '-c',
      'exec "$0" "$@" 2>&1',
      process.execPath,
      '--input-type=module',
      '-e',
      INVOKE,
      `${root}/dist/sweep/index.mjs`,
      JSON.stringify(event),
    ],
    { cwd: root, env: { ...ssm.env, STAGE: 'dev', POWERTOOLS_LOG_LEVEL: 'INFO' } },
  );
  const lines = stdout.trim().split('\n');
  const { returned, threw } = JSON.parse(lines.pop() ?? '') as { returned?: object; threw?: string };
  return { log: lines.map((line) => JSON.parse(line) as LogLine), returned, threw, stdout };
}

interface LogLine {
  level: string;
  msg: string;
  victims?: unknown[];
}

const deletes = () => emulator.requests.filter(({ method }) => method === 'DELETE');

describe('the bundled sweep function', () => {
  it('cancels on a schedule tick, logs victims before and the summary last, and returns it without the jobs', async () => {
    await start();

    const { log, returned } = await invoke(SCHEDULE_TICK);

    expect(returned).toMatchObject({ status: 'ok', dryRun: false, counts: { overdue: 6, cancelled: 6, failed: 0 } });
    expect(returned).not.toHaveProperty('jobs');
    expect(log[0]).toMatchObject({ level: 'info', msg: 'victims chosen' });
    expect(log[0]?.victims).toHaveLength(6);
    expect(log.filter(({ msg }) => msg === 'job cancelled')).toHaveLength(6);
    expect(log.at(-1)).toMatchObject({ level: 'info', msg: 'sweep finished', status: 'ok' });
    expect(deletes()).toHaveLength(6);
  });

  it('asks Parameter Store for the switch, the target, and what the target names', async () => {
    await start();

    await invoke(SCHEDULE_TICK);

    expect(ssm.asked).toEqual([
      ['/dli-reaper/dev/switch'],
      ['/dli-reaper/dev/targets/default'],
      ['/dli-reaper/dev/policies/base', '/dli-reaper/dev/credentials/reaper'],
      ['/dli-reaper/dev/exemptions/'],
    ]);
  });

  it('spares whom an exemption in Parameter Store protects, and warns that it ends soon', async () => {
    const until = new Date(Date.now() + 3 * 86_400_000).toISOString();
    const exemption = { id: 'all', reason: 'the year ends', owner: 'closing', until, match: { queue: '*' } };
    await start((parameters) => {
      parameters['/dli-reaper/dev/exemptions/closing'] = JSON.stringify(exemption);
    });

    const { returned, log } = await invoke(SCHEDULE_TICK);

    expect(returned).toMatchObject({
      ...{ status: 'ok', notices: [expect.stringContaining('exemption all (owner closing) ends at')] },
      counts: { overdue: 0, cancelled: 0, skipped: { exempt: 6 } },
    });
    expect(log.filter(({ level, msg }) => level === 'warn' && msg === 'notice')).toHaveLength(1);
    expect(log.filter(({ msg }) => msg === 'job kept')).toHaveLength(6);
    expect(deletes()).toHaveLength(0);
  });

  it('throws where Parameter Store refuses to list the exemptions, and calls nobody', async () => {
    await start(() => {}, ['GetParametersByPath']);

    const { threw } = await invoke(SCHEDULE_TICK);

    expect(threw).toBe(
      'SettingsError: /dli-reaper/dev/exemptions/: cannot be read from Parameter Store (AccessDeniedException)',
    );
    expect(emulator.requests).toHaveLength(0);
  });

  it('takes a payload for a dry run unless it says dryRun: false', async () => {
    await start();

    const dry = await invoke({ reason: 'a look' });
    const live = await invoke({ dryRun: false, reason: 'in earnest' });

    expect(dry.returned).toMatchObject({
      dryRun: true,
      dryRunBecause: ['request'],
      counts: { skipped: { 'dry-run': 6 } },
    });
    expect(live.returned).toMatchObject({ dryRun: false, counts: { cancelled: 6 } });
  });

  it.each([
    { name: 'set to stop', value: 'stop' },
    { name: 'missing', value: undefined },
    { name: 'set to a JSON document', value: '{}' },
  ])('cancels nothing with the switch $name, and says stopped', async ({ value }) => {
    await start((parameters) => {
      if (value === undefined) delete parameters['/dli-reaper/dev/switch'];
      else parameters['/dli-reaper/dev/switch'] = value;
    });

    const { returned, log } = await invoke(SCHEDULE_TICK);

    expect(returned).toMatchObject({
      status: 'stopped',
      counts: { overdue: 6, cancelled: 0, skipped: { stopped: 6 } },
    });
    expect(log.at(-1)).toMatchObject({ level: 'error', msg: 'sweep finished' });
    expect(deletes()).toHaveLength(0);
  });

  it.each([
    {
      name: 'an unknown key',
      event: { dryrun: false },
      threw: /RequestError: .*dryrun: unknown key; allowed: target, dryRun/,
    },
    { name: 'no object', event: 'now', threw: /RequestError: .*expected an object/ },
    {
      name: 'an unknown target',
      event: { target: 'nowhere' },
      threw: /SettingsError: \/dli-reaper\/dev\/targets\/nowhere: no such parameter/,
    },
  ])('throws for $name, and calls nobody', async ({ event, threw }) => {
    await start();

    const answer = await invoke(event);

    expect(answer.threw).toMatch(threw);
    expect(answer.log.at(-1)).toMatchObject({ level: 'error', msg: 'sweep could not run' });
    expect(emulator.requests).toHaveLength(0);
  });

  it.each([
    {
      name: 'policy',
      parameter: 'policies/base',
      value: '{"version":1,"rules":[{"id":"r","match":"all"}]}',
      threw: /maxRunTime: missing/,
    },
    {
      name: 'credential',
      parameter: 'credentials/reaper',
      value: '{"accessKeyId":"AK","secret":"hush"}',
      threw: /secretAccessKey: missing/,
    },
    {
      name: 'exemption',
      parameter: 'exemptions/orders',
      value: '{"id":"orders","match":{"owner":"hush"}}',
      threw: /until: missing/,
    },
    { name: 'credential without JSON', parameter: 'credentials/reaper', value: 'hush', threw: /not JSON/ },
  ])('throws for an invalid $name without showing what it holds', async ({ parameter, value, threw }) => {
    await start((parameters) => {
      parameters[`/dli-reaper/dev/${parameter}`] = value;
    });

    const answer = await invoke(SCHEDULE_TICK);

    expect(answer.threw).toMatch(threw);
    expect(answer.threw).toContain(`/dli-reaper/dev/${parameter}`);
    expect(answer.stdout).not.toContain('hush');
    expect(emulator.requests).toHaveLength(0);
  });

  it('never shows the secret key', async () => {
    await start();

    const { stdout } = await invoke(SCHEDULE_TICK);

    expect(stdout).not.toContain(emulator.connection.secretAccessKey);
  });
});
