import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEmulator } from '../../emulator/server.ts';
import { isOnPath } from '../helpers/aws-peer.ts';
import { root, unpack } from '../helpers/packaged.ts';
import { runningJob } from '../helpers/run-cli.ts';
import { startLambda } from '../helpers/runtime-api.ts';
import { lookAt, SWITCH, startPeer } from '../helpers/try-stage.ts';

const hasPeer = await isOnPath('moto_server');
const DOCUMENTED_PROJECT = '0123456789abcdef0123456789abcdef';
const TARGET = '/dli-reaper/try/targets/default';

/** The block of commands under "From nothing to the first dry run", a command a line, for the stage `try`. */
function documentedCommands(): string[] {
  const page = readFileSync(join(root, 'docs/deploy.md'), 'utf8');
  const [, block = ''] = /## From nothing to the first dry run\n.*?```sh\n(.*?)```/s.exec(page) ?? [];
  return block.replaceAll('\\\n', ' ').replaceAll('prod', 'try').trim().split('\n');
}

/** A shell in a folder that is new, as a person has it who has just cloned the project. */
function shellIn(cwd: string, env: Record<string, string | undefined>) {
  return async (command: string, stdin = '') => {
    const startedAt = performance.now();
    const child = spawn('bash', ['-c', command], { cwd, env });
    child.stdin.end(stdin);
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    process.stdout.write(`${((performance.now() - startedAt) / 1_000).toFixed(1)} s: ${command}\n`);
    if (child.exitCode !== 0) throw new Error(`exit code ${child.exitCode}: ${command}\n${stdout}${stderr}`);
    return stdout + stderr;
  };
}

/**
 * Lambda's own API, which the peer answers without running anything: an invocation goes to the deployed zip under AWS's runtime
 * client, and its output into the log of the function, as Lambda would write it. The peer answers all else.
 */
async function startInvocations(clone: string, env: Record<string, string>, stage: ReturnType<typeof lookAt>) {
  const peer = env.AWS_ENDPOINT_URL as string;
  const { Environment } = await stage.function();
  const sweep = await startLambda(unpack('sweep', clone), 'dist/sweep/index.handler', {
    ...env,
    ...Environment?.Variables,
  });
  onTestFinished(sweep.stop);
  const running: Promise<unknown>[] = [];
  const server = http.createServer((request, response) => {
    void (async () => {
      const { method = '', url = '', headers } = request;
      if (!url.endsWith('/invocations')) {
        const { authorization = '' } = headers;
        const answer = await fetch(`${peer}${url}`, { method, headers: { authorization } });
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
        return;
      }
      const isTrial = headers['x-amz-invocation-type'] === 'DryRun';
      const event = await json(request);
      response.writeHead(isTrial ? 204 : 202).end();
      if (isTrial) return;
      const invoked = sweep.invoke(event).then(async () => {
        await stage.record(...sweep.log().split('\n').filter(Boolean));
      });
      running.push(invoked);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    await Promise.all(running);
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the five commands of docs/deploy.md', () => {
  it('lead from a fresh clone to the first dry run by the deployed function', async () => {
    const [install = '', deploy = '', init = '', push = '', sweep = '', ...more] = documentedCommands();
    expect(more).toEqual([]);
    expect(install).toBe('npm ci');
    if (!hasPeer) {
      process.stdout.write('moto_server is not on PATH: the commands were not run.\n');
      return;
    }
    const clone = mkdtempSync(join(tmpdir(), 'dli-reaper-clone-'));
    onTestFinished(() => rmSync(clone, { recursive: true }));
    const { env: peer, clientOf } = await startPeer();
    const stage = lookAt(clientOf('eu-central-1'));
    const emulator = await startEmulator({ now: Date.now, random: Math.random, jobs: [runningJob(1)] });
    onTestFinished(emulator.close);
    const { projectId, region, url: endpoint, accessKeyId, secretAccessKey } = emulator.connection;
    const run = shellIn(clone, peer);

    // What is committed, as a newcomer gets it. The packages are linked: npm has installed them for this test already.
    await run(`git clone --quiet ${root} . && echo node_modules >> .git/info/exclude && ln -s ${root}node_modules .`);
    expect(await run(deploy)).toContain('Service deployed');
    const named = init.replace(DOCUMENTED_PROJECT, projectId).replaceAll('eu-west-101', region);
    const said = await run(named, JSON.stringify({ accessKeyId, secretAccessKey }));
    expect(said).toContain('created policy.yml');
    expect(said).not.toContain(secretAccessKey);
    expect(await stage.read(SWITCH)).toBe('stop');
    // DLI is elsewhere here.
    const target = JSON.parse((await stage.read(TARGET)) ?? '') as object;
    await stage.write(TARGET, JSON.stringify({ ...target, endpoint }));
    const policy = join(clone, 'policy.yml');
    writeFileSync(policy, readFileSync(policy, 'utf8').replace('name_of_a_queue', '"*"').replace('4h', '15m'));
    // A person types the name of the stage.
    expect(await run(`${push} --confirm try`)).toContain('is version 2 now');

    const AWS_ENDPOINT_URL_LAMBDA = await startInvocations(clone, peer, stage);
    const swept = await run(`AWS_ENDPOINT_URL_LAMBDA=${AWS_ENDPOINT_URL_LAMBDA} ${sweep}`);

    expect(swept).toContain('Dry run (set by the policy, the target, the request): 1 job seen, 1 overdue');
    expect(emulator.requests.length).toBeGreaterThan(0);
  });
});
