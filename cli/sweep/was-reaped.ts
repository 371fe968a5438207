import { type Clock, systemClock } from '../../lib/base/clock.ts';
import { parseDuration } from '../../lib/base/duration.ts';
import { isJobId, isTerminal, type Job } from '../../lib/base/job.ts';
import { describeError } from '../../lib/dli/advice.ts';
import { DliError } from '../../lib/dli/errors.ts';
import { parseInstant } from '../../lib/policy/instant.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { findFinished } from '../../lib/sweep/past/cloudwatch-log.ts';
import { type PastOfJob, readJobRecord } from '../../lib/sweep/past/job-past.ts';
import { type FinishedSweep, type JobLife, judgeReaped, type WasReaped } from '../../lib/sweep/past/was-reaped.ts';
import { lookAtJob } from '../../lib/sweep/snapshot.ts';
import { EXIT_FAILED, EXIT_PARTIAL } from '../screen/exit-code.ts';
import { formatPast } from '../screen/job-past.ts';
import { toJson } from '../screen/json.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, oneLine } from '../screen/text.ts';
import { assertJobId } from '../source/flag-values.ts';
import { sharedIn } from '../source/network.ts';
import { openStage, type Stage } from '../source/open-stage.ts';

export interface WasReapedFlags {
  stage: string;
  target: string;
  /** How far back the record is read, such as 7d. */
  within: string;
  /** How long to ask again while the answer is unknown, such as 2m. */
  wait?: string;
  /** When the job had ended, for a caller who may not ask DLI, or knows better. */
  endedAt?: string;
  json?: boolean;
}

const EXIT_CODES: Record<WasReaped['answer'], number> = { yes: 0, no: EXIT_FAILED, unknown: EXIT_PARTIAL };

const POLL_MS = 10_000;

/** An answer, and what it comes from. */
interface Found extends WasReaped {
  past: PastOfJob[];
  endedAt: number | undefined;
}

/**
 * Says whether the sweeps of a stage cancelled a job, for an orchestrator that would run it again.
 *
 * @returns the exit code: 0 yes, 3 no, 4 unknown. @throws {SettingsError} for flags that cannot be meant.
 */
export async function runWasReaped(
  jobId: string,
  flags: WasReapedFlags,
  terminal: Terminal,
  clock: Clock = systemClock,
): Promise<number> {
  assertJobId('JOB_ID', jobId);
  const askedAt = clock.now();
  const ask = createQuestion(jobId, flags, terminal, clock);
  const until = askedAt + parseDuration(flags.wait ?? '0s');
  const found = await withSpinner('Reading the record', flags, terminal, async () => {
    for (;;) {
      const answer = await ask();
      const leftMs = until - clock.now();
      if (answer.answer !== 'unknown' || leftMs <= 0) return answer;
      await clock.sleep(Math.min(POLL_MS, leftMs));
    }
  });
  show(jobId, found, flags, terminal);
  return EXIT_CODES[found.answer];
}

function createQuestion(
  jobId: string,
  { stage: name, target, within, endedAt }: WasReapedFlags,
  { env }: Terminal,
  clock: Clock,
): () => Promise<Found> {
  const stage = openStage(name);
  const since = clock.now() - parseDuration(within);
  const endedAtLatest = endedAt === undefined ? undefined : readEnd(endedAt);
  const readLife = createLifeReader(jobId, { endedAtLatest, clock }, () =>
    readJob(jobId, { stage, target, env, clock }),
  );
  return async () => {
    // First of all: the record has to be read after the job has ended.
    const life = await readLife();
    const record = await readJobRecord(name, jobId, since);
    const known = { past: record.past, endedAt: life.endedAt };
    const first = judgeReaped(life, { ...record, sweeps: [] });
    // All readers of the log share a few calls a second, so the sweeps are read only where they can make it a no.
    if (first.answer === 'yes' || life.endedAt === undefined) return { ...first, ...known };
    const { sweeps, problems } = await findSweepsOf(name, target, since);
    const all = { ...record, sweeps, problems: [...new Set([...record.problems, ...problems])] };
    return { ...judgeReaped(life, all), ...known };
  };
}

/** @throws {SettingsError} for a text that is no instant. */
function readEnd(text: string): number {
  const at = parseInstant(text);
  if (at !== undefined) return at;
  throw new SettingsError('--ended-at', 'expected a time with its zone, such as 2026-11-27T09:30:00Z');
}

async function findSweepsOf(
  stage: string,
  target: string,
  since: number,
): Promise<{ sweeps: FinishedSweep[]; problems: string[] }> {
  try {
    const lines = await findFinished(stage, target, since);
    const sweeps = lines.flatMap(({ at, fields }) => {
      const startedAt = Date.parse(fields.startedAt ?? '');
      return Number.isNaN(startedAt) ? [] : [{ startedAt, finishedAt: at }];
    });
    return { sweeps, problems: [] };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { sweeps: [], problems: [error.message] };
  }
}

/** A job as DLI shows it; or why it does not. The caller's word for its end counts only if DLI could not be asked. */
type Shown = Job | { doubt: string; isAsked: boolean };

/** Asks DLI for the job. @throws {SettingsError} if there is certainly no such stage or target. */
async function readJob(
  jobId: string,
  { stage, target, env, clock }: { stage: Stage; target: string; env: Terminal['env']; clock: Clock },
): Promise<Shown> {
  try {
    const settings = await stage.loadTarget(target);
    const job = await lookAtJob(jobId, settings, { clock, random: Math.random, sharedFor: sharedIn(env) });
    return job ?? { doubt: 'DLI knows no such job', isAsked: true };
  } catch (error) {
    const isMistake = error instanceof SettingsError && ['--stage', '--target'].includes(error.setting);
    if (isMistake || !(error instanceof SettingsError || error instanceof DliError)) throw error;
    return { doubt: `DLI could not be asked whether it has ended: ${describeError(error)}`, isAsked: false };
  }
}

/** Reads what is known of the job, until it has ended. */
function createLifeReader(
  jobId: string,
  { endedAtLatest, clock }: { endedAtLatest: number | undefined; clock: Clock },
  read: () => Promise<Shown>,
): () => Promise<JobLife> {
  let ended: JobLife | undefined;
  return async () => {
    const life = ended ?? toLife(jobId, await read(), { endedAtLatest, now: clock.now() });
    if (life.state !== undefined && isTerminal(life.state)) ended = life;
    return life;
  };
}

/** @param options.now our clock, after DLI was asked. */
function toLife(
  jobId: string,
  shown: Shown,
  { endedAtLatest, now }: { endedAtLatest: number | undefined; now: number },
): JobLife {
  const hasRuns = isJobId(jobId, 'flink');
  if ('doubt' in shown) {
    const { doubt, isAsked } = shown;
    const doubts = isAsked || endedAtLatest === undefined ? [doubt] : [];
    return { state: undefined, startedAt: undefined, endedAt: endedAtLatest, hasRuns, doubts };
  }
  const { state, status, since, startedAt, updatedAt } = shown;
  const life = { state, startedAt: since.submitted ?? startedAt, hasRuns };
  if (!isTerminal(state)) {
    return { ...life, endedAt: undefined, doubts: [`it has not ended: DLI says ${status ?? 'nothing of its status'}`] };
  }
  const ends = [endedAtLatest, updatedAt].filter((at) => at !== undefined);
  // DLI does not say when a SQL job ended; it had by now.
  return { ...life, endedAt: ends.length === 0 ? now : Math.max(...ends), doubts: [] };
}

const WORDS: Record<WasReaped['answer'], string> = {
  yes: 'Yes, it was reaped',
  no: 'No, it was not reaped',
  unknown: 'It is not known whether it was reaped',
};

function show(
  jobId: string,
  { answer, because, past, endedAt }: Found,
  { json = false, within }: WasReapedFlags,
  { out }: Terminal,
): void {
  if (json) {
    const end = endedAt === undefined ? null : new Date(endedAt).toISOString();
    out(toJson('was-reaped', { jobId, answer, because, endedAt: end, record: past }));
    return;
  }
  out(`${WORDS[answer]}: ${cleanText(because.map(oneLine).join('; '))}.\n`);
  if (past.length > 0) out(`\n${formatPast(past, within, {})}`);
}
