import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../lib/base/job.ts';
import { createLog, type LogFields } from '../../../../lib/base/log.ts';
import { DliResponseError } from '../../../../lib/dli/errors.ts';
import type { DliCallEvent } from '../../../../lib/dli/exchange.ts';
import { parseExemption } from '../../../../lib/policy/parse.ts';
import type { Policy } from '../../../../lib/policy/schema.ts';
import { toEmergency } from '../../../../lib/request/emergency.ts';
import type { Ends } from '../../../../lib/sweep/act/act.ts';
import type { Decision } from '../../../../lib/sweep/judge/decide.ts';
import type { JobLine } from '../../../../lib/sweep/record/log-lines.ts';
import type { Outcome, SkipReason } from '../../../../lib/sweep/record/outcome.ts';
import type { CapReport, DryRunReason, Stopped } from '../../../../lib/sweep/record/report.ts';
import { createCallCounter, type JobReport } from '../../../../lib/sweep/record/report.ts';
import { explainForLog } from '../../../../lib/sweep/tell/explain.ts';
import { logReport } from '../../../../lib/sweep/tell/log-report.ts';
import { type SweepRun, tell } from '../../../../lib/sweep/tell/tell.ts';
import { decideOne, makeJob, makePolicy, makeVictim } from '../../../helpers/make-job.ts';
import { HOUR, jobId, MINUTE, NOW } from '../../../helpers/world.ts';

const REFUSED = new DliResponseError('cancel job', { status: 400, errorCode: 'DLI.0003', requestId: 'req-1' });
const CANCELLED: Outcome = { kind: 'cancelled', status: 'CANCELLED', evidence: 'status' };
const PROJECT = { id: 'p1', name: 'region-1_lake', verified: true, region: 'region-1', endpoint: 'dli.example' };
const FINISHED: Outcome = { kind: 'already-terminal', status: 'FINISHED' };
const FAILED: Outcome = { kind: 'failed', error: REFUSED };
const UNCONFIRMED: Outcome = { kind: 'unconfirmed', error: undefined };

const SWITCHED_OFF: Stopped = { by: 'switch', because: 'the switch' };

const CAPS: CapReport = {
  victims: 1,
  liveJobs: 20,
  exceeded: null,
  maxKills: 20,
  maxKillsPercent: 50,
  percentFloor: 10,
  drain: false,
  ceiling: null,
};

/** What the stages of a sweep hand to `tell`, as far as it shows in the report. */
interface Facts extends Pick<SweepRun, 'request' | 'dryRunBecause' | 'notices'>, Ends {
  decisions: readonly Decision[];
  caps: CapReport;
  policy: Policy;
  gaps: readonly string[];
}

/** A live sweep whose victims 0, 1, … came to the outcomes given. */
function makeFacts(outcomes: readonly Outcome[], changes: Partial<Facts> = {}): Facts {
  return {
    request: {
      sweepId: 'sweep-1',
      trigger: 'manual',
      target: 'prod',
      dryRun: false,
      maxKills: undefined,
      verifyForMs: MINUTE,
      reason: 'queue is stuck',
    },
    dryRunBecause: [],
    decisions: outcomes.map((_, n) => makeVictim(n)),
    cancellations: [],
    outcomes: new Map(outcomes.map((outcome, n) => [jobId(n), outcome])),
    askedAgain: 0,
    stopped: undefined,
    caps: CAPS,
    freed: undefined,
    policy: makePolicy(),
    notices: [],
    gaps: [],
    ...changes,
  };
}

function tellOf({ request, dryRunBecause, notices, decisions, caps, policy, gaps, ...ends }: Facts) {
  return tell(
    {
      request,
      dryRunBecause,
      project: PROJECT,
      notices,
      isSwitchedOn: true,
      startedAt: NOW,
      finishedAt: NOW + MINUTE,
      apiCalls: { list: 2, status: 0, cancel: 0, retries: 0, throttled: 0 },
    },
    {
      engines: ['sql'],
      jobs: decisions.map(({ job }) => job),
      now: NOW,
      clockProblem: undefined,
      gaps: gaps.map((what) => ({ engine: 'sql', what })),
      countLive: async () => 0,
    },
    {
      decisions,
      caps,
      context: { policy, exemptions: [], now: NOW },
      overdue: [],
      chosen: [],
      spared: new Map(),
      obstacle: undefined,
      gaps: [],
    },
    ends,
  );
}

const skipped = (reason: SkipReason): Outcome => ({ kind: 'skipped', reason });
const LATE = skipped('deadline');
const LIMITED = { id: 'r', match: 'all', maxRunTime: '2h' };
const advisory = (action: 'log' | 'warn') => decideOne(makeJob(), makePolicy({ rules: [{ ...LIMITED, action }] }));

const decided = (fields: Partial<Job>): Decision => decideOne(makeJob(fields));
const young = decided({ id: jobId(90), startedAt: NOW });

describe('tell', () => {
  it('tells what was asked, when, and of each job what was decided and became of it', () => {
    const report = tellOf(
      makeFacts([FAILED], {
        askedAgain: 4,
        cancellations: [
          {
            victim: makeVictim(0),
            result: { kind: 'refused', error: REFUSED, attempts: 2, requestId: 'req-1' },
            askedAt: NOW,
          },
        ],
      }),
    );

    expect(report).toEqual({
      version: 2,
      sweepId: 'sweep-1',
      target: 'prod',
      project: PROJECT,
      trigger: 'manual',
      requestReason: 'queue is stuck',
      emergency: null,
      dryRun: false,
      dryRunBecause: [],
      status: 'failed',
      stoppedBy: null,
      problems: ['1 failed: DLI refused to cancel or gave up, and they were then read as alive'],
      startedAt: '2026-01-05T09:00:00.000Z',
      finishedAt: '2026-01-05T09:01:00.000Z',
      counts: {
        seen: 1,
        overdue: 1,
        toCancel: 1,
        warned: 0,
        cancelled: 0,
        alreadyTerminal: 0,
        cancelledByOthers: 0,
        unconfirmed: 0,
        failed: 1,
        repeats: 0,
        skipped: {},
      },
      apiCalls: { list: 2, status: 0, cancel: 0, retries: 0, throttled: 0, again: 4 },
      caps: CAPS,
      freed: null,
      credentialRefused: false,
      parameterVersions: null,
      settingsHash: null,
      unmet: [],
      notices: [],
      rules: [{ rule: 'r', action: 'cancel', matched: 0, overLimit: 0, spared: {}, nearest: null }],
      unmanagedQueues: {},
      waiting: {},
      jobs: [
        {
          jobId: jobId(0),
          engine: 'sql',
          name: null,
          queue: 'adhoc',
          owner: 'ana',
          jobType: 'QUERY',
          runTimeMs: 3 * HOUR,
          queueTimeMs: null,
          totalTimeMs: 3 * HOUR,
          clock: 'maxRunTime',
          limitMs: 2 * HOUR,
          overLimitMs: HOUR,
          rule: 'r',
          matched: ['r'],
          decision: 'cancel',
          warning: null,
          fingerprint: null,
          repeats: null,
          reason: 'over-limit',
          outcome: 'failed',
          status: 'RUNNING',
          evidence: null,
          endedBy: null,
          cus: null,
          attempts: 2,
          requestId: 'req-1',
          error:
            'cancel job: 400 DLI.0003 (request req-1); the IAM user lacks a right; docs/deploy.md lists those it needs',
        },
      ],
    });
  });

  it('writes null for what is not known', () => {
    const nameless = { queue: undefined, owner: undefined, type: undefined, status: undefined, startedAt: undefined };
    const report = tellOf(makeFacts([], { decisions: [decided({ ...nameless, state: 'unknown' })] }));

    expect(report.jobs).toMatchObject([
      {
        queue: null,
        owner: null,
        jobType: null,
        status: null,
        runTimeMs: null,
        attempts: 0,
        requestId: null,
        error: null,
      },
    ]);
  });

  it.each([
    { name: 'the status last read', outcome: CANCELLED, expected: { status: 'CANCELLED', reason: 'over-limit' } },
    { name: 'why it was skipped', outcome: LATE, expected: { status: 'RUNNING', reason: 'deadline' } },
    { name: 'no error where there is none', outcome: UNCONFIRMED, expected: { status: 'RUNNING', error: null } },
  ])('tells of a job $name', ({ outcome, expected }) => {
    expect(tellOf(makeFacts([outcome])).jobs).toMatchObject([expected]);
  });

  it.each(['log', 'warn'] as const)(
    'tells of a job whose rule says %s that it is over, and not asked to stop',
    (action) => {
      const { counts, status, problems, jobs } = tellOf(makeFacts([], { decisions: [advisory(action)] }));

      expect(jobs).toMatchObject([
        {
          decision: action,
          reason: action,
          outcome: 'skipped',
          status: 'RUNNING',
          attempts: 0,
          rule: 'r',
          matched: ['r'],
          clock: 'maxRunTime',
          runTimeMs: 3 * HOUR,
          limitMs: 2 * HOUR,
        },
      ]);
      expect(counts).toMatchObject({ seen: 1, overdue: 1, toCancel: 0, skipped: { [action]: 1 } });
      expect({ status, problems }).toEqual({ status: 'ok', problems: [] });
    },
  );

  it('tells of a job that waits how long, which is no running time', () => {
    const policy = makePolicy({ rules: [{ id: 'line', match: 'all', maxQueueTime: '30m', action: 'warn' }] });
    const waiting = decideOne(makeJob({ status: 'LAUNCHING', state: 'queued' }), policy);

    const { jobs } = tellOf(makeFacts([], { decisions: [waiting] }));

    expect(jobs).toMatchObject([
      { runTimeMs: null, queueTimeMs: 3 * HOUR, clock: 'maxQueueTime', limitMs: 30 * MINUTE, status: 'LAUNCHING' },
    ]);
  });

  it('tells of a job every rule that found it over its limit', () => {
    const rules = [
      { id: 'slow', match: 'all', maxTotalTime: '1h', action: 'log' },
      { id: 'night', match: { owner: 'bo*' }, maxRunTime: '1h' },
      { id: 'adhoc', match: { queue: 'adhoc' }, maxRunTime: '2h', action: 'warn' },
    ];

    const { jobs } = tellOf(makeFacts([], { decisions: [decideOne(makeJob(), makePolicy({ rules }))] }));

    expect(jobs).toMatchObject([{ rule: 'adhoc', matched: ['adhoc', 'slow'], clock: 'maxRunTime' }]);
  });

  it('tells of a job that it keeps which exemption or rule spares it, and no clock that it is over', () => {
    const exemption = parseExemption({
      id: 'backfill',
      reason: 'one more night',
      owner: 'orders',
      until: '2026-12-31',
      match: { owner: 'ana' },
    });
    const decisions = [decideOne(makeJob(), makePolicy(), [exemption]), decided({ id: jobId(2), startedAt: NOW })];

    const { jobs } = tellOf(makeFacts([], { decisions }));

    expect(jobs).toMatchObject([
      { decision: 'keep', reason: 'exempt', rule: 'backfill', matched: [], clock: null, limitMs: null },
      { decision: 'keep', reason: 'within-limit', rule: 'r', matched: [], clock: null, limitMs: 2 * HOUR },
    ]);
  });

  it('counts the jobs on queues that no rule names', () => {
    const policy = makePolicy({
      rules: [
        { ...LIMITED, id: 'a', match: { queue: ['adhoc', 'bi_*'] } },
        { ...LIMITED, id: 'b', match: { owner: 'ana', queue: '/^tmp_/' }, ignore: { queue: 'tmp_keep' } },
      ],
    });
    const queues = ['etl', 'bi_reports', 'etl', 'tmp_1', 'tmp_keep', 'ml', 'adhoc', undefined, 'ETL'];
    const decisions = queues.map((queue, n) => decideOne(makeJob({ id: jobId(n), queue, startedAt: NOW }), policy));

    const { unmanagedQueues } = tellOf(makeFacts([], { decisions, policy }));

    expect(unmanagedQueues).toEqual({ etl: 2, ml: 1, ETL: 1 });
  });

  it.each([
    { name: 'all', match: 'all' },
    { name: 'an owner, and any queue', match: { owner: 'bo' } },
  ])('knows no unmanaged queue beside a rule for $name', ({ match }) => {
    const policy = makePolicy({
      rules: [
        { ...LIMITED, id: 'a', match: { queue: 'etl' } },
        { ...LIMITED, match },
      ],
    });

    const { unmanagedQueues } = tellOf(makeFacts([], { decisions: [young], policy }));

    expect(unmanagedQueues).toEqual({});
  });

  it('says how many jobs wait on each queue, and the longest wait that is known', () => {
    const policy = makePolicy();
    const waiting = (n: number, queue: string | undefined, since: number | undefined) => {
      const at = { running: undefined, waiting: since, submitted: since };
      return decideOne(makeJob({ id: jobId(n), queue, state: 'queued', status: 'LAUNCHING', since: at }), policy);
    };
    const decisions = [
      waiting(0, 'etl', NOW - HOUR),
      waiting(1, 'etl', NOW - 3 * HOUR),
      waiting(2, 'etl', undefined),
      waiting(3, 'bi', undefined),
      waiting(4, undefined, NOW - HOUR),
      young,
    ];

    expect(tellOf(makeFacts([], { decisions, policy })).waiting).toEqual({
      etl: { jobs: 3, longestMs: 3 * HOUR },
      bi: { jobs: 1, longestMs: null },
    });
  });

  it('passes on the state of the caps and the notices', () => {
    const caps = { ...CAPS, victims: 7, liveJobs: 60, drain: true };

    expect(tellOf(makeFacts([], { caps, notices: ['exemption a ends'] }))).toMatchObject({
      caps,
      notices: ['exemption a ends'],
      status: 'ok',
      problems: [],
    });
  });

  it.each([
    { name: 'cancels none', drain: false, ceiling: null, dryRunBecause: [], says: 'no job was cancelled' },
    { name: 'drains', drain: true, dryRunBecause: [], says: 'only the worst were cancelled' },
    {
      name: 'is a dry run',
      drain: false,
      says: 'a live sweep would cancel no job',
      dryRunBecause: ['request'] satisfies DryRunReason[],
    },
    {
      name: 'is a dry run and would drain',
      drain: true,
      says: 'a live sweep would cancel only the worst',
      dryRunBecause: ['policy'] satisfies DryRunReason[],
    },
  ])('words the cap for a sweep that $name', ({ drain, dryRunBecause, says }) => {
    const caps = { ...CAPS, drain, exceeded: '9 victims are more than maxKills 8' };

    const report = tellOf(makeFacts([skipped('cap')], { caps, dryRunBecause }));

    expect(report.status).toBe('capped');
    expect(report.problems).toEqual([`over the cap, so ${says}: 9 victims are more than maxKills 8`]);
  });

  it('is capped although a drain cancelled the worst', () => {
    const caps = { ...CAPS, drain: true, exceeded: 'too many' };

    const report = tellOf(makeFacts([CANCELLED, skipped('cap')], { caps }));

    expect(report).toMatchObject({ status: 'capped', counts: { overdue: 2, cancelled: 1, skipped: { cap: 1 } } });
  });

  it('counts jobs that no rule is for, and does not list them', () => {
    const policy = makePolicy({ rules: [{ id: 'r', match: { queue: 'etl' }, maxRunTime: '2h' }] });
    const report = tellOf(makeFacts([], { decisions: [decideOne(makeJob(), policy), young] }));

    expect(report.counts).toMatchObject({ seen: 2, overdue: 0, skipped: { 'no-rule': 1, 'within-limit': 1 } });
    expect(report.jobs.map(({ jobId: id }) => id)).toEqual([jobId(90)]);
  });

  it('lists jobs by queue and then id, those without a queue first', () => {
    const decisions = [
      { id: jobId(3), queue: 'b' },
      { id: jobId(4), queue: 'a' },
      { id: jobId(2), queue: 'b' },
      { id: jobId(5), queue: undefined },
    ].map((fields) => decided({ ...fields, startedAt: NOW }));

    const { jobs } = tellOf(makeFacts([], { decisions }));

    expect(jobs.map(({ jobId: id }) => id)).toEqual([jobId(5), jobId(4), jobId(2), jobId(3)]);
  });

  it.each([
    { name: 'nothing was to do', outcomes: [], facts: {}, status: 'ok' },
    { name: 'every victim ended', outcomes: [CANCELLED, FINISHED], facts: {}, status: 'ok' },
    { name: 'a victim lives on', outcomes: [CANCELLED, FAILED], facts: {}, status: 'failed' },
    { name: 'a victim was not seen to stop', outcomes: [CANCELLED, UNCONFIRMED], facts: {}, status: 'failed' },
    {
      name: 'a cap, whatever failed',
      outcomes: [FAILED],
      facts: { caps: { ...CAPS, exceeded: 'too many' } },
      status: 'capped',
    },
    { name: 'a gap, whatever failed', outcomes: [FAILED], facts: { gaps: ['page 2'] }, status: 'partial' },
    { name: 'the deadline, whatever failed', outcomes: [FAILED, LATE], facts: {}, status: 'partial' },
    {
      name: 'a gap, whatever the cap',
      outcomes: [],
      status: 'partial',
      facts: { gaps: ['page 2'], caps: { ...CAPS, exceeded: 'too many' } },
    },
    {
      name: 'a stop, whatever else',
      outcomes: [FAILED, LATE],
      status: 'stopped',
      facts: { stopped: SWITCHED_OFF, gaps: ['page 2'], caps: { ...CAPS, exceeded: 'too many' } },
    },
  ])('is $status after $name', ({ outcomes, facts, status }) => {
    expect(tellOf(makeFacts(outcomes, facts)).status).toBe(status);
  });

  it('tells every problem, in the order of what they keep from being done', () => {
    const facts = {
      stopped: SWITCHED_OFF,
      gaps: ['page 2', 'page 3'],
      caps: { ...CAPS, exceeded: '9 victims' },
    };

    const { problems } = tellOf(makeFacts([FAILED, FAILED, UNCONFIRMED, LATE], facts));

    expect(problems).toEqual([
      'stopped: the switch',
      'listing incomplete: page 2',
      'listing incomplete: page 3',
      'the deadline came before 1 of the overdue jobs',
      'over the cap, so no job was cancelled: 9 victims',
      '2 failed: DLI refused to cancel or gave up, and they were then read as alive',
      '1 unconfirmed: asked to stop, not yet seen to stop',
    ]);
  });

  it('counts as overdue what a rule found over its limit, and apart what is to be cancelled', () => {
    const decisions = [makeVictim(0), advisory('warn'), advisory('log'), young];

    const report = tellOf({ ...makeFacts([CANCELLED]), decisions });

    expect(report.counts).toMatchObject({ seen: 4, overdue: 3, toCancel: 1, cancelled: 1 });
  });

  it('has no problems when all went well', () => {
    expect(tellOf(makeFacts([CANCELLED, FINISHED])).problems).toEqual([]);
  });

  it('says who kept it from cancelling', () => {
    expect(tellOf(makeFacts([], { dryRunBecause: ['target'] }))).toMatchObject({
      dryRun: true,
      dryRunBecause: ['target'],
    });
  });

  it('does not report on a victim whose outcome is missing', () => {
    const facts = makeFacts([CANCELLED], { outcomes: new Map() });

    expect(() => tellOf(facts)).toThrow(`no outcome for job ${jobId(0)}`);
  });

  it('counts every job seen under exactly one outcome', () => {
    const outcome = fc.constantFrom(CANCELLED, FINISHED, FAILED, UNCONFIRMED, LATE);
    fc.assert(
      fc.property(fc.array(outcome), fc.nat({ max: 9 }), (outcomes, keptCount) => {
        const facts = makeFacts(outcomes);
        const kept = Array.from({ length: keptCount }, () => young);

        const { counts } = tellOf({ ...facts, decisions: [...facts.decisions, ...kept] });

        const { seen, overdue, toCancel, skipped, ...others } = counts;
        const sum = [...Object.values(others), ...Object.values(skipped)].reduce((a, b) => a + b, 0);
        expect([seen, overdue, toCancel]).toEqual([outcomes.length + keptCount, outcomes.length, outcomes.length]);
        expect(sum).toBe(seen);
      }),
    );
  });

  it('says which selectors are for no job that was looked at, but in an emergency, which is for some jobs only', () => {
    const policy = makePolicy({ rules: [{ ...LIMITED, match: { queue: 'etl' } }] });
    const facts = makeFacts([], { policy, decisions: [decideOne(makeJob(), policy)] });
    const emergency = toEmergency({ olderThan: HOUR });

    expect(tellOf(facts).notices).toEqual(['no job that was looked at is matched by rules r']);
    expect(tellOf({ ...facts, request: { ...facts.request, emergency } }).notices).toEqual([]);
  });
});

describe('logReport', () => {
  function linesOf(facts: Facts, explainJob?: Parameters<typeof logReport>[2]) {
    const lines: { level: string; msg: string; fields: LogFields }[] = [];
    const log = createLog((level, msg, fields) => void lines.push({ level, msg, fields: { ...fields } }));
    logReport(tellOf(facts), log, explainJob);
    return lines;
  }

  it.each([
    { outcome: CANCELLED, level: 'info', msg: 'job cancelled' },
    { outcome: FINISHED, level: 'info', msg: 'job already terminal' },
    { outcome: LATE, level: 'info', msg: 'job not asked to stop' },
    { outcome: UNCONFIRMED, level: 'error', msg: 'job not seen to stop' },
    { outcome: FAILED, level: 'error', msg: 'job not cancelled' },
  ])('writes "$msg" at $level for a victim that is $outcome.kind', ({ outcome, level, msg }) => {
    expect(linesOf(makeFacts([outcome]))[0]).toMatchObject({
      level,
      msg,
      fields: { jobId: jobId(0), outcome: outcome.kind } satisfies Partial<JobReport>,
    });
  });

  it.each([
    { reason: 'within-limit', job: { startedAt: NOW }, level: 'debug' },
    { reason: 'queued', job: { state: 'queued' }, level: 'debug' },
    { reason: 'terminal', job: { state: 'finished' }, level: 'debug' },
    { reason: 'protected', job: { type: 'DDL' }, level: 'info' },
    { reason: 'undetermined', job: { startedAt: undefined }, level: 'info' },
    { reason: 'ignored', job: { owner: 'dashboards' }, level: 'info' },
  ] as const)('writes a job kept as $reason at $level', ({ reason, job, level }) => {
    const policy = makePolicy({ rules: [{ ...LIMITED, ignore: { owner: 'dashboards' } }] });

    expect(linesOf(makeFacts([], { decisions: [decideOne(makeJob(job), policy)] }))[0]).toMatchObject({
      level,
      msg: 'job kept',
      fields: { reason },
    });
  });

  it.each([
    { action: 'log', level: 'info' },
    { action: 'warn', level: 'warn' },
  ] as const)('writes a job whose rule says $action at $level', ({ action, level }) => {
    expect(linesOf(makeFacts([], { decisions: [advisory(action)] }))[0]).toMatchObject({
      level,
      msg: 'job overdue',
      fields: { decision: action, rule: 'r', matched: ['r'] },
    });
  });

  it('writes the notices before the jobs, at debug: the summary has them', () => {
    const lines = linesOf(makeFacts([CANCELLED], { notices: ['exemption a ends', 'exemption b expired'] }));

    expect(lines.slice(0, 2)).toEqual([
      { level: 'debug', msg: 'notice', fields: { notice: 'exemption a ends' } },
      { level: 'debug', msg: 'notice', fields: { notice: 'exemption b expired' } },
    ]);
    expect(lines.at(-1)?.fields).toMatchObject({ notices: ['exemption a ends', 'exemption b expired'] });
    expect(lines.slice(2).map(({ msg }) => msg)).toEqual(['job cancelled', 'sweep finished']);
  });

  it('writes why to the jobs that are usually shown, and works it out for no other', () => {
    const decisions = [decided({ startedAt: undefined }), decided({ id: jobId(2), startedAt: NOW })];
    const byId = new Map(decisions.map((decision) => [decision.job.id, decision]));
    const asked: string[] = [];

    const all = linesOf(makeFacts([], { decisions }), (id) => {
      asked.push(id);
      const decision = byId.get(id);
      return decision && explainForLog(decision, { policy: makePolicy(), exemptions: [], now: NOW });
    });
    const lines = all.filter(({ msg }) => msg !== 'notice');

    expect(asked).toEqual([jobId(1)]);
    expect(lines[0]).toMatchObject({ level: 'info', fields: { jobId: jobId(1), why: expect.any(String) } });
    // A text, which Logs Insights can search.
    expect(JSON.parse(String((lines[0]?.fields as JobLine | undefined)?.why))).toMatchObject({
      jobId: jobId(1),
      rules: [{ rule: 'r', result: 'undetermined' }],
    });
    expect(lines[1]?.level).toBe('debug');
    expect(lines[1]?.fields).not.toHaveProperty('why');
  });

  it('writes the summary last, and without the jobs', () => {
    const lines = linesOf(makeFacts([CANCELLED, FAILED]));

    expect(lines.map(({ msg }) => msg)).toEqual(['job cancelled', 'job not cancelled', 'sweep finished']);
    expect(lines.at(-1)?.fields).toMatchObject({ status: 'failed', counts: { seen: 2 } });
    expect(lines.at(-1)?.fields).not.toHaveProperty('jobs');
  });

  it.each([
    { name: 'a sweep that went well', outcomes: [CANCELLED], facts: {}, level: 'info' },
    { name: 'a failed one', outcomes: [FAILED], facts: {}, level: 'error' },
    { name: 'a partial one', outcomes: [], facts: { gaps: ['page 2'] }, level: 'error' },
    { name: 'a stopped one', outcomes: [], facts: { stopped: SWITCHED_OFF }, level: 'error' },
    { name: 'a capped one', outcomes: [], facts: { caps: { ...CAPS, exceeded: 'too many' } }, level: 'error' },
    {
      name: 'a capped one that was a dry run anyway',
      outcomes: [],
      level: 'info',
      facts: { caps: { ...CAPS, exceeded: 'too many' }, dryRunBecause: ['request'] } satisfies Partial<Facts>,
    },
    {
      name: 'a partial one that was a dry run anyway',
      outcomes: [],
      level: 'error',
      facts: { gaps: ['page 2'], dryRunBecause: ['request'] } satisfies Partial<Facts>,
    },
  ])('writes the summary of $name at $level', ({ outcomes, facts, level }) => {
    expect(linesOf(makeFacts(outcomes, facts)).at(-1)).toMatchObject({ level, msg: 'sweep finished' });
  });
});

describe('createCallCounter', () => {
  it('counts calls by kind, and among them the repeated and the throttled ones', () => {
    const { apiCalls, onCall } = createCallCounter();
    const event = (call: DliCallEvent['call'], attempt: number, status: number): DliCallEvent => ({
      call,
      attempt,
      status,
      error: status === 200 ? undefined : new DliResponseError('read', { status }),
    });

    onCall(event('list', 1, 429));
    onCall(event('list', 2, 503));
    onCall(event('list', 3, 200));
    onCall(event('status', 1, 200));
    onCall(event('cancel', 1, 504));
    onCall(event('cancel', 2, 429));

    expect(apiCalls).toEqual({ list: 3, status: 1, cancel: 2, retries: 3, throttled: 2 });
  });

  it('starts at zero every time', () => {
    createCallCounter().onCall({ call: 'list', attempt: 1, status: 200, error: undefined });

    expect(createCallCounter().apiCalls).toEqual({ list: 0, status: 0, cancel: 0, retries: 0, throttled: 0 });
  });
});
