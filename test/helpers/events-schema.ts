import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect } from 'vitest';
import { EVENT_SOURCE, type ReaperEvent } from '../../lib/notify/events.ts';

const isEvent = new Ajv({ allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(new URL('../../docs/events.schema.json', import.meta.url), 'utf8')) as object,
);

/** Fails if docs/events.schema.json does not allow an event as a target of a rule gets it. */
export function expectDocumentedEvent(event: object): void {
  isEvent(event);
  expect(isEvent.errors).toBeNull();
}

/** The same for an event before it is published. */
export function expectDocumented({ type, detail }: ReaperEvent): void {
  expectDocumentedEvent({ source: EVENT_SOURCE, 'detail-type': type, detail: JSON.parse(JSON.stringify(detail)) });
}
