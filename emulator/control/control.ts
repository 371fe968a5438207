import * as v from 'valibot';
import { parseDuration } from '../../lib/base/duration.ts';
import { messageOf } from '../../lib/base/error-words.ts';
import type { Answer } from '../base/answer.ts';
import { type Assumptions, parseAssumption } from '../base/assumptions.ts';
import type { EmulatorClock } from '../base/clock.ts';
import type { HttpRequest, RequestRecord } from '../base/request.ts';
import type { Stores } from '../routes.ts';
import { parseFaults } from './fault-file.ts';
import type { FaultScript } from './faults.ts';
import { addJobs, changeJob, describeJobs } from './jobs.ts';
import { loadSnapshot, parseSnapshot, takeSnapshot } from './snapshot.ts';

export interface Controlled {
  stores: Stores;
  /** Undefined if the emulator's time comes from the caller that started it. */
  clock: EmulatorClock | undefined;
  now: () => number;
  faults: FaultScript;
  requests: RequestRecord[];
  assumptions: Assumptions;
  /** Names under which it answers, with those of loopback. */
  controlHosts: readonly string[];
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

const ROUTES = [
  'GET requests',
  'DELETE requests',
  'GET jobs',
  'POST jobs',
  'PATCH jobs/{id}',
  'GET faults',
  'POST faults',
  'DELETE faults',
  'GET clock',
  'POST clock',
  'GET snapshot',
  'PUT snapshot',
  'GET assumptions',
  'PATCH assumptions',
  'GET health',
] as const;

type ControlRoute = (typeof ROUTES)[number];

/**
 * Answers a call under `/_emulator`. Such calls are unsigned, and must name a host that is allowed.
 *
 * @returns the answer. If the call cannot be understood, it is an error that says what would be right.
 */
export function control(request: HttpRequest, controlled: Controlled): Answer {
  const path = request.target.replace(/^\/_emulator\//, '').replace(/\?.*$/, '');
  // A web page could call this machine by a name of its own that leads here. The health is no secret.
  const host = String(request.headers.host).replace(/:\d+$/, '').toLowerCase();
  const hosts = [...LOOPBACK_NAMES, ...controlled.controlHosts];
  if (path !== 'health' && !hosts.includes(host)) {
    return { status: 403, body: { error: `this interface answers only to ${hosts.join(', ')}; see --allow-host` } };
  }
  const [, id] = /^jobs\/(.+)$/.exec(path) ?? [];
  const route = `${request.method} ${id === undefined ? path : 'jobs/{id}'}` as ControlRoute;
  if (!ROUTES.includes(route)) return { status: 404, body: { error: 'no such route', routes: ROUTES } };
  try {
    return { status: 200, body: answer(route, id ?? '', request.body, controlled) };
  } catch (error) {
    return { status: 400, body: { error: messageOf(error) } };
  }
}

function answer(route: ControlRoute, id: string, body: Buffer, controlled: Controlled): unknown {
  const { stores, now, faults, requests, clock, assumptions } = controlled;
  switch (route) {
    case 'GET requests':
      return { requests };
    case 'DELETE requests':
      requests.length = 0;
      return { requests };
    case 'GET jobs':
      return { jobs: describeJobs(stores, now()) };
    case 'POST jobs':
      addJobs(parseJson(body), stores, now());
      return { jobs: describeJobs(stores, now()) };
    case 'PATCH jobs/{id}':
      return { job: changeJob(decodeURIComponent(id), parseRecord(body), stores, now()) };
    case 'GET faults':
      return { faults: faults.all(), unmet: faults.unmet() };
    case 'POST faults':
      faults.add(...parseFaults(parseJson(body)));
      return { faults: faults.all(), unmet: faults.unmet() };
    case 'DELETE faults':
      faults.clear();
      return { faults: [], unmet: [] };
    case 'GET clock':
      return showClock(clock, now);
    case 'POST clock':
      moveClock(parseJson(body), clock);
      return showClock(clock, now);
    case 'GET snapshot':
      return takeSnapshot(stores, now());
    case 'PUT snapshot':
      loadSnapshot(parseSnapshot(parseJson(body)), stores);
      return { jobs: describeJobs(stores, now()).length };
    case 'GET assumptions':
      return { assumptions };
    case 'PATCH assumptions':
      changeAssumptions(parseRecord(body), assumptions);
      return { assumptions };
    case 'GET health':
      return { status: 'ok' };
    default:
      return route satisfies never;
  }
}

/** Changes all of them or none. */
function changeAssumptions(changes: Record<string, unknown>, assumptions: Assumptions): void {
  const parsed = Object.entries(changes).map(([name, answer]) => parseAssumption(name, answer));
  Object.assign(assumptions, ...parsed);
}

const clockOrder = v.pipe(
  v.strictObject({ step: v.optional(v.string()), speed: v.optional(v.pipe(v.number(), v.minValue(0))) }),
  v.check(({ step, speed }) => step !== undefined || speed !== undefined),
);

function moveClock(body: unknown, clock: EmulatorClock | undefined): void {
  const order = v.safeParse(clockOrder, body);
  if (!order.success) throw new Error('expected {"step": "2h"}, {"speed": 60}, or both');
  if (clock === undefined)
    throw new Error('this emulator has no clock of its own: its time comes from the caller that started it');
  if (order.output.speed !== undefined) clock.setSpeed(order.output.speed);
  if (order.output.step !== undefined) clock.step(parseDuration(order.output.step));
}

function showClock(clock: EmulatorClock | undefined, now: () => number) {
  return { now: new Date(now()).toISOString(), epochMs: now(), speed: clock?.speed() ?? null };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new Error('the body is not JSON');
  }
}

function parseRecord(body: Buffer): Record<string, unknown> {
  const value = parseJson(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('the body is not an object');
  return { ...value };
}
