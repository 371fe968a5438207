import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';

/* What the plugins of deploy/ do before and after the commands of `serverless`, where AWS answers as it rarely does. */

interface Plugin {
  hooks: Record<string, () => Promise<void> | void>;
}
type PluginClass = new (serverless: object, options: object, tools: { log: object }) => Plugin;

const load = createRequire(import.meta.url);
const SafeSwitch = load('../../deploy/safe-switch.cjs') as PluginClass;
const KeptParts = load('../../deploy/kept-parts.cjs') as PluginClass;

const SWITCH = '/dli-reaper/try/switch';
const ALIAS = 'alias/dli-reaper-try-credentials';
const KEY_ARN = 'arn:aws:kms:eu-central-1:123456789012:key/1234';

/** The answer to an operation: a body, or the name of an error. */
type Answers = Record<string, object | string>;

/** An AWS that has no stack, and gives these answers. Any other call is an error. */
async function startAws(answers: Answers) {
  const calls: { operation: string; body: Record<string, unknown> }[] = [];
  const server = http.createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const target = request.headers['x-amz-target'];
      // CloudFormation has another protocol.
      if (typeof target !== 'string') {
        const error = '<Code>ValidationError</Code><Message>Stack with id dli-job-reaper-try does not exist</Message>';
        response.writeHead(400, { 'content-type': 'text/xml' });
        response.end(`<ErrorResponse><Error><Type>Sender</Type>${error}</Error></ErrorResponse>`);
        return;
      }
      const [, operation = ''] = target.split('.');
      calls.push({ operation, body: JSON.parse(body) as Record<string, unknown> });
      const answer = answers[operation] ?? 'UnknownOperationException';
      const isError = typeof answer === 'string';
      response.writeHead(isError ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(isError ? { __type: answer, message: 'no' } : answer));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { calls, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A stage `try` before its deploy, with the template that is to be deployed. */
async function startHooks(Plugin: PluginClass, answers: Answers, Resources: object = {}) {
  const { calls, endpoint } = await startAws(answers);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const provider = {
    getStage: () => 'try',
    getAwsSdkV3Config: async () => ({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 }),
    naming: { getStackName: () => 'dli-job-reaper-try' },
  };
  const said: string[] = [];
  const say = (words: string) => said.push(words);
  const template = { Resources: structuredClone(Resources), Outputs: {} };
  const serverless = {
    getProvider: () => provider,
    service: { provider: { compiledCloudFormationTemplate: template } },
    classes: { Error },
  };
  const { hooks } = new Plugin(serverless, {}, { log: { warning: say, notice: say } });
  return { calls, said, template, run: async (name: string) => hooks[name]?.() };
}

const switchReads = (Value: string) => ({ GetParameters: { Parameters: [{ Name: SWITCH, Value }] } });

describe('the switch of a stage', () => {
  it.each([
    { hook: 'before:remove:remove', lacks: { PutParameter: 'AccessDeniedException' }, undone: 'Nothing was removed.' },
    { hook: 'before:deploy:deploy', lacks: { PutParameter: 'AccessDeniedException' }, undone: 'Nothing was deployed.' },
    { hook: 'before:remove:remove', lacks: { GetParameters: 'AccessDeniedException' }, undone: 'Nothing was removed.' },
  ])('ends $hook if it cannot be set to stop, which names the rights: $lacks', async ({ hook, lacks, undone }) => {
    const { run, said } = await startHooks(SafeSwitch, { ...switchReads('run'), ...lacks });

    await expect(run(hook)).rejects.toThrow(
      `The switch ${SWITCH} could not be set to stop (AccessDeniedException). It takes ssm:GetParameters and ssm:PutParameter on it. ${undone}`,
    );
    expect(said).toEqual([]);
  });

  it('is set to stop before a removal, and before a deploy without functions', async () => {
    for (const hook of ['before:remove:remove', 'before:deploy:deploy']) {
      const { run, said, calls } = await startHooks(SafeSwitch, { ...switchReads('run'), PutParameter: {} });

      await run(hook);

      expect(calls.at(-1)).toMatchObject({
        operation: 'PutParameter',
        body: { Name: SWITCH, Value: expect.stringMatching(/^stop because the stage was /), Overwrite: true },
      });
      expect(said).toEqual([expect.stringContaining('The switch of try read "run", and reads stop now')]);
    }
  });

  it.each([
    { name: 'stop', answers: switchReads('stop') },
    { name: 'stop, with a reason', answers: switchReads('stop because of the closing') },
    { name: 'nothing', answers: { GetParameters: { Parameters: [], InvalidParameters: [SWITCH] } } },
  ])('is left alone where it reads $name', async ({ answers }) => {
    const { run, said, calls } = await startHooks(SafeSwitch, answers);

    await run('before:remove:remove');

    expect(calls.map(({ operation }) => operation)).toEqual(['GetParameters']);
    expect(said).toEqual([]);
  });
});

describe('the key that a removal kept', () => {
  const RESOURCES = {
    CredentialsKey: { Type: 'AWS::KMS::Key', Properties: {} },
    CredentialsAlias: {
      Type: 'AWS::KMS::Alias',
      Properties: { AliasName: ALIAS, TargetKeyId: { Ref: 'CredentialsKey' } },
    },
    Role: { Type: 'AWS::IAM::Role', Properties: { Key: { 'Fn::GetAtt': ['CredentialsKey', 'Arn'] } } },
  };
  const key = (KeyState: string) => ({ DescribeKey: { KeyMetadata: { KeyId: '1234', Arn: KEY_ARN, KeyState } } });

  it.each(['Disabled', 'PendingDeletion'])('ends a deploy if it is %s, which says how to go on', async (state) => {
    const { run, template } = await startHooks(KeptParts, key(state), RESOURCES);

    const deploy = run('before:deploy:deploy');

    await expect(deploy).rejects.toThrow(`${ALIAS} leads to the key ${KEY_ARN}, which is ${state}.`);
    await expect(deploy).rejects.toThrow('aws kms cancel-key-deletion, aws kms enable-key');
    await expect(deploy).rejects.toThrow(`aws kms delete-alias --alias-name ${ALIAS}`);
    await expect(deploy).rejects.toThrow('Nothing was deployed.');
    expect(Object.keys(template.Resources)).toEqual(Object.keys(RESOURCES));
  });

  it('is used as it is where it is enabled', async () => {
    const { run, said, template } = await startHooks(KeptParts, key('Enabled'), RESOURCES);

    await run('before:deploy:deploy');

    expect(template.Resources).toEqual({ Role: { Type: 'AWS::IAM::Role', Properties: { Key: KEY_ARN } } });
    expect(said).toEqual([`Uses what was kept of an earlier stack: ${ALIAS}`]);
  });

  it('is made anew where there is none', async () => {
    const { run, said, template } = await startHooks(KeptParts, { DescribeKey: 'NotFoundException' }, RESOURCES);

    await run('before:deploy:deploy');

    expect(template.Resources).toEqual(RESOURCES);
    expect(said).toEqual([]);
  });

  it('ends a deploy if it is not known whether there is one', async () => {
    const { run } = await startHooks(KeptParts, { DescribeKey: 'AccessDeniedException' }, RESOURCES);

    await expect(run('before:deploy:deploy')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

describe('a log group that a removal kept', () => {
  const NAME = '/aws/lambda/dli-job-reaper-try-sweep';
  const RESOURCES = {
    SweepLogs: {
      Type: 'AWS::Logs::LogGroup',
      Properties: { LogGroupName: NAME, RetentionInDays: 400, KmsKeyId: KEY_ARN },
    },
  };
  const group = (fields: object) => ({
    DescribeLogGroups: { logGroups: [{ logGroupName: NAME, arn: `arn:${NAME}`, ...fields }] },
    PutRetentionPolicy: {},
    AssociateKmsKey: {},
  });

  it('gets the retention and the key of this deploy, since the stack does not have it', async () => {
    const { run, calls, template } = await startHooks(KeptParts, group({ retentionInDays: 30 }), RESOURCES);

    await run('before:deploy:deploy');

    expect(template.Resources).toEqual({});
    expect(calls.slice(1)).toEqual([
      { operation: 'PutRetentionPolicy', body: { logGroupName: NAME, retentionInDays: 400 } },
      { operation: 'AssociateKmsKey', body: { logGroupName: NAME, kmsKeyId: KEY_ARN } },
    ]);
  });

  it('is left as it is where it has both', async () => {
    const { run, calls } = await startHooks(KeptParts, group({ retentionInDays: 400, kmsKeyId: KEY_ARN }), RESOURCES);

    await run('before:deploy:deploy');

    expect(calls.map(({ operation }) => operation)).toEqual(['DescribeLogGroups']);
  });
});
