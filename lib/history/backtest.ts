import type { Job } from '../base/job.ts';
import { compareText } from '../base/text.ts';
import { clockOf, type LimitName } from '../policy/clocks.ts';
import type { Exemption, Freeze, Policy, Rule } from '../policy/schema.ts';
import { beyondCeilings, type Ceilings } from '../settings/ceilings.ts';
import { type Decision, decide } from '../sweep/judge/decide.ts';
import { hasGroups } from '../sweep/judge/groups.ts';
import { ENDINGS, type Ending, type Life, lengthOf, livesOf } from './life.ts';
import { asAlive, looksAt, ticksIn, type Wait } from './looks.ts';
import { ENGINES_WITH_PAST, type History } from './read.ts';
import { tellablePart, type Untellable } from './tellable.ts';
import { type Death, type Remark, tryPolicy, withoutCaps } from './trial.ts';
import { type Window, windowOf } from './window.ts';

/** Jobs that would have been cancelled, by how they ended in truth. */
export interface Counts extends Record<Ending, number> {
  wouldCancel: number;
}

/** A job that would have been cancelled if there were no caps. */
export interface PastVictim extends Pick<Death, 'rule' | 'clock' | 'limitMs' | 'at'> {
  life: Life;
}

/** A job that finished well, and would have been cancelled. */
export interface WrongKill {
  life: Life;
  rule: string;
  /** Epoch ms; the latest is null if it may not have been cancelled at all, since it may have waited. */
  cancelledAt: { earliest: number; latest: number | null };
  /** At the earliest cancel. */
  stillNeededMs: number;
}

/** A job that finished well, near the limit of a rule. */
export interface NearMiss {
  life: Life;
  rule: string;
  clock: LimitName;
  limitMs: number;
}

/** What a rule would have done if there were no caps. */
export interface RuleResult {
  rule: string;
  action: Rule['action'];
  counts: Counts;
  /** How long its victims lived on in truth after they would have been cancelled, or named, ms; at most. */
  heldMs: number;
  nearMisses: number;
}

export interface Backtest {
  window: Window;
  periodMs: number;
  ticks: number;
  jobs: number;
  /** Those of them that finished well. */
  finished: number;
  /** Jobs of which the past does not tell when they began or ended. */
  unreadable: number;
  withCaps: Counts;
  withoutCaps: Counts;
  /** Sweeps that would have cancelled none of their victims, since they were too many. */
  capped: Remark[];
  /** Why a live sweep would cancel nothing here at all: the policy is beyond the ceilings. Not counted. */
  beyond: readonly string[];
  /** If there were no caps; the earliest cancel first. */
  victims: PastVictim[];
  /** Those of the victims that finished well. */
  wrongKills: WrongKill[];
  /** The nearest first. */
  nearMisses: NearMiss[];
  rules: RuleResult[];
  untellable: Untellable[];
  /** Whether jobs of which some waited and some did not could be other victims: rules have groups, and run times are not known. */
  mayMix: boolean;
  /** Changes of the size of a queue, and restarts, by queue. */
  operations: ReadonlyMap<string, number>;
}

export interface BacktestOptions {
  exemptions?: readonly Exemption[];
  freezes?: readonly Freeze[];
  ceilings: Ceilings;
  /** Time between two sweeps. */
  periodMs: number;
}

/** The share of a limit from which a job that finished well counts as near it. */
const NEAR = 0.8;

/**
 * Tries a policy on what DLI remembers: at every tick, the real judge decides on the jobs that were alive. It is tried twice, with
 * the caps and as if there were none, since a cap would hide a bad rule.
 */
export async function backtest(history: History, written: Policy, options: BacktestOptions): Promise<Backtest> {
  if (!(options.periodMs > 0)) throw new RangeError('periodMs: expected more than 0');
  const { policy, untellable } = tellablePart(written);
  const { lives, unreadable } = livesOf(history.jobs, history.until);
  const window = windowOf(lives, history.until);
  const { ceilings, periodMs, ...spared } = options;
  const { target, project, until } = history;
  // It holds no job that is over: all jobs of three trials would take more memory than the history.
  const known = new WeakMap<Job, Life>();
  const lifeOf = (job: Job): Life => known.get(job) as Life;
  const play = async (wait: Wait, tried: Policy, more: Partial<Parameters<typeof tryPolicy>[2]> = {}) => {
    const onAlive = (job: Job, life: Life) => void known.set(job, life);
    const looks = looksAt(lives, { target, project, until, wait, periodMs, engines: ENGINES_WITH_PAST, onAlive });
    const { deaths, capped } = await tryPolicy(looks, tried, { ...spared, ...more });
    const died = deaths.map(({ job, rule, clock, limitMs, at }) => ({ life: lifeOf(job), rule, clock, limitMs, at }));
    return { died, capped };
  };

  const named = collectNamed(lifeOf);
  const free = await play('none', withoutCaps(policy), { onLook: named.onLook });
  const held = await play('none', policy, { ceilings });
  const late = await play('all', withoutCaps(policy));
  // What waited longer may live, and so be kept in place of another: either of the two may hold the victim.
  const victims = unite(free.died, late.died);
  const [none, all] = [free, late].map(({ died }) => new Map(died.map(({ life, at }) => [life, at])));
  const latestOf = (life: Life): number | null => {
    const [one, other] = [none?.get(life), all?.get(life)];
    return one === undefined || other === undefined ? null : Math.max(one, other);
  };
  const nearMisses = findNearMisses(lives, new Set(victims.map(({ life }) => life)), {
    policy: { ...policy, freezes: [...policy.freezes, ...(options.freezes ?? [])] },
    exemptions: options.exemptions ?? [],
  }).filter(({ life, rule }) => !named.by(rule).has(life));
  return {
    window,
    periodMs,
    ticks: ticksIn(window, periodMs),
    jobs: lives.length,
    finished: lives.filter(({ ending }) => ending === 'finished').length,
    unreadable,
    withCaps: count(held.died.map(({ life }) => life)),
    withoutCaps: count(victims.map(({ life }) => life)),
    capped: held.capped,
    beyond: beyondCeilings(written, ceilings),
    victims,
    wrongKills: victims
      .filter(({ life }) => life.ending === 'finished')
      .map(({ life, rule, at }) => ({
        life,
        rule,
        cancelledAt: { earliest: at, latest: latestOf(life) },
        stillNeededMs: life.endedAt - at,
      })),
    nearMisses,
    rules: policy.rules.map(({ id, action }) => {
      const hit: ReadonlyMap<Life, number> =
        action === 'cancel'
          ? new Map(victims.filter(({ rule }) => rule === id).map(({ life, at }) => [life, at]))
          : named.by(id);
      return {
        rule: id,
        action,
        counts: count([...hit.keys()]),
        heldMs: [...hit].reduce((sum, [life, at]) => sum + life.endedAt - at, 0),
        nearMisses: nearMisses.filter(({ rule }) => rule === id).length,
      };
    }),
    untellable,
    mayMix: policy.rules.some(hasGroups) && policy.rules.some(({ limits }) => limits.some(isRunTime)),
    operations: countOperations(lives),
  };
}

const isRunTime = ({ clock }: { clock: LimitName }): boolean => clock === 'maxRunTime';

/** Joins two lists of victims, each job once, with its earlier cancel. */
function unite(...lists: (readonly PastVictim[])[]): PastVictim[] {
  const byLife = new Map<Life, PastVictim>();
  for (const victim of lists.flat()) {
    const known = byLife.get(victim.life);
    if (known === undefined || victim.at < known.at) byLife.set(victim.life, victim);
  }
  return [...byLife.values()].sort((a, b) => a.at - b.at || compareText(a.life.job.id, b.life.job.id));
}

function count(lives: readonly Life[]): Counts {
  const of = (ending: Ending): [Ending, number] => [ending, lives.filter((life) => life.ending === ending).length];
  return { wouldCancel: lives.length, ...(Object.fromEntries(ENDINGS.map(of)) as Record<Ending, number>) };
}

/** Collects the jobs that rules would log, or warn of, each with the first time. */
function collectNamed(lifeOf: (job: Job) => Life) {
  const named = new Map<string, Map<Life, number>>();
  return {
    onLook: (decisions: readonly Decision[], now: number): void => {
      for (const { job, verdict } of decisions) {
        if (verdict.action !== 'log' && verdict.action !== 'warn') continue;
        const lives = named.get(verdict.rule) ?? new Map<Life, number>();
        named.set(verdict.rule, lives);
        if (!lives.has(lifeOf(job))) lives.set(lifeOf(job), now);
      }
    },
    by: (rule: string): ReadonlyMap<Life, number> => named.get(rule) ?? new Map(),
  };
}

/** Finds the jobs that finished well near a limit, the nearest first. Each is judged once more, at its end. */
function findNearMisses(
  lives: readonly Life[],
  died: ReadonlySet<Life>,
  { policy, exemptions }: { policy: Policy; exemptions: readonly Exemption[] },
): NearMiss[] {
  const least = NEAR * Math.min(...policy.rules.flatMap(({ limits }) => limits.map(({ limitMs }) => limitMs)));
  return lives
    .filter((life) => life.ending === 'finished' && lengthOf(life) >= least && !died.has(life))
    .flatMap((life): NearMiss[] => {
      const job = asAlive(life, 'none');
      // What decides remembers its jobs, and these are many.
      const [decision] = decide([job], { policy, exemptions, now: life.endedAt });
      const isOpen = decision?.verdict.reason === 'within-limit' || decision?.verdict.reason === 'over-limit';
      if (decision === undefined || !isOpen) return [];
      const near = decision.rules
        .filter((result) => result.action !== 'keep' || result.reason === 'within-limit')
        .flatMap(({ rule }) => rule.limits.map(({ clock, limitMs }) => ({ life, rule: rule.id, clock, limitMs })))
        .filter((miss) => job.since[clockOf(miss.clock).since] !== undefined && shareOf(miss) >= NEAR);
      return near.toSorted((one, other) => shareOf(other) - shareOf(one)).slice(0, 1);
    })
    .toSorted((one, other) => shareOf(other) - shareOf(one));
}

/** The share of its limit that a job needed. It is over 1 if the job ended between the limit and the next tick. */
export const shareOf = ({ life, limitMs }: NearMiss): number => lengthOf(life) / limitMs;

function countOperations(lives: readonly Life[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { job } of lives) {
    if (job.protection === 'always') counts.set(job.queue ?? '?', (counts.get(job.queue ?? '?') ?? 0) + 1);
  }
  return counts;
}
