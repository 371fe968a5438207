import type { RouteName } from '../base/service.ts';

/** Trouble on order. To a request happens the first fault that fits it and is not used up. */
export interface Fault {
  on: RouteName;
  /** A part of the path and query. Default: every call of the route fits. */
  target?: string;
  /** Number of fitting calls that pass first. Default: 0. */
  skip?: number;
  /** How often it happens. Default: once. */
  times?: number;
  /** Whether the request is carried out although the client gets `answer`, as if a gateway had given up waiting. */
  executes?: boolean;
  /** How much later the answer comes. */
  delayMs?: number;
  /** What the client gets. Default: the real answer. */
  answer?: { status: number; body: unknown; headers?: Record<string, string> } | 'reset' | 'hang';
  /** Changes to the answer. */
  edit?: Edit;
  /** Changes to jobs right before the call, as between two pages. The text `now` stands for that moment. */
  change?: { job: string; set: Record<string, unknown> }[];
}

export interface Edit {
  /** Fields to set in the answer itself. */
  set?: Record<string, unknown>;
  /** Fields to set in every job of a list. */
  setInRows?: Record<string, unknown>;
  removeFromRows?: string[];
  repeatFirstRow?: boolean;
}

/** Edits an answer. Its rows are in `jobs` for SQL, `sessions` for Spark, `job_list.jobs` for Flink. */
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

/** The faults on order, in the order in which they are tried. */
export class FaultScript {
  readonly #met = new Set<Fault>();
  readonly #faults: { fault: Fault; passes: number; left: number }[] = [];

  add(...faults: Fault[]): void {
    for (const fault of faults) this.#faults.push({ fault, passes: fault.skip ?? 0, left: fault.times ?? 1 });
  }

  /** Uses up and returns the fault that happens to this call, if any. */
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

  /** Returns the faults that have not happened as often as scripted. A test that relies on them tests nothing. */
  unmet(): Fault[] {
    return this.#faults
      .filter(({ fault, left }) => left > 0 && (left !== Infinity || !this.#met.has(fault)))
      .map(({ fault }) => fault);
  }
}
