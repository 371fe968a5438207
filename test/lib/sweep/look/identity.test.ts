import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../../emulator/control/faults.ts';
import type { IamUser } from '../../../../emulator/gateway/iam.ts';
import type { EmulatorOptions } from '../../../../emulator/server.ts';
import type { Credentials } from '../../../../lib/dli/credentials.ts';
import { createSharedStates } from '../../../../lib/dli/shared-state.ts';
import { emergencyPolicy } from '../../../../lib/policy/emergency.ts';
import { toEmergency } from '../../../../lib/request/emergency.ts';
import type { ProjectClaim } from '../../../../lib/settings/project-claims.ts';
import type { Target } from '../../../../lib/settings/settings.ts';
import type { SweepDeps } from '../../../../lib/sweep/deps.ts';
import { askIam, iamEndpointOf, identify } from '../../../../lib/sweep/look/identity.ts';
import { emulatedJob, jobId, MINUTE, makeWorld, NOW } from '../../../helpers/world.ts';

const NAME = 'region-1_lake';
const PARAMETER = '/dli-reaper/prod/targets/lake';
const USER: IamUser = { name: 'reaper', password: 'hush', domainName: 'account' };

interface Lake {
  /** As the parameter has it; missing if it is undefined. */
  projectName?: string | undefined;
  shared?: boolean;
  others?: ProjectClaim[];
  /** Signs with a key unless set. */
  isPassword?: boolean;
  /** In place of the right secret, or password. */
  secret?: string;
  emulator?: Partial<Pick<EmulatorOptions, 'faults' | 'now'>>;
}

/** One overdue job in a project that IAM calls by `NAME`, and a live target of a stage on it. */
async function makeLake({
  projectName,
  shared = false,
  others = [],
  isPassword = false,
  secret,
  emulator = {},
}: Lake = {}) {
  const world = await makeWorld({
    jobs: [emulatedJob(1)],
    users: [USER],
    project: { name: NAME },
    ...emulator,
  });
  const { url, projectId, accessKeyId, secretAccessKey } = world.emulator.connection;
  const credentials: Credentials = isPassword
    ? {
        userName: USER.name,
        password: secret ?? USER.password,
        domainName: USER.domainName,
        iamEndpoint: new URL(url),
      }
    : { accessKeyId, secretAccessKey: secret ?? secretAccessKey };
  const own = { target: 'test', projectId, shared };
  const settings: Partial<SweepDeps> = {
    loadSettings: async (asked) => {
      const loaded = await world.deps.loadSettings(asked);
      return {
        ...loaded,
        target: { ...loaded.target, projectName, mode: 'live', region: 'region-1' },
        policy: asked.emergency === undefined ? loaded.policy : emergencyPolicy(asked.emergency),
        credentials: { name: 'reaper', read: async () => credentials },
        stage: { name: 'prod', parameter: PARAMETER, shared, readClaims: async () => [own, ...others] },
      };
    },
  };
  const asked = () => world.emulator.requests.filter(({ target }) => target.startsWith('/v3/')).length;
  const deletes = () => world.emulator.requests.filter(({ method }) => method === 'DELETE').length;
  const sweep: typeof world.sweep = (request, deps) => world.sweep(request, { ...settings, ...deps });
  return { ...world, projectId, asked, deletes, sweep };
}

const EMERGENCY = { trigger: 'emergency', emergency: toEmergency({ olderThan: 10 * MINUTE }), askedAt: NOW } as const;

const always = (answer: NonNullable<Fault['answer']>): Pick<EmulatorOptions, 'faults'> => ({
  faults: [{ on: 'show-project', times: Infinity, answer }],
});

describe('a live sweep of a target', () => {
  it.each([
    { name: 'an access key', isPassword: false },
    { name: 'a password', isPassword: true },
  ])('cancels where IAM calls the project as the target does, asked with $name', async ({ isPassword }) => {
    const lake = await makeLake({ projectName: NAME, isPassword });

    const report = await lake.sweep();

    expect(report).toMatchObject({ status: 'ok', dryRun: false, counts: { cancelled: 1 } });
    expect(report.project).toEqual({
      id: lake.projectId,
      name: NAME,
      verified: true,
      region: 'region-1',
      endpoint: new URL(lake.emulator.connection.url).host,
    });
  });

  it('asks IAM once for all sweeps of a process', async () => {
    const lake = await makeLake({ projectName: NAME });

    await lake.sweep();
    const report = await lake.sweep();

    expect(report.project).toMatchObject({ verified: true });
    expect(lake.asked()).toBe(1);
  });

  it('asks IAM nothing where a password has its token anyway', async () => {
    const lake = await makeLake({ projectName: NAME, isPassword: true });

    await lake.sweep();

    expect(lake.emulator.requests.filter(({ target }) => target.startsWith('/v3/'))).toMatchObject([
      { method: 'POST' },
    ]);
  });

  it('asks again where IAM is in trouble for a moment', async () => {
    const trouble: Fault = { on: 'show-project', times: 2, answer: { status: 503, body: '' } };
    const lake = await makeLake({ projectName: NAME, emulator: { faults: [trouble] } });

    expect(await lake.sweep()).toMatchObject({ status: 'ok', counts: { cancelled: 1 } });
    expect(lake.asked()).toBe(3);
  });

  const notTold = `whether project 0123456789abcdef0123456789abcdef is ${NAME} is not known, since IAM gave no answer: ask IAM for the name of the project:`;

  const doubts: { name: string; lake: Lake; because: string }[] = [
    {
      name: 'the name is missing',
      lake: { projectName: undefined },
      because: `${PARAMETER}: projectName: missing, and a live sweep needs it; IAM says that project 0123456789abcdef0123456789abcdef is ${NAME}; put "projectName": "${NAME}" there, if that is the project that is meant`,
    },
    {
      name: 'the name is another',
      lake: { projectName: 'region-1_sandbox' },
      because: `${PARAMETER}: IAM says that project 0123456789abcdef0123456789abcdef is ${NAME}, and not region-1_sandbox; correct projectId or projectName, whichever is wrong`,
    },
    {
      name: 'a token is for a project of another name',
      lake: { projectName: 'region-1_sandbox', isPassword: true },
      because: `is ${NAME}, and not region-1_sandbox`,
    },
    {
      name: 'the name differs in case',
      lake: { projectName: NAME.toUpperCase() },
      because: `is ${NAME}, and not ${NAME.toUpperCase()}`,
    },
    {
      name: 'IAM is out of reach',
      lake: { projectName: NAME, emulator: always('reset') },
      because: notTold,
    },
    {
      name: 'IAM is in trouble',
      lake: { projectName: NAME, emulator: always({ status: 503, body: '' }) },
      because: `${notTold} 503`,
    },
    {
      name: 'IAM refuses',
      lake: { projectName: NAME, emulator: always({ status: 403, body: { error: { code: 403, message: 'no' } } }) },
      because: `${notTold} 403; the IAM user lacks a right`,
    },
    {
      name: 'IAM knows no such project',
      lake: { projectName: NAME, emulator: always({ status: 404, body: { error: { code: 404, message: 'no' } } }) },
      because: `${notTold} 404`,
    },
    {
      name: "IAM's answer is garbled",
      lake: { projectName: NAME, emulator: always({ status: 200, body: '<html>log in</html>' }) },
      because: `${notTold} 200 without the name of that project`,
    },
    {
      name: 'IAM tells of another project',
      lake: {
        projectName: NAME,
        emulator: always({ status: 200, body: { project: { id: 'f'.repeat(32), name: NAME } } }),
      },
      because: `${notTold} 200 without the name of that project`,
    },
    {
      name: 'IAM gives a name that is none',
      lake: {
        projectName: NAME,
        emulator: always({ status: 200, body: { project: { id: '0123456789abcdef0123456789abcdef', name: 7 } } }),
      },
      because: `${notTold} 200 without the name of that project`,
    },
    {
      name: 'neither IAM nor the target tells the name',
      lake: { projectName: undefined, emulator: always({ status: 503, body: '' }) },
      because: `${PARAMETER}: projectName: missing, and a live sweep needs it; IAM gave no name for project`,
    },
    {
      name: 'another target is on the same project',
      lake: {
        projectName: NAME,
        others: [{ target: 'sandbox', projectId: '0123456789ABCDEF0123456789ABCDEF', shared: true }],
      },
      because: `${PARAMETER}: projectId: 0123456789abcdef0123456789abcdef is also the project of sandbox; correct the wrong one, or put "shared": true into all of them if this is meant`,
    },
    {
      name: 'it shares its project with one that does not',
      lake: {
        projectName: NAME,
        shared: true,
        others: [
          { target: 'beach', projectId: '0123456789abcdef0123456789abcdef', shared: true },
          { target: 'sandbox', projectId: '0123456789abcdef0123456789abcdef', shared: false },
        ],
      },
      because: 'is also the project of beach, sandbox',
    },
  ];

  describe.each([
    { what: 'by hand', request: {} },
    { what: 'by the schedule', request: { trigger: 'schedule', askedAt: NOW } as const },
    { what: 'in an emergency', request: EMERGENCY },
  ])('$what', ({ request }) => {
    it.each(doubts)('is held, and cancels no job, where $name', async ({ lake, because }) => {
      const { sweep, deletes, emulator } = await makeLake(lake);

      const report = await sweep(request);

      expect(report).toMatchObject({
        status: 'stopped',
        stoppedBy: 'identity',
        dryRun: true,
        dryRunBecause: ['identity'],
        counts: { overdue: 1, cancelled: 0, skipped: { 'dry-run': 1 } },
      });
      expect(report.problems[0]).toContain('no job was cancelled, since it is not certain');
      expect(report.problems[0]).toContain(because);
      expect(deletes()).toBe(0);
      expect(emulator.statusOf(jobId(1))).toBe('RUNNING');
    });
  });

  it('is held where it cannot be read which other targets there are', async () => {
    const lake = await makeLake({ projectName: NAME });
    const deps: Partial<SweepDeps> = {
      loadSettings: async (asked) => ({
        ...(await lake.deps.loadSettings(asked)),
        stage: {
          name: 'prod',
          parameter: PARAMETER,
          shared: false,
          readClaims: () => Promise.reject(new Error('denied')),
        },
      }),
    };

    const report = await lake.sweep({}, deps);

    expect(report.problems[0]).toContain('whether another target is on the same project is not known: denied');
    expect(lake.deletes()).toBe(0);
  });

  it('is held where its endpoint is in another region than the target says', async () => {
    const clock = { now: () => NOW, sleep: async () => {} };
    const shared = createSharedStates(clock)('test');
    shared.projectNames.set('p', NAME);
    const target: Target = {
      name: 'lake',
      endpoint: new URL('https://dli.region-2.example'),
      region: 'region-1',
      projectId: 'p',
      projectName: NAME,
      mode: 'live',
    };
    const credentials = { name: 'test', read: async () => ({ accessKeyId: 'A', secretAccessKey: 'S' }) };
    const stage = { name: 'prod', parameter: PARAMETER, shared: false, readClaims: async () => [] };
    const deps = { clock, random: () => 0.5, deadlineAt: NOW + MINUTE, shared };

    const elsewhere = await identify({ target, credentials, stage }, deps);
    const there = await identify({ target: { ...target, region: 'region-2' }, credentials, stage }, deps);

    expect(elsewhere.doubt).toContain(
      `${PARAMETER}: region is region-1, and endpoint is in region-2; correct one of them, or leave endpoint out`,
    );
    expect(there.doubt).toBeUndefined();
  });

  it('asks IAM anew after a failure', async () => {
    const lake = await makeLake({ projectName: NAME });
    lake.emulator.iam.setAvailable(false);
    const held = await lake.sweep();
    lake.emulator.iam.setAvailable(true);

    const report = await lake.sweep();

    expect([held.stoppedBy, report.stoppedBy]).toEqual(['identity', null]);
    expect(report.counts.cancelled).toBe(1);
  });

  it.each([
    { name: 'access key', isPassword: false },
    { name: 'password', isPassword: true },
  ])('does not send a wrong $name a second time, since a few refusals lock it', async ({ isPassword }) => {
    const lake = await makeLake({ projectName: NAME, isPassword, secret: 'wrong' });

    await expect(lake.sweep()).rejects.toMatchObject({ kind: 'authentication' });
    expect(lake.emulator.requests).toHaveLength(1);
  });

  it('takes a clock that is wrong for no wrong key', async () => {
    const lake = await makeLake({ projectName: NAME, emulator: { now: () => NOW + 20 * MINUTE } });

    const report = await lake.sweep();

    expect(report).toMatchObject({ status: 'stopped', stoppedBy: 'clock', project: { verified: true } });
    expect(lake.deletes()).toBe(0);
  });

  it('names region, project and id on every line of its log', async () => {
    const lake = await makeLake({ projectName: NAME });

    await lake.sweep();

    const places = lake.lines.map(({ fields: { region, projectId, projectName } }) => [region, projectId, projectName]);
    expect(places.length).toBeGreaterThan(2);
    expect(new Set(places.map(String))).toEqual(new Set([`region-1,${lake.projectId},${NAME}`]));
  });

  it('shares its project with another target where both say so', async () => {
    const others = [{ target: 'sandbox', projectId: '0123456789abcdef0123456789abcdef', shared: true }];
    const lake = await makeLake({ projectName: NAME, shared: true, others });

    expect(await lake.sweep()).toMatchObject({ status: 'ok', counts: { cancelled: 1 } });
  });
});

describe('a dry run of a target', () => {
  it('asks IAM nothing, and tells the name as the settings have it', async () => {
    const lake = await makeLake({ projectName: 'region-1_sandbox' });

    const report = await lake.sweep({ dryRun: true });

    expect(report).toMatchObject({ status: 'ok', project: { name: 'region-1_sandbox', verified: false } });
    expect(lake.asked()).toBe(0);
  });

  it('says that a live one would be held without a name', async () => {
    const lake = await makeLake();
    const notice = `${PARAMETER} has no projectName, so a live sweep would cancel no job; dli-reaper doctor --stage prod --target test shows the name`;

    expect((await lake.sweep({ dryRun: true })).notices).toContain(notice);
    expect((await lake.sweep({ ...EMERGENCY, dryRun: true })).notices).toContain(notice);
  });
});

describe('a target that is given on the command line', () => {
  it.each([
    { projectName: undefined, cancelled: 1, stoppedBy: null, asked: 0 },
    { projectName: NAME, cancelled: 1, stoppedBy: null, asked: 1 },
    { projectName: 'region-1_sandbox', cancelled: 0, stoppedBy: 'identity', asked: 1 },
  ])(
    'with the name $projectName has $cancelled job cancelled',
    async ({ projectName, cancelled, stoppedBy, asked }) => {
      const lake = await makeLake();
      const deps: Partial<SweepDeps> = {
        loadSettings: async (request) => {
          const settings = await lake.deps.loadSettings(request);
          return { ...settings, target: { ...settings.target, projectName } };
        },
      };

      const report = await lake.sweep({}, deps);

      expect(report).toMatchObject({ counts: { cancelled }, stoppedBy });
      expect(lake.asked()).toBe(asked);
    },
  );
});

describe('where IAM is', () => {
  it.each([
    { endpoint: 'https://dli.eu-de.otc.t-systems.com', region: 'eu-de', iam: 'https://iam.eu-de.otc.t-systems.com/' },
    { endpoint: 'https://proxy.example', region: 'eu-west-101', iam: 'https://iam.eu-west-101.myhuaweicloud.eu/' },
    { endpoint: 'https://proxy.example', region: undefined, iam: undefined },
  ])('is $iam for $endpoint in $region', ({ endpoint, region, iam }) => {
    expect(iamEndpointOf({ endpoint: new URL(endpoint), region })?.href).toBe(iam);
  });

  it('has to be known for an access key', async () => {
    const clock = { now: () => NOW, sleep: async () => {} };
    const deps = { clock, random: () => 0.5, deadlineAt: NOW + MINUTE, shared: createSharedStates(clock)('test') };
    const target = { name: 'lake', endpoint: new URL('https://proxy.example'), projectId: 'p', mode: undefined };
    const credentials = { name: 'test', read: async () => ({ accessKeyId: 'A', secretAccessKey: 'S' }) };

    expect(await askIam(target, credentials, deps)).toEqual({
      problem: 'the endpoint of IAM is not known: neither the endpoint of DLI nor a region gives it',
    });
  });
});
