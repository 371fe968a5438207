import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createParameterStoreStandIn, type StoreQuestion } from '../../emulator/aws/parameter-store.ts';
import { expectDocumentedEvent } from './events-schema.ts';

type Item = Record<string, { S?: string; N?: string }>;
type Keys = { Keys: Item[]; ConsistentRead?: boolean };
type Put = { Item: Item; ExpressionAttributeValues?: Item };
type Puts = { PutRequest: { Item: Item } }[];
interface Entry {
  EventBusName: string;
  Source: string;
  DetailType: string;
  Detail: string;
  Time?: number;
}
interface Mail {
  FromEmailAddress: string;
  Destination: { ToAddresses: string[] };
  Content: { Simple: { Subject: { Data: string }; Body: { Text: { Data: string } } } };
}

/** @see "SendEmail" in the API reference of SES, version 2: the request has no operation but its path */
const SEND_EMAIL = '/v2/email/outbound-emails';

/**
 * What `notify` uses of AWS, over real HTTP for the real SDK: Parameter Store, a table of DynamoDB, topics of SNS, mail by
 * SES, and an event bus. It fails for an event that docs/events.schema.json does not allow.
 *
 * @param parameters the content of Parameter Store, by name.
 */
export async function startNotifyAws(parameters: Record<string, string> = {}) {
  const store = createParameterStoreStandIn(parameters, Date.now);
  const table = new Map<string, Item>();
  const published: { topic: string; subject: string; text: string }[] = [];
  const events: { bus: string; time: number | undefined; event: Record<string, unknown> }[] = [];
  const mails: { from: string; to: string[]; subject: string; text: string }[] = [];
  const calls: { operation: string; region: string | undefined; size: number }[] = [];
  /** Operations that are refused. */
  const refused = new Set<string>();
  /** How many entries of each call of DynamoDB are done, and how many events; the others come back as not processed. */
  const limits = { entries: Number.POSITIVE_INFINITY, events: Number.POSITIVE_INFINITY };

  function readBatch(name: string, { Keys, ConsistentRead }: Keys) {
    if (ConsistentRead !== true) throw new Error('a record that is read as it was may miss what was just written');
    if (Keys.length > 100) return undefined;
    const found = Keys.slice(0, limits.entries).flatMap(({ key }) => table.get(key?.S ?? '') ?? []);
    const rest = Keys.slice(limits.entries);
    return { Responses: { [name]: found }, UnprocessedKeys: rest.length > 0 ? { [name]: { Keys: rest } } : {} };
  }

  function writeBatch(name: string, requests: Puts) {
    if (requests.length > 25) return undefined;
    for (const { PutRequest } of requests.slice(0, limits.entries)) {
      table.set(PutRequest.Item.key?.S ?? '', PutRequest.Item);
    }
    const rest = requests.slice(limits.entries);
    return { UnprocessedItems: rest.length > 0 ? { [name]: rest } : {} };
  }

  /** Puts one item, if the state that it replaces is the expected one. */
  function putItem({ Item, ExpressionAttributeValues: values }: Put): object | string {
    const key = Item.key?.S ?? '';
    if (table.get(key)?.state?.S !== values?.[':before']?.S) return 'ConditionalCheckFailedException';
    table.set(key, Item);
    return {};
  }

  function putEvents(entries: Entry[]): object | undefined {
    if (entries.length > 10) return undefined;
    const results = entries.map(({ EventBusName: bus, Source, DetailType, Detail, Time: time }, i) => {
      if (i >= limits.events) return { ErrorCode: 'InternalFailure', ErrorMessage: 'secret-7' };
      const event = { source: Source, 'detail-type': DetailType, detail: JSON.parse(Detail) as object };
      expectDocumentedEvent(event);
      events.push({ bus, time, event });
      return { EventId: String(i) };
    });
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
  }

  /** @returns undefined for a call that AWS refuses. */
  function play(operation: string, body: Record<string, unknown>): object | string | undefined {
    const [name = '', entries] = Object.entries((body.RequestItems ?? {}) as Record<string, unknown>)[0] ?? [];
    if (operation === 'PutEvents') return putEvents(body.Entries as Entry[]);
    if (operation === 'SendEmail') return mail(body as unknown as Mail);
    if (operation === 'BatchGetItem') return readBatch(name, entries as Keys);
    if (operation === 'BatchWriteItem') return writeBatch(name, entries as Puts);
    if (operation === 'GetItem') return { Item: table.get((body as { Key: Item }).Key.key?.S ?? '') };
    if (operation === 'PutItem') return putItem(body as unknown as Put);
    return store.answer(operation, body as StoreQuestion);
  }

  function publish(form: URLSearchParams): string {
    const [topic = '', subject = '', message = ''] = ['TopicArn', 'Subject', 'Message'].map(
      (name) => form.get(name) ?? '',
    );
    published.push({ topic, subject, text: message });
    const result = '<PublishResult><MessageId>1</MessageId></PublishResult>';
    return `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">${result}</PublishResponse>`;
  }

  /** @returns undefined for anything other than one plain text to one address. */
  function mail({ FromEmailAddress: from, Destination, Content }: Mail): object | undefined {
    const { ToAddresses: to } = Destination;
    const { Subject, Body } = Content.Simple;
    const isPlain = Object.keys(Content).length === 1 && Object.keys(Body).length === 1;
    if (!isPlain || to.length !== 1) return undefined;
    mails.push({ from, to, subject: Subject.Data, text: Body.Text.Data });
    return { MessageId: '1' };
  }

  function answer(request: http.IncomingMessage, body: string): { status: number; body: string } {
    const form = new URLSearchParams(body);
    const operation =
      request.url === SEND_EMAIL
        ? 'SendEmail'
        : (String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? form.get('Action') ?? '');
    const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1];
    calls.push({ operation, region, size: body.length });
    if (operation === 'Publish') {
      if (!refused.has(operation)) return { status: 200, body: publish(form) };
      const error = '<Error><Code>AuthorizationError</Code><Message>secret-7</Message></Error>';
      return { status: 403, body: `<ErrorResponse>${error}</ErrorResponse>` };
    }
    const result = refused.has(operation) ? undefined : play(operation, JSON.parse(body) as Record<string, unknown>);
    return typeof result === 'object'
      ? { status: 200, body: JSON.stringify(result) }
      : { status: 400, body: JSON.stringify({ __type: result ?? 'AccessDeniedException', message: 'secret-7' }) };
  }

  const server = http.createServer((request, response) => {
    void text(request).then((body) => {
      const { status, body: said } = answer(request, body);
      response.writeHead(status).end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    parameters,
    table,
    published,
    mails,
    events,
    calls,
    refused,
    limits,
    /** Options with which a client of the SDK finds it. */
    client: {
      endpoint: url,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    },
    /** Environment with which the function finds it. */
    env: {
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      PERIOD_MINUTES: '15',
      SENT_TABLE: 'sent',
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
