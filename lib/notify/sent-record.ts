import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { nameOf } from '../base/error-words.ts';

/** The record of what was sent, so that it is not sent again. */
export interface SentRecord {
  /** Returns those of the keys that were sent, and are not to be sent again yet. */
  among: (keys: readonly string[]) => Promise<Set<string>>;
  add: (items: readonly SentItem[]) => Promise<void>;
}

export interface SentItem {
  key: string;
  /** Epoch ms; from then on it may be sent again. */
  until: number;
}

/** The record cannot be read or written. */
export class SentRecordError extends Error {
  override name = 'SentRecordError';
}

/** @see "BatchGetItem" and "BatchWriteItem" in the API reference of DynamoDB */
const MOST_READ = 100;
const MOST_WRITTEN = 25;
/** A table on demand leaves a part undone only while it grows. */
const ROUNDS = 5;

/** Creates the record in a table, whose items are deleted some time after their end. */
export function createSentRecord(client: DynamoDBClient, table: string, now: () => number): SentRecord {
  const named = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SentRecordError) throw error;
      throw new SentRecordError(`the table ${table} cannot be ${what} (${nameOf(error)})`, { cause: error });
    }
  };
  return {
    among: (keys) =>
      named('read', async () => {
        const found = new Set<string>();
        for (const some of chunks([...new Set(keys)], MOST_READ)) {
          await untilDone(some.map(keyOf), async (Keys) => {
            const RequestItems = { [table]: { Keys, ConsistentRead: true } };
            const answer = await client.send(new BatchGetItemCommand({ RequestItems }));
            // DynamoDB deletes an item up to some days after its end.
            for (const { key, until } of answer.Responses?.[table] ?? []) {
              if (key?.S !== undefined && Number(until?.N) * 1_000 > now()) found.add(key.S);
            }
            return answer.UnprocessedKeys?.[table]?.Keys ?? [];
          });
        }
        return found;
      }),
    add: (items) =>
      named('written', async () => {
        for (const some of chunks(items, MOST_WRITTEN)) {
          await untilDone(some.map(putOf), async (requests) => {
            const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
            return answer.UnprocessedItems?.[table] ?? [];
          });
        }
      }),
  };
}

const keyOf = (key: string): Record<string, AttributeValue> => ({ key: { S: key } });

const putOf = ({ key, until }: SentItem): WriteRequest => ({
  PutRequest: { Item: { key: { S: key }, until: { N: String(Math.ceil(until / 1_000)) } } },
});

/** Repeats a call with what the last one left undone. */
async function untilDone<T>(all: T[], call: (some: T[]) => Promise<T[]>): Promise<void> {
  let rest = all;
  for (let round = 0; rest.length > 0; round++) {
    if (round === ROUNDS) throw new SentRecordError('DynamoDB leaves a part undone each time');
    rest = await call(rest);
  }
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
