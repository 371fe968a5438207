import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { nameOf } from '../base/error-words.ts';
import { SentRecordError } from './sent-record.ts';
import { readState, type TargetState } from './target-state.ts';

/** The record of the states of targets, in the table of what was sent. */
export interface StateRecord {
  read: (key: string) => Promise<TargetState>;
  /** Replaces a state by what is made of it. Called again with a newer one if another process was faster. */
  change: (key: string, toNext: (state: TargetState) => TargetState) => Promise<void>;
}

/** A target that is swept no more is forgotten. */
const KEPT_MS = 30 * 24 * 3_600_000;
const ROUNDS = 5;

/** Creates the record. @see "Condition expressions" in the developer guide of DynamoDB */
export function createStateRecord(client: DynamoDBClient, table: string, now: () => number): StateRecord {
  const named = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new SentRecordError(`the table ${table} cannot be ${what} (${nameOf(error)})`, { cause: error });
    }
  };
  const textOf = (key: string): Promise<string | undefined> =>
    named('read', async () => {
      const Key = { key: { S: key } };
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item?.state?.S;
    });
  /** @returns false if another process has written meanwhile. */
  const put = (key: string, before: string | undefined, next: string): Promise<boolean> =>
    named('written', async () => {
      const until = { N: String(Math.ceil((now() + KEPT_MS) / 1_000)) };
      const condition =
        before === undefined
          ? { ConditionExpression: 'attribute_not_exists(#state)' }
          : { ConditionExpression: '#state = :before', ExpressionAttributeValues: { ':before': { S: before } } };
      try {
        await client.send(
          new PutItemCommand({
            TableName: table,
            Item: { key: { S: key }, until, state: { S: next } },
            ExpressionAttributeNames: { '#state': 'state' },
            ...condition,
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
        throw error;
      }
    });
  return {
    read: async (key) => readState(await textOf(key)),
    change: async (key, toNext) => {
      for (let round = 0; round < ROUNDS; round++) {
        const before = await textOf(key);
        const next = JSON.stringify(toNext(readState(before)));
        if (await put(key, before, next)) return;
      }
      throw new SentRecordError(`the table ${table} cannot be written: others were faster each time`);
    },
  };
}
