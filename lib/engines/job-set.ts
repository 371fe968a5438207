import type { Job } from '../base/job.ts';

/** Most bytes of statements that are held at once, in UTF-8. A text takes no more than that in memory. */
const MAX_HELD_BYTES = 100_000_000;

const weightOf = ({ statement }: Job): number => (typeof statement === 'string' ? Buffer.byteLength(statement) : 0);

/** Counts the bytes of the statements, in UTF-8. */
export const weigh = (jobs: readonly Job[]): number => jobs.reduce((sum, job) => sum + weightOf(job), 0);

/**
 * Jobs by id, whatever the case it is written in. Rows without an id cannot be told apart, so each of them counts.
 *
 * If there are too many statements to hold, the longest are dropped first: long statements must not cost other jobs
 * theirs. A job without its statement is not known to match.
 */
export class JobSet {
  readonly #byId = new Map<string, Job>();
  readonly #nameless: Job[] = [];
  readonly #maxHeldBytes: number;
  #heldBytes = 0;
  /** A longer statement is not held. */
  #maxBytes = Number.POSITIVE_INFINITY;

  constructor(maxHeldBytes = MAX_HELD_BYTES) {
    this.#maxHeldBytes = maxHeldBytes;
  }

  /** @returns how many of them were new. */
  add(jobs: readonly Job[]): number {
    const before = this.#byId.size;
    for (const job of jobs) this.#put(this.#lightened(job));
    while (this.#heldBytes > this.#maxHeldBytes) this.#lighten();
    return this.#byId.size - before;
  }

  #put(job: Job): void {
    const key = job.id.toLowerCase();
    this.#heldBytes += weightOf(job);
    if (key === '') {
      this.#nameless.push(job);
      return;
    }
    const known = this.#byId.get(key);
    if (known !== undefined) this.#heldBytes -= weightOf(known);
    this.#byId.set(key, job);
  }

  #lighten(): void {
    let heaviest = 0;
    for (const job of this) heaviest = Math.max(heaviest, weightOf(job));
    this.#maxBytes = Math.floor(heaviest / 2);
    for (const [key, job] of this.#byId) this.#byId.set(key, this.#lightened(job));
    for (const [i, job] of this.#nameless.entries()) this.#nameless[i] = this.#lightened(job);
    this.#heldBytes = weigh([...this]);
  }

  #lightened(job: Job): Job {
    return weightOf(job) > this.#maxBytes ? { ...job, statement: undefined } : job;
  }

  *[Symbol.iterator](): Generator<Job> {
    yield* this.#byId.values();
    yield* this.#nameless;
  }
}

/** The rows that one reading of a list has shown, each job once. */
export class Rows {
  readonly #ids = new Set<string>();
  #size = 0;

  /** @returns the rows that were not shown before. Rows without an id cannot be told apart, so each of them is new. */
  add<Row extends Pick<Job, 'id'>>(rows: readonly Row[]): Row[] {
    const fresh = rows.filter(({ id }) => {
      const key = id.toLowerCase();
      const isNew = key === '' || !this.#ids.has(key);
      this.#ids.add(key);
      return isNew;
    });
    this.#size += fresh.length;
    return fresh;
  }

  get size(): number {
    return this.#size;
  }
}
