import { isTerminal, type Job } from '../../base/job.ts';
import { ENGINE_FACTS } from '../../policy/facts.ts';
import type { Judgement } from '../judge/judge.ts';
import type { Scope, Sight } from '../look/look.ts';
import { isSameId, type PastSweep, type PastWarning } from '../past/past-sweeps.ts';
import type { MessageJob } from '../record/message.ts';
import type { JobReport, SweepReport } from '../record/report.ts';

/** What can be compared with earlier sweeps. */
interface Compared {
  projectId: string;
  /** The sweeps of the last 24 hours; undefined if they were not read. */
  past: readonly PastSweep[] | undefined;
  sight: Pick<Sight, 'jobs' | 'engines' | 'gaps'>;
  startedBefore: Scope['startedBefore'];
  judgement: Pick<Judgement, 'decisions' | 'context'>;
}

/**
 * Says what became of the jobs that earlier sweeps said may be cancelled, and of which nothing was said since: which no longer run
 * without a cancel of a sweep on record, and which an exemption keeps. Pure. What is not certain is not said.
 */
export function afterWarnings({ target, jobs, dryRun, status }: SweepReport, compared: Compared): MessageJob[] {
  const { projectId, past = [] } = compared;
  if (dryRun || status === 'stopped') return [];
  const own = past.filter((one) => one.target === target && one.projectId === projectId);
  return lastWarnings(own).flatMap((warned) => keptOf(warned, compared) ?? endedOf(warned, jobs, compared) ?? []);
}

/** Returns the last warning of each job, of those that are not over. */
function lastWarnings(past: readonly PastSweep[]): PastWarning[] {
  const idOf = ({ jobId }: { jobId: string }) => jobId.toLowerCase();
  const warnings = past.flatMap(({ warned }) => warned).toSorted((a, b) => a.at - b.at);
  const over = past.flatMap(({ warningsOver }) => warningsOver);
  return [...new Map(warnings.map((one) => [idOf(one), one])).values()].filter(
    (one) => !over.some((end) => idOf(end) === idOf(one) && end.at >= one.at),
  );
}

function keptOf(warned: PastWarning, { judgement: { decisions, context } }: Compared): MessageJob | undefined {
  const decision = decisions.find(({ job }) => isSameId(job.id, warned.jobId));
  const id = decision?.verdict.reason === 'exempt' ? decision.verdict.rule : undefined;
  const exemption = [...context.policy.exemptions, ...context.exemptions].find((one) => one.id === id);
  if (exemption === undefined) return undefined;
  return {
    ...toMessageJob(warned),
    kind: 'kept',
    at: new Date(exemption.until).toISOString(),
    keptBy: { exemption: exemption.id, owner: exemption.owner },
  };
}

function endedOf(
  warned: PastWarning,
  jobs: readonly JobReport[],
  { past = [], sight, startedBefore }: Compared,
): MessageJob | undefined {
  const isThis = (id: string) => isSameId(id, warned.jobId);
  if (past.some(({ chosen }) => chosen.some(isThis))) return undefined;
  const seen = sight.jobs.find(({ id }) => isThis(id));
  const report = jobs.find(({ jobId }) => isThis(jobId));
  const isOver = seen === undefined ? isNotListed(warned, { sight, startedBefore }) : hasEnded(seen, report);
  return isOver ? { ...toMessageJob(warned), kind: 'ended' } : undefined;
}

/** Whether a job is missing from a list that is complete, and that would have had it. */
function isNotListed(
  { engine: name, at, readingMs }: PastWarning,
  { sight, startedBefore }: Pick<Compared, 'sight' | 'startedBefore'>,
): boolean {
  const engine = sight.engines.find((one) => one === name);
  if (engine === undefined || !ENGINE_FACTS[engine].listsAllLive) return false;
  if (sight.gaps.some((gap) => gap.engine === undefined || gap.engine === engine)) return false;
  // It was submitted at this time at the latest.
  return at - readingMs < (startedBefore.get(engine) ?? Number.NEGATIVE_INFINITY);
}

/** Whether a job that was listed is over without us. If our request may have ended it, its outcome has an error. */
function hasEnded({ state }: Job, report: JobReport | undefined): boolean {
  return isTerminal(state) || (report?.outcome === 'already-terminal' && report.error === null);
}

const toMessageJob = ({
  jobId,
  engine,
  name,
  queue,
  owner,
  rule,
  clock,
  limitMs,
  readingMs,
}: PastWarning): MessageJob => ({
  kind: 'ended',
  jobId,
  name,
  engine: engine ?? '',
  queue,
  owner,
  rule,
  clock,
  limitMs,
  readingMs,
  at: null,
  keptBy: null,
  repeats: null,
  error: null,
});
