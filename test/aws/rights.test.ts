import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { isOnPath, startMoto } from '../helpers/aws-peer.ts';
import { packageProject, root, TEMPLATE, toolEnvironment } from '../helpers/packaged.ts';
import { makeFolder, runCli, runningJob, startService } from '../helpers/run-cli.ts';
import { HOUR, jobId } from '../helpers/world.ts';

/*
 * moto compares each call with the caller's IAM policies, but knows the resource of none of these calls. So what is tried is the
 * list of actions: the policies are put on users with every resource. moto has no CloudTrail and runs no function without Docker,
 * and its Parameter Store decrypts with no right. So `cloudtrail:LookupEvents`, `lambda:InvokeFunction` and `kms:Decrypt` are
 * not tried.
 */
const hasPeer = await isOnPath('moto_server');
const run = promisify(execFile);
const POLICY = { version: 1, mode: 'live', rules: [{ id: 'two-hours', match: 'all', maxRunTime: '2h' }] };
const writeFile = makeFolder();
const file = writeFile('policy.yml', '');
const changed = writeFile('changed.json', JSON.stringify({ ...POLICY, maxKills: 7 }));

interface ManagedPolicy {
  Type: string;
  Properties: { PolicyDocument: { Statement: { Action: string | string[] }[] } };
}

/** The policies for people, each as a document that allows its actions on every resource. */
function policiesForPeople(): [name: string, document: object][] {
  const { Resources } = JSON.parse(readFileSync(TEMPLATE, 'utf8')) as { Resources: Record<string, ManagedPolicy> };
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::ManagedPolicy')
    .map(([name, { Properties }]) => {
      const Action = Properties.PolicyDocument.Statement.flatMap((statement) => statement.Action);
      return [name, { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] }];
    });
}

async function callIam(url: string, fields: Record<string, string>): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    // Where there is one address for all services, a call is for the one that it is signed for.
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request' },
    body: new URLSearchParams({ Version: '2010-05-08', ...fields }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${fields.Action}: ${text}`);
  return text;
}

/** Makes a user with one policy. @returns the environment of this user. */
async function makeUser(url: string, UserName: string, document: object): Promise<Record<string, string>> {
  await callIam(url, { Action: 'CreateUser', UserName });
  const PolicyDocument = JSON.stringify(document);
  await callIam(url, { Action: 'PutUserPolicy', UserName, PolicyName: 'own', PolicyDocument });
  const answer = await callIam(url, { Action: 'CreateAccessKey', UserName });
  const fieldOf = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`).exec(answer)?.[1] ?? '';
  return { AWS_ACCESS_KEY_ID: fieldOf('AccessKeyId'), AWS_SECRET_ACCESS_KEY: fieldOf('SecretAccessKey') };
}

/** moto refuses in XML, also where a service answers in JSON, and so the SDK cannot read it. */
const REFUSED = /\((SyntaxError|AccessDenied\w*)\)/;
const TARGET = ['--target', 'default'];
const EXEMPTION = ['--reason', 'a backfill', '--contact', 'orders', '--until', '7d', '--owner', 'zoe'];

/** The commands of each policy in this order, and one that it has no right to. */
const TRIED: Record<string, { may: string[][]; mayNot: string[] }> = {
  PolicyAuthor: {
    may: [
      ['policy', 'pull', '-o', file, '--replace'],
      ['policy', 'push', changed, '--over-version', '1', '--no-look', '--confirm', 'dev'],
      ['policy', 'rollback', '--no-look', '--confirm', 'dev'],
    ],
    mayNot: ['unexempt', 'backfill', '--confirm', 'backfill'],
  },
  TargetAuthor: {
    may: [['init', '--policy', file, '--target', 'sea', '--region', 'eu-west-101', '--project-id', 'f'.repeat(32)]],
    mayNot: ['policy', 'rollback', '--no-look', '--confirm', 'dev'],
  },
  ExemptionAuthor: {
    may: [
      ['exempt', 'backfill', ...EXEMPTION],
      ['unexempt', 'backfill', '--confirm', 'backfill'],
      ['freeze', 'launch', '--all', '--from', '2099-11-29', '--until', '2099-12-05', '--reason', 'launch week'],
      ['unfreeze', 'launch', '--confirm', 'launch'],
    ],
    mayNot: ['policy', 'rollback', '--no-look', '--confirm', 'dev'],
  },
  SwitchOperator: {
    may: [['stop'], ['resume', '--confirm', 'dev']],
    mayNot: ['unexempt', 'backfill', '--confirm', 'backfill'],
  },
  OnCall: {
    may: [
      ['stop'],
      ['resume', '--confirm', 'dev'],
      ['exempt', 'backfill', ...EXEMPTION],
      ['unexempt', 'backfill', '--confirm', 'backfill'],
      ['jobs', ...TARGET],
      ['plan', ...TARGET],
      ['emergency', ...TARGET, '--job-id', jobId(1), '--reason', 'runaway', '--confirm', 'default'],
      ['why', jobId(1), ...TARGET],
      ['was-reaped', jobId(1), ...TARGET],
      ['report', '--out', `${file}.html`],
    ],
    mayNot: ['policy', 'rollback', '--no-look', '--confirm', 'dev'],
  },
  Auditor: {
    may: [
      ['policy', 'pull', '-o', file, '--replace'],
      ['report', '--out', `${file}.html`],
      ['was-reaped', jobId(1), ...TARGET, '--ended-at', new Date().toISOString()],
    ],
    mayNot: ['stop'],
  },
};

it('the policies for people let each do the work of its verbs, and no other, where there is a peer that looks at rights', async (context) => {
  await packageProject();
  expect(policiesForPeople().map(([name]) => name)).toEqual(Object.keys(TRIED));
  if (!hasPeer) {
    process.stdout.write('moto_server is not on PATH: the rights were not tried.\n');
    return;
  }
  const { emulator } = await startService(context, '', { jobs: [runningJob(1, { ageMs: 3 * HOUR })] });
  const peer = await startMoto({ ...stageParameters('dev', emulator.connection, POLICY) });
  context.onTestFinished(peer.close);
  const url = String(peer.env.AWS_ENDPOINT_URL);
  const env = toolEnvironment({ ...peer.env, AWS_DEFAULT_REGION: 'eu-central-1' });
  const deploy = ['deploy', '--stage', 'dev', '--region', 'eu-central-1'];
  await run(`${root}/node_modules/.bin/serverless`, deploy, { cwd: root, env });
  const users = new Map<string, Record<string, string>>();
  for (const [name, document] of policiesForPeople()) users.set(name, await makeUser(url, name, document));

  await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: '0' });

  for (const [name, { may, mayNot }] of Object.entries(TRIED)) {
    const runAs = (args: string[]) => runCli([...args, '--stage', 'dev'], { ...peer.env, ...users.get(name) });
    for (const args of may) {
      const { exitCode, stderr } = await runAs(args);
      expect({ name, args, exitCode, isRefused: REFUSED.test(stderr) }).toEqual({
        name,
        args,
        exitCode: 0,
        isRefused: false,
      });
    }
    const { exitCode, stderr } = await runAs(mayNot);
    expect({ name, mayNot, exitCode, isRefused: REFUSED.test(stderr) }).toEqual({
      name,
      mayNot,
      exitCode: 1,
      isRefused: true,
    });
  }
});
