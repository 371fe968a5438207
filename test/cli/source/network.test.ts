import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, it, type TestContext } from 'vitest';
import { EMULATOR_PROJECT_ID } from '../../../emulator/server.ts';
import { type Proxied, startProxy, startSecureServer } from '../../helpers/connect-proxy.ts';
import { keysOf, makeFolder, runCli, runningJob, startService } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { startTargets } from '../../helpers/several-targets.ts';

const newFile = makeFolder();
const POLICY = newFile('policy.yml', 'version: 1\nrules:\n  - id: two-hours\n    match: all\n    maxRunTime: 2h\n');

const DLI = 'dli.eu-west-101.myhuaweicloud.eu';
const IAM = 'iam.eu-west-101.myhuaweicloud.eu';
const AWS = ['ssm', 'lambda', 'logs', 'sts'].map((service) => `${service}.eu-central-1.amazonaws.com`);

/** The clouds behind a proxy, under their real names and by TLS; nothing but the proxy leads to them. */
async function startClouds({ onTestFinished }: TestContext, urls: { dli: string; aws?: string | undefined }) {
  const secure = await startSecureServer([DLI, IAM, ...AWS], (request, response) => {
    const { method, url, headers } = request;
    const to = headers.host?.endsWith('.amazonaws.com') ? urls.aws : urls.dli;
    const onward = http.request(new URL(url ?? '/', to), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  const proxy = await startProxy({ to: secure });
  onTestFinished(() => {
    proxy.close();
    secure.close();
  });
  return {
    proxy,
    env: { HTTPS_PROXY: proxy.url.href, NODE_EXTRA_CA_CERTS: newFile(`${proxy.url.port}.pem`, secure.cert) },
  };
}

const hostsOf = (asked: readonly Proxied[]) => [...new Set(asked.map(({ target }) => target))].sort();

describe.concurrent('behind a proxy that alone leads out', () => {
  it('a live sweep of a stage reaches DLI, IAM and AWS through it', async (context) => {
    const { aws, emulators, deletes } = await startTargets(context, { lake: { jobs: [runningJob(1)] } });
    const { connection } = emulators.lake ?? {};
    const target = JSON.parse(aws.parameters['/dli-reaper/dev/targets/lake'] ?? '') as Record<string, string>;
    aws.put(
      '/dli-reaper/dev/targets/lake',
      JSON.stringify({ ...target, region: 'eu-west-101', endpoint: `https://${DLI}` }),
    );
    const { AWS_ENDPOINT_URL, ...awsEnv } = aws.env;
    const { proxy, env } = await startClouds(context, { dli: connection?.url ?? '', aws: AWS_ENDPOINT_URL });

    const { exitCode, stderr } = await runCli(
      ['sweep', '--stage', 'dev', '--target', 'lake', '--no-dry-run', '--json'],
      { ...awsEnv, ...env },
    );

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(deletes('lake')).toBe(1);
    expect(hostsOf(proxy.asked)).toEqual([DLI, IAM, ...AWS].map((host) => `${host}:443`).sort());
  });

  it('a host in NO_PROXY is called without it, and so is this machine', async (context) => {
    const { run } = await startService(context, POLICY, { jobs: [runningJob(1)] });
    const proxy = await startProxy({ refusal: 403 });
    context.onTestFinished(proxy.close);
    const flags = ['--endpoint', `https://${DLI}`, '--project-id', EMULATOR_PROJECT_ID, '--policy', POLICY];
    const keys = keysOf({ accessKeyId: 'A', secretAccessKey: 'hush-hush' });
    const env = { HTTPS_PROXY: proxy.url.href };

    const here = await run('plan', [], { keys: env });
    const refused = await runCli(['plan', ...flags], { ...keys, ...env });
    const asked = proxy.asked.length;
    const around = await runCli(['plan', ...flags], { ...keys, ...env, NO_PROXY: 'myhuaweicloud.eu' });

    expect(here.exitCode).toBe(0);
    expect(refused.stderr).toContain(`cannot connect to ${DLI} through the proxy ${proxy.url.host} (PROXY_403)`);
    expect(refused.stderr).toContain('add it to NO_PROXY');
    expect(around.stderr).toContain(`cannot connect to ${DLI} (`);
    expect(proxy.asked).toHaveLength(asked);
  });

  it('a proxy that cannot be used is refused by the name of its variable', async () => {
    const flags = ['--endpoint', `https://${DLI}`, '--project-id', EMULATOR_PROJECT_ID, '--policy', POLICY];
    const env = {
      ...keysOf({ accessKeyId: 'A', secretAccessKey: 'hush-hush' }),
      HTTPS_PROXY: 'socks5://sam:hush@localhost:1',
    };

    for (const args of [
      ['plan', ...flags],
      ['status', '--stage', 'dev'],
      ['doctor', ...flags],
    ]) {
      const { exitCode, stderr, stdout } = await runCli(args, { ...env, AWS_REGION: 'eu-central-1' });

      expect({ args, exitCode }).toEqual({ args, exitCode: 1 });
      expect(stderr + stdout).toContain('HTTPS_PROXY: expected the address of an HTTP proxy');
      expect(stderr + stdout).not.toMatch(/hush|\n +at /);
    }
  });
});

describe.concurrent('a server that cannot prove who it is', () => {
  it.for(['0', undefined])(
    'gets no request, with NODE_TLS_REJECT_UNAUTHORIZED %s; the remedy is named',
    async (value, context) => {
      const { proxy, env } = await startClouds(context, { dli: 'http://127.0.0.1:1' });
      const flags = ['--endpoint', `https://${DLI}`, '--project-id', EMULATOR_PROJECT_ID, '--policy', POLICY];
      const keys = keysOf({ accessKeyId: 'A', secretAccessKey: 'hush-hush' });

      const { exitCode, stderr } = await runCli(['plan', ...flags], {
        ...keys,
        HTTPS_PROXY: env.HTTPS_PROXY,
        ...(value !== undefined && { NODE_TLS_REJECT_UNAUTHORIZED: value }),
      });

      expect(exitCode).toBe(1);
      expect(stderr).toContain('(DEPTH_ZERO_SELF_SIGNED_CERT)');
      expect(stderr).toContain(
        'set NODE_EXTRA_CA_CERTS to the path of that file; NODE_TLS_REJECT_UNAUTHORIZED is ignored',
      );
      expect(proxy.asked.length).toBeGreaterThan(0);
    },
  );
});

describe.concurrent('an AWS that cannot prove who it is', () => {
  it('gets no request either, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async (context) => {
    const { aws } = await startTargets(context, { lake: {} });
    const { AWS_ENDPOINT_URL, ...awsEnv } = aws.env;
    const { proxy, env } = await startClouds(context, { dli: 'http://127.0.0.1:1', aws: AWS_ENDPOINT_URL });
    const insecure = { HTTPS_PROXY: env.HTTPS_PROXY, NODE_TLS_REJECT_UNAUTHORIZED: '0' };

    const { exitCode, stderr } = await runCli(['status', '--stage', 'dev'], { ...awsEnv, ...insecure });

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/cannot be read from Parameter Store \(DEPTH_ZERO_SELF_SIGNED_CERT; .*NODE_EXTRA_CA_CERTS/);
    expect(hostsOf(proxy.asked)).toContain('ssm.eu-central-1.amazonaws.com:443');
    expect(aws.calls).toEqual([]);
  });
});

describe.concurrent('a host that hangs', () => {
  async function startHanging({ onTestFinished }: TestContext) {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stop = () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    };
    onTestFinished(stop);
    const { port } = server.address() as AddressInfo;
    return { host: `127.0.0.1:${port}`, stop };
  }

  it.for([
    { verb: 'plan', before: 'Listing    0 calls\r\n  ', call: 'list LAUNCHING jobs, page 1, attempt 1 of 4' },
    { verb: 'doctor', before: 'Checking: ', call: 'list RUNNING jobs, page 1, attempt 1 of 4' },
  ])('is named on the screen of $verb while it is waited for', async ({ verb, before, call }, context) => {
    const { host, stop } = await startHanging(context);
    const flags = ['--endpoint', `http://${host}`, '--project-id', EMULATOR_PROJECT_ID, '--policy', POLICY];

    const terminal = runOnTerminal([verb, ...flags], keysOf({ accessKeyId: 'A', secretAccessKey: 'hush-hush' }));
    await terminal.waitFor(`${before}waiting 3 s for ${host}, ${call}`);
    stop();

    expect(await terminal.exited).toBe(1);
  });
});
