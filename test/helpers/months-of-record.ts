import { createRandom, randomUuid } from '../../emulator/base/random.ts';
import type { Engine } from '../../lib/base/job.ts';
import { createLog } from '../../lib/base/log.ts';
import { clockOf, type LimitName } from '../../lib/policy/clocks.ts';
import type { LoggedExplanation } from '../../lib/sweep/record/explanation.ts';
import type { LogLines } from '../../lib/sweep/record/log-lines.ts';
import { type JobReport, REPORT_VERSION, type SweepReport } from '../../lib/sweep/record/report.ts';
import { logReport } from '../../lib/sweep/tell/log-report.ts';

/*
 * The record of a month of sweeps, made up: two live targets of one stage and a dry run of another, three engines, every outcome,
 * hours without sweeps, with a stop, a cap or an incomplete listing, and sweeps by hand. The lines are those that `logReport`
 * writes, with the frame of a function.
 */

/** A line as the log holds it, parsed. */
export type RecordedLine = Record<string, unknown> & { msg: string; timestamp: string };

interface MonthOptions {
  /** Epoch ms, a whole hour. */
  from: number;
  days: number;
  seed: number;
  /** About so many jobs. */
  jobs: number;
}

const HOUR = 3_600_000;
const MINUTE = 60_000;
const PERIOD_MINUTES = 30;

/** The month with the change to summer time of Europe/Berlin, and the one back. */
export const MARCH: MonthOptions = { from: Date.UTC(2026, 2, 10), days: 31, seed: 1, jobs: 5_000 };
export const OCTOBER: MonthOptions = { from: Date.UTC(2026, 9, 10), days: 31, seed: 2, jobs: 5_000 };

interface Place {
  stage: string;
  target: string;
  projectId: string;
  projectName: string;
  isDryRun: boolean;
}

const PLACES: readonly Place[] = [
  { stage: 'prod', target: 'lake', projectId: 'a'.repeat(32), projectName: 'region-1_lake', isDryRun: false },
  { stage: 'prod', target: 'finance', projectId: 'b'.repeat(32), projectName: 'region-1_finance', isDryRun: false },
  { stage: 'test', target: 'sandbox', projectId: 'c'.repeat(32), projectName: 'region-1_sandbox', isDryRun: true },
];

interface MadeRule {
  id: string;
  engine: Engine;
  queue: string;
  clock: LimitName;
  limitMs: number;
  action: 'cancel' | 'warn';
  names: readonly (string | null)[];
}

const RULES: readonly MadeRule[] = [
  {
    id: 'adhoc-2h',
    engine: 'sql',
    queue: 'adhoc',
    clock: 'maxRunTime',
    limitMs: 2 * HOUR,
    action: 'cancel',
    names: [null],
  },
  {
    id: 'bi-30m',
    engine: 'sql',
    queue: 'bi_reports',
    clock: 'maxQueueTime',
    limitMs: HOUR / 2,
    action: 'cancel',
    names: [null],
  },
  {
    id: 'batches-8h',
    engine: 'spark',
    queue: 'etl',
    clock: 'maxTotalTime',
    limitMs: 8 * HOUR,
    action: 'cancel',
    names: ['nightly-load', 'backfill', 'features'],
  },
  {
    id: 'streams-24h',
    engine: 'flink',
    queue: 'streaming',
    clock: 'maxRunTime',
    limitMs: 24 * HOUR,
    action: 'cancel',
    names: ['clicks-experiment', 'fraud-trial'],
  },
  {
    id: 'etl-slow',
    engine: 'sql',
    queue: 'etl',
    clock: 'maxRunTime',
    limitMs: 6 * HOUR,
    action: 'warn',
    names: [null],
  },
];
const UNUSED_RULE = 'ml-training-12h';

const OWNERS = ['ana', 'bo', 'chen', 'dora', 'airflow', 'dashboards', 'etl_svc'];

/** What each sweep in turn is to say of a job. The last one is where it ends. */
type Step =
  | 'cancelled'
  | 'already-terminal'
  | 'others'
  | 'unconfirmed'
  | 'failed'
  | 'none'
  | 'skip'
  | 'warned'
  | 'exempt'
  | 'group';

const PLANS: readonly { weight: number; steps: readonly Step[] }[] = [
  { weight: 50, steps: ['cancelled'] },
  { weight: 6, steps: ['already-terminal'] },
  { weight: 2, steps: ['others'] },
  { weight: 4, steps: ['unconfirmed', 'cancelled'] },
  { weight: 1, steps: ['unconfirmed', 'unconfirmed'] },
  { weight: 2, steps: ['failed', 'failed', 'cancelled'] },
  { weight: 1, steps: ['failed'] },
  { weight: 1, steps: ['none'] },
  { weight: 2, steps: ['none', 'cancelled'] },
  { weight: 5, steps: ['warned', 'warned', 'cancelled'] },
  { weight: 5, steps: ['warned', 'warned'] },
  { weight: 5, steps: ['exempt', 'exempt', 'exempt'] },
  { weight: 2, steps: ['exempt', 'cancelled'] },
  { weight: 3, steps: ['group', 'group', 'cancelled'] },
  { weight: 4, steps: ['skip', 'skip', 'cancelled'] },
  { weight: 2, steps: ['skip'] },
];

interface LiveJob {
  jobId: string;
  rule: MadeRule;
  name: string | null;
  owner: string | null;
  fingerprint: string | null;
  cus: number | null;
  since: number;
  steps: Step[];
}

type Mood = 'fine' | 'dead' | 'stopped' | 'capped' | 'partial' | 'could not run';

/** Makes the lines of a month, each target after the other. */
export function monthOfRecord(options: MonthOptions): RecordedLine[] {
  const random = createRandom(options.seed);
  return PLACES.flatMap((place) => linesOfPlace(place, options, random));
}

function linesOfPlace(place: Place, { from, days, jobs }: MonthOptions, random: () => number): RecordedLine[] {
  const lines: RecordedLine[] = [];
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const ticks = (days * 24 * 60) / PERIOD_MINUTES;
  const perTick = jobs / PLACES.length / ticks;
  let live: LiveJob[] = [];
  let flinkId = 1_000;
  let mood: Mood = 'fine';
  for (let tick = 0; tick < ticks; tick++) {
    const at = from + tick * PERIOD_MINUTES * MINUTE + MINUTE;
    mood = nextMood(mood, random);
    if (mood === 'dead') continue;
    const arrivals = Math.floor(perTick * 2 * random() + random());
    for (let n = 0; n < arrivals; n++) {
      const rule = pick(RULES);
      // Some streams are started again, under the same id.
      flinkId += random() < 0.7 ? 1 : 0;
      const name = pick(rule.names);
      live.push({
        jobId: rule.engine === 'flink' ? String(flinkId) : randomUuid(random),
        rule,
        name,
        owner: random() < 0.02 ? null : pick(OWNERS),
        fingerprint:
          rule.engine === 'sql' && random() < 0.9
            ? Math.floor(random() * 40)
                .toString(16)
                .padStart(16, '0')
            : null,
        cus: rule.engine === 'sql' ? null : pick([4, 8, 16, null]),
        since: at - rule.limitMs * (1 + 2 * random() ** 3) - MINUTE,
        steps: [...pickPlan(random)],
      });
    }
    // Two runs of one stream cannot be live at once.
    live = [...new Map(live.map((job) => [job.jobId, job])).values()];
    const isByHand = random() < 0.01;
    lines.push(...linesOfSweep(place, { at, mood: isByHand ? 'fine' : mood, isByHand, live, random }));
    if (mood === 'fine' || isByHand) live = live.filter(({ steps }) => steps.length > 0);
  }
  return lines;
}

function pickPlan(random: () => number): readonly Step[] {
  let left = random() * PLANS.reduce((sum, { weight }) => sum + weight, 0);
  for (const { weight, steps } of PLANS) {
    left -= weight;
    if (left < 0) return steps;
  }
  return ['cancelled'];
}

/** Most sweeps are fine. What is wrong lasts for some hours. */
function nextMood(mood: Mood, random: () => number): Mood {
  if (mood !== 'fine') return random() < 0.8 ? mood : 'fine';
  if (random() > 0.02) return 'fine';
  return (['dead', 'stopped', 'capped', 'partial', 'could not run'] as const)[Math.floor(random() * 5)] ?? 'fine';
}

interface SweepOptions {
  at: number;
  mood: Mood;
  isByHand: boolean;
  live: readonly LiveJob[];
  random: () => number;
}

function linesOfSweep(place: Place, { at, mood, isByHand, live, random }: SweepOptions): RecordedLine[] {
  const sweepId = randomUuid(random);
  const lines: RecordedLine[] = [];
  const frame = {
    stage: place.stage,
    ...(isByHand
      ? { recordedBy: 'arn:aws:iam::000000000000:user/olga' }
      : { periodMinutes: PERIOD_MINUTES, awsRequestId: randomUuid(random), dispatchId: `d-${at}` }),
    sweepId,
    target: place.target,
    region: 'region-1',
    projectId: place.projectId,
    projectName: place.projectName,
    trigger: isByHand ? 'emergency' : 'schedule',
  };
  const logAt = (time: number) =>
    createLog<LogLines>((level, msg, fields) => {
      const line = JSON.parse(
        JSON.stringify({ level, msg, timestamp: new Date(time).toISOString(), ...frame, ...fields }),
      );
      // No function is deployed with the level debug.
      if (level !== 'debug') lines.push(line as RecordedLine);
    });
  if (mood === 'could not run') {
    logAt(at).error('sweep could not run', { target: place.target, error: 'SettingsError: policy: missing' });
    return lines;
  }
  const made = live.map((job) => ({ job, step: job.steps[0] ?? 'skip' }));
  const chosen = mood === 'fine' && !place.isDryRun ? made.filter(({ step }) => CHOSEN.has(step)) : [];
  const hasDied = chosen.some(({ step }) => step === 'none');
  if (mood === 'fine') for (const { job } of made) job.steps.shift();
  if (chosen.length > 0) {
    logAt(at).info('victims chosen', {
      count: chosen.length,
      skipped: null,
      victims: chosen.map(({ job }) => ({
        jobId: job.jobId,
        queue: job.rule.queue,
        owner: job.owner ?? undefined,
        rule: job.rule.id,
        clock: job.rule.clock,
        limitMs: job.rule.limitMs,
        readingMs: at - job.since,
      })),
    });
  }
  // A sweep that dies leaves its victims, and no more.
  if (hasDied) return lines;
  const report = reportOf(place, { at, mood, isByHand, sweepId, made, random });
  logReport(report, logAt(at + MINUTE), (jobId) => whyOf(report.jobs.find((one) => one.jobId === jobId)));
  return lines;
}

const CHOSEN: ReadonlySet<Step> = new Set(['cancelled', 'already-terminal', 'others', 'unconfirmed', 'failed', 'none']);

interface ReportOptions extends Pick<SweepOptions, 'at' | 'mood' | 'isByHand' | 'random'> {
  sweepId: string;
  made: readonly { job: LiveJob; step: Step }[];
}

function reportOf(place: Place, { at, mood, isByHand, sweepId, made, random }: ReportOptions): SweepReport {
  const jobs = made.map(({ job, step }) => jobReportOf(job, { step, at, mood, isDryRun: place.isDryRun }));
  const count = (outcome: JobReport['outcome']) => jobs.filter((one) => one.outcome === outcome).length;
  const isBad = count('failed') + count('unconfirmed') > 0;
  const statuses = { stopped: 'stopped', capped: 'capped', partial: 'partial' } as const;
  return {
    version: REPORT_VERSION,
    sweepId,
    target: place.target,
    project: {
      id: place.projectId,
      name: place.projectName,
      verified: true,
      region: 'region-1',
      endpoint: 'dli.example',
    },
    trigger: isByHand ? 'emergency' : 'schedule',
    requestReason: isByHand ? 'the queue is full' : null,
    emergency: null,
    dryRun: place.isDryRun,
    dryRunBecause: place.isDryRun ? ['policy'] : [],
    status: mood === 'stopped' || mood === 'capped' || mood === 'partial' ? statuses[mood] : isBad ? 'failed' : 'ok',
    stoppedBy: mood === 'stopped' ? (random() < 0.3 ? 'credential' : 'switch') : null,
    problems: mood === 'fine' ? [] : [`a problem: ${mood}`],
    startedAt: new Date(at).toISOString(),
    finishedAt: new Date(at + MINUTE).toISOString(),
    counts: {
      seen: jobs.length,
      overdue: jobs.filter(({ decision }) => decision !== 'keep').length,
      toCancel: jobs.filter(({ decision }) => decision === 'cancel').length,
      warned: jobs.filter(({ warning }) => warning !== null).length,
      cancelled: count('cancelled'),
      alreadyTerminal: count('already-terminal'),
      cancelledByOthers: jobs.filter(({ endedBy }) => endedBy !== null).length,
      unconfirmed: count('unconfirmed'),
      failed: count('failed'),
      repeats: 0,
      skipped: {},
    },
    apiCalls: { list: 3, status: count('cancelled'), cancel: count('cancelled'), retries: 0, throttled: 0, again: 0 },
    caps: {
      victims: 0,
      liveJobs: 0,
      maxKills: 20,
      maxKillsPercent: 50,
      percentFloor: 5,
      drain: false,
      ceiling: 100,
      exceeded: null,
    },
    freed: null,
    credentialRefused: false,
    parameterVersions: null,
    settingsHash: 'hash',
    unmet: [],
    notices: random() < 0.02 ? ['exemption backfill (owner orders-team) ends at 2026-12-01T00:00:00.000Z, in 7d'] : [],
    rules: isByHand ? [] : [...RULES.map((rule) => effectOf(rule, { made, at, random })), unused()],
    unmanagedQueues: {},
    waiting: Object.fromEntries(
      ['adhoc', 'bi_reports', 'etl'].flatMap((queue) =>
        random() < 0.7
          ? [
              [
                queue,
                { jobs: 1 + Math.floor(random() * 9), longestMs: random() < 0.1 ? null : Math.floor(random() * HOUR) },
              ],
            ]
          : [],
      ),
    ),
    jobs,
  };
}

const unused = () => ({
  rule: UNUSED_RULE,
  action: 'cancel' as const,
  matched: 0,
  overLimit: 0,
  spared: {},
  nearest: null,
});

function effectOf(
  { id, action, limitMs, clock, engine, queue }: MadeRule,
  { made, at, random }: Pick<ReportOptions, 'made' | 'at' | 'random'>,
): NonNullable<SweepReport['rules']>[number] {
  const own = made.filter(({ job }) => job.rule.id === id);
  const exempt = own.filter(({ step }) => step === 'exempt').length;
  // Some of these jobs come over the limit later.
  const near = random() < 0.5 ? undefined : own[0]?.job;
  const readingMs = Math.floor(limitMs * (0.5 + random() / 2));
  const jobId = near?.jobId ?? (engine === 'flink' ? String(at / MINUTE) : randomUuid(random));
  return {
    rule: id,
    action,
    matched: own.length,
    overLimit: own.length - exempt,
    spared: exempt === 0 ? {} : { exempt },
    nearest: random() < 0.8 ? null : { jobId, engine, queue, owner: 'ana', clock, limitMs, readingMs },
  };
}

interface JobOptions {
  step: Step;
  at: number;
  mood: Mood;
  isDryRun: boolean;
}

function jobReportOf(job: LiveJob, { step, at, mood, isDryRun }: JobOptions): JobReport {
  const { rule, since } = job;
  const { clock, limitMs } = rule;
  const elapsedMs = at - since;
  const isOver = step !== 'warned';
  const readingMs = isOver ? elapsedMs : Math.floor(limitMs * 0.9);
  const { reading } = clockOf(clock);
  const frame: JobReport = {
    jobId: job.jobId,
    engine: rule.engine,
    name: job.name,
    queue: rule.queue,
    owner: job.owner,
    jobType: rule.engine === 'sql' ? 'QUERY' : null,
    runTimeMs: null,
    queueTimeMs: null,
    totalTimeMs: null,
    [reading]: readingMs,
    clock: isOver ? clock : null,
    limitMs,
    overLimitMs: isOver ? readingMs - limitMs : null,
    rule: rule.id,
    matched: isOver ? [rule.id] : [],
    decision: isOver ? rule.action : 'keep',
    warning: null,
    reason: 'over-limit',
    outcome: 'skipped',
    status: 'RUNNING',
    evidence: null,
    endedBy: null,
    fingerprint: null,
    repeats: null,
    cus: job.cus,
    attempts: 0,
    requestId: null,
    error: null,
  };
  if (step === 'warned') {
    const mayBeCancelledAt = new Date(at + limitMs - readingMs).toISOString();
    return {
      ...frame,
      reason: 'within-limit',
      warning: { rule: rule.id, clock, limitMs, readingMs, mayBeCancelledAt },
    };
  }
  if (step === 'exempt' || step === 'group') {
    const kept = { ...frame, clock: null, overLimitMs: null, matched: [], decision: 'keep' as const, reason: step };
    return { ...kept, rule: step === 'exempt' ? 'backfill' : rule.id };
  }
  if (rule.action === 'warn') return { ...frame, reason: 'warn' };
  if (mood === 'stopped') return { ...frame, reason: 'stopped' };
  if (mood === 'capped') return { ...frame, reason: 'cap' };
  if (mood === 'partial') return { ...frame, reason: 'partial' };
  if (isDryRun) return { ...frame, reason: 'dry-run' };
  if (step === 'skip' || step === 'none') return { ...frame, reason: 'first-sweep' };
  return { ...frame, attempts: 1, ...ENDINGS[step](job) };
}

const ENDINGS: Record<
  'cancelled' | 'already-terminal' | 'others' | 'unconfirmed' | 'failed',
  (job: LiveJob) => Partial<JobReport>
> = {
  cancelled: ({ fingerprint, rule }) => ({
    outcome: 'cancelled',
    status: rule.engine === 'spark' ? 'dead' : 'CANCELLED',
    evidence: rule.engine === 'spark' ? 'own-record' : 'status',
    fingerprint,
  }),
  'already-terminal': () => ({ outcome: 'already-terminal', status: 'FINISHED' }),
  others: () => ({ outcome: 'already-terminal', status: 'CANCELLED', endedBy: 'others' }),
  unconfirmed: () => ({ outcome: 'unconfirmed' }),
  failed: () => ({ outcome: 'failed', error: 'cancel job: DLI refused (400 DLI.0003)' }),
};

const LIMITS = ['maxRunTime', 'maxQueueTime', 'maxTotalTime'] as const;

/** A short explanation of the form that a sweep writes. */
function whyOf(job: JobReport | undefined): LoggedExplanation | undefined {
  if (job === undefined) return undefined;
  const { jobId, engine, jobType, queue, owner, status, rule, clock, limitMs, overLimitMs, decision } = job;
  const readings = { maxRunTime: job.runTimeMs, maxQueueTime: job.queueTimeMs, maxTotalTime: job.totalTimeMs };
  const match = [{ key: 'queue' as const, wanted: [queue ?? ''], found: queue, holds: 'yes' as const }];
  // The report of a job that is kept names no clock, but this one is over the limit of one.
  const counted = clock ?? LIMITS.find((limit) => readings[limit] !== null);
  const limits =
    counted === undefined || limitMs === null ? [] : [{ clock: counted, limitMs, readingMs: readings[counted] }];
  const ignore = [{ key: 'owner' as const, wanted: ['olga'], found: owner, holds: 'no' as const }];
  return {
    jobId,
    engine: engine as Engine,
    jobType,
    queue,
    owner,
    status,
    clocks: readings,
    rules: [{ rule: rule ?? 'r', match, ignore, limits, result: decision }],
    exemptions: [],
    freezes: [],
    tagExemption: null,
    verdict:
      decision === 'keep' || clock === null || limitMs === null
        ? { action: 'keep', reason: 'exempt', rule: rule ?? undefined, limitMs: undefined }
        : {
            action: decision,
            reason: 'over-limit',
            rule: rule ?? 'r',
            matched: [rule ?? 'r'],
            clock,
            limitMs,
            overLimitMs: overLimitMs ?? 0,
            savepoint: false,
            onSavepointFailure: 'keep',
          },
    otherExemptions: 0,
    otherFreezes: 0,
  };
}
