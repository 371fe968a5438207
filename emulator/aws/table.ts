type Item = Record<string, { S?: string; N?: string }>;

/** Input of the operations in use. One call asks for one table. */
export interface TableQuestion {
  RequestItems?: Record<string, { Keys: Item[] } | { PutRequest: { Item: Item } }[]>;
}

/** The part of DynamoDB in which `notify` keeps what was sent. Nothing is deleted at its end, as DynamoDB may be days late. */
export function createTableStandIn() {
  const items = new Map<string, Item>();
  const idOf = (table: string, item: Item) => JSON.stringify([table, item.key?.S]);

  /** @returns the answer; undefined for an operation that is not played. */
  function answer(operation: string, { RequestItems = {} }: TableQuestion): object | undefined {
    const [[table, asked] = ['', []]] = Object.entries(RequestItems);
    if (operation === 'BatchGetItem' && 'Keys' in asked) {
      return { Responses: { [table]: asked.Keys.flatMap((key) => items.get(idOf(table, key)) ?? []) } };
    }
    if (operation === 'BatchWriteItem' && Array.isArray(asked)) {
      for (const { PutRequest } of asked) items.set(idOf(table, PutRequest.Item), PutRequest.Item);
      return {};
    }
    return undefined;
  }

  return { answer };
}
