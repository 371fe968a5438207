import { flinkStatusAt, isFlinkOver } from '../../emulator/flink/jobs.ts';
import type { Emulator } from '../../emulator/server.ts';
import { batchStateAt, isBatchOver } from '../../emulator/spark/jobs.ts';
import { isOver, statusAt } from '../../emulator/sql/jobs.ts';
import type { Engine } from '../../lib/base/job.ts';
import { JOB_LINES, type LogLines } from '../../lib/sweep/record/log-lines.ts';
import type { Night } from './night.ts';

/** What became of a job, by the emulator alone. */
interface Fate {
  jobId: string;
  engine: Engine;
  queue: string;
  owner: string;
  status: string;
  isOver: boolean;
  /** When an order stopped it, or will stop it, epoch ms; undefined if none does. */
  stoppedAt: number | undefined;
}

/** A drill that has been played. */
export interface Played {
  night: Night;
  emulator: Pick<Emulator, 'sql' | 'spark' | 'flink' | 'requests'>;
  /** What the stage wrote to its logs during the drill, each line as JSON. */
  logLines: readonly { message: string }[];
  /** Requests to the emulator before the drill began. */
  requestsBefore: number;
  /** Epoch ms. */
  startedAt: number;
  now: number;
}

/** What a drill was worth. It is read from the emulator, and compared with what the stage said. */
export interface Debrief {
  startedAt: number;
  endedAt: number;
  /** From the start to the end of the first job that was stopped, in ms; null if none was. */
  firstStoppedMs: number | null;
  /** From the start to the end of the last runaway; null while one is left. */
  lastStoppedMs: number | null;
  /** Number of runaways at the start. */
  runaways: number;
  /** Those that are still alive. */
  left: Fate[];
  /** Jobs that were stopped, and were no runaways when they were. */
  wrongKills: Fate[];
  /** Jobs of which the log says what the emulator denies. `said` is its word; null if it does not mention a job that was stopped. */
  falseWords: { jobId: string; said: string | null; status: string | null }[];
  /** Jobs that, by the last word of the log, were asked to stop, and not seen to. */
  unconfirmed: string[];
  calls: number;
  /** Those of `calls` that the gateway refused as too many. */
  refused: number;
}

/** Compares what a drill left behind with what the stage said of it. */
export async function debriefOf(played: Played): Promise<Debrief> {
  const { night, emulator, logLines, requestsBefore, startedAt, now } = played;
  const fates = new Map(fatesOf(emulator, now).map((fate) => [fate.jobId.toLowerCase(), fate]));
  const runaways = await night.runawaysAt(startedAt);
  const stopped = [...fates.values()].flatMap(({ stoppedAt }) => stoppedAt ?? []);
  const left = [...runaways].flatMap((id) => fates.get(id) ?? []).filter((fate) => !fate.isOver);
  const ends = [...runaways].flatMap((id) => fates.get(id)?.stoppedAt ?? []);
  const words = wordsIn(logLines);
  const requests = emulator.requests.slice(requestsBefore);
  return {
    startedAt,
    endedAt: now,
    firstStoppedMs: stopped.length === 0 ? null : Math.min(...stopped) - startedAt,
    lastStoppedMs: left.length > 0 || ends.length === 0 ? null : Math.max(...ends) - startedAt,
    runaways: runaways.size,
    left,
    wrongKills: await wrongKillsIn([...fates.values()], runaways, night),
    falseWords: falseWordsIn(words, fates),
    unconfirmed: [...words.values()].flatMap(({ jobId, last }) => (UNCONFIRMED.includes(last) ? [jobId] : [])),
    calls: requests.length,
    refused: requests.filter(({ status }) => status === 429).length,
  };
}

/** Returns the fate of every job. All of these jobs run on by themselves, so one that has ended was stopped. */
export function fatesOf({ sql, spark, flink }: Played['emulator'], now: number): Fate[] {
  return [
    ...sql.all().map((job): Fate => {
      const { cancelledAt, endsAt, queue, owner } = job;
      const status = statusAt(job, now);
      const stoppedAt = cancelledAt !== undefined && cancelledAt < endsAt ? cancelledAt : undefined;
      return { jobId: job.id, engine: 'sql', queue, owner, status, isOver: isOver(status), stoppedAt };
    }),
    ...spark.all().map((batch): Fate => {
      const { id, queue, owner, life } = batch;
      const status = batchStateAt(batch, now);
      const stoppedAt = life.find(({ state }) => state === 'dead')?.from;
      return { jobId: id, engine: 'spark', queue, owner, status, isOver: isBatchOver(status), stoppedAt };
    }),
    ...flink.all().map((job): Fate => {
      const { id, queue, owner, life } = job;
      const status = flinkStatusAt(job, now);
      const stoppedAt = life.find(({ state }) => state === 'job_cancel_success')?.from;
      return { jobId: String(id), engine: 'flink', queue, owner, status, isOver: isFlinkOver(status), stoppedAt };
    }),
  ];
}

/** Finds the jobs that were stopped and had not become runaways by then, either. */
async function wrongKillsIn(
  fates: readonly Fate[],
  runaways: ReadonlySet<string>,
  { runawaysAt }: Night,
): Promise<Fate[]> {
  const wrong: Fate[] = [];
  for (const fate of fates) {
    const id = fate.jobId.toLowerCase();
    if (fate.stoppedAt === undefined || runaways.has(id)) continue;
    if (!(await runawaysAt(fate.stoppedAt)).has(id)) wrong.push(fate);
  }
  return wrong;
}

/** What a log says of one job. */
interface Words {
  jobId: string;
  all: Set<string>;
  /** The last outcome; `chosen` if a live sweep chose it, and has not said more. */
  last: string;
}

const UNCONFIRMED: readonly string[] = ['unconfirmed', 'chosen'];

function wordsIn(logLines: Played['logLines']): Map<string, Words> {
  const words = new Map<string, Words>();
  const add = (jobId: string | undefined, word: string | undefined) => {
    if (jobId === undefined || word === undefined) return;
    const key = jobId.toLowerCase();
    const before = words.get(key);
    // What a sweep leaves alone it says nothing new of.
    const last = word === 'skipped' && before !== undefined && before.last !== 'chosen' ? before.last : word;
    words.set(key, { jobId, all: new Set([...(before?.all ?? []), word]), last });
  };
  for (const { message } of logLines) {
    // Lines of the runtime are no JSON.
    if (!message.startsWith('{')) continue;
    const line = JSON.parse(message) as { msg: string } & Partial<
      LogLines['victims chosen'] & LogLines['job cancelled']
    >;
    if (line.msg === 'victims chosen' && line.skipped === null) {
      for (const { jobId } of line.victims ?? []) add(jobId, 'chosen');
    } else if (JOB_LINES.some((msg) => msg === line.msg)) add(line.jobId, line.outcome);
  }
  return words;
}

function falseWordsIn(words: ReadonlyMap<string, Words>, fates: ReadonlyMap<string, Fate>): Debrief['falseWords'] {
  const wrong: Debrief['falseWords'] = [];
  for (const [id, { jobId, all }] of words) {
    const fate = fates.get(id);
    const deny = (said: string) => wrong.push({ jobId, said, status: fate?.status ?? null });
    if (all.has('cancelled') && fate?.stoppedAt === undefined) deny('cancelled');
    else if (all.has('already-terminal') && fate?.isOver === false) deny('already-terminal');
  }
  for (const [id, { jobId, status, stoppedAt }] of fates) {
    if (stoppedAt === undefined) continue;
    const { last = null, all = new Set<string>() } = words.get(id) ?? {};
    const isAlive = last === null || last === 'failed' || last === 'skipped';
    if (isAlive && !all.has('cancelled') && !all.has('already-terminal')) wrong.push({ jobId, said: last, status });
  }
  return wrong;
}
