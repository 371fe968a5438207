type Item = Record<string, { S?: string; N?: string }>;

/** Input of the operations in use. One call asks for one table. */
export interface TableQuestion {
  RequestItems?: Record<string, { Keys: Item[] } | { PutRequest: { Item: Item } }[]>;
  TableName?: string;
  Key?: Item;
  Item?: Item;
  /** The text that the item is expected to have as its `state`; without it, no such item is expected. */
  ExpressionAttributeValues?: { ':before'?: { S?: string } };
}

/** The part of DynamoDB in which `notify` keeps what was sent. Nothing is deleted at its end, as DynamoDB may be days late. */
export function createTableStandIn() {
  const items = new Map<string, Item>();
  const idOf = (table: string, item: Item | undefined) => JSON.stringify([table, item?.key?.S]);

  /** @returns the answer, or the name of the error; undefined for an operation that is not played. */
  function answer(operation: string, question: TableQuestion): object | string | undefined {
    const { RequestItems = {}, TableName = '', Key, Item, ExpressionAttributeValues: values } = question;
    const [[table, asked] = ['', []]] = Object.entries(RequestItems);
    if (operation === 'BatchGetItem' && 'Keys' in asked) {
      return { Responses: { [table]: asked.Keys.flatMap((key) => items.get(idOf(table, key)) ?? []) } };
    }
    if (operation === 'BatchWriteItem' && Array.isArray(asked)) {
      for (const { PutRequest } of asked) items.set(idOf(table, PutRequest.Item), PutRequest.Item);
      return {};
    }
    if (operation === 'GetItem') {
      const found = items.get(idOf(TableName, Key));
      return found === undefined ? {} : { Item: found };
    }
    if (operation !== 'PutItem' || Item === undefined) return undefined;
    const id = idOf(TableName, Item);
    if (items.get(id)?.state?.S !== values?.[':before']?.S) return 'ConditionalCheckFailedException';
    items.set(id, Item);
    return {};
  }

  return { answer };
}
