import type { DliReader } from './client.ts';
import { DliProtocolError } from './errors.ts';
import { type AnswerContext, isRecord, toNumber, toText } from './wire.ts';

/**
 * Lists the compute units of every queue of the project, by name.
 *
 * @throws {DliError}
 * @see "Querying All Queues": without queue_type it lists SQL queues only
 */
export function listQueueCus(dli: DliReader): Promise<ReadonlyMap<string, number>> {
  return dli.get({
    kind: 'list',
    operation: 'list queues',
    version: 'v1.0',
    path: '/queues',
    query: [['queue_type', 'all']],
    parse: parseQueues,
  });
}

/** `{"is_success":"true","message":"","queues":[{"queue_name":"etl","cu_count":16,…}]}` */
function parseQueues({ queues }: Record<string, unknown>, about: AnswerContext): ReadonlyMap<string, number> {
  if (!Array.isArray(queues)) throw new DliProtocolError(about.operation, 'without a list of queues', about);
  return new Map(
    queues.flatMap((queue): [string, number][] => {
      const [name, cus] = isRecord(queue) ? [toText(queue.queue_name), toNumber(queue.cu_count)] : [];
      return name === undefined || cus === undefined ? [] : [[name, cus]];
    }),
  );
}
