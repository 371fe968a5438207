import { type Answer, dliError } from '../base/answer.ts';
import {
  invalid,
  matching,
  pageOf,
  QUEUE_NAME,
  reader,
  refuseCancel,
  refuseUnknownId,
  refuseUnknownWord,
  sortedBy,
  toInteger,
  UUID,
} from '../base/query.ts';
import type { Route, RouteRequest } from '../base/service.ts';
import { createBatch } from './create.ts';
import { batchStateAt, type EmulatedBatch, isBatchOver, requestBatchCancel, type SparkService } from './jobs.ts';
import { durationOf, toSession } from './rows.ts';

const version = '/v2.0';

export const SPARK_ROUTES: readonly Route<SparkService>[] = [
  {
    name: 'list-spark-batches',
    method: 'GET',
    version,
    path: '/batches',
    run: listBatches,
    standing: 'faithful',
    evidence: '"Obtaining the List of Batch Processing Jobs"; called by the Python and Go SDKs',
    assumes: ['sparkFilters', 'sparkDefaultOrder', 'sparkAppId', 'nameFilter'],
  },
  {
    name: 'create-spark-batch',
    method: 'POST',
    version,
    path: '/batches',
    run: createBatch,
    standing: 'faithful',
    evidence:
      '"Creating a Batch Processing Job"; Terraform `dli_spark_job`, Airflow. `className` may be left out or "" (DataArts log of 2024-07-02)',
    assumes: ['sparkAppId', 'unknownQueue'],
  },
  {
    name: 'show-spark-batch-state',
    method: 'GET',
    version,
    path: '/batches/{batch_id}/state',
    run: showState,
    standing: 'faithful',
    evidence: '"Querying a Batch Job Status"; Terraform `dli_spark_job`, Airflow',
    assumes: ['sparkStateSpelling', 'unknownId'],
  },
  {
    name: 'show-spark-batch-log',
    method: 'GET',
    version,
    path: '/batches/{batch_id}/log',
    run: showLog,
    standing: 'assumed',
    evidence: '"Querying Batch Job Logs (Discarded)" for the form; the lines are the stages of the batch',
    assumes: ['unknownId'],
  },
  {
    name: 'show-spark-batch',
    method: 'GET',
    version,
    path: '/batches/{batch_id}',
    run: showBatch,
    standing: 'faithful',
    evidence: '"Querying Batch Job Details"; Terraform `dli_spark_job`',
    assumes: ['sparkAppId', 'unknownId'],
  },
  {
    name: 'cancel-spark-batch',
    method: 'DELETE',
    version,
    path: '/batches/{batch_id}',
    run: cancelBatch,
    standing: 'faithful',
    evidence: '"Canceling a Batch Processing Job"; Terraform `dli_spark_job`',
    assumes: ['sparkCancelOfEnded', 'unknownId', 'deniedStatus'],
  },
];

const STATES = ['starting', 'running', 'dead', 'success', 'recovering'];
const ORDERS = ['DURATION_DESC', 'DURATION_ASC', 'CREATE_TIME_DESC', 'CREATE_TIME_ASC'];
/** Parameters that only one of the two vendor's pages names. */
const ONLY_ON = { otc: ['owner'], oas: ['start', 'end', 'order'] };

/** "Obtaining the List of Batch Processing Jobs". `from` counts batches, not pages. There is no `is_success`. */
function listBatches({ spark, now, assumptions }: SparkService, request: RouteRequest): Answer {
  const { sparkFilters, sparkDefaultOrder, nameFilter } = assumptions;
  const ignored = sparkFilters === 'all' ? [] : ONLY_ON[sparkFilters === 'otc' ? 'oas' : 'otc'];
  const read = reader(request);
  const get = (name: string) => (ignored.includes(name) ? undefined : read(name));
  const from = toInteger(get('from') ?? '0');
  const size = toInteger(get('size') ?? '100');
  const start = toInteger(get('start') ?? '0');
  const end = toInteger(get('end') ?? '0');
  // The vendor's pages differ in the spelling.
  const id = get('job-id') ?? get('job_id');
  const [cluster, queue] = [get('cluster_name'), get('queue_name')];
  const order = get('order') ?? sparkDefaultOrder;

  if (from === undefined) return invalid('from', '0 or more');
  if (size === undefined) return invalid('size', '0 or more');
  if (start === undefined) return invalid('start', 'milliseconds');
  if (end === undefined) return invalid('end', 'milliseconds');
  if (id !== undefined && !/^[A-Fa-f0-9_-]*$/.test(id)) return invalid('job-id', 'hexadecimal digits, - and _');
  if (cluster !== undefined && !QUEUE_NAME.test(cluster))
    return invalid('cluster_name', 'letters, digits and underscores');
  if (queue !== undefined && !QUEUE_NAME.test(queue)) return invalid('queue_name', 'letters, digits and underscores');
  const refusal = refuseUnknownWord(get, { state: STATES, order: ORDERS });
  if (refusal !== undefined) return refusal;

  const at = now();
  const [name, state, owner] = [get('job_name'), get('state'), get('owner')];
  const found = matching<EmulatedBatch>(spark.all(), [
    [state, (batch) => batchStateAt(batch, at) === state],
    [name, (batch) => (nameFilter === 'part' ? batch.name.includes(name ?? '') : batch.name === name)],
    [id, (batch) => batch.id === id?.toLowerCase()],
    [cluster, (batch) => batch.queue === cluster?.toLowerCase()],
    [queue, (batch) => batch.queue === queue?.toLowerCase()],
    [owner, (batch) => batch.owner === owner],
    [start || undefined, (batch) => batch.life[0].from > start],
    [end || undefined, (batch) => batch.life[0].from < end],
  ]);
  const sessions = pageOf(inOrder(found, order, at), from, size).map((batch) => ({
    ...toSession(batch, at, assumptions),
    ...(batch.hiddenFields?.includes('duration') !== true && { duration: durationOf(batch, at) }),
  }));
  return { status: 200, body: { from, total: found.length, sessions } };
}

/** "Querying Batch Job Details": the fields of the list, without `duration`. */
function showBatch(service: SparkService, { params: [id = ''] }: RouteRequest): Answer {
  return withBatch(service, id, (batch) => ({
    ...toSession(batch, service.now(), service.assumptions),
    ...(batch.feature !== undefined && { feature: batch.feature }),
    ...(batch.sparkVersion !== undefined && { spark_version: batch.sparkVersion }),
  }));
}

/** "Querying a Batch Job Status". */
function showState(service: SparkService, { params: [id = ''] }: RouteRequest): Answer {
  return withBatch(service, id, (batch) => {
    const state = batch.shownState ?? batchStateAt(batch, service.now());
    const isCapital = service.assumptions.sparkStateSpelling === 'capitalised';
    return { id: batch.id, state: isCapital ? state.charAt(0).toUpperCase() + state.slice(1) : state };
  });
}

/** "Querying Batch Job Logs (Discarded)": a line for each stage of its life. Default for `from`: the last 100 lines. */
function showLog(service: SparkService, request: RouteRequest): Answer {
  const get = reader(request);
  const from = toInteger(get('from') ?? '0');
  const size = toInteger(get('size') ?? '100');
  if (from === undefined) return invalid('from', 'a line number');
  if (size === undefined) return invalid('size', '0 or more');
  if (toInteger(get('index') ?? '0') === undefined) return invalid('index', '0 or more');
  const refusal = refuseUnknownWord(get, { type: ['driver'] });
  if (refusal !== undefined) return refusal;

  return withBatch(service, request.params[0] ?? '', (batch) => {
    const lines = batch.life
      .filter(({ from: begins }) => begins <= service.now())
      .map(({ from: begins, state }) => `${new Date(begins).toISOString()} ${state}`);
    const first = get('from') === undefined ? Math.max(lines.length - 100, 0) : from;
    return { id: batch.id, from: first, total: lines.length, log: pageOf(lines, first, size) };
  });
}

/** "Canceling a Batch Processing Job". "Successful" and "Failed" ones "cannot be canceled"; the error is not documented. */
function cancelBatch(service: SparkService, { params: [id = ''] }: RouteRequest): Answer {
  if (!UUID.test(id)) return invalid('batch_id', 'a UUID');
  const { spark, now, delays, assumptions } = service;
  const batch = spark.get(id);
  if (batch === undefined) return refuseUnknownId(service, 'batch', id);
  const denied = refuseCancel(service, batch.queue);
  if (denied !== undefined) return denied;

  const state = batchStateAt(batch, now());
  if (!isBatchOver(state)) {
    requestBatchCancel(batch, now(), delays.cancelMs);
  } else if (assumptions.sparkCancelOfEnded === 'DLI.0007') {
    return dliError(400, 'DLI.0007', `The operation is not supported: the batch is ${state}`);
  } else if (assumptions.sparkCancelOfEnded === 'erased') {
    spark.remove(batch);
  }
  return { status: 200, body: { msg: 'deleted' } };
}

function withBatch(service: SparkService, id: string, read: (batch: EmulatedBatch) => unknown): Answer {
  if (!UUID.test(id)) return invalid('batch_id', 'a UUID');
  const batch = service.spark.get(id);
  return batch === undefined ? refuseUnknownId(service, 'batch', id) : { status: 200, body: read(batch) };
}

function inOrder(batches: EmulatedBatch[], order: string, now: number): EmulatedBatch[] {
  // The store is in this order already.
  if (order === 'CREATE_TIME_ASC') return batches;
  if (order === 'CREATE_TIME_DESC') return batches.toReversed();
  return sortedBy(batches, (batch) => durationOf(batch, now), order === 'DURATION_ASC' ? 1 : -1);
}
