import type { Engine } from '../base/job.ts';
import { compareText } from '../base/text.ts';
import { whyForeign, whyNever } from '../policy/forms.ts';
import { NATIVE_LIMIT_MS } from '../policy/lint.ts';
import { createIds } from './ids.ts';
import { ENDINGS, type Ending, type Life, type Lives, lengthOf } from './life.ts';
import { type Check, learnLimit, limitFor } from './limit.ts';
import { holdsMonthEnd } from './month-end.ts';

/*
 * Suggests limits by the jobs that finished well. Only their length says what a job needs: one that failed ended early, and
 * one that was cancelled, or is alive, needs an unknown time that is at least so long.
 *
 * A history shows when a job was submitted and when it ended, and not when it began to run. So each limit is a maxTotalTime.
 */

/** Fewer jobs that finished well say too little about the next. */
export const LEAST_JOBS = 30;

/** The part of the jobs from which a limit is learned. On the rest, the newer ones, it is tried. */
const OLDER_SHARE = 0.7;

/** An owner has a rule of their own if their limit differs from that of the others by this factor. */
const CLEARLY = 2;

/** A job of unknown length is named if it came to this share of the limit. */
const NEAR = 0.8;

/** Whose jobs these are. */
export interface JobGroup {
  engine: Engine;
  /** In lower case, as DLI keeps it; undefined if DLI did not say. */
  queue: string | undefined;
  /** Null for Spark batches, which have no type. */
  jobType: string | null;
  /** Null for all owners of the queue, apart from those who have an entry of their own. */
  owner: string | null;
  /** Epoch ms: the first submission. */
  from: number;
  /** Whether a month end lies between its first submission and the end of the history. */
  holdsMonthEnd: boolean;
  /** The number of jobs, by how they ended. */
  jobs: Record<Ending, number>;
}

/** A limit for a group, and how it came about. */
export interface Suggestion extends JobGroup {
  /** The id of its rule, unique among all. */
  id: string;
  queue: string;
  /** Owners who have an entry of their own, with a rule or without. */
  otherOwners: string[];
  /** How the limit of an owner compares with that of the others; undefined for a group of all owners. */
  owns: Difference | undefined;
  /** The median of the jobs that finished well, and the longest of them. */
  usualMs: number;
  longestMs: number;
  limitMs: number;
  check: Check;
  /** Jobs near or over the limit of which it is not known how long they need. */
  openEnded: { cancelled: number; dead: number; alive: number; longestMs: number };
}

export type Difference = 'longer' | 'shorter';

/** Why a group has no suggestion: too few jobs finished, DLI cancels before its limit, or no rule can name its queue. */
export const REASONS = ['few-jobs', 'dli-limit', 'queue-name'] as const;

export interface WithoutSuggestion extends JobGroup {
  reason: (typeof REASONS)[number];
  /** The longest of the jobs that finished well; undefined if there is none. */
  longestMs: number | undefined;
}

export interface Suggestions {
  /** Epoch ms: the first submission and the end of the history. */
  window: { from: number | undefined; until: number; holdsMonthEnd: boolean };
  /** Jobs with a readable start and end. */
  jobs: number;
  /** Jobs without one. */
  unreadable: number;
  /** Jobs of Flink, and of types that no rule may cancel. `jobs` counts them too. */
  leftOut: number;
  /** By engine, queue and type; first the rule for all owners. */
  suggestions: Suggestion[];
  withoutSuggestion: WithoutSuggestion[];
}

/** @param until epoch ms: the end of the history. */
export function suggest({ lives, unreadable }: Lives, until: number): Suggestions {
  const considered = lives.filter(mayHaveLimit);
  const from = lives[0]?.submittedAt;
  const result: Suggestions = {
    window: { from, until, holdsMonthEnd: from !== undefined && holdsMonthEnd(from, until) },
    jobs: lives.length,
    unreadable,
    leftOut: lives.length - considered.length,
    suggestions: [],
    withoutSuggestion: [],
  };
  const makeId = createIds();
  const groups = Map.groupBy(considered, ({ job }) => JSON.stringify([job.engine, queueOf(job.queue), job.type]));
  for (const [, group] of [...groups].sort(([a], [b]) => compareText(a, b))) {
    for (const part of partsOf(group)) {
      const suggested = suggestFor(part, until);
      if ('reason' in suggested) result.withoutSuggestion.push(suggested);
      else result.suggestions.push({ id: makeId(suggested), ...suggested });
    }
  }
  return result;
}

/** Streams of Flink are long by design, and the end of one is not known. */
const mayHaveLimit = ({ job: { engine, protection } }: Life): boolean =>
  engine !== 'flink' && (protection === 'none' || protection === 'unless-named');

const queueOf = (queue: string | undefined): string | undefined => queue?.toLowerCase();

/** The jobs of one engine, queue and type: of one owner, or of all who have no part of their own. */
interface Part {
  owner: string | null;
  owns: Difference | undefined;
  otherOwners: string[];
  lives: Life[];
  learned: { limitMs: number; check: Check };
}

/**
 * Splits a group into its parts, that of all owners first. An owner whose limit has come close to that of the others on the newer
 * jobs has no part after all.
 */
function partsOf(lives: readonly Life[]): Part[] {
  const finished = lives.filter(isFinished);
  const older = new Set(finished.slice(0, Math.floor(finished.length * OLDER_SHARE)));
  const different = differentOwners([...older]);
  for (;;) {
    const parts = split(lives, older, different);
    const restMs = parts.find(({ owner }) => owner === null)?.learned.limitMs ?? 0;
    const alike = parts.filter(
      ({ owns, learned: { limitMs } }) => owns !== undefined && !DIFFERS[owns](limitMs, restMs),
    );
    if (alike.length === 0) return parts;
    for (const { owner } of alike) if (owner !== null) different.delete(owner);
  }
}

function split(lives: readonly Life[], older: ReadonlySet<Life>, different: ReadonlyMap<string, Difference>): Part[] {
  const byOwner = Map.groupBy(lives, (life) => {
    const owner = ownerOf(life);
    return owner !== null && different.has(owner) ? owner : null;
  });
  const otherOwners = [...different.keys()].sort(compareText);
  return [null, ...otherOwners].map((owner): Part => {
    const own = byOwner.get(owner) ?? [];
    const finished = own.filter(isFinished);
    return {
      owner,
      owns: owner === null ? undefined : different.get(owner),
      otherOwners: owner === null ? otherOwners : [],
      lives: own,
      learned: learnLimit(
        finished.filter((life) => older.has(life)).map(lengthOf),
        finished.filter((life) => !older.has(life)).map(lengthOf),
      ),
    };
  });
}

const isFinished = ({ ending }: Life): boolean => ending === 'finished';

const ownerOf = ({ job: { owner } }: Life): string | null => owner?.normalize('NFC') ?? null;

/** Whether something of an owner differs clearly from the same of the others. */
const DIFFERS: Record<Difference, (own: number, rest: number) => boolean> = {
  longer: (own, rest) => own >= rest * CLEARLY,
  shorter: (own, rest) => own * CLEARLY <= rest,
};

/**
 * Finds the owners whose limit differs clearly from that of the others. Both sides need enough jobs. One long job does not make
 * an owner different, so the length that all but one in twenty of the jobs stay within has to differ clearly too.
 *
 * First go those who need much longer than all others, the longest first: one such owner must not loosen the limit of the rest,
 * nor make all the rest look short. Then those who need much less than the rest. Limits are compared, and not lengths: where
 * both have the same limit, a rule of their own would change nothing.
 *
 * @param older the older jobs only, so that the newer ones still try each limit.
 */
function differentOwners(older: readonly Life[]): Map<string, Difference> {
  const found = new Map<string, Difference>();
  const owners = [...Map.groupBy(older, ownerOf)].map(([owner, own]): OwnLengths => {
    const lengths = own.map(lengthOf).sort((a, b) => a - b);
    return { owner, lengths, longestMs: lengths.at(-1) ?? 0 };
  });
  let left = owners.sort((a, b) => b.longestMs - a.longestMs);
  const take = (one: OwnLengths, as: Difference, mostOfOthers: (rest: readonly OwnLengths[]) => number): boolean => {
    const rest = left.filter((other) => other !== one);
    const jobs = rest.reduce((sum, { lengths }) => sum + lengths.length, 0);
    if (one.owner === null || !isWritable(one.owner)) return false;
    if (one.lengths.length < LEAST_JOBS || jobs < LEAST_JOBS) return false;
    const restMs = rest.reduce((most, { longestMs }) => Math.max(most, longestMs), 0);
    if (!DIFFERS[as](limitFor(one.longestMs), limitFor(restMs))) return false;
    if (!DIFFERS[as](mostOf(one.lengths), mostOfOthers(rest))) return false;
    found.set(one.owner, as);
    left = rest;
    return true;
  };
  while (left[0] !== undefined && take(left[0], 'longer', mostOfAll));
  // Those who are left are compared with all of them, since a sort for each of many owners would take minutes.
  const mostOfLeft = mostOfAll(left);
  for (const one of left) take(one, 'shorter', () => mostOfLeft);
  return found;
}

/** How long the jobs of an owner took, the shortest first. */
interface OwnLengths {
  owner: string | null;
  lengths: readonly number[];
  longestMs: number;
}

const mostOfAll = (owners: readonly OwnLengths[]): number =>
  mostOf(owners.flatMap(({ lengths }) => lengths).sort((a, b) => a - b));

/** The length that all but one in twenty stay within. @param lengths the shortest first. */
const mostOf = (lengths: readonly number[]): number => lengths[Math.ceil(lengths.length * 0.95) - 1] ?? 0;

/** A name that a policy reads as a pattern, or may seem to, would select others too. */
const isWritable = (owner: string): boolean =>
  !/[*?]|^\//.test(owner) && whyNever(owner, 'owner') === undefined && whyForeign(owner, 'owner') === undefined;

/** "Creating a Queue": lower-case letters, digits and underscores. */
const isQueueName = (queue: string | undefined): queue is string => queue !== undefined && /^[a-z0-9_]+$/.test(queue);

function suggestFor(part: Part, until: number): Omit<Suggestion, 'id'> | WithoutSuggestion {
  const group = groupOf(part, until);
  const { engine, queue, jobs } = group;
  const { limitMs, check } = part.learned;
  const lengths = part.lives
    .filter(isFinished)
    .map(lengthOf)
    .sort((a, b) => a - b);
  const longestMs = lengths.at(-1);
  if (!isQueueName(queue)) return { ...group, reason: 'queue-name', longestMs };
  if (longestMs === undefined || jobs.finished < LEAST_JOBS) return { ...group, reason: 'few-jobs', longestMs };
  if (engine === 'sql' && limitMs >= NATIVE_LIMIT_MS) return { ...group, reason: 'dli-limit', longestMs };
  return {
    ...group,
    queue,
    otherOwners: part.otherOwners,
    owns: part.owns,
    usualMs: lengths[Math.floor(lengths.length / 2)] ?? longestMs,
    longestMs,
    limitMs,
    check,
    openEnded: openEndedOf(part.lives, limitMs),
  };
}

function groupOf({ lives, owner }: Part, until: number): JobGroup {
  const [first] = lives;
  const from = first?.submittedAt ?? until;
  const jobs = Object.fromEntries(ENDINGS.map((ending) => [ending, 0])) as Record<Ending, number>;
  for (const { ending } of lives) jobs[ending] += 1;
  return {
    engine: first?.job.engine ?? 'sql',
    queue: queueOf(first?.job.queue),
    jobType: first?.job.type ?? null,
    owner,
    from,
    holdsMonthEnd: holdsMonthEnd(from, until),
    jobs,
  };
}

function openEndedOf(lives: readonly Life[], limitMs: number): Suggestion['openEnded'] {
  const openEnded = { cancelled: 0, dead: 0, alive: 0, longestMs: 0 };
  for (const life of lives) {
    const { ending } = life;
    const lengthMs = lengthOf(life);
    if ((ending !== 'cancelled' && ending !== 'dead' && ending !== 'alive') || lengthMs < limitMs * NEAR) continue;
    openEnded[ending] += 1;
    openEnded.longestMs = Math.max(openEnded.longestMs, lengthMs);
  }
  return openEnded;
}
