import {
  EventBridgeClient,
  type EventBridgeClientConfig,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { nameOf } from '../base/error-words.ts';
import { EVENT_SOURCE, type PutEvents, type ReaperEvent } from './events.ts';

/**
 * Creates what publishes events on a bus.
 *
 * @param bus its name or its ARN.
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export function createEventBus(config: EventBridgeClientConfig, bus: string): PutEvents {
  const client = new EventBridgeClient(config);
  return async (events) => {
    try {
      const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: events.map(toEntry(bus)) }));
      // The answer has an entry for each of the request, in its order. An event without one is not known to be published.
      return events.map((_, i) =>
        Entries[i]?.EventId === undefined ? (Entries[i]?.ErrorCode ?? 'no answer') : undefined,
      );
    } catch (error) {
      return events.map(() => nameOf(error));
    }
  };
}

const toEntry =
  (EventBusName: string) =>
  ({ type, detail }: ReaperEvent): PutEventsRequestEntry => ({
    EventBusName,
    Source: EVENT_SOURCE,
    DetailType: type,
    Detail: JSON.stringify(detail),
    ...(detail.time === null ? {} : { Time: new Date(detail.time) }),
  });
