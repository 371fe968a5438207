import { isRecord } from '../../../lib/dli/wire.ts';

/** The public part of an answer: its shape, and words that mean the same in every project. */
export type Redacted = null | boolean | number | string | Redacted[] | { [key: string]: Redacted };

/** Keys whose lists and objects are shown. Any other list or object is shown as its type. */
const CONTAINERS = ['jobs', 'sessions', 'queues', 'job_list', 'job_detail'];

const FLAGS = ['is_success', 'is_restarting', 'has_savepoint'];
const COUNTS = ['job_count', 'total', 'total_count', 'from'];
const IDS = ['job_id', 'id'];
const QUEUES = ['queue_name', 'queueName', 'queue', 'cluster_name'];
const CODES = ['error_code', 'errorCode', 'code'];
const WORD_KEYS = ['status', 'state', 'job_type', 'job_mode', 'engine_type', 'engine', 'queue_type', 'run_mode', 'msg'];

/** All documented values of WORD_KEYS, compared without case, since one example writes "Success". */
const WORDS = [
  'launching',
  'running',
  'scaling',
  'finished',
  'finish',
  'failed',
  'cancelled',
  'canceled',
  'ddl',
  'dcl',
  'import',
  'export',
  'query',
  'insert',
  'data_migration',
  'update',
  'delete',
  'restart_queue',
  'scale_queue',
  'async',
  'sync',
  'spark',
  'hetuengine',
  'starting',
  'recovering',
  'dead',
  'success',
  'deleted',
  'sql',
  'general',
  'job_init',
  'job_submitting',
  'job_submit_fail',
  'job_running',
  'job_running_exception',
  'job_downloading',
  'job_idle',
  'job_canceling',
  'job_cancel_success',
  'job_cancel_fail',
  'job_savepointing',
  'job_finish',
  'job_arrearage_stopped',
  'job_arrearage_recovering',
  'shared_cluster',
  'exclusive_cluster',
  'edge_node',
  'flink_sql_job',
  'flink_opensource_sql_job',
  'flink_sql_edge_job',
  'flink_jar_job',
];

/** Error codes of DLI, its gateway, IAM and STS. */
const CODE = /^(DLI|APIG|APIGW|IAM|STS5?)\.\d{1,8}$/;

/** A key of the API; any other key may be a name. The pattern is linear, so that a long key does not take long. */
const KEY = /^[a-z][A-Za-z_-]{0,39}$/;

/** Number of rows of a list that are shown; the others are counted. */
const ROWS = 2;

/** Depth to which lists and objects are shown; the deepest answer of DLI has four levels ("Querying the Job List"). */
const LEVELS = 6;

export const isCode = (text: string): boolean => CODE.test(text);

export const isKnownWord = (text: string): boolean => WORDS.includes(text.toLowerCase());

/**
 * Makes answers safe to publish. A value that is not known to be harmless becomes its type. A job and a queue keep their
 * made-up names in all answers.
 *
 * @param probeQueue the queue that is shown as `probe queue`.
 */
export function createRedactor(probeQueue: string | undefined) {
  const names = new Map<string, string>();
  const counts = { job: 0, queue: 0 };
  if (probeQueue !== undefined) names.set(`queue ${probeQueue.toLowerCase()}`, 'probe queue');

  const nameOf = (kind: 'job' | 'queue', value: unknown): Redacted => {
    if (value === '' || (typeof value !== 'string' && typeof value !== 'number')) return typeOf(value);
    const key = `${kind} ${String(value).toLowerCase()}`;
    const name = names.get(key) ?? `${kind} ${++counts[kind]}`;
    names.set(key, name);
    return `<${name}${typeof value === 'number' ? ', a number' : ''}>`;
  };

  const redactValue = (key: string, value: unknown, levels: number): Redacted => {
    if (CONTAINERS.includes(key)) return redact(value, levels);
    if (IDS.includes(key)) return nameOf('job', value);
    if (QUEUES.includes(key)) return nameOf('queue', value);
    const isKept =
      (FLAGS.includes(key) && (typeof value === 'boolean' || value === 'true' || value === 'false')) ||
      (COUNTS.includes(key) && typeof value === 'number') ||
      (CODES.includes(key) && typeof value === 'string' && CODE.test(value)) ||
      (WORD_KEYS.includes(key) && typeof value === 'string' && isKnownWord(value));
    return isKept ? (value as boolean | number | string) : typeOf(value);
  };

  function redact(body: unknown, levels = LEVELS): Redacted {
    if (levels === 0) return typeOf(body);
    if (Array.isArray(body)) {
      const rows = body.slice(0, ROWS).map((row) => redact(row, levels - 1));
      return body.length > ROWS ? [...rows, `and ${body.length - ROWS} more`] : rows;
    }
    if (!isRecord(body)) return typeOf(body);
    let others = 0;
    return Object.fromEntries(
      Object.entries(body).map(([key, value]) =>
        KEY.test(key) ? [key, redactValue(key, value, levels - 1)] : [`<key ${++others}>`, typeOf(value)],
      ),
    );
  }

  return {
    redact: (body: unknown) => redact(body),
    /** Gives a job its own made-up name. */
    call: (jobId: string, name: string) => void names.set(`job ${jobId.toLowerCase()}`, name),
  };
}

/** Returns the region in an address of the vendor ("Regions and Endpoints"). Any other address may be secret. */
export function regionOf({ hostname }: URL): string | null {
  const [, region] = /^dli\.([a-z0-9-]+)\.(?:myhuaweicloud\.(?:com|eu)|otc\.t-systems\.com)$/.exec(hostname) ?? [];
  return region ?? null;
}

export type Redactor = ReturnType<typeof createRedactor>;

function typeOf(value: unknown): Redacted {
  if (value === null || value === '') return value;
  if (value === undefined) return 'no JSON';
  if (Array.isArray(value)) return 'list';
  if (typeof value !== 'string') return typeof value;
  return /^\d+(\.\d+)?$/.test(value) ? 'digits as text' : 'text';
}
