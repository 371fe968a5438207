import type { Job } from '../base/job.ts';
import type { LimitName } from '../policy/clocks.ts';
import type { Exemption, Freeze, Policy } from '../policy/schema.ts';
import type { Ceilings } from '../settings/ceilings.ts';
import { capByDay } from '../sweep/judge/brake.ts';
import type { Victim } from '../sweep/judge/cap.ts';
import type { Decision } from '../sweep/judge/decide.ts';
import { createMeasure } from '../sweep/judge/judge.ts';
import { isBlind } from '../sweep/judge/undetermined.ts';
import type { Sight, StoredLook } from '../sweep/look/look.ts';
import { judgeStored } from '../sweep/snapshot.ts';

const DAY_MS = 86_400_000;

/** A job that a policy would have cancelled. */
export interface Death {
  target: string;
  /** Epoch ms: the first look at which it would have been cancelled. */
  at: number;
  job: Job;
  rule: string;
  clock: LimitName;
  limitMs: number;
  overLimitMs: number;
  /** Null if it is not known when the job was submitted. */
  totalTimeMs: number | null;
}

/** A look at which something was wrong, or a cap held jobs back. */
export interface Remark {
  target: string;
  /** Epoch ms. */
  at: number;
  reason: string;
}

export interface Trial {
  /** In the order in which the jobs would have been cancelled. */
  deaths: Death[];
  /** Looks whose victims were more than a cap allows, so that none was cancelled. */
  capped: Remark[];
  /** Looks that may hide a further victim. */
  incomplete: Remark[];
}

export interface TrialOptions {
  exemptions?: readonly Exemption[];
  freezes?: readonly Freeze[];
  /** None by default. */
  ceilings?: Ceilings | undefined;
  /** Gets what was decided at each look. */
  onLook?: (decisions: readonly Decision[], now: number) => void;
}

/** Returns a policy without the caps that hold victims back. */
export const withoutCaps = (policy: Policy): Policy => ({
  ...policy,
  maxKills: Number.POSITIVE_INFINITY,
  maxKillsPercent: 100,
});

/**
 * Applies a policy to looks as if it were live: the judgement of a sweep at each of them, with its caps and the ceiling of a day. A
 * job that has died is not seen again.
 *
 * The first sweep with new settings, which cancels three jobs at most, and the warnings that `warnFirst` waits for are not played.
 *
 * @param looks of any targets, the oldest first.
 */
export async function tryPolicy(
  looks: Iterable<StoredLook>,
  policy: Policy,
  { ceilings, onLook = () => {}, ...more }: TrialOptions = {},
): Promise<Trial> {
  const trial: Trial = { deaths: [], capped: [], incomplete: [] };
  const dead = new Map<string, Set<string>>();
  for (const look of looks) {
    const { target, now: at } = look;
    // One for all looks would remember each job until the end.
    const measure = createMeasure(policy, { ...more, ceiling: ceilings?.killsPerSweep });
    const gone = dead.get(target) ?? new Set();
    dead.set(target, gone);
    const jobs = gone.size === 0 ? look.jobs : look.jobs.filter((job) => !gone.has(keyOf(job)));
    const { sight, judgement } = await judgeStored({ ...look, jobs }, measure);
    onLook(judgement.decisions, sight.now);

    const used = trial.deaths.filter((death) => death.target === target && at - death.at < DAY_MS).length;
    const { caps, chosen, obstacle } =
      ceilings === undefined ? judgement : capByDay(judgement, used, { ceilings, isEmergency: false });
    if (caps.exceeded !== null && obstacle !== undefined) trial.capped.push({ target, at, reason: caps.exceeded });
    // If a job has died, it was judged.
    const isUnjudged = jobs.length === look.jobs.length && isBlind(judgement.decisions);
    for (const reason of doubtsOf(sight, isUnjudged)) trial.incomplete.push({ target, at, reason });
    if (obstacle !== undefined) continue;
    for (const victim of chosen) {
      gone.add(keyOf(victim.job));
      trial.deaths.push(toDeath(victim, { target, at }));
    }
  }
  return trial;
}

const keyOf = ({ engine, id }: Pick<Job, 'engine' | 'id'>): string => `${engine} ${id}`;

const doubtsOf = ({ clockProblem, gaps }: Sight, isUnjudged: boolean): string[] => [
  ...(clockProblem === undefined ? [] : [clockProblem]),
  ...gaps.map(({ what }) => what),
  ...(isUnjudged ? ['no job could be judged'] : []),
];

function toDeath({ job, verdict, clocks }: Victim, where: Pick<Death, 'target' | 'at'>): Death {
  const { rule, clock, limitMs, overLimitMs } = verdict;
  return { ...where, job, rule, clock, limitMs, overLimitMs, totalTimeMs: clocks.totalTimeMs ?? null };
}
