import { isRecord } from '../../../lib/dli/wire.ts';

/** What may be told of an answer: its shape, and words that mean the same in every project. */
export type Redacted = null | boolean | number | string | Redacted[] | { [key: string]: Redacted };

/** Their parts are looked at. Of everything else that has parts only its type is told. */
const CONTAINERS = ['jobs', 'sessions', 'queues', 'job_list', 'job_detail'];

const FLAGS = ['is_success', 'is_restarting', 'has_savepoint'];
const COUNTS = ['job_count', 'total', 'total_count', 'from'];
const IDS = ['job_id', 'id'];
const QUEUES = ['queue_name', 'queueName', 'queue', 'cluster_name'];
const CODES = ['error_code', 'errorCode', 'code'];
const WORD_KEYS = ['status', 'state', 'job_type', 'job_mode', 'engine_type', 'engine', 'queue_type', 'run_mode', 'msg'];

/** Every word that a document has for one of these keys; in any case, since "Success" is how one example has it. */
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

/** A key as the API writes them. Others may be names. One run of letters, so that no key takes long to match. */
const KEY = /^[a-z][A-Za-z_-]{0,39}$/;

/** Rows of a list that are told; the others are counted. */
const ROWS = 2;

/** Lists and objects in one another whose parts are told; the deepest answer of DLI has four ("Querying the Job List"). */
const LEVELS = 6;

export const isCode = (text: string): boolean => CODE.test(text);

export const isKnownWord = (text: string): boolean => WORDS.includes(text.toLowerCase());

/**
 * Makes of answers what may be shown to everybody. What is not known to be harmless is told as its type alone. The same
 * job and the same queue have the same name in all answers.
 *
 * @param probeQueue the one queue that has a name of its own, `probe queue`.
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
    /** Gives a job a name of its own. */
    call: (jobId: string, name: string) => void names.set(`job ${jobId.toLowerCase()}`, name),
  };
}

/** Names the region of an address of the vendor; another address may be a secret ("Regions and Endpoints"). */
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
