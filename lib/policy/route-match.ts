import * as v from 'valibot';
import { readAs } from './problems.ts';
import { about, hasKey, matcher, oneOrMany, ownerKey, queueKey, strictObject } from './schema-parts.ts';

/** Messages that a route is for. `target` is the name of a target of the stage. */
export const routeMatchSchema = v.pipe(
  strictObject({
    target: v.optional(about(oneOrMany(matcher('name')), 'Name of a target of the stage')),
    owner: ownerKey,
    queue: queueKey,
  }),
  v.check((keys) => hasKey(keys), 'expected at least one of target, owner, queue'),
);
export type RouteMatch = v.InferOutput<typeof routeMatchSchema>;

/** Reads the `match` of a route of messages. @throws {PolicyError} with every problem. */
export function parseRouteMatch(document: unknown): RouteMatch {
  return readAs(routeMatchSchema, document, 'match');
}
