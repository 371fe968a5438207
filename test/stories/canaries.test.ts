import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, type TestContext } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import type { Invocation } from '../../emulator/aws/server.ts';
import type { Fault } from '../../emulator/control/faults.ts';
import { type EmulatorOptions, startEmulator } from '../../emulator/server.ts';
import { batchLife } from '../../emulator/spark/jobs.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { createLog } from '../../lib/base/log.ts';
import { createMemoryRecords } from '../../lib/notify/memory-record.ts';
import { notifyEvent } from '../../lib/notify/notify.ts';
import { postToWebhook } from '../../lib/notify/webhook.ts';
import { createPathReader } from '../../lib/settings/parameter-store.ts';
import { queueEvent, schedulerTick } from '../helpers/aws-events.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { createSearch, type Search, startTap } from '../helpers/canaries.ts';
import { startProxy, startSecureServer } from '../helpers/connect-proxy.ts';
import { emulatedBatch, emulatedFlinkJob } from '../helpers/emulated-api.ts';
import { invokeBundle } from '../helpers/lambda.ts';
import { messageJob, messageLine, operatorsLine, routeName, subscriptionEvent } from '../helpers/notices.ts';
import { startNotifyAws } from '../helpers/notify-aws.ts';
import { pageContentOf } from '../helpers/page-content.ts';
import { sweptBefore } from '../helpers/past-sweeps.ts';
import { makeFolder, runCli, runHere, runningJob } from '../helpers/run-cli.ts';
import { parameter } from '../helpers/start-stage.ts';
import { HOUR, jobId, MINUTE, NOW } from '../helpers/world.ts';

/*
 * Each input that may hold a secret holds a text of its own, and no output holds any of them: not what the functions log, throw,
 * return, count and publish, not the table and the records, and not the screens and documents of the command line. Each test also
 * checks that the inputs were used: a secret that was never read is not hidden by anything.
 *
 * Some outputs are left out, since they show an input on purpose: `snapshot --with-statements`, the tags in a snapshot, the policy
 * that `policy pull` prints, and a wrong value of the switch, which `status` quotes, since a blank in it may be the mistake.
 */

const writeFile = makeFolder();

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dli';
const TARGET = ['--target', 'default'];
const STAGE_TARGET = [...TARGET, '--stage', 'dev'];
const EMERGENCY = [
  'emergency',
  '--stage',
  'dev',
  '--all-targets',
  '--older-than',
  '2h',
  '--reason',
  'stuck',
  '--confirm',
  'dev 1',
];
const TICK = { version: '0', source: 'aws.scheduler', 'detail-type': 'Scheduled Event' };

/** It selects by statement and groups by fingerprint, so statements are read. */
const CREDENTIALS = parameter('credentials/reaper');
const POLICY = {
  version: 1,
  mode: 'live',
  maxKillsPercent: 100,
  rules: [
    { id: 'by-statement', match: { statement: '/from lineitem/i' }, maxRunTime: '2h' },
    { id: 'groups', match: { queue: 'adhoc' }, maxRunTime: '2h', groupBy: 'fingerprint' },
    { id: 'spark', engines: ['spark'], match: 'all', maxTotalTime: '2h' },
    { id: 'flink', engines: ['flink'], match: 'all', maxTotalTime: '2h' },
  ],
  notices: [{ to: 'owner', match: { owner: 'cy' }, route: 'broken' }],
};
const policyFile = writeFile('policy.json', JSON.stringify(POLICY));

const ROUTES = {
  [routeName('ana')]: JSON.stringify({ to: 'owner', match: { owner: 'ana' }, topic: TOPIC }),
  [routeName('others')]: JSON.stringify({ to: 'owner', mail: '{owner}@example.com' }),
  [routeName('ops')]: JSON.stringify({ to: 'operators', topic: `${TOPIC}-ops`, fallback: true }),
};

/**
 * A stage `dev` with its three functions and the command line. The search hears what DLI and AWS are asked and answer, and gets what
 * the functions write.
 */
async function startStage(
  { onTestFinished }: TestContext,
  search: Search,
  dli: Partial<EmulatorOptions>,
  changes: Record<string, string> = {},
) {
  const emulator = await startEmulator({ now: Date.now, random: Math.random, cancelDelayMs: 0, jobs: [], ...dli });
  const toDli = await startTap(emulator.connection.url, search);
  const [key] = dli.keys ?? [];
  const parameters = {
    ...stageParameters('dev', { ...emulator.connection, url: toDli.url }, POLICY),
    ...(key && { [CREDENTIALS]: JSON.stringify(key) }),
    ...ROUTES,
    ...changes,
  };
  const notices = await startNotifyAws(parameters);
  const play = async (name: 'sweep' | 'dispatch' | 'notify', event: unknown, requestId?: string) => {
    search.hear(JSON.stringify(event));
    const env = name === 'notify' ? { ...notices.env, EVENT_BUS: 'default', MAIL_FROM: 'reaper@example.com' } : aws.env;
    const result = await invokeBundle(name, event, env, requestId);
    search.add(`the ${name} function`, result);
    for (const line of [...result.log, ...result.metricLines]) aws.log(`/aws/lambda/dli-job-reaper-dev-${name}`, line);
    return result;
  };
  const onInvoke = async ({ name, payload, requestId }: Invocation) => {
    const { returned, threw } = await play(name.split('-').at(-1) as 'sweep', payload, requestId);
    for (const { messages } of Object.values(aws.queues)) {
      for (const { body } of messages.splice(0)) {
        search.add('a queue', body);
        await play('sweep', queueEvent(body));
      }
    }
    return { ...(returned && { returned }), ...(threw && { threw }) };
  };
  const aws = await startAwsServer(parameters, { onInvoke });
  const toAws = await startTap(aws.env.AWS_ENDPOINT_URL, search);
  sweptBefore(aws);
  onTestFinished(async () => {
    for (const { close } of [toDli, toAws]) close();
    await Promise.all([emulator.close(), aws.close(), notices.close()]);
  });
  return { emulator, aws, notices, parameters, play, url: toDli.url, env: { ...aws.env, AWS_ENDPOINT_URL: toAws.url } };
}

/** A batch that has run for three hours, by the machine's own clock. */
const oldBatch = (n: number, fields: Parameters<typeof emulatedBatch>[1] = {}) => {
  const at = Date.now() - 3 * HOUR;
  return emulatedBatch(n, { life: batchLife({ createdAt: at, runsFrom: at }), ...fields });
};

type Stage = Awaited<ReturnType<typeof startStage>>;

/** Each verb on the screen, and as JSON. */
const both = (verbs: readonly (readonly string[])[]) => verbs.flatMap((verb) => [verb, [...verb, '--json']]);

/** Runs verbs, and adds what they print. @returns their exit codes. */
async function run(search: Search, env: Record<string, string>, verbs: readonly (readonly string[])[]) {
  const exitCodes: number[] = [];
  for (const args of verbs) {
    const { exitCode, stdout, stderr } = await runHere([...args], env);
    search.add(`stdout of ${args.join(' ')}`, stdout);
    search.add(`stderr of ${args.join(' ')}`, stderr);
    exitCodes.push(exitCode ?? -1);
  }
  return exitCodes;
}

/** Adds the page of what the sweeps did, with its data as a browser opens them, and its numbers. @returns its jobs. */
async function addReport(search: Search, env: Record<string, string>) {
  const page = writeFile('report.html', '').replace('report', 'what-the-reaper-did');
  await run(search, env, [
    ['report', '--stage', 'dev', '--out', page],
    ['report', '--stage', 'dev', '--json'],
  ]);
  const content = pageContentOf(page);
  search.add('the page of report', readFileSync(page, 'utf8'));
  search.add('the data of the page of report', content);
  return content.cases;
}

/** The messages that the log of the function has so far, as a subscription brings them. */
const messagesOf = ({ aws }: Stage) => subscriptionEvent(aws.logged('message'));

/** Adds everything that the functions published, and what they keep. */
function addPublished(search: Search, { aws, notices }: Stage): void {
  search.add('topics', notices.published);
  search.add('mails', notices.mails);
  search.add('events', notices.events);
  search.add('the table', [...notices.table.values()]);
  search.add('the record of sweeps by hand', aws.linesOf('/dli-job-reaper/dev/by-hand'));
}

/** Sends the same messages over TLS, to a webhook whose address and answer are secrets. */
async function sendToWebhook(search: Search, stage: Stage): Promise<string[]> {
  const bodies: string[] = [];
  const answer = search.canary('answer of a webhook');
  const hook = await startSecureServer(['localhost'], (request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      search.hear(`${request.url} ${answer}`);
      response.writeHead(bodies.length === 1 ? 500 : 200).end(answer);
    });
  });
  const path = search.canary('path of a webhook');
  const token = search.canary('token of a webhook');
  stage.parameters[routeName('ana')] = JSON.stringify({
    to: 'owner',
    match: { owner: 'ana' },
    webhook: `https://localhost:${hook.port}/services/${path}?token=${token}`,
  });
  const sent = await notifyEvent(messagesOf(stage), {
    stage: 'dev',
    clock: systemClock,
    log: createLog((level, msg, fields) => search.add('the log of notify with a webhook', { level, msg, fields })),
    writeMetrics: (metrics) => search.add('the metrics of notify with a webhook', metrics),
    readPath: createPathReader(new SSMClient(stage.notices.client)),
    ...createMemoryRecords(systemClock.now),
    ownersPage: undefined,
    publish: async (destination, message) => {
      if (!('webhook' in destination)) return;
      await postToWebhook(destination.webhook, message.text, { timeoutMs: 60_000, ca: hook.cert });
    },
  }).catch((error: unknown) => error);
  search.add('what notify with a webhook returns', sent instanceof Error ? String(sent.stack) : sent);
  search.add('the bodies to a webhook', bodies);
  hook.close();
  return bodies;
}

/** Refuses all calls of AWS, in each of its forms, with an error that quotes a secret. */
async function startRefuser({ onTestFinished }: TestContext, search: Search, secret: string) {
  const refused = new Set<string>();
  const server = http.createServer((request, response) => {
    void text(request).then((body) => {
      const service = /\/\d+\/[^/]+\/([^/]+)\/aws4_request/.exec(request.headers.authorization ?? '')?.[1];
      refused.add(service ?? '');
      search.hear(secret);
      const isQuery = body.startsWith('Action=');
      response.writeHead(403, { 'x-amzn-errortype': 'AccessDeniedException' });
      response.end(
        isQuery
          ? `<ErrorResponse><Error><Code>AccessDenied</Code><Message>${secret}</Message></Error></ErrorResponse>`
          : JSON.stringify({ __type: 'AccessDeniedException', message: secret, Message: secret }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { refused, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe.concurrent('no output has a secret', () => {
  it('of a job: statement, settings, tags, request and reason of a failure', async (context) => {
    const search = createSearch();
    const sql = (name: string) => {
      const secret = search.canary(name);
      return `/* ${secret} */ select '${secret}', "${secret}" from lineitem as ${secret}`;
    };
    const jobs = [
      runningJob(1, {
        queue: 'bi',
        statement: sql('statement of a job that is cancelled'),
        tags: [{ key: search.canary('key of a tag'), value: search.canary('value of a tag') }],
      }),
      runningJob(2, { statement: sql('statement of a job that cannot be cancelled') }),
      runningJob(3, { statement: sql('statement of a young job'), ageMs: MINUTE }),
      runningJob(4, {
        statement: sql('statement of a failed job'),
        endsAt: Date.now() - HOUR,
        endsAs: 'FAILED',
        message: search.canary('reason of a failure'),
      }),
      runningJob(5, { statement: sql('statement of a job that is cancelled by hand'), onCancel: 'finish' }),
    ];
    const stage = await startStage(context, search, {
      jobs,
      sparkJobs: [
        oldBatch(6, {
          request: { file: search.canary('file of a batch'), args: [search.canary('argument of a batch')] },
        }),
      ],
      flinkJobs: [
        emulatedFlinkJob(146, {
          ageMs: NOW - Date.now() + 3 * HOUR,
          owner: 'ben',
          sqlBody: search.canary('statement of a Flink job'),
          entrypointArgs: search.canary('arguments of a Flink job'),
          config: { entrypoint_args: search.canary('settings of a Flink job') },
        }),
      ],
      delays: { savepointMs: 0 },
    });
    const { emulator, aws, notices, play, env } = stage;
    const body = { error_code: 'DLI.0003', error_msg: search.canary('error of a cancel') };
    const answer = { status: 400, body };
    emulator.faults.add({ on: 'cancel-sql-job', target: jobId(2), times: Number.POSITIVE_INFINITY, answer });

    await play('sweep', TICK);
    emulator.sql.add({ ...runningJob(7), queue: 'bi', statement: jobs[0]?.statement ?? '' });
    const live = ['--no-dry-run', '--verify-for', '1s'];
    await run(search, env, [['sweep', ...STAGE_TARGET, ...live, '--remote']]);
    await run(search, env, [[...EMERGENCY, '--verify-for', '1s', '--remote', '--json']]);
    await run(search, env, [['sweep', ...STAGE_TARGET, ...live, '--verbose']]);
    await play('notify', messagesOf(stage));
    const bodies = await sendToWebhook(search, stage);
    const world = await runHere(['snapshot', ...STAGE_TARGET], env);
    const { jobs: stored, ...looked } = JSON.parse(world.stdout) as { jobs: { tags: unknown }[] };
    // Tags are in a snapshot, since a policy may select by them.
    search.add('a snapshot', { ...looked, jobs: stored.map((job) => ({ ...job, tags: null })) });
    const from = ['--from', writeFile('snapshots/world.json', world.stdout), '--policy', policyFile];
    const lines = writeFile(
      'lines.jsonl',
      aws
        .logged('message')
        .map((line) => JSON.stringify(line))
        .join('\n'),
    );
    const exitCodes = await run(
      search,
      env,
      both([
        ['plan', ...STAGE_TARGET, '--spared', '--all'],
        ['plan', ...STAGE_TARGET, '--verbose'],
        ['sweep', ...STAGE_TARGET],
        ...[1, 2, 3, 4, 5].map((n) => ['why', jobId(n), ...STAGE_TARGET]),
        ['was-reaped', jobId(1), ...STAGE_TARGET],
        ['status', '--stage', 'dev'],
        ['jobs', ...STAGE_TARGET],
        ['suggest', ...STAGE_TARGET],
        ['doctor', ...STAGE_TARGET],
        ['notices', '--from', lines, '--stage', 'dev'],
        ['notices', 'announce', ...STAGE_TARGET],
        ['notices', 'test', '--to', 'owner:ana', '--stage', 'dev'],
        ['notices', 'test', '--to', 'operators', '--stage', 'dev'],
        ['policy', 'diff', policyFile, '--stage', 'dev'],
        ['plan', ...from],
        ['why', jobId(2), ...from],
        ['replay', '--snapshots', dirname(from[1] ?? ''), '--policy', policyFile],
        ['backtest', ...STAGE_TARGET],
        [
          'backtest',
          ...STAGE_TARGET,
          '--policy',
          policyFile,
          '--history',
          writeFile('past.json', '').replace('past', 'past-jobs'),
        ],
        ['emergency', ...STAGE_TARGET, '--older-than', '2h', '--reason', 'stuck', '--dry-run'],
        ['emergency', ...STAGE_TARGET, '--job-id', jobId(5), '--reason', 'stuck', '--confirm', 'default'],
      ]),
    );
    const reported = await addReport(search, env);
    addPublished(search, stage);

    expect(search.unheard()).toEqual([]);
    expect(search.found()).toEqual([]);
    expect(reported.map(({ result }) => result)).toContain('cancelled');
    // The bundled function does not trust the webhook, and a snapshot or a past without statements cannot be judged by a rule on them.
    expect(exitCodes.filter((code) => code !== 0)).toEqual([1, 1, 4, 4, 4, 4, 4, 4, 3, 3, 3, 4]);
    expect(emulator.faults.unmet()).toEqual([]);
    const rules = aws.logged('job cancelled').map(({ jobId: id, rule }) => [id, rule]);
    expect(rules).toEqual(
      expect.arrayContaining([
        [jobId(1), 'by-statement'],
        [jobId(6), 'spark'],
        ['146', 'flink'],
      ]),
    );
    expect(bodies.join()).toContain('a query like it was cancelled once more');
    expect(notices.published.length * notices.mails.length * notices.events.length).toBeGreaterThan(0);
  });

  it('of the snapshot of a drill', async () => {
    const search = createSearch();
    const at = Date.now() - 3 * HOUR;
    const job = {
      engine: 'sql',
      id: jobId(1),
      queue: 'adhoc',
      owner: 'ana',
      type: 'QUERY',
      protection: 'none',
      status: 'RUNNING',
      state: 'running',
      startedAt: at,
      since: { running: at, waiting: at, submitted: at },
      statement: `select '${search.canary('statement in a snapshot')}' from lineitem`,
      tags: { [search.canary('key of a tag')]: search.canary('value of a tag') },
    };
    const look = { takenAt: new Date().toISOString(), clockProblem: null, engines: ['sql'], gaps: [] };
    const snapshot = JSON.stringify({ version: 2, target: 'lake', ...look, jobs: [job] });
    search.hear(snapshot);
    const file = writeFile('drill.json', snapshot);
    const drill = ['drill', '--unattended', '--calls-per-minute', '60000', '--snapshot', file, '--policy', policyFile];

    expect(await run(search, { TMPDIR: dirname(file) }, both([drill]))).toEqual([0, 0]);
    expect(search.unheard()).toEqual([]);
    expect(search.found()).toEqual([]);
  });

  it('of an answer of DLI', async (context) => {
    const search = createSearch();
    const stage = await startStage(context, search, {
      jobs: [1, 2, 3].map((n) => runningJob(n, { queue: 'bi', statement: 'select * from lineitem' })),
      sparkJobs: [oldBatch(6)],
      flinkJobs: [emulatedFlinkJob(146, { ageMs: NOW - Date.now() + 3 * HOUR })],
      delays: { savepointMs: 0 },
    });
    const { emulator, play, env } = stage;
    const times = Number.POSITIVE_INFINITY;
    const refusal = (name: string) => ({
      status: 400,
      body: { error_code: 'DLI.0003', error_msg: search.canary(name), [search.canary(`key of the ${name}`)]: 1 },
    });
    const page = (name: string, status = 200) => ({ status, body: `<html>${search.canary(name)}</html>` });
    const lists: Fault[] = [
      { on: 'list-sql-jobs', target: 'LAUNCHING', times, answer: page('page in place of a list') },
      { on: 'list-spark-batches', times, answer: { ...page('page with 403', 403) } },
      { on: 'list-flink-jobs', times, answer: refusal('refusal of a list') },
      {
        on: 'list-sql-jobs',
        target: 'RUNNING',
        times,
        answer: { status: 302, body: '', headers: { location: `/${search.canary('target of a redirect')}` } },
      },
    ];
    const verbs: Fault[] = [
      { on: 'cancel-sql-job', target: jobId(1), times, answer: refusal('refusal of a cancel') },
      { on: 'cancel-sql-job', target: jobId(2), times, answer: page('page in place of a cancel', 403) },
      {
        on: 'cancel-sql-job',
        target: jobId(3),
        times,
        answer: { status: 200, body: { is_success: false, message: search.canary('message of a cancel') } },
      },
      { on: 'cancel-spark-batch', times, answer: refusal('refusal of a batch') },
      {
        on: 'stop-flink-jobs',
        times,
        answer: {
          status: 400,
          body: [{ error_code: 'DLI.15002', error_msg: search.canary('verdict on a Flink job') }],
        },
      },
      { on: 'show-project', skip: 1, times, answer: refusal('refusal of IAM') },
    ];
    const looks = [
      ['plan', ...STAGE_TARGET, '--verbose'],
      ['why', jobId(1), ...STAGE_TARGET],
      ['status', '--stage', 'dev'],
      ['jobs', ...STAGE_TARGET],
      ['doctor', ...STAGE_TARGET],
      ['snapshot', ...STAGE_TARGET],
      ['notices', 'announce', ...STAGE_TARGET],
      ['policy', 'diff', policyFile, '--stage', 'dev'],
    ];

    emulator.faults.add(...lists);
    await run(search, env, both(looks));
    const unmet = emulator.faults.unmet();
    emulator.faults.clear();
    emulator.faults.add(...verbs);
    await play('sweep', TICK);
    await run(search, env, [
      ['emergency', ...STAGE_TARGET, '--job-id', jobId(1), '--reason', 'r', '--confirm', 'default'],
    ]);
    await play('notify', messagesOf(stage));
    await run(search, env, [['was-reaped', jobId(1), ...STAGE_TARGET], ...looks]);
    addPublished(search, stage);

    expect([...unmet, ...emulator.faults.unmet()]).toEqual([]);
    expect(search.unheard()).toEqual([]);
    expect(search.found()).toEqual([]);
  });

  it('of a credential: a key with its token, a password with its token, each accepted and refused', async (context) => {
    const search = createSearch();
    const key = {
      accessKeyId: search.canary('access key'),
      secretAccessKey: search.canary('secret key'),
      securityToken: search.canary('security token'),
    };
    const user = { name: 'reaper', password: search.canary('password'), domainName: 'lake' };
    const stage = await startStage(context, search, {
      jobs: [runningJob(1, { queue: 'bi', statement: 'select * from lineitem' })],
      keys: [key],
      users: [user],
    });
    const { emulator, aws, play, env, url } = stage;
    const login = (password: string) =>
      JSON.stringify({ userName: user.name, password, domainName: user.domainName, iamEndpoint: url });
    const credentials = [
      { name: 'a key', value: JSON.stringify(key), status: 200 },
      {
        name: 'a wrong secret',
        value: JSON.stringify({ ...key, secretAccessKey: search.canary('wrong secret key') }),
        status: 401,
      },
      {
        name: 'an unknown key',
        value: JSON.stringify({ ...key, accessKeyId: search.canary('unknown access key') }),
        status: 401,
      },
      { name: 'a password', value: login(user.password), status: 200 },
      { name: 'a wrong password', value: login(search.canary('wrong password')), status: 401 },
    ];

    for (const { name, value, status } of credentials) {
      aws.put(CREDENTIALS, value);
      const from = emulator.requests.length;
      await play('sweep', TICK);
      expect({ name, statuses: emulator.requests.slice(from).map((request) => request.status) }).toEqual({
        name,
        statuses: expect.arrayContaining([status]),
      });
      await run(search, env, [
        ['plan', ...STAGE_TARGET, '--verbose'],
        ['why', jobId(1), ...STAGE_TARGET],
        ['doctor', ...STAGE_TARGET, '--json'],
        ['status', '--stage', 'dev', '--json'],
        ['jobs', ...STAGE_TARGET],
      ]);
    }
    addPublished(search, stage);
    const tokens = search.captured(/x-subject-token\n(\S+)/i);
    for (const [n, token] of tokens.entries()) search.secret(`token ${n}`, token);

    expect(tokens).not.toEqual([]);
    expect(search.unheard()).toEqual([]);
    expect(search.found()).toEqual([]);
  });

  it('of a parameter with a secret in the wrong place', async (context) => {
    const search = createSearch();
    const stage = await startStage(context, search, {
      jobs: [runningJob(1, { queue: 'bi', statement: 'select * from lineitem' })],
    });
    const { aws, parameters, play, env } = stage;
    const target = JSON.parse(parameters[parameter('targets/default')] ?? '') as object;
    const key = { accessKeyId: 'A', secretAccessKey: 'S' };
    const canary = (where: string) => search.canary(where);
    const wrong: [name: string, value: string][] = [
      ['targets/default', canary('a target that is no JSON')],
      ['targets/default', `{"region": "${canary('a broken target')}`],
      ['targets/default', JSON.stringify({ ...target, key: canary('a key in a target') })],
      [
        'targets/default',
        JSON.stringify({ ...target, endpoint: `https://me:${canary('a password in an endpoint')}@x.y` }),
      ],
      ['targets/default', JSON.stringify({ ...target, credentials: `a/${canary('a key in place of its name')}` })],
      ['policies/base', `{"rules": ${canary('a broken policy')}`],
      ['policies/base', JSON.stringify({ ...POLICY, webhook: canary('a webhook in a policy') })],
      ['policies/base', JSON.stringify({ ...POLICY, mode: canary('a mode') })],
      [
        'policies/base',
        JSON.stringify({ ...POLICY, rules: [{ id: 'r', match: 'all', maxRunTime: canary('a limit') }] }),
      ],
      [
        'policies/base',
        JSON.stringify({ ...POLICY, notices: [{ to: 'owner', webhook: canary('a webhook of a policy') }] }),
      ],
      ['credentials/reaper', canary('a credential that is no JSON')],
      ['credentials/reaper', JSON.stringify({ ...key, [canary('a key as a name')]: 'x' })],
      ['credentials/reaper', JSON.stringify({ ...key, secretAccessKey: `${canary('a key with a space')} ` })],
      ['credentials/reaper', JSON.stringify({ userName: 'a', password: `${canary('a password with a line')}\n` })],
      ['exemptions/one', canary('an exemption that is no JSON')],
      ['exemptions/one', JSON.stringify({ id: 'one', until: canary('the end of an exemption') })],
      ['freezes/one', `{"id": ${canary('a broken freeze')}`],
    ];
    const routes: [name: string, value: string][] = [
      ['notices/routes/a', canary('a route that is no JSON')],
      [
        'notices/routes/b',
        JSON.stringify({ to: 'owner', webhook: `ftp://x.y/${canary('a webhook that is not https')}` }),
      ],
      ['notices/routes/c', JSON.stringify({ to: canary('a recipient'), topic: TOPIC })],
      ['notices/routes/d', JSON.stringify({ to: 'owner', topic: canary('a topic') })],
      ['notices/routes/e', JSON.stringify({ to: 'owner', [canary('a webhook as a name')]: 'x' })],
      ['notices/routes/f', JSON.stringify({ to: 'owner', mail: `{owner}@${canary('a host of a mail')}` })],
    ];

    const withEach = async (some: Iterable<[name: string, value: string]>, work: () => Promise<void>) => {
      for (const [name, value] of some) {
        const before = parameters[parameter(name)];
        aws.put(parameter(name), value);
        await work();
        if (before === undefined) delete parameters[parameter(name)];
        else aws.put(parameter(name), before);
      }
    };

    await withEach(wrong, async () => {
      await run(search, env, [
        ['plan', ...STAGE_TARGET, '--verbose'],
        ['status', '--stage', 'dev', '--json'],
        ['doctor', ...STAGE_TARGET, '--json'],
      ]);
    });
    // One of each will do for live sweeps, since all read the parameters with the same code.
    await withEach(new Map(wrong), async () => {
      expect((await play('sweep', TICK)).threw).toMatch(/^SettingsError: /);
      await run(search, env, [['sweep', ...STAGE_TARGET, '--no-dry-run']]);
    });
    for (const [name, value] of routes) aws.put(parameter(name), value);
    const lines = writeFile('one-line.jsonl', JSON.stringify(messageLine({ owner: 'cy' })));
    const { returned } = await play('notify', subscriptionEvent([messageLine({ owner: 'cy' })]));
    expect(returned).toMatchObject({ unreadable: { length: routes.length } });
    await run(search, env, [
      ['notices', '--from', lines, '--stage', 'dev'],
      ['notices', 'test', '--to', 'owner:cy', '--stage', 'dev'],
      ['doctor', ...STAGE_TARGET],
    ]);
    addPublished(search, stage);

    expect(search.unheard()).toEqual([]);
    expect(search.found()).toEqual([]);
  });

  it('of an error of AWS', async (context) => {
    const search = createSearch();
    const stage = await startStage(context, search, { jobs: [runningJob(1)] });
    const { aws, notices, env } = stage;
    const refuser = await startRefuser(context, search, search.canary('error of AWS'));
    // The SDK warns of a queue at another address than that of the service.
    const queues = { SWEEP_QUEUE_URL: `${refuser.url}/0/sweeps.fifo`, EMERGENCY_QUEUE_URL: `${refuser.url}/0/e.fifo` };
    const all = { ...queues, AWS_ENDPOINT_URL: refuser.url };
    const allButSettings = Object.fromEntries([
      ...Object.entries(queues),
      ...['SQS', 'LAMBDA', 'CLOUDWATCH_LOGS', 'STS', 'SNS', 'SESV2', 'EVENTBRIDGE'].map((service) => [
        `AWS_ENDPOINT_URL_${service}`,
        refuser.url,
      ]),
    ]);
    const event = subscriptionEvent([messageLine(), messageLine({ owner: 'ben' }), operatorsLine()]);
    const folder = dirname(writeFile('by-hand/.keep', ''));

    for (const refused of [all, allButSettings]) {
      await run(
        search,
        { ...env, ...refused },
        both([
          ['plan', ...STAGE_TARGET, '--verbose'],
          ['status', '--stage', 'dev'],
          ['doctor', ...STAGE_TARGET],
          ['why', jobId(1), ...STAGE_TARGET],
          ['was-reaped', jobId(1), ...STAGE_TARGET],
          ['notices', 'test', '--to', 'operators', '--stage', 'dev'],
          ['sweep', ...STAGE_TARGET, '--remote'],
          [...EMERGENCY, '--remote'],
        ]),
      );
      const events = { sweep: TICK, dispatch: schedulerTick(new Date().toISOString()), notify: event };
      for (const [name, one] of Object.entries(events) as [keyof typeof events, unknown][]) {
        const own =
          name === 'notify' ? { ...notices.env, EVENT_BUS: 'default', MAIL_FROM: 'reaper@example.com' } : aws.env;
        const { threw, ...result } = await invokeBundle(name, one, { ...own, ...refused });
        search.add(`the ${name} function`, { threw, ...result });
      }
      const byHand = await runCli(['sweep', ...STAGE_TARGET, '--no-dry-run'], { ...env, ...refused }, { cwd: folder });
      search.add('a sweep by hand', byHand);
    }
    await run(search, { ...env, ...all }, [
      ['stop', '--stage', 'dev'],
      ['resume', '--stage', 'dev', '--confirm', 'dev'],
      ['exempt', 'one', '--stage', 'dev', '--owner', 'x', '--until', '7d', '--reason', 'r', '--contact', 'c'],
      ['unexempt', 'one', '--stage', 'dev', '--confirm', 'one'],
      ['freeze', 'one', '--stage', 'dev', '--all', '--until', '7d', '--reason', 'r'],
      ['unfreeze', 'one', '--stage', 'dev', '--confirm', 'one'],
      ['policy', 'push', policyFile, '--stage', 'dev', '--over-version', '1', '--confirm', 'dev'],
      ['policy', 'pull', '--stage', 'dev'],
      ['policy', 'rollback', '--stage', 'dev', '--confirm', 'dev'],
    ]);
    for (const file of readdirSync(folder)) search.add(`the file ${file}`, readFileSync(join(folder, file), 'utf8'));
    addPublished(search, stage);

    expect([...refuser.refused].sort()).toEqual([
      'dynamodb',
      'events',
      'lambda',
      'logs',
      'ses',
      'sns',
      'sqs',
      'ssm',
      'sts',
    ]);
    expect(readdirSync(folder)).toContainEqual(expect.stringContaining('by-hand'));
    expect(search.unheard()).toEqual([]);
    expect(search.found()).toEqual([]);
  });

  it('of an event that is no request, or of a line that is no message', async (context) => {
    const search = createSearch();
    const stage = await startStage(context, search, { jobs: [runningJob(1)] });
    const { play } = stage;
    const canary = (where: string) => search.canary(where);
    const emergency = {
      kind: 'emergency',
      dryRun: false,
      reason: 'r',
      olderThan: '2h',
      askedAt: new Date().toISOString(),
    };
    const data = (bytes: Buffer) => ({ awslogs: { data: bytes.toString('base64') } });
    const secretLine = (where: string) => ({ statement: `select ${canary(where)}` });
    const lines = [
      canary('a line that is no JSON'),
      { msg: 'job cancelled', ...secretLine('a line that is no message') },
      { ...messageLine(secretLine('a message of another version')), version: 2 },
      messageLine(secretLine('a message with a field too many')),
      { ...messageLine(), jobs: [{ ...messageJob(2), ...secretLine('a job with a field too many') }] },
      { ...messageLine(), jobs: [{ ...messageJob(3), limitMs: canary('a limit that is no number') }] },
    ];
    const file = writeFile('lines-with-secrets.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'));
    search.hear(readFileSync(file, 'utf8'));
    const packed = [canary('a text in gzip'), JSON.stringify({ messageType: canary('a type of message') })];
    for (const one of packed) search.hear(one);
    const events: Parameters<typeof play>[] = [
      ['sweep', canary('an event that is a text')],
      ['sweep', { kind: canary('a kind of sweep'), target: `${canary('a target')} x`, reason: [canary('a reason')] }],
      ['sweep', { ...emergency, confirm: canary('a confirmation') }],
      ['sweep', queueEvent(JSON.stringify({ dispatchId: canary('a message with one field') }))],
      ['dispatch', canary('an event of dispatch that is a text')],
      ['dispatch', { ...emergency, allTargets: true, confirm: canary('a confirmation of all') }],
      ['dispatch', { ...emergency, allTargets: true, jobIdsByTarget: { default: [canary('a job id')] } }],
      ['notify', { awslogs: canary('an event of no log') }],
      ...packed.map((one): Parameters<typeof play> => ['notify', data(gzipSync(one))]),
      ['notify', subscriptionEvent(lines)],
    ];

    await Promise.all(events.map((event) => play(...event)));
    await run(search, {}, [['notices', '--from', file]]);
    addPublished(search, stage);

    expect(search.unheard()).toEqual([]);
    expect(search.found()).toEqual([]);
  });

  it('of the files, the flags and the environment of the command line', async (context) => {
    const search = createSearch();
    const key = { accessKeyId: search.canary('access key'), secretAccessKey: search.canary('secret key') };
    const { emulator, url } = await startStage(context, search, { jobs: [runningJob(1)], keys: [key] });
    const { projectId } = emulator.connection;
    const flags = ['--policy', policyFile, '--endpoint', url, '--project-id', projectId];
    const file = (name: string, content: string) => {
      search.hear(content);
      return writeFile(name, content);
    };
    const broken = [
      file('broken.yml', `version: 1\nrules: [\n  key: ${search.canary('a key in broken YAML')}\n`),
      file('broken.json', `{"version": 1, "rules": ${search.canary('a key in broken JSON')}`),
      file('wrong.yml', `version: 1\nrules: []\nmode: ${search.canary('a wrong value in YAML')}\n`),
    ];
    const env = { HUAWEICLOUD_SDK_AK: key.accessKeyId, HUAWEICLOUD_SDK_SK: key.secretAccessKey };
    const login = {
      OS_USERNAME: 'reaper',
      OS_PASSWORD: search.canary('wrong password'),
      OS_USER_DOMAIN_NAME: 'lake',
      OS_AUTH_URL: url,
    };
    const spaced = { ...env, HUAWEICLOUD_SDK_SK: `${search.canary('secret key with a space')} ` };
    const proxy = await startProxy({ refusal: 407 });
    context.onTestFinished(proxy.close);
    const proxied = (address: string, secret: string) => address.replace('//', `//me:${search.canary(secret)}@`);
    const byProxy = { ...env, HTTPS_PROXY: proxied(proxy.url.href, 'password of a proxy') };
    const byNoProxy = { ...env, HTTPS_PROXY: proxied('socks://127.0.0.1', 'password of what is no proxy') };
    for (const one of [spaced, byProxy, byNoProxy]) search.hear(JSON.stringify(one));
    const address = proxied('https://dli.example.com', 'password in a flag');
    search.hear(address);

    const statement = `select '${search.canary('statement in a test of a policy')}' from lineitem`;
    const job = `{queue: adhoc, statement: "${statement}", running: 3h, expect: keep}`;
    const tests = file('policy.test.yml', `policy: policy.json\nnow: 2026-01-05\ntests: [{name: a, jobs: [${job}]}]\n`);
    const junit = writeFile('results.xml', '');

    await run(search, {}, both(broken.map((one) => ['validate', one])));
    expect(await run(search, {}, both([['test', tests, '--junit', junit]]))).toEqual([3, 3]);
    search.add('results of tests', readFileSync(junit, 'utf8'));
    await run(search, {}, both(broken.map((one) => ['test', one])));
    for (const one of broken) await run(search, env, [['plan', ...flags, '--policy', one]]);
    for (const one of [env, login, spaced])
      await run(
        search,
        one,
        both([
          ['plan', ...flags],
          ['jobs', ...flags.slice(2)],
        ]),
      );
    await run(search, env, both([['plan', ...flags, '--endpoint', address]]));
    for (const one of [byProxy, byNoProxy]) {
      const ran = await runCli(['plan', ...flags, '--endpoint', 'https://dli.example.com'], one);
      search.add(`a plan by ${one.HTTPS_PROXY.slice(0, 5)}`, ran);
      expect(ran.exitCode).not.toBe(0);
    }

    expect(proxy.asked).not.toEqual([]);
    expect(search.unheard()).toEqual([]);
    expect(search.found()).toEqual([]);
  });
});
