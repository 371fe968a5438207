import type { Job, PastJob, Since } from '../base/job.ts';

/** What many jobs have in common. */
interface Facts extends Omit<Job, 'id' | 'startedAt' | 'since'> {
  /** Which clocks of the jobs begin at their start; the others are not known. */
  clocks: readonly (keyof Since)[];
}

/** If there are more different facts than this, jobs have little in common. */
const MOST_FACTS = 20_000;
const CLOCKS = ['running', 'waiting', 'submitted'] as const;

/** A past job in a third of the memory. Its job is made each time it is asked for. */
class PackedJob implements PastJob {
  readonly #facts: Facts;
  readonly #id: string;
  readonly #startedAt: number;
  /** A small number takes no memory of its own; an instant does. */
  readonly #tookMs: number | undefined;

  constructor(facts: Facts, { id, startedAt }: { id: string; startedAt: number }, endedAt: number | undefined) {
    this.#facts = facts;
    this.#id = id;
    this.#startedAt = startedAt;
    this.#tookMs = endedAt === undefined ? undefined : endedAt - startedAt;
  }

  get endedAt(): number | undefined {
    return this.#tookMs === undefined ? undefined : this.#startedAt + this.#tookMs;
  }

  get job(): Job {
    const { clocks, ...facts } = this.#facts;
    const startedAt = this.#startedAt;
    const at = (clock: keyof Since) => (clocks.includes(clock) ? startedAt : undefined);
    const since = { running: at('running'), waiting: at('waiting'), submitted: at('submitted') };
    return { ...facts, id: this.#id, startedAt, since };
  }
}

/** Returns what packs past jobs. The past of a project is long, and its jobs differ in little but their ids and times. */
export function createPacker(): (past: PastJob) => PastJob {
  const known = new Map<string, Facts>();
  return (past) => {
    if (past instanceof PackedJob) return past;
    const { id, startedAt, since, updatedAt: _, askedAt: __, ...rest } = past.job;
    const clocks = CLOCKS.filter((clock) => since[clock] !== undefined);
    const isUsual = clocks.every((clock) => since[clock] === startedAt) && typeof rest.statement !== 'string';
    if (!isUsual || startedAt === undefined) return past;
    const key = JSON.stringify([rest, clocks, rest.tags === undefined ? null : [...rest.tags]]);
    let facts = known.get(key);
    if (facts === undefined) {
      if (known.size >= MOST_FACTS) return past;
      facts = { ...rest, clocks };
      known.set(key, facts);
    }
    return new PackedJob(facts, { id, startedAt }, past.endedAt);
  };
}
