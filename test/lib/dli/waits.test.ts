import { describe, expect, it } from 'vitest';
import type { IamUser } from '../../../emulator/gateway/iam.ts';
import { readProjectName } from '../../../lib/dli/project.ts';
import { createSharedStates } from '../../../lib/dli/shared-state.ts';
import type { OnWait } from '../../../lib/http/waits.ts';
import { emulatedJob, jobId, makeWorld } from '../../helpers/world.ts';

const USER: IamUser = { name: 'reaper', password: 'hush', domainName: 'lake' };

/** A world whose calls say what they wait for, in short: `list RUNNING jobs, page 1: answer 1/4`. */
async function start() {
  const world = await makeWorld({ jobs: [emulatedJob(1)], users: [USER], project: { name: 'region-1_lake' } });
  const said: string[] = [];
  const hosts = new Set<string>();
  const operations = new Map<object, string>();
  const limits: (number | undefined)[] = [];
  const onWait: OnWait = (call, wait) => {
    if (typeof wait === 'string') {
      said.push(`${operations.get(call)}: ${wait}`);
      return;
    }
    operations.set(call, wait.operation);
    hosts.add(wait.host);
    if (wait.for === 'turn') limits.push(wait.callsPerMinute?.());
    said.push(`${wait.operation}: ${wait.for} ${wait.attempt}/${wait.maxAttempts}`);
  };
  const shared = createSharedStates(world.clock, { onWait });
  const ofCall = (operation: string) =>
    said.filter((line) => line.startsWith(`${operation}: `)).map((line) => line.slice(operation.length + 2));
  return { ...world, said, hosts, limits, shared, ofCall };
}

describe('what a sweep waits for', () => {
  it('is said of every call to DLI: of lists, of cancels and of what is read back', async () => {
    const { emulator, sweep, shared, said, hosts, ofCall } = await start();

    const report = await sweep({}, { sharedFor: shared });

    expect(report.counts.cancelled).toBe(1);
    const { list, status, cancel } = report.apiCalls;
    expect(said.filter((line) => line.endsWith(': answered'))).toHaveLength(list + status + cancel);
    for (const call of ['list RUNNING jobs, page 1', `cancel job ${jobId(1)}`]) {
      expect(ofCall(call)).toEqual(['turn 1/4', 'answer 1/4', 'answered']);
    }
    expect(said.some((line) => line.startsWith('list CANCELLED jobs') || line.startsWith('read job'))).toBe(true);
    expect([...hosts]).toEqual([new URL(emulator.connection.url).host]);
  });

  it('names the attempt, and the pause before it', async () => {
    const { emulator, client, shared, ofCall } = await start();
    emulator.faults.add({ on: 'show-sql-job-status', times: 2, answer: 'reset' });

    await client({ shared: shared('key') }).showSqlJobStatus(jobId(1));

    const ofAttempt = (n: number) => [`turn ${n}/4`, `answer ${n}/4`];
    expect(ofCall(`read job ${jobId(1)}`)).toEqual([
      ...ofAttempt(1),
      'retry 2/4',
      ...ofAttempt(2),
      'retry 3/4',
      ...ofAttempt(3),
      'answered',
    ]);
  });

  it('is its turn under the limit of DLI after a call was refused as one too many, in the same attempt', async () => {
    const { emulator, client, shared, ofCall, limits } = await start();
    emulator.faults.add({
      on: 'show-sql-job-status',
      answer: {
        status: 429,
        body: { error_code: 'APIG.0308', error_msg: 'policy user over ratelimit,limit:60,time:1 minute' },
      },
    });

    await client({ shared: shared('key') }).showSqlJobStatus(jobId(1));

    expect(ofCall(`read job ${jobId(1)}`)).toEqual(['turn 1/4', 'answer 1/4', 'turn 1/4', 'answer 1/4', 'answered']);
    expect(limits).toEqual([undefined, expect.any(Number)]);
  });

  it('is failed in the end where no answer comes', async () => {
    const { emulator, client, shared, ofCall } = await start();
    emulator.faults.add({ on: 'show-sql-job-status', times: Number.POSITIVE_INFINITY, answer: 'reset' });

    await expect(client({ shared: shared('key') }).showSqlJobStatus(jobId(1))).rejects.toThrow();

    expect(ofCall(`read job ${jobId(1)}`).at(-1)).toBe('failed');
  });

  it('is the token where that is asked for first', async () => {
    const { emulator, client, shared, said } = await start();
    const iamEndpoint = new URL(emulator.connection.url);
    const credentials = { userName: USER.name, password: USER.password, domainName: USER.domainName, iamEndpoint };

    await client({ credentials, shared: shared('key') }).showSqlJobStatus(jobId(1));

    expect(said).toEqual([
      `read job ${jobId(1)}: turn 1/4`,
      'get an IAM token: answer 1/1',
      'get an IAM token: answered',
      `read job ${jobId(1)}: answer 1/4`,
      `read job ${jobId(1)}: answered`,
    ]);
  });

  it('is the name of the project, with the attempt', async () => {
    const { emulator, clock, shared, said } = await start();
    const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;
    emulator.faults.add({ on: 'show-project', answer: 'reset' });

    await readProjectName(
      { name: 'key', read: async () => ({ accessKeyId, secretAccessKey }) },
      {
        projectId,
        iamEndpoint: new URL(url),
        clock,
        random: () => 0.5,
        deadlineAt: Number.POSITIVE_INFINITY,
        shared: shared('key'),
      },
    );

    const what = 'ask IAM for the name of the project';
    expect(said).toEqual([`${what}: answer 1/3`, `${what}: failed`, `${what}: answer 2/3`, `${what}: answered`]);
  });
});
