import * as v from 'valibot';
import { issueWords, keyProblem } from '../base/issue-words.ts';
import type { Matcher } from '../policy/matcher.ts';
import { PolicyError } from '../policy/policy-error.ts';
import { parseRouteMatch, type RouteMatch } from '../policy/route-match.ts';
import { type ParameterValues, parameterNames, parseJson } from '../settings/parameter-store.ts';
import { SettingsError } from '../settings/settings.ts';
import type { Message, PolicyRoute } from '../sweep/record/message.ts';
import { isMailAddress, mailAddressFor, OWNER } from './mail-address.ts';

/** Where messages go: an incoming webhook, a topic of SNS, or a mail address. The URL of a webhook is a secret. */
export type Destination = { webhook: URL } | { topic: string } | { mail: string };

/** One parameter below `/notices/routes/`. */
export interface Route {
  /** The parameter that holds it. */
  parameter: string;
  to: Message['to'];
  /** Undefined for every message. */
  match: RouteMatch | undefined;
  destination: Destination;
  /** Whom recipients can ask, in words that end the message. */
  ask: string | undefined;
  isFallback: boolean;
}

export interface Routes {
  /** In the order of their names, which is the order in which they are tried. */
  all: readonly Route[];
  /** The routes of the policy, which are tried before. Each leads to one of the others. */
  byPolicy: readonly ChosenRoute[];
  /** Takes what no other route is for. Undefined only for a stage without any route. */
  fallback: Route | undefined;
}

interface ChosenRoute extends Pick<Route, 'to' | 'match'> {
  route: Route;
}

/** What a route can be chosen by. A status of a sweep has a target alone. */
export interface Addressed {
  to: Message['to'];
  target: string;
  owner: string | null;
  queue: string | null;
}

/** The ARN of a topic, in any partition. A FIFO topic needs a group for each message, and takes no mail. */
const TOPIC = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/;
const MAIL = 'expected a mail address, which may have {owner} before the @, such as {owner}@example.com';
const HTTPS = 'expected an address that begins with https://, and has no user or password; it is not shown here';

const routeSchema = v.strictObject({
  to: v.picklist(['owner', 'operators'], 'expected owner or operators'),
  match: v.optional(v.unknown()),
  webhook: v.optional(v.pipe(v.string(HTTPS), v.check(isWebhook, HTTPS))),
  topic: v.optional(
    v.pipe(v.string('expected the ARN of a topic of SNS'), v.regex(TOPIC, 'expected the ARN of a topic of SNS')),
  ),
  mail: v.optional(v.pipe(v.string(MAIL), v.check(isMailAddress, MAIL))),
  ask: v.optional(v.pipe(v.string('expected a text'), v.maxLength(200, 'expected at most 200 characters'))),
  fallback: v.optional(v.boolean('expected true or false'), false),
});

function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return protocol === 'https:' && username === '' && password === '';
}

/**
 * Reads the routes of a stage. A route that cannot be read is left out: what it is for goes to the fallback.
 *
 * @param onUnreadable called with each such route.
 * @param options whether the stage can send mail; otherwise a route with a mail address cannot be read.
 * @throws {SettingsError} if there are routes, and not exactly one of them is the fallback.
 */
export function readRoutes(
  values: ParameterValues,
  stage: string,
  onUnreadable: (parameter: string, error: unknown) => void,
  { canMail = true }: { canMail?: boolean } = {},
): Routes {
  const all = [...values.keys()].sort().flatMap((parameter) => {
    try {
      return [parseRoute(parameter, values, canMail)];
    } catch (error) {
      onUnreadable(parameter, error);
      return [];
    }
  });
  const fallbacks = all.filter(({ isFallback }) => isFallback);
  if (values.size > 0 && fallbacks.length !== 1) {
    const path = parameterNames(stage).routes;
    const found = fallbacks.length === 0 ? 'none' : fallbacks.map(({ parameter }) => parameter).join(' and ');
    throw new SettingsError(path, `exactly one route must have "fallback": true; found ${found}`);
  }
  return { all, byPolicy: [], fallback: fallbacks[0] };
}

/** @throws {SettingsError} that names the parameter and the field, and shows no value. */
function parseRoute(parameter: string, values: ParameterValues, canMail: boolean): Route {
  const result = v.safeParse(routeSchema, parseJson(parameter, values));
  if (!result.success) throw new SettingsError(parameter, result.issues.map(inWords).join('; '));
  const { to, webhook, topic, mail, ask, fallback } = result.output;
  const destinations = [
    ...(webhook === undefined ? [] : [{ webhook: new URL(webhook) }]),
    ...(topic === undefined ? [] : [{ topic }]),
    ...(mail === undefined ? [] : [{ mail }]),
  ];
  const [destination] = destinations;
  if (destination === undefined || destinations.length > 1) {
    const found = destination === undefined ? 'none' : 'more than one';
    throw new SettingsError(parameter, `expected one of webhook, topic and mail; found ${found}`);
  }
  const problem = mail === undefined ? undefined : mailProblem({ mail, to, fallback, canMail });
  if (problem !== undefined) throw new SettingsError(parameter, `mail: ${problem}`);
  return { parameter, to, match: readMatch(parameter, result.output.match), destination, ask, isFallback: fallback };
}

interface MailRoute {
  mail: string;
  to: Message['to'];
  fallback: boolean;
  canMail: boolean;
}

function mailProblem({ mail, to, fallback, canMail }: MailRoute): string | undefined {
  if (!canMail) return 'the stage has no sender; deploy it with --param mailFrom=ADDRESS';
  if (!mail.includes(OWNER)) return undefined;
  if (to === 'operators') return `${OWNER} is only for messages to owners`;
  return fallback ? `the fallback takes every message, so its address cannot have ${OWNER}` : undefined;
}

/** Does not show an unknown key, since it may be a secret in the wrong place. */
function inWords(issue: v.BaseIssue<unknown>): string {
  if (keyProblem(issue) !== 'unknown key') return issueWords(issue, { whole: 'expected an object' });
  return `holds an unknown key, not shown here; allowed: ${Object.keys(routeSchema.entries).join(', ')}`;
}

function readMatch(parameter: string, document: unknown): RouteMatch | undefined {
  if (document === undefined) return undefined;
  try {
    return parseRouteMatch(document);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const problems = error.problems.map(({ path, message }) => `match${path && `.${path}`}: ${message}`);
    throw new SettingsError(parameter, problems.join('; '));
  }
}

/**
 * Adds the routes of a policy. One that cannot be read, or that names no route of the stage, is left out. A policy names a route and
 * no destination, since people can write a line by hand.
 *
 * @param onUnreadable called with each such route.
 */
export function withPolicy(
  routes: Routes,
  chosen: readonly PolicyRoute[],
  stage: string,
  onUnreadable: (parameter: string, error: unknown) => void,
): Routes {
  const byPolicy = chosen.flatMap(({ to, match, route: name }) => {
    const parameter = `${parameterNames(stage).routes}${name}`;
    try {
      const route = routes.all.find((one) => one.parameter === parameter);
      if (route === undefined)
        throw new SettingsError(parameter, 'the policy names this route, and the stage has none');
      return [{ to, match: readMatch(parameter, match ?? undefined), route }];
    } catch (error) {
      onUnreadable(parameter, error);
      return [];
    }
  });
  return { ...routes, byPolicy };
}

/**
 * Finds the first route for it; undefined if there is none, or it leads to an address that the name of the owner cannot be part
 * of. The fallback has to take it then.
 */
export function routeFor(addressed: Addressed, { all, byPolicy }: Routes): Route | undefined {
  const isForIt = ({ to, match = {} }: Pick<Route, 'to' | 'match'>): boolean => {
    const { target, owner, queue } = match;
    return (
      to === addressed.to &&
      isAny(addressed.target, target) &&
      isAny(addressed.owner, owner) &&
      isAny(addressed.queue, queue)
    );
  };
  const route = byPolicy.find(isForIt)?.route ?? all.find(isForIt);
  return route !== undefined && destinationFor(route.destination, addressed.owner) !== undefined ? route : undefined;
}

/**
 * Returns where a route leads for this owner.
 *
 * @returns undefined if the name of the owner cannot be part of its address.
 */
export function destinationFor(destination: Destination, owner: string | null): Destination | undefined {
  if (!('mail' in destination)) return destination;
  const mail = mailAddressFor(destination.mail, owner);
  return mail === undefined ? undefined : { mail };
}

/** Whether a value matches one of those wanted. A value that is not known matches none. */
function isAny(value: string | null, wanted: readonly Matcher[] | undefined): boolean {
  if (wanted === undefined) return true;
  return value !== null && wanted.some((one) => one.matches(value) === true);
}
