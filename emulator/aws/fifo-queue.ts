import { createHash } from 'node:crypto';

export interface StoredMessage {
  id: string;
  groupId: string;
  body: string;
  /** Epoch ms. */
  sentAt: number;
  isInFlight: boolean;
}

/** The part of an SQS FIFO queue that matters here: groups, order, and no message twice. */
export function createFifoQueue(now: () => number) {
  const messages: StoredMessage[] = [];
  const seen = new Set<string>();
  let count = 0;
  return {
    messages,
    send: ({ body, groupId, deduplicationId }: { body: string; groupId: string; deduplicationId: string }) => {
      count += 1;
      const id = `message-${count}`;
      if (!seen.has(deduplicationId)) messages.push({ id, groupId, body, sentAt: now(), isInFlight: false });
      seen.add(deduplicationId);
      return id;
    },
    /** The next message of a group that has no message under way. */
    receive: (): StoredMessage | undefined => {
      const busy = new Set(messages.filter(({ isInFlight }) => isInFlight).map(({ groupId }) => groupId));
      const next = messages.find(({ groupId }) => !busy.has(groupId));
      if (next !== undefined) next.isInFlight = true;
      return next;
    },
    delete: (id: string) => {
      const index = messages.findIndex((one) => one.id === id);
      if (index >= 0) messages.splice(index, 1);
    },
  };
}

export type FifoQueue = ReturnType<typeof createFifoQueue>;

export interface SqsQuestion {
  QueueUrl?: string;
  ReceiptHandle?: string;
  Entries?: { Id: string; MessageBody: string; MessageGroupId: string; MessageDeduplicationId: string }[];
}

/** The operations that dispatch and a poller use, in SQS's own JSON. */
export function answerForQueue(queue: FifoQueue, operation: string, question: SqsQuestion, refused: Set<string>) {
  switch (operation) {
    case 'SendMessageBatch': {
      const { Entries = [] } = question;
      const taken = Entries.filter(({ MessageGroupId }) => !refused.has(MessageGroupId));
      return {
        Successful: taken.map(({ Id, MessageBody: body, MessageGroupId, MessageDeduplicationId }) => ({
          Id,
          MessageId: queue.send({ body, groupId: MessageGroupId, deduplicationId: MessageDeduplicationId }),
          // The SDK checks this hash.
          MD5OfMessageBody: md5(body),
        })),
        Failed: Entries.filter((entry) => !taken.includes(entry)).map(({ Id }) => ({
          Id,
          Code: 'InternalError',
          SenderFault: false,
        })),
      };
    }
    case 'ReceiveMessage': {
      const message = queue.receive();
      if (message === undefined) return {};
      const { id, body, groupId } = message;
      const Attributes = { MessageGroupId: groupId };
      return { Messages: [{ MessageId: id, ReceiptHandle: id, Body: body, MD5OfBody: md5(body), Attributes }] };
    }
    case 'DeleteMessage':
      queue.delete(question.ReceiptHandle ?? '');
      return {};
    default:
      return undefined;
  }
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
