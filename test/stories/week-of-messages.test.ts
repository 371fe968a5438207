import { describe, expect, it } from 'vitest';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import { createLog, type LogFields } from '../../lib/base/log.ts';
import { notifyEvent } from '../../lib/notify/notify.ts';
import { type TargetState, UNSEEN_TARGET } from '../../lib/notify/target-state.ts';
import { emergencyPolicy } from '../../lib/policy/emergency.ts';
import type { SweepRequest } from '../../lib/request/request.ts';
import { ParameterValues } from '../../lib/settings/parameter-store.ts';
import type { Settings } from '../../lib/settings/settings.ts';
import { makeEmergency } from '../helpers/make-job.ts';
import { routeName, subscriptionEvent } from '../helpers/notices.ts';
import { emulatedJob, HOUR, MINUTE, makeWorld, NOW } from '../helpers/world.ts';

/*
 * A week of one target, from a Monday on: what its people read, and what they do not. Thirty jobs come close to their limit, and
 * twenty-five of them end in time. A dashboard sends one query again and again. One job cannot be cancelled for some hours. A person
 * stops the reaper over the weekend, and another one clears a queue by hand.
 */

const DAY = 24 * HOUR;
const TICK = 30 * MINUTE;
const day = (days: number, hours: number, minutes = 0): number =>
  NOW - 9 * HOUR + days * DAY + hours * HOUR + minutes * MINUTE;
const [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, NEXT_MONDAY] = [0, 1, 2, 3, 4, 7] as const;

const POLICY = {
  rules: [
    { id: 'adhoc-2h', match: { queue: 'adhoc' }, maxRunTime: '2h', warnBefore: '1h' },
    { id: 'bi-1h', match: { queue: 'bi' }, maxRunTime: '1h' },
  ],
  notices: [{ to: 'owner', match: { owner: 'cy' }, route: 'team-of-cy' }],
};

const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:';
const route = (name: string, fields: object): [string, string] => [
  routeName(name),
  JSON.stringify({ to: 'owner', topic: TOPIC + name, ...fields }),
];
/** `zoe` has no route, and `team-of-cy` is for no one by itself. */
const ROUTES = Object.fromEntries([
  ...['ana', 'bo', 'dash', 'dora', 'eve'].map((owner) => route(owner, { match: { owner } })),
  route('ops', { to: 'operators', fallback: true }),
  route('team-of-cy', { match: { owner: 'no-one' } }),
]);

let jobs = 0;
function job(submittedAt: number, endsAt: number, fields: Partial<EmulatedJob>): EmulatedJob {
  jobs += 1;
  return emulatedJob(jobs, { submittedAt, runsFrom: submittedAt, endsAt, ...fields });
}

/** Five jobs that come close to their limit; some of them end before it. */
function batch(owner: string, at: number, { ending }: { ending: number }): EmulatedJob[] {
  return Array.from({ length: 5 }, (_, n) =>
    job(at + MINUTE, n < ending ? at + 100 * MINUTE : at + DAY, {
      owner,
      statement: `select ${owner}_${at}_${n} from t`,
    }),
  );
}

const query = (owner: string, at: number, until: number, n = 0) =>
  job(at, until, { owner, queue: 'bi', statement: `select sum(x) from sales where day = ${n}` });

const STUCK = query('eve', day(WEDNESDAY, 9, 1), day(WEDNESDAY, 14, 10));
const JOBS = [
  ...batch('ana', day(MONDAY, 10), { ending: 4 }),
  ...batch('bo', day(MONDAY, 14), { ending: 4 }),
  ...batch('cy', day(TUESDAY, 8), { ending: 4 }),
  // Each is sent right after the one before was cancelled.
  ...[0, 90, 180, 270].map((minutes, n) => query('dash', day(TUESDAY, 10, 1 + minutes), day(FRIDAY, 0), n)),
  STUCK,
  ...batch('ana', day(WEDNESDAY, 16), { ending: 4 }),
  ...batch('bo', day(THURSDAY, 8), { ending: 4 }),
  ...[1, 2].map((n) =>
    job(day(THURSDAY, 12), day(FRIDAY, 0), { owner: 'dora', queue: 'night', statement: `select ${n}` }),
  ),
  query('zoe', day(THURSDAY, 16, 1), day(FRIDAY, 0), 7),
  ...batch('ana', day(FRIDAY, 9), { ending: 5 }),
].toSorted((a, b) => b.submittedAt - a.submittedAt);

const STOPPED = { from: day(FRIDAY, 18), until: day(NEXT_MONDAY, 8) };
const EMERGENCY_AT = day(THURSDAY, 15, 10);

const TITLE = 'project lake';
const warned = (count: number) => `Your DLI jobs in ${TITLE}: ${count} may be cancelled soon`;
const gone = (count: number) => `Your DLI jobs in ${TITLE}: ${count} no longer run`;
const cancelled = `Your DLI job in ${TITLE} was cancelled`;
const forOps = (what: string) => `DLI job reaper, sweep of lake (stage dev): ${what}`;

/** Every message of the week: when, to which route, and its title. */
const TABLE = [
  ['Mon 11:30', 'ana', warned(5)],
  ['Mon 12:00', 'ana', gone(4)],
  ['Mon 12:30', 'ops', forOps('1 cancelled')],
  ['Mon 12:30', 'ana', cancelled],
  ['Mon 15:30', 'bo', warned(5)],
  ['Mon 16:00', 'bo', gone(4)],
  ['Mon 16:30', 'ops', forOps('1 cancelled')],
  ['Mon 16:30', 'bo', cancelled],
  ['Tue 09:30', 'team-of-cy', warned(5)],
  ['Tue 10:00', 'team-of-cy', gone(4)],
  ['Tue 10:30', 'ops', forOps('1 cancelled')],
  ['Tue 10:30', 'team-of-cy', cancelled],
  ['Tue 11:30', 'ops', forOps('1 cancelled')],
  ['Tue 11:30', 'dash', cancelled],
  ['Tue 13:00', 'ops', forOps('1 cancelled')],
  ['Tue 13:00', 'dash', cancelled],
  ['Tue 14:30', 'ops', forOps('1 cancelled')],
  ['Tue 14:30', 'dash', cancelled],
  ['Tue 16:00', 'ops', forOps('1 cancelled')],
  ['Tue 16:00', 'dash', cancelled],
  ['Wed 10:30', 'ops', forOps('failures, 1 not cancelled')],
  ['Wed 14:30', 'ops', forOps('ok again')],
  ['Wed 17:30', 'ana', warned(5)],
  ['Wed 18:00', 'ana', gone(4)],
  ['Wed 18:30', 'ops', forOps('1 cancelled')],
  ['Wed 18:30', 'ana', cancelled],
  ['Thu 09:30', 'bo', warned(5)],
  ['Thu 10:00', 'bo', gone(4)],
  ['Thu 10:30', 'ops', forOps('1 cancelled')],
  ['Thu 10:30', 'bo', cancelled],
  ['Thu 15:10', 'ops', 'DLI job reaper, emergency on lake (stage dev): 2 cancelled'],
  ['Thu 15:10', 'dora', `Your DLI jobs in ${TITLE}: 2 were cancelled`],
  ['Thu 17:30', 'ops', forOps('1 cancelled')],
  ['Thu 17:30', 'ops', `For zoe, without a route: ${cancelled}`],
  ['Fri 10:30', 'ana', warned(5)],
  ['Fri 11:00', 'ana', gone(5)],
  ['Fri 18:00', 'ops', forOps('stopped')],
  ['Sat 17:00', 'ops', forOps('stopped')],
  ['Sun 16:00', 'ops', forOps('stopped')],
  ['Mon 08:00', 'ops', forOps('ok again')],
] as const;

const momentOf = (ms: number): string =>
  `${new Date(ms).toLocaleDateString('en', { weekday: 'short', timeZone: 'UTC' })} ${new Date(ms).toISOString().slice(11, 16)}`;

/** Sends what a sweep wrote, as the function does, and remembers what was sent between the calls. */
function createNotify(now: () => number) {
  const untilByKey = new Map<string, number>();
  const states = new Map<string, TargetState>();
  const published: { at: number; to: string; title: string; text: string }[] = [];
  let withoutRoute = 0;
  const send = (lines: readonly object[]) =>
    notifyEvent(subscriptionEvent(lines), {
      stage: 'dev',
      clock: { now },
      log: createLog(() => {}),
      writeMetrics: ({ MessagesWithoutRoute = 0 }) => {
        withoutRoute += MessagesWithoutRoute;
      },
      readPath: async () => {
        const values = new ParameterValues();
        for (const [Name, Value] of Object.entries(ROUTES)) values.add({ Name, Value });
        return values;
      },
      sent: {
        among: async (keys) => new Set(keys.filter((key) => (untilByKey.get(key) ?? 0) > now())),
        add: async (items) => {
          for (const { key, until } of items) untilByKey.set(key, until);
        },
      },
      states: {
        read: async (key) => states.get(key) ?? UNSEEN_TARGET,
        change: async (key, toNext) => {
          states.set(key, toNext(states.get(key) ?? UNSEEN_TARGET));
        },
      },
      ownersPage: undefined,
      publish: async (destination, { title, text }) => {
        if (!('topic' in destination)) throw new Error('all routes lead to topics');
        published.push({ at: now(), to: destination.topic.slice(TOPIC.length), title, text });
      },
    });
  return { send, published, withoutRoute: () => withoutRoute };
}

/** Plays the week. @returns every message, in the order in which they were sent. */
async function playWeek() {
  const world = await makeWorld({ jobs: [], cancelDelayMs: 1_000 });
  const answer = { status: 400, body: { error_code: 'DLI.0003', error_msg: 'not now' } };
  world.emulator.faults.add({ on: 'cancel-sql-job', target: STUCK.id, times: Number.POSITIVE_INFINITY, answer });
  const notify = createNotify(world.clock.now);
  const waiting = structuredClone(JOBS);
  const { loadSettings = world.deps.loadSettings } = world.withPolicy(POLICY);

  const sweepAt = async (at: number, request: Partial<SweepRequest> = {}, settings: Partial<Settings> = {}) => {
    world.pass(at - world.clock.now());
    while ((waiting.at(-1)?.submittedAt ?? Number.POSITIVE_INFINITY) < at) {
      world.emulator.sql.add(waiting.pop() as EmulatedJob);
    }
    const from = world.lines.length;
    await world.sweep(
      { trigger: 'schedule', target: 'lake', sweepId: `sweep-${at}`, ...request },
      {
        readRecord: world.readRecord,
        deadlineAt: at + 10 * MINUTE,
        loadSettings: async (asked) => ({ ...(await loadSettings(asked)), ...settings }),
      },
    );
    const written = world.lines.slice(from).filter(({ msg }) => msg === 'message');
    await notify.send(
      written.map((line) => ({ ...line.fields, msg: line.msg, timestamp: new Date(line.at).toISOString() })),
    );
  };

  const emergency = makeEmergency({ queue: ['night'] });
  let isEmergencyOver = false;
  for (let at = day(MONDAY, 9, 30); at <= day(NEXT_MONDAY, 12); at += TICK) {
    if (at > EMERGENCY_AT && !isEmergencyOver) {
      const policy = emergencyPolicy(emergency, (await loadSettings(undefined as never)).policy);
      await sweepAt(EMERGENCY_AT, { trigger: 'emergency', emergency, reason: 'the night queue is stuck' }, { policy });
      isEmergencyOver = true;
    }
    await sweepAt(at, {}, { isSwitchedOn: at < STOPPED.from || at >= STOPPED.until });
  }
  return { published: notify.published, withoutRoute: notify.withoutRoute(), lines: world.lines };
}

describe('a week of messages', () => {
  it('has exactly these, to exactly these recipients, and names no statement', async () => {
    const { published, withoutRoute, lines } = await playWeek();

    expect(published.map(({ at, to, title }) => [momentOf(at), to, title])).toEqual(TABLE);
    expect(withoutRoute).toBe(1);
    const kinds = new Map<string, number>();
    for (const { fields } of lines as {
      fields: LogFields & { to?: string; jobs?: { kind: string; jobId: string }[] };
    }[]) {
      if (fields.to !== 'owner') continue;
      for (const { kind } of fields.jobs ?? []) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    expect(kinds.get('ended')).toBe(25);
    expect(published.map(({ text }) => text).join()).not.toMatch(/select|sum\(x\)/);

    const toDash = published.filter(({ to }) => to === 'dash').map(({ text }) => text);
    expect(toDash.map((text) => /cancelled (once more|\d more times)/.exec(text)?.[0] ?? null)).toEqual([
      null,
      'cancelled once more',
      'cancelled 2 more times',
      'cancelled 3 more times',
    ]);
    expect(published.find(({ to }) => to === 'dora')?.text).toContain('"the night queue is stuck"');
  });
});
