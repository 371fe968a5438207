import { type Engine, FLINK_TYPES, type Job } from '../../lib/base/job.ts';
import { ENGINES } from '../../lib/engines/engines.ts';
import { ENGINE_FACTS } from '../../lib/policy/facts.ts';
import type { TestJob } from './test-file.ts';

/** What is known of a job, for every engine. A field that is undefined is not shown. */
interface Facts {
  id: string;
  queue: string | undefined;
  owner: string | undefined;
  type: string | undefined;
  status: string | undefined;
  name: string | undefined;
  statement: string | undefined;
  database: string | undefined;
  tags: { key: string; value: string }[] | undefined;
  /** Epoch ms. */
  startedAt: number | undefined;
  changedAt: number | undefined;
  isWaiting: boolean;
}

/** The row in which a list of DLI shows a job. `lib/engines` reads it, as in a sweep: status, protection, clocks. */
const ROWS: Record<Engine, (facts: Facts) => object> = {
  sql: ({ id, queue, owner, type, status, statement, database, tags, startedAt }) => ({
    job_id: id,
    job_type: type,
    queue_name: queue,
    owner,
    status,
    statement,
    database_name: database,
    tags,
    start_time: startedAt,
  }),
  spark: ({ id, queue, owner, status, name, startedAt }) => ({
    id,
    queue,
    owner,
    state: status,
    name,
    create_time: startedAt,
  }),
  flink: ({ id, queue, owner, type, status, name, startedAt, changedAt, isWaiting }) => ({
    job_id: Number(id),
    queue_name: queue,
    user_name: owner,
    job_type: type,
    status,
    name,
    // DLI does not say since when a Flink job waits.
    start_time: isWaiting ? undefined : startedAt,
    update_time: changedAt ?? startedAt,
  }),
};

const DEFAULT_TYPES: Record<Engine, string | undefined> = { sql: 'QUERY', spark: undefined, flink: FLINK_TYPES[0] };

/**
 * Makes the jobs of a test: for each entry as many as it says.
 *
 * @param now epoch ms: the first instant, from which their ages count.
 */
export function makeJobs(entries: readonly TestJob[], now: number): Job[][] {
  const written = new Set(entries.flatMap(({ id }) => id?.toLowerCase() ?? []));
  let number = 0;
  const nextId = (engine: Engine): string => {
    number += 1;
    const id = engine === 'flink' ? String(number) : `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    return written.has(id) ? nextId(engine) : id;
  };
  return entries.map((entry) =>
    Array.from({ length: entry.count }, () => {
      const { engine, id = nextId(engine) } = entry;
      return ENGINES[engine].toJob(ROWS[engine](factsOf(entry, id, now)));
    }),
  );
}

function factsOf({ engine, tag = [], running, waiting, changed, ...entry }: TestJob, id: string, now: number): Facts {
  const [waits, runs] = ENGINE_FACTS[engine].statuses;
  const ageMs = waiting === undefined ? running : waiting;
  return {
    id,
    queue: shown(entry.queue, 'default'),
    owner: shown(entry.owner, 'someone'),
    type: shown(entry.jobType, DEFAULT_TYPES[engine]),
    status: shown(entry.status, waiting === undefined ? runs : waits),
    name: shown(entry.name, 'unnamed'),
    // Of its own, so that no two jobs are one group by accident.
    statement: shown(entry.statement, `SELECT * FROM table_of_${id.replaceAll('-', '_')}`),
    database: shown(entry.database, undefined),
    tags: [tag].flat().map((text) => {
      const [key = '', ...value] = text.split('=');
      return { key, value: value.join('=') };
    }),
    startedAt: ageMs === null ? undefined : now - (ageMs ?? 0),
    changedAt: changed === undefined || changed === null ? undefined : now - changed,
    isWaiting: waiting !== undefined,
  };
}

const shown = (written: string | null | undefined, byDefault: string | undefined): string | undefined =>
  written === undefined ? byDefault : (written ?? undefined);
