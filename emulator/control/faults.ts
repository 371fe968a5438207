import type { RouteName } from '../routes.ts';

/** Trouble on order: the first fault that fits a request and is not used up happens to it. */
export interface Fault {
  on: RouteName;
  /** Only the calls whose path and query contain this. */
  target?: string;
  /** How many fitting calls pass unharmed first. */
  skip?: number;
  /** How often it happens; once unless told. */
  times?: number;
  /** Whether the request is carried out although `answer` says otherwise, as behind a gateway that gave up waiting. */
  executes?: boolean;
  /** The answer comes so much later. */
  delayMs?: number;
  /** What the client sees; what it would see anyway unless told. */
  answer?: { status: number; body: unknown; headers?: Record<string, string> } | 'reset' | 'hang';
  /** What is made of the real answer. */
  edit?: Edit;
  /** What happens to jobs right before the call, as between two pages. The text `now` stands for that moment. */
  change?: { job: string; set: Record<string, unknown> }[];
}

export interface Edit {
  /** Fields of the answer itself. */
  set?: Record<string, unknown>;
  /** Fields of every job in it. */
  setInRows?: Record<string, unknown>;
  removeFromRows?: string[];
  repeatFirstRow?: boolean;
}

/** Where the rows are: `jobs` for SQL, `sessions` for Spark, `job_list.jobs` for Flink. */
export function editAnswer(body: unknown, { set, setInRows, removeFromRows = [], repeatFirstRow }: Edit): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const editRows = (rows: unknown): unknown => {
    if (!Array.isArray(rows)) return rows;
    const edited = rows.map((row: object) => {
      const fields = Object.entries({ ...row, ...setInRows }).filter(([key]) => !removeFromRows.includes(key));
      return Object.fromEntries(fields);
    });
    return repeatFirstRow ? [...edited.slice(0, 1), ...edited] : edited;
  };
  return Object.fromEntries(
    Object.entries({ ...body, ...set }).map(([key, value]) => {
      if (key === 'jobs' || key === 'sessions') return [key, editRows(value)];
      if (key === 'job_list') return [key, editAnswer(value, { setInRows, removeFromRows, repeatFirstRow } as Edit)];
      return [key, value];
    }),
  );
}

export class FaultScript {
  readonly #met = new Set<Fault>();
  readonly #faults: { fault: Fault; passes: number; left: number }[] = [];

  add(...faults: Fault[]): void {
    for (const fault of faults) this.#faults.push({ fault, passes: fault.skip ?? 0, left: fault.times ?? 1 });
  }

  /** The fault that happens to this call, if any. */
  take(route: RouteName, target: string): Fault | undefined {
    for (const entry of this.#faults) {
      if (entry.fault.on !== route || !target.includes(entry.fault.target ?? '') || entry.left === 0) continue;
      if (entry.passes > 0) {
        entry.passes -= 1;
        continue;
      }
      entry.left -= 1;
      this.#met.add(entry.fault);
      return entry.fault;
    }
    return undefined;
  }

  all(): Fault[] {
    return this.#faults.map(({ fault }) => fault);
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** Scripted, and never met: a test that relies on them tests nothing. */
  unmet(): Fault[] {
    return this.#faults
      .filter(({ fault, left }) => left > 0 && (left !== Infinity || !this.#met.has(fault)))
      .map(({ fault }) => fault);
  }
}
