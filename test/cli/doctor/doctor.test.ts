import { describe, expect, it } from 'vitest';
import { keysOf, makeFolder, runHere, runningJob, startService } from '../../helpers/run-cli.ts';
import { POLICY, parameter, startStage } from '../../helpers/start-stage.ts';
import { HOUR, MINUTE } from '../../helpers/world.ts';

const writeFile = makeFolder();
const LOG_GROUP = '/aws/lambda/dli-job-reaper-dev-sweep';
const NOTIFY_GROUP = '/aws/lambda/dli-job-reaper-dev-notify';

describe.concurrent('dli-reaper doctor', () => {
  it('is green where all is well, yellow where something will be, each with its fix', async (context) => {
    const policy = { ...POLICY, rules: [{ id: 'two-hours', match: { owner: 'ana' }, maxRunTime: '2h' }] };
    const { aws, run } = await startStage(context, {
      [parameter('switch')]: 'stop',
      [parameter('policies/base')]: JSON.stringify(policy),
    });
    const line = { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'ok' };
    aws.log(LOG_GROUP, line, Date.now() - 10 * MINUTE);

    const json = await run('doctor', '--target', 'default', '--json');

    expect(json).toMatchObject({ exitCode: 0, stderr: '' });
    const { findings } = JSON.parse(json.stdout) as {
      findings: { check: string; light: string; fix: string | null }[];
    };
    expect(findings.map(({ check, light }) => `${light} ${check}`)).toEqual([
      'yellow switch',
      'green stopping',
      'green invoking sweep',
      'green invoking dispatch',
      'green ceilings',
      'green schedule',
      'green record by hand',
      'green routes of messages',
      'green settings',
      'green policy',
      'green target',
      'green credentials',
      'green listing SQL jobs',
      'green reading SQL jobs',
      'green listing Spark batches',
      'green reading Spark batches',
      'green listing Flink jobs',
      'green reading Flink jobs',
      'green listing queues',
      'green project',
      'green key',
      'green clocks',
      'green last success',
    ]);
    expect(findings.find(({ check }) => check === 'switch')?.fix).toBe('dli-reaper resume --stage dev');
    expect(aws.parameters[parameter('switch')]).toBe('stop');
    expect(aws.versions[parameter('switch')]).toBeUndefined();
    expect(aws.invocations).toEqual([]);
  });

  it.for([
    { sweeps: [1, 0, 2], says: 'in 2 sweeps of default within 24h someone else cancelled 3 jobs just before us' },
    { sweeps: [4, 0, 0], says: undefined },
    // A function of an earlier version did not count them.
    { sweeps: [undefined, undefined], says: undefined },
  ])(
    'suspects a second reaper after sweeps with $sweeps jobs cancelled by others: $says',
    async ({ sweeps, says }, context) => {
      const { aws, run } = await startStage(context);
      for (const [n, cancelledByOthers] of sweeps.entries()) {
        const line = { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'ok' };
        aws.log(LOG_GROUP, { ...line, counts: { cancelledByOthers } }, Date.now() - (n + 1) * 10 * MINUTE);
      }

      const { exitCode, stdout } = await run('doctor', '--target', 'default', '--json');

      const { findings } = JSON.parse(stdout) as { findings: { check: string; light: string; found: string }[] };
      const suspicion = findings.find(({ check }) => check === 'second reaper');
      expect(exitCode).toBe(0);
      expect(suspicion?.found).toBe(says);
      expect(suspicion?.light ?? 'yellow').toBe('yellow');
    },
  );

  it('shows before the bad night what would be refused in it', async (context) => {
    const { run } = await startStage(
      context,
      {},
      {
        refusedOperations: ['PutParameter', 'Invoke', 'FilterLogEvents'],
      },
    );

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /! stopping +dli-reaper stop would be refused \(AccessDeniedException\)\n +→ grant ssm:PutP/,
    );
    expect(stdout).toMatch(/! invoking sweep +--remote would be refused \(AccessDeniedException\)/);
    expect(stdout).toMatch(/! log +.*cannot be read \(AccessDeniedException\)\n +→ grant logs:FilterLogEvents/);
  });

  it('names the owners of a week whose messages no route was for', async (context) => {
    const { aws, run } = await startStage(context);
    const withoutRoute = (fields: object, ageMs = HOUR) =>
      aws.log(
        NOTIFY_GROUP,
        { msg: 'message without route', to: 'owner', owner: null, parameter: 'slack', target: 'lake', ...fields },
        Date.now() - ageMs,
      );
    for (const owner of ['ben', 'ana', 'ben', 'e\u001b[2Jve']) withoutRoute({ owner });
    withoutRoute({ to: 'operators' });
    withoutRoute({ owner: 'old' }, 8 * 24 * HOUR);
    aws.log(NOTIFY_GROUP, { msg: 'message published', to: 'owner' });
    aws.log(LOG_GROUP, { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'ok' });

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /! routes of messages +in 7 days 5 messages to 3 owners \(ana, ben, eve\) and the operators went to the fallback\n/,
    );
    expect(stdout).toContain('→ write a route for them below /dli-reaper/dev/notices/routes/; see docs/notices.md\n');
  });

  it('says that messages went nowhere in a stage without routes', async (context) => {
    const { aws, run } = await startStage(context);
    const line = { msg: 'message without route', to: 'operators', owner: null, parameter: null, target: 'lake' };
    aws.log(NOTIFY_GROUP, line);

    const { stdout } = await run('doctor', '--target', 'default');

    expect(stdout).toMatch(/! routes of messages +in 7 days 1 message to the operators went nowhere\n/);
  });

  it.for([
    { name: 'not known where the log cannot be read', options: { refusedOperations: ['FilterLogEvents'] }, says: true },
    { name: 'nothing of messages in a stage without them', options: { isDeployed: false }, says: false },
  ])('says $name', async ({ options, says }, context) => {
    const { run } = await startStage(context, {}, options);

    const { stdout } = await run('doctor', '--target', 'default');

    const found =
      /! routes of messages +not known who has none: the log \S+-notify cannot be read \(AccessDeniedException\)/;
    expect(found.test(stdout)).toBe(says);
    expect(stdout.includes('routes of messages')).toBe(says);
  });

  it.for([
    { name: 'is young', ageMs: 48 * HOUR, isAvailable: true, says: /^✓ key +made \w+ ago$/m },
    { name: 'is old', ageMs: 2_400 * HOUR, isAvailable: true, says: /^! key +made \w+ ago\n +→ make a new one$/m },
    {
      name: 'has an unknown age',
      ageMs: 0,
      isAvailable: false,
      says: /^! key +of unknown age, ask IAM .*: 503\n +→ look up /,
    },
  ])('asks IAM about a key of the environment that $name', async ({ ageMs, isAvailable, says }, context) => {
    const { emulator } = await startService(context, '', { jobs: [runningJob(1)], keysMadeAt: Date.now() - ageMs });
    emulator.iam.setAvailable(isAvailable);
    const { url, projectId } = emulator.connection;
    const policy = writeFile(`doctor-${ageMs}.json`, JSON.stringify(POLICY));
    const flags = ['--policy', policy, '--endpoint', url, '--project-id', projectId];

    const { exitCode, stdout } = await runHere(['doctor', ...flags], keysOf(emulator.connection));

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(says, 'm'));
  });

  it('goes on where a setting is wrong, examines every target, and names what to correct', async (context) => {
    const { aws, run } = await startStage(context, { [parameter('targets/broken')]: '{}' });
    aws.log(LOG_GROUP, { msg: 'sweep finished', target: 'default', trigger: 'schedule', status: 'failed' });

    const { exitCode, stdout } = await run('doctor');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /✗ broken: settings +.*region: missing.*\n +→ correct that parameter; docs\/deploy.md shows/,
    );
    expect(stdout).toMatch(/✓ default: listing SQL jobs +2 alive/);
    expect(stdout).toMatch(/! default: last sweep +failed at /);
    expect(stdout).toMatch(/✓ stopping /);
  });

  it('is yellow where the key is stored as a plain String', async (context) => {
    const { aws, run } = await startStage(context);
    aws.types[parameter('credentials/reaper')] = 'String';

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /! credentials +stored as a plain String: everyone who may read parameters can read the key/,
    );
    expect(stdout).toContain(`→ make a new key, delete ${parameter('credentials/reaper')}, and put the key there`);
    expect(stdout).not.toContain('✓ credentials');
  });

  it('looks at a target whose key is in Secrets Manager', async (context) => {
    const secret = '/aws/reference/secretsmanager/dli/reaper';
    const { aws, run } = await startStage(context);
    const { [parameter('targets/default')]: target = '{}', [parameter('credentials/reaper')]: key = '' } =
      aws.parameters;
    aws.put(parameter('targets/default'), JSON.stringify({ ...(JSON.parse(target) as object), credentials: secret }));

    const missing = await run('doctor', '--target', 'default');
    aws.put(secret, key);
    const { stdout } = await run('doctor', '--target', 'default');

    expect(missing.stdout).toMatch(/✗ settings +.*dli\/reaper: cannot be read .*ParameterNotFound/);
    expect(missing.stdout).toContain('grant ssm:GetParameters and secretsmanager:GetSecretValue on it');
    expect(stdout).toMatch(/✓ credentials +in Secrets Manager, \/aws\/reference\/secretsmanager\/dli\/reaper/);
    expect(stdout).toMatch(/✓ listing SQL jobs +2 alive/);
  });

  it('advises no permission if the region of AWS is missing', async (context) => {
    const { aws } = await startStage(context);
    const { AWS_REGION: _, ...env } = aws.env;

    const { exitCode, stdout } = await runHere(['doctor', '--stage', 'dev'], env);

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ switch +.*no region: set AWS_REGION.*\n +→ check AWS_REGION and AWS_PROFILE/);
    expect(stdout).not.toContain('→ grant');
    expect(stdout).not.toContain('dli-reaper init');
  });

  it('creates no switch for a stage that does not exist', async (context) => {
    const { aws } = await startStage(context);
    const before = { ...aws.parameters };

    const { exitCode, stdout } = await runHere(['doctor', '--stage', 'prdo'], aws.env);

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ switch +missing, which means stop/);
    expect(stdout).toMatch(/! stopping +not tried/);
    expect(aws.parameters).toEqual(before);
  });

  it('is yellow if only an emergency would lack a permission, and says what to do without an answer', async (context) => {
    const { emulator, run } = await startStage(context);
    emulator.faults.add({ on: 'list-flink-jobs', answer: { status: 403, body: { error_code: 'DLI.0003' } }, times: 9 });

    const softened = await run('doctor', '--target', 'default');
    await emulator.close();
    const silent = await run('doctor', '--target', 'default');

    expect(softened.stdout).toMatch(/! listing Flink jobs +.*403/);
    expect(silent.stdout).toMatch(/✗ listing SQL jobs .*\n +→ check the endpoint and the network; no answer came/);
    expect(silent.stdout).not.toContain('Spark');
  });

  it.for([
    { name: 'of another object', status: 400, code: 'DLI.0001', light: '✓' },
    { name: 'in no table', status: 400, code: 'DLI.9876', light: '✓' },
    { name: 'of a missing permission', status: 400, code: 'DLI.0003', light: '✗' },
    { name: 'of the gateway', status: 404, code: 'APIG.0101', light: '✗' },
  ])(
    'shows $light for reading where an unknown id is answered with the code $name',
    async ({ status, code, light }, context) => {
      const { emulator, run } = await startStage(context);
      const answer = { status, body: { error_code: code, error_msg: 'Job does not exist' } };
      emulator.faults.add({ on: 'show-sql-job-status', times: Infinity, answer });

      const { stdout } = await run('doctor', '--target', 'default');

      expect(stdout).toContain(`${light} reading SQL jobs`);
    },
  );

  it('is red where DLI does not tell the time, since no sweep would act', async (context) => {
    const { emulator, run } = await startStage(context);
    const headers = { date: 'never' };
    const none = { is_success: true, job_count: 0, jobs: [], queues: [] };
    const unknown = { error_code: 'DLI.0023', error_msg: 'no such job' };
    emulator.faults.add(
      { on: 'list-sql-jobs', times: Infinity, answer: { status: 200, body: none, headers } },
      { on: 'list-queues', answer: { status: 200, body: none, headers } },
      { on: 'show-sql-job-status', answer: { status: 400, body: unknown, headers } },
    );

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ clocks +DLI's answers carry no time/);
  });

  it('is red, and ends with 1, where a key is wrong', async (context) => {
    const credentials = JSON.stringify({ accessKeyId: 'wrong', secretAccessKey: 'hush' });
    const changes = { [parameter('credentials/reaper')]: credentials };
    const { emulator, run } = await startStage(context, changes, { isDeployed: false });

    const { exitCode, stdout } = await run('doctor', '--target', 'default');

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ listing SQL jobs +.*401 /);
    expect(stdout).toContain('→ correct the key or the password; five failures lock it');
    expect(stdout).toMatch(
      /✗ invoking sweep +no such function\n +→ npm run deploy -- --stage dev --region eu-central-1 /,
    );
    expect(stdout).not.toContain('hush');
    expect(emulator.requests.length).toBeLessThanOrEqual(2);
  });
});
