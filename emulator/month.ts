import { randomUuid } from './base/random.ts';
import { batchLife, type EmulatedBatch } from './spark/jobs.ts';
import type { EmulatedJob } from './sql/jobs.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Five weeks, the shortest span in whole weeks that always holds a whole month end. */
export const MONTH_MS = 35 * DAY;

/** What a job of the month is. Tests go by it: DLI does not say which of its jobs are runaways. */
export type Kind =
  /** It finishes well. */
  | 'usual'
  | 'failed'
  /** Its owner cancels it, although it would have finished well. */
  | 'withdrawn'
  /** It never ends by itself, but by a cancel or by DLI's 12 hours. */
  | 'runaway'
  /** A client cancels it after two hours, and submits the same statement again. */
  | 'retried'
  /** It finishes well after many hours. */
  | 'giant'
  /** Submitted in the last minutes, and alive. */
  | 'young';

/** The shares of all jobs. The rest is usual. */
export const SHARES = { failed: 0.05, withdrawn: 0.02, runaway: 0.004, retried: 0.003 } as const;

/** There are so many of these in a month of 10,000 jobs or more, and fewer in a smaller one. */
export const COUNTS = { giant: 4, young: 12 } as const;
const FULL_COUNT = 10_000;

/** "Submitting a SQL Job", `dli.sql.job.timeout`: DLI itself cancels a SQL job after 12 hours, by default. */
const DLI_LIMIT_MS = 12 * HOUR;

/** How often jobs of a work come in an hour of the week, by UTC, compared with its other hours. */
type Rhythm = (hour: number, isWorkday: boolean) => number;

const OFFICE: Rhythm = (hour, isWorkday) =>
  (hour < 7 || hour > 18 ? 0.03 : hour === 12 ? 0.5 : 1) * (isWorkday ? 1 : 0.1);
const NIGHT: Rhythm = (hour) => (hour < 5 ? 1 : 0.02);
const ALL_DAY: Rhythm = (hour, isWorkday) => (hour < 6 ? 0.4 : 1) * (isWorkday ? 1 : 0.6);

/** Jobs of one kind of work, which look alike. */
interface Work {
  queue: string;
  /** Null: a Spark batch. */
  type: string | null;
  owners: readonly string[];
  /** Part of all jobs, compared with the other work. */
  weight: number;
  rhythm: Rhythm;
  /** The usual length, and how far the lengths spread: the standard deviation of their logarithm. */
  usualMs: number;
  spread: number;
  /** How many times longer it takes at the month end. */
  atMonthEnd: number;
  /** Part of the runaways and of the giants, compared with the other work. */
  runaways: number;
  giants: number;
  /** The statement, or the name of a batch. */
  what: string;
}

const WORK: readonly Work[] = [
  {
    queue: 'adhoc',
    type: 'QUERY',
    owners: ['ana', 'bogdan', 'chen'],
    weight: 34,
    rhythm: OFFICE,
    usualMs: 3 * MINUTE,
    spread: 1.1,
    atMonthEnd: 1.2,
    runaways: 12,
    giants: 0,
    what: 'SELECT region, sum(amount) FROM sales JOIN customers USING (customer_id) GROUP BY region',
  },
  {
    queue: 'bi_reports',
    type: 'QUERY',
    owners: ['dashboards'],
    weight: 27,
    rhythm: ALL_DAY,
    usualMs: 40 * SECOND,
    spread: 0.8,
    atMonthEnd: 1.5,
    runaways: 3,
    giants: 0,
    what: 'SELECT day, count(*) FROM orders GROUP BY day',
  },
  {
    queue: 'etl_sql',
    type: 'INSERT',
    owners: ['nightly'],
    weight: 14,
    rhythm: NIGHT,
    usualMs: 25 * MINUTE,
    spread: 0.5,
    atMonthEnd: 1.8,
    runaways: 0,
    giants: 2,
    what: 'INSERT INTO facts SELECT * FROM staging',
  },
  {
    queue: 'etl_sql',
    type: 'DDL',
    owners: ['nightly'],
    weight: 5,
    rhythm: NIGHT,
    usualMs: 4 * SECOND,
    spread: 0.4,
    atMonthEnd: 1,
    runaways: 0,
    giants: 0,
    what: 'ALTER TABLE facts ADD PARTITION (day)',
  },
  {
    queue: 'ml_features',
    type: 'QUERY',
    owners: ['chen', 'dara'],
    weight: 10,
    rhythm: OFFICE,
    usualMs: 12 * MINUTE,
    spread: 0.9,
    atMonthEnd: 1,
    runaways: 3,
    giants: 1,
    what: 'SELECT user_id, window, avg(clicks) FROM events GROUP BY user_id, window',
  },
  {
    queue: 'gen_q',
    type: null,
    owners: ['airflow'],
    weight: 10,
    rhythm: NIGHT,
    usualMs: 40 * MINUTE,
    spread: 0.5,
    atMonthEnd: 1.5,
    runaways: 2,
    giants: 1,
    what: 'feature-backfill',
  },
];

/** The query that a client submits again and again. */
const RETRIED = {
  type: 'QUERY',
  queue: 'bi_reports',
  owner: 'reporting',
  what: 'SELECT * FROM orders a CROSS JOIN orders b',
};
const GIVES_UP_AFTER_MS = 2 * HOUR;
const RETRIES_AFTER_MS = 30 * SECOND;
/** How often it submits the query before it leaves it. */
const TRIES = { fewest: 4, most: 12 };

/** At the month end more jobs come, and they wait longer. */
const MONTH_END_RUSH = 1.5;
const WAITING_SHARE = 0.2;
const USUAL_WAIT_MS = 40 * SECOND;

/** The jobs of a month, the oldest first, and what each of them is. */
export interface Month {
  jobs: EmulatedJob[];
  sparkJobs: EmulatedBatch[];
  /** By id. */
  kinds: ReadonlyMap<string, Kind>;
}

/** Makes `count` jobs of the last five weeks. Almost all of them have ended. */
export function month(now: number, random: () => number, { count }: { count: number }): Month {
  const drafts = draftsOf(now, random, count);
  const kinds = new Map<string, Kind>();
  const jobs: EmulatedJob[] = [];
  const sparkJobs: EmulatedBatch[] = [];
  // A store takes its jobs the fastest in this order.
  for (const draft of drafts.sort((a, b) => a.submittedAt - b.submittedAt)) {
    const id = randomUuid(random);
    kinds.set(id, draft.kind);
    if (draft.type === null) sparkJobs.push(toBatch(id, draft));
    else jobs.push(toJob(id, { ...draft, type: draft.type }));
  }
  return { jobs, sparkJobs, kinds };
}

/** A job before it has an id. */
interface Draft extends Pick<Work, 'queue' | 'type'> {
  kind: Kind;
  owner: string;
  /** The statement, or the name of a batch. */
  what: string;
  /** Epoch ms, as all times here. */
  submittedAt: number;
  runsFrom: number;
  /** When it would end by itself. */
  endsAt: number;
  /** When someone cancels it. */
  cancelledAt: number | undefined;
}

function draftsOf(now: number, random: () => number, count: number): Draft[] {
  const part = Math.min(count / FULL_COUNT, 1);
  const retried = Math.round(count * SHARES.retried);
  const special: [Kind, number][] = [
    ['young', Math.ceil(COUNTS.young * part)],
    ['giant', Math.floor(COUNTS.giant * part)],
    ['runaway', Math.round(count * SHARES.runaway)],
    ['failed', Math.round(count * SHARES.failed)],
    ['withdrawn', Math.round(count * SHARES.withdrawn)],
  ];
  const kinds = special.flatMap(([kind, size]) => Array<Kind>(size).fill(kind));
  const usual = Math.max(count - retried - kinds.length, 0);

  const from = now - MONTH_MS;
  const draws = new Map(WORK.map((work) => [work, createTimes(work, from, random)]));
  const drawWork = {
    weight: createDraw(WORK, ({ weight }) => weight, random),
    runaways: createDraw(WORK, ({ runaways }) => runaways, random),
    giants: createDraw(WORK, ({ giants }) => giants, random),
  };
  const drafts = [...kinds, ...Array<Kind>(usual).fill('usual')].map((kind): Draft => {
    const work = drawWork[kind === 'runaway' ? 'runaways' : kind === 'giant' ? 'giants' : 'weight']();
    const submittedAt = kind === 'young' ? now - Math.floor(random() * 10 * MINUTE) : (draws.get(work)?.() ?? from);
    return {
      kind,
      ...work,
      owner: work.owners[Math.floor(random() * work.owners.length)] ?? '',
      submittedAt,
      ...lifeOf(kind, work, submittedAt, random),
    };
  });
  return [...drafts, ...retriesOf(retried, from, random)];
}

type LifeTimes = Pick<Draft, 'runsFrom' | 'endsAt' | 'cancelledAt'>;

function lifeOf(kind: Kind, work: Work, submittedAt: number, random: () => number): LifeTimes {
  const isRush = isMonthEnd(submittedAt);
  const waits = work.type === null || random() < WAITING_SHARE;
  const waitMs = waits ? USUAL_WAIT_MS * (isRush ? 3 : 1) * Math.exp(gaussian(random)) : 0;
  const runsFrom = submittedAt + Math.round(waitMs);
  const lengthMs = work.usualMs * Math.exp(work.spread * gaussian(random)) * (isRush ? work.atMonthEnd : 1);
  const after = (ms: number) => runsFrom + Math.round(ms);
  const life = { runsFrom, endsAt: after(lengthMs), cancelledAt: undefined };
  switch (kind) {
    case 'giant':
      return { ...life, endsAt: after((6 + 5 * random()) * HOUR) };
    case 'failed':
      return { ...life, endsAt: after(lengthMs * random()) };
    case 'withdrawn':
      return { ...life, cancelledAt: after(lengthMs * random()) };
    case 'young':
      return { ...life, endsAt: after(lengthMs + 20 * MINUTE) };
    case 'runaway':
      return { ...life, endsAt: Number.POSITIVE_INFINITY, cancelledAt: runawayEnd(work, after, random) };
    default:
      return life;
  }
}

/** Half of the SQL runaways are left to DLI. A person finds the others; of batches too, which DLI lets run. */
function runawayEnd({ type }: Work, after: (ms: number) => number, random: () => number): number | undefined {
  if (type === null) return after((4 + 26 * random()) * HOUR);
  return random() < 0.5 ? undefined : after((1 + 10 * random()) * HOUR);
}

/** Makes the tries of a client that cancels its query after two hours, and submits it again. */
function retriesOf(count: number, from: number, random: () => number): Draft[] {
  const everyMs = GIVES_UP_AFTER_MS + RETRIES_AFTER_MS;
  const drafts: Draft[] = [];
  while (drafts.length < count) {
    const tries = TRIES.fewest + Math.floor(random() * (TRIES.most - TRIES.fewest + 1));
    const first = from + Math.floor(random() * (MONTH_MS - tries * everyMs));
    for (let i = 0; i < tries && drafts.length < count; i++) {
      const submittedAt = first + i * everyMs;
      drafts.push({
        kind: 'retried',
        ...RETRIED,
        submittedAt,
        runsFrom: submittedAt,
        endsAt: Number.POSITIVE_INFINITY,
        cancelledAt: submittedAt + GIVES_UP_AFTER_MS,
      });
    }
  }
  return drafts;
}

function toJob(id: string, draft: Draft & { type: string }): EmulatedJob {
  const { type, queue, owner, what, submittedAt, runsFrom, endsAt, cancelledAt, kind } = draft;
  return {
    id,
    type,
    queue,
    owner,
    statement: what,
    submittedAt,
    runsFrom,
    // A state file is JSON, which has no infinity.
    endsAt: Math.min(endsAt, runsFrom + 2 * DLI_LIMIT_MS),
    endsAs: kind === 'failed' ? 'FAILED' : 'FINISHED',
    timeoutMs: DLI_LIMIT_MS,
    ...(cancelledAt !== undefined && { cancelledAt }),
  };
}

function toBatch(
  id: string,
  { what, queue, owner, submittedAt, runsFrom, endsAt, cancelledAt, kind }: Draft,
): EmulatedBatch {
  // DLI says `dead` of a batch that was cancelled, too.
  const end = cancelledAt ?? endsAt;
  const endsAs = cancelledAt !== undefined || kind === 'failed' ? 'dead' : 'success';
  return { id, name: what, queue, owner, life: batchLife({ createdAt: submittedAt, runsFrom, endsAt: end, endsAs }) };
}

/** From the last day of a month to the 2nd, by UTC. */
function isMonthEnd(at: number): boolean {
  return new Date(at).getUTCDate() <= 2 || new Date(at + DAY).getUTCDate() === 1;
}

/** Returns a draw of times of submission, in the rhythm of a work. */
function createTimes({ rhythm }: Work, from: number, random: () => number): () => number {
  const hours = Array.from({ length: MONTH_MS / HOUR }, (_, i) => from + i * HOUR);
  const drawHour = createDraw(
    hours,
    (at) => {
      const date = new Date(at);
      const isWorkday = date.getUTCDay() % 6 !== 0;
      return rhythm(date.getUTCHours(), isWorkday) * (isMonthEnd(at) ? MONTH_END_RUSH : 1);
    },
    random,
  );
  return () => drawHour() + Math.floor(random() * HOUR);
}

/** Returns a draw of items, each as often as its weight says. */
function createDraw<Item>(items: readonly Item[], weightOf: (item: Item) => number, random: () => number): () => Item {
  let sum = 0;
  const sums = items.map((item) => {
    sum += weightOf(item);
    return sum;
  });
  return () => {
    const drawn = random() * sum;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? 0) > drawn) high = middle;
      else low = middle + 1;
    }
    return items[low] as Item;
  };
}

/** Draws from the normal distribution, by the method of Box and Muller. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
