import { flinkStatusAt, isFlinkOver, startOf } from '../../emulator/flink/jobs.ts';
import type { Emulator } from '../../emulator/server.ts';
import { batchStateAt, isBatchOver } from '../../emulator/spark/jobs.ts';
import { isOver, statusAt } from '../../emulator/sql/jobs.ts';
import type { Engine } from '../../lib/base/job.ts';
import { HOUR, MINUTE } from '../helpers/world.ts';

/*
 * What a policy allows, said a second time and as plainly as possible, so that the code has something to be held against.
 * It knows what the generated policies use and nothing more.
 */

/** What DLI holds of one job at one moment. */
export interface Truth {
  id: string;
  engine: Engine;
  state: 'waiting' | 'running' | 'over' | 'other';
  /** DLI's own word. */
  word: string;
  owner: string;
  queue: string;
  type: string | undefined;
  /** Epoch ms; undefined if DLI does not tell. */
  runningSince: number | undefined;
  waitingSince: number | undefined;
  submittedAt: number | undefined;
  /** Whether DLI keeps its start to itself. */
  isStartHidden: boolean;
}

export interface RuleDraft {
  id: string;
  engines: Truth['engine'][];
  match: 'all' | { queue?: string; owner?: string; jobType?: string[] };
  ignore?: { owner: string };
  limit: 'maxRunTime' | 'maxQueueTime' | 'maxTotalTime';
  hours: number;
  action: 'cancel' | 'warn';
  victims: 'all' | 'oldest' | 'all-but-oldest';
  /** How many the rule spares of the jobs that it would otherwise cancel; not together with other victims than all. */
  keep?: { oldest: number } | { youngest: number } | undefined;
}

export interface PolicyDraft {
  rules: RuleDraft[];
  maxKills: number;
  maxKillsPercent: number;
  percentFloor: number;
  drain: boolean;
  /** Jobs of this owner are exempt, if there is one. */
  exemptOwner: string | undefined;
  /** Epoch ms: since when they are; undefined from the first. */
  exemptFrom: number | undefined;
  freeze: FreezeDraft | undefined;
  /** What a deploy allows, whatever the rest says. */
  ceilings: {
    kills: number;
    allMayCancel: boolean;
  };
}

/** Which jobs no sweep cancels meanwhile. */
export interface FreezeDraft {
  match: 'all' | { owner: string } | { queue: string };
  /** Epoch ms; the end is no more of it. */
  from: number;
  until: number;
  /** Days of the month, UTC, in place of both. */
  days: readonly number[] | undefined;
}

function isFrozen({ match, from, until, days }: FreezeDraft, job: Truth, now: number): boolean {
  const day = new Date(now).getUTCDate();
  const holds = days === undefined ? from <= now && now < until : days.includes(day);
  const isMeant = match === 'all' || ('owner' in match ? match.owner === job.owner : match.queue === job.queue);
  return holds && isMeant;
}

const isStartHidden = ({ hiddenFields = [] }: { hiddenFields?: string[] }): boolean => hiddenFields.length > 0;

export function truthOf({ sql, spark, flink }: Emulator, now: number): Map<string, Truth> {
  const all: Record<Engine, Truth[]> = {
    sql: sql.all().map((job): Truth => {
      const word = statusAt(job, now);
      const state = isOver(word) ? 'over' : word === 'LAUNCHING' ? 'waiting' : word === 'RUNNING' ? 'running' : 'other';
      const since = job.submittedAt;
      return {
        id: job.id,
        engine: 'sql',
        state,
        word,
        owner: job.owner,
        queue: job.queue,
        type: job.type,
        runningSince: since,
        waitingSince: since,
        submittedAt: since,
        isStartHidden: isStartHidden(job),
      };
    }),
    spark: spark.all().map((batch): Truth => {
      const word = batchStateAt(batch, now);
      const createdAt = batch.life[0].from;
      return {
        id: batch.id,
        engine: 'spark',
        state: isBatchOver(word) ? 'over' : word === 'starting' ? 'waiting' : 'running',
        word,
        owner: batch.owner,
        queue: batch.queue,
        type: undefined,
        runningSince: undefined,
        waitingSince: createdAt,
        submittedAt: createdAt,
        isStartHidden: isStartHidden(batch),
      };
    }),
    flink: flink.all().map((job): Truth => {
      const word = flinkStatusAt(job, now);
      const startedAt = startOf(job, now);
      const live = word === 'job_submitting' ? 'waiting' : word === 'job_running' ? 'running' : 'other';
      return {
        id: String(job.id),
        engine: 'flink',
        state: isFlinkOver(word) ? 'over' : live,
        word,
        owner: job.owner,
        queue: job.queue,
        type: job.type,
        runningSince: startedAt,
        waitingSince: undefined,
        submittedAt: startedAt,
        isStartHidden: isStartHidden(job),
      };
    }),
  };
  return new Map(
    Object.values(all)
      .flat()
      .map((truth) => [truth.id, truth]),
  );
}

/** Whether a rule is for this job, and finds it over its limit. @param now epoch ms; what is over now may go. */
export function isOverLimit(rule: RuleDraft, job: Truth, now: number): boolean {
  if (!rule.engines.includes(job.engine) || (job.state !== 'waiting' && job.state !== 'running')) return false;
  const { match, ignore, limit, hours } = rule;
  if (ignore?.owner === job.owner) return false;
  if (match !== 'all') {
    if (match.queue !== undefined && match.queue !== job.queue) return false;
    if (match.owner !== undefined && match.owner !== job.owner) return false;
    if (match.jobType !== undefined && !match.jobType.includes(job.type ?? '')) return false;
  }
  if (job.engine === 'sql' && job.type !== 'QUERY') {
    const isNamed = match !== 'all' && match.jobType?.includes(job.type ?? '') === true;
    if (job.type !== 'INSERT' || !isNamed) return false;
  }
  const since =
    limit === 'maxTotalTime'
      ? job.submittedAt
      : limit === 'maxRunTime'
        ? job.state === 'running'
          ? job.runningSince
          : undefined
        : job.state === 'waiting'
          ? job.waitingSince
          : undefined;
  return since !== undefined && now - since > hours * HOUR;
}

/**
 * Why this job must not be asked to stop; undefined if the policy wants it cancelled.
 *
 * @param others what DLI held at one reading.
 * @param seen what it held at any reading: the engines are not read at the same moment.
 * @param judgedAt epoch ms: the one instant by which a sweep goes, which the calendar is asked at.
 */
export function whyNot(
  policy: PolicyDraft,
  job: Truth,
  { others, seen }: { others: readonly Truth[]; seen: readonly Truth[] },
  { now, judgedAt }: { now: number; judgedAt: number },
): string | undefined {
  const protection = whyProtected(policy, job, judgedAt);
  if (protection !== undefined) return protection;
  const rules = policy.rules.filter((rule) => isOverLimit(rule, job, now));
  if (rules.length === 0) return 'no rule finds it over a limit';
  const cancelling = rules.filter(({ action }) => action === 'cancel');
  if (cancelling.length === 0) return 'its rules only warn';
  const byGroup = cancelling.map((rule) => {
    const open = seen.filter((other) => whyProtected(policy, other, judgedAt) === undefined);
    return isKept(rule, job, open, now) || isSparedByGroup(rule, job, others, now);
  });
  return byGroup.every(Boolean) ? 'it is not among those of its group' : undefined;
}

/** Why no rule may cancel the job, whatever it says. */
function whyProtected(
  { exemptOwner, exemptFrom = 0, freeze }: PolicyDraft,
  job: Truth,
  at: number,
): string | undefined {
  if (exemptOwner === job.owner && exemptFrom <= at) return 'it is exempt';
  if (freeze !== undefined && isFrozen(freeze, job, at)) return 'it is frozen';
  return job.isStartHidden ? 'its age is not known' : undefined;
}

const ageOf = ({ submittedAt, waitingSince }: Truth) => submittedAt ?? waitingSince ?? 0;

/** Whether the job is one of those that its rule spares. @param open the jobs that nothing else spares. */
function isKept({ keep, ...rule }: RuleDraft, job: Truth, open: readonly Truth[], now: number): boolean {
  if (keep === undefined) return false;
  const [isFirst, count]: [(age: number) => boolean, number] =
    'oldest' in keep ? [(age) => age < 0, keep.oldest] : [(age) => age > 0, keep.youngest];
  const before = open.filter((other) => {
    const order = ageOf(other) - ageOf(job) || (other.id < job.id ? -1 : 1);
    return other.id !== job.id && isOverLimit(rule, other, now) && isFirst(order);
  });
  return new Set(before.map(({ id }) => id)).size < count;
}

function isSparedByGroup(rule: RuleDraft, job: Truth, others: readonly Truth[], now: number): boolean {
  if (rule.victims === 'all') return false;
  const group = others
    .filter((other) => other.id === job.id || isOverLimit(rule, other, now))
    .toSorted((a, b) => ageOf(a) - ageOf(b) || (a.id < b.id ? -1 : 1));
  const isOldest = group[0]?.id === job.id;
  return rule.victims === 'oldest' ? !isOldest : isOldest;
}

/** The most jobs of one sweep that the caps let be asked. @param live by engine, at least. */
export function mostKills(
  { maxKills, maxKillsPercent, percentFloor, ceilings }: PolicyDraft,
  engine: Truth['engine'],
  live: readonly Truth[],
): number {
  const count = live.filter((job) => job.engine === engine).length;
  const isApplied = maxKillsPercent === 0 || count >= percentFloor;
  const byPercent = isApplied ? Math.floor((count * maxKillsPercent) / 100) : Number.POSITIVE_INFINITY;
  return Math.min(maxKills, ceilings.kills, byPercent);
}

/** Whether a live sweep by this policy may cancel any job at all. */
export function mayGoLive({ rules, ceilings: { allMayCancel } }: PolicyDraft): boolean {
  return allMayCancel || !rules.some(({ match, action }) => match === 'all' && action === 'cancel');
}

/** Some are over a limit by less than a request may have waited. */
export const AGES = [
  10 * MINUTE,
  32 * MINUTE,
  HOUR,
  2 * HOUR + 2 * MINUTE,
  3 * HOUR,
  3 * HOUR,
  9 * HOUR,
  9 * HOUR,
] as const;
