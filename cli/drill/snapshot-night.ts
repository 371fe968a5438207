import type { EmulatedFlinkJob, FlinkStatus } from '../../emulator/flink/jobs.ts';
import { FLINK_TYPES } from '../../emulator/flink/jobs.ts';
import { queuesOf } from '../../emulator/queues/queues.ts';
import type { EmulatedBatch } from '../../emulator/spark/jobs.ts';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import { isJobId, isLive, isTerminal, type Job } from '../../lib/base/job.ts';
import { emergencyPolicy } from '../../lib/policy/emergency.ts';
import { ENGINE_FACTS } from '../../lib/policy/facts.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import type { StoredLook } from '../../lib/sweep/look/look.ts';
import type { KeepReason } from '../../lib/sweep/record/verdict.ts';
import { planFrom } from '../../lib/sweep/snapshot.ts';
import { counted } from '../screen/text.ts';
import type { Night } from './night.ts';

/** Later than the end of any drill. The emulator's state has no word for never. */
const FOR_EVER_MS = 10 * 365 * 86_400_000;

interface Judging {
  policy: Policy;
  /** The policy as it was written. */
  document: unknown;
  olderThanMs: number;
}

/** Makes a night of the jobs of a snapshot. Its times move, so that the snapshot is taken `now`, in epoch ms. */
export function nightOf(stored: StoredLook, { policy, document, olderThanMs }: Judging, now: number): Night {
  const live = stored.jobs.filter(({ state }) => !isTerminal(state));
  const jobs = live.filter(({ id, engine }) => isJobId(id, engine));
  const shift = now - stored.now;
  const sql = jobs.filter(({ engine }) => engine === 'sql').map((job) => toSql(job, shift, now));
  const spark = jobs.filter(({ engine }) => engine === 'spark').map((job) => toBatch(job, shift, now));
  const flink = jobs.filter(({ engine }) => engine === 'flink').map((job) => toFlink(job, shift, now));
  const playable = { ...stored, jobs };
  return {
    takenAt: new Date(stored.now).toISOString(),
    jobs: jobs.length,
    saved: {
      version: 1,
      now,
      sql,
      spark,
      flink,
      queues: queuesOf({ sql, others: [...spark, ...flink] }, now),
      packages: [],
    },
    policy: document,
    runawaysAt: (at) => runawaysOf({ ...playable, now: at - shift }, { policy, olderThanMs }),
    unknown: unknownOf(stored, jobs, live.length),
  };
}

/** Reasons for which an emergency has to spare a job, whatever its age. */
const SPARED: readonly KeepReason[] = ['exempt', 'frozen', 'undetermined'];

/**
 * Finds the jobs that have to go: those that the policy wants cancelled, and those that are older than the age of the emergency,
 * unless their type is protected, their engine is long by design, or an exemption or a freeze covers them.
 */
async function runawaysOf(
  stored: StoredLook,
  { policy, olderThanMs }: Omit<Judging, 'document'>,
): Promise<ReadonlySet<string>> {
  const engines = stored.engines.filter((engine) => !ENGINE_FACTS[engine].isLongByDesign);
  const anyAge = { olderThanMs, jobIds: [], queue: [], owner: [], jobType: [], engines, maxKills: 0 };
  const emergency = emergencyPolicy({ ...anyAge, includeExempt: false, savepoint: true }, policy);
  const [byPolicy, byAge] = await Promise.all([planFrom(stored, policy), planFrom(stored, emergency)]);
  const wanted = byPolicy.report.jobs.filter(({ decision }) => decision === 'cancel');
  const spared = new Set(
    byAge.report.jobs.filter(({ reason }) => SPARED.some((one) => one === reason)).map(({ jobId }) => jobId),
  );
  // By what the snapshot says of each job, and not by what the reaper makes of it.
  const old = stored.jobs.filter(
    ({ id, engine, state, protection, since: { submitted } }) =>
      engines.includes(engine) &&
      isLive(state) &&
      protection === 'none' &&
      submitted !== undefined &&
      stored.now - submitted > olderThanMs &&
      !spared.has(id),
  );
  return new Set([...wanted.map(({ jobId }) => jobId), ...old.map(({ id }) => id)].map((id) => id.toLowerCase()));
}

/** Names the fields that are missing, so that the emulator leaves them out too. */
const hiddenOf = (fields: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [name] : []));

const tagsOf = ({ tags }: Job) => [...(tags ?? [])].map(([key, value]) => ({ key, value }));

function toSql(job: Job, shift: number, now: number): EmulatedJob {
  const { id, type, queue, owner, statement, database, startedAt, state, status, tags } = job;
  const submittedAt = startedAt === undefined ? now : startedAt + shift;
  const isTransfer = type === 'IMPORT' || type === 'EXPORT';
  return {
    id,
    type: type ?? '',
    queue: queue ?? '',
    owner: owner ?? '',
    statement: statement ?? '',
    tags: tagsOf(job),
    submittedAt,
    runsFrom: state === 'queued' ? now + FOR_EVER_MS : submittedAt,
    endsAt: now + FOR_EVER_MS,
    endsAs: 'FINISHED',
    ...(isTransfer && database != null && { database }),
    // A word that the emulator has not, such as that of a queue that restarts.
    ...((state === 'unknown' || state === 'operation') && status !== undefined && { shownStatus: status }),
    hiddenFields: hiddenOf({
      job_type: type ?? undefined,
      queue_name: queue,
      owner,
      statement: statement ?? undefined,
      start_time: startedAt,
      status,
      tags,
    }),
  };
}

/** "Creating a Batch Processing Job", sc_type: the compute units of each. */
const TYPES_BY_CUS: Readonly<Record<number, 'A' | 'B' | 'C'>> = { 8: 'A', 16: 'B', 32: 'C' };

function toBatch({ id, name, queue, owner, startedAt, state, status, cus = 0 }: Job, shift: number, now: number) {
  const from = startedAt === undefined ? now : startedAt + shift;
  const scType = TYPES_BY_CUS[cus];
  const batch: EmulatedBatch = {
    id,
    name: name ?? '',
    queue: queue ?? '',
    owner: owner ?? '',
    // A batch that starts goes on starting: DLI would give it up after three hours, and the snapshot says that it has not.
    life: [
      { from, state: 'starting' },
      ...(state === 'queued' ? [] : [{ from, state: 'running' as const }]),
      ...(status?.toLowerCase() === 'recovering' ? [{ from, state: 'recovering' as const }] : []),
    ],
    ...(scType !== undefined && { scType }),
    ...(state === 'unknown' && status !== undefined && { shownState: status }),
    hiddenFields: [
      ...hiddenOf({ name: name ?? undefined, queue, owner, create_time: startedAt, state: status }),
      ...(queue === undefined ? ['cluster_name'] : []),
    ],
  };
  return batch;
}

/** The emulator's word for a job that is not running. */
const FLINK_STATES: Partial<Record<Job['state'], FlinkStatus>> = {
  stopping: 'job_canceling',
  'stop-failed': 'job_cancel_fail',
};

function toFlink(job: Job, shift: number, now: number): EmulatedFlinkJob {
  const { id, name, type, queue, owner, startedAt, askedAt, state, status, tags } = job;
  const from = startedAt === undefined ? now : startedAt + shift;
  const own = FLINK_STATES[state];
  const known = FLINK_TYPES.find((one) => one === type);
  return {
    id: Number(id),
    name: name ?? '',
    type: known ?? 'flink_sql_job',
    queue: queue ?? '',
    owner: owner ?? '',
    life: [
      { from, state: 'job_submitting' },
      ...(state === 'queued' ? [] : [{ from, state: 'job_running' as const }]),
      ...(askedAt === undefined ? [] : [{ from: askedAt + shift, state: 'job_running' as const }]),
      ...(own === undefined ? [] : [{ from: now, state: own }]),
    ],
    ...(tags !== undefined && tags.size > 0 && { tags: tagsOf(job) }),
    ...(state === 'unknown' && status !== undefined && { shownStatus: status }),
    hiddenFields: hiddenOf({
      name: name ?? undefined,
      queue_name: queue,
      user_name: owner,
      // A type that the emulator has not is left out, so the job is spared, as it would be.
      job_type: known,
      status,
    }),
  };
}

/** Says what a snapshot does not, and what the drill makes of that. */
function unknownOf({ gaps, jobs: all }: StoredLook, jobs: readonly Job[], live: number): string[] {
  const sayOf = (n: number, words: (n: string) => string) => (n === 0 ? [] : [words(counted(n, 'job'))]);
  const ended = all.filter(({ state }) => isTerminal(state)).length;
  // No other engine has statements here.
  const unread = jobs.filter(({ engine, statement }) => engine === 'sql' && statement === undefined).length;
  const unstarted = jobs.filter(({ startedAt }) => startedAt === undefined).length;
  return [
    'no job of a snapshot says when it would end, so they all run on',
    ...sayOf(live - jobs.length, (n) => `${n} without an id that DLI takes, left out`),
    ...sayOf(ended, (n) => `${n} that had ended, left out`),
    ...sayOf(unread, (n) => `${n} without a statement, so rules about statements cannot judge them`),
    ...sayOf(unstarted, (n) => `${n} without a start`),
    ...gaps.map(({ what }) => `not in the snapshot: ${what}`),
  ];
}
