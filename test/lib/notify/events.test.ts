import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../../lib/base/log.ts';
import { publishEvents, type ReaperEvent } from '../../../lib/notify/events.ts';
import { type Received, receive } from '../../../lib/notify/received.ts';
import type { SweepLog } from '../../../lib/sweep/record/log-lines.ts';
import type { MessageKind } from '../../../lib/sweep/record/message.ts';
import { renderEventsSchema } from '../../../scripts/events-schema.ts';
import { expectDocumented } from '../../helpers/events-schema.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { jobIdOf, messageJob, messageLine, operatorsLine } from '../../helpers/notices.ts';
import { HOUR } from '../../helpers/world.ts';
import { Life } from '../../model/gate.ts';

const DAY = 24 * HOUR;
const QUIET: Record<MessageKind, number> = {
  cancelled: 30 * DAY,
  unconfirmed: DAY,
  failed: DAY,
  warned: 30 * DAY,
  'may-be-cancelled': 30 * DAY,
  kept: 30 * DAY,
  ended: 30 * DAY,
  'would-be-cancelled': 30 * DAY,
};

/** @throws {Error} for a line that is no message. */
function received(line: object): Received {
  const result = receive(JSON.stringify(line));
  if ('skipped' in result) throw new Error(result.skipped);
  return result.message;
}

/** What outlives a process: the record of what was sent, and the events. */
function createWorld() {
  const clock = fakeClock();
  const untilByKey = new Map<string, number>();
  const calls: ReaperEvent[][] = [];
  const lines: object[] = [];
  const log: SweepLog = createLog((level, msg, fields) => lines.push({ level, msg, ...fields }));
  /** The ids of jobs whose events fail. */
  const refused = new Set<string>();
  const publish = (some: readonly object[], life = new Life(Number.POSITIVE_INFINITY)) =>
    publishEvents(
      some.map(received),
      {
        stage: 'dev',
        clock,
        log,
        sent: {
          among: async (keys) => {
            await life.pass();
            return new Set(keys.filter((key) => (untilByKey.get(key) ?? 0) > clock.now()));
          },
          add: async (items) => {
            await life.pass();
            for (const { key, until } of items) untilByKey.set(key, until);
            await life.pass();
          },
        },
        putEvents: async (events) => {
          await life.pass();
          events.forEach(expectDocumented);
          const isRefused = ({ detail }: ReaperEvent) => 'job' in detail && refused.has(detail.job.jobId);
          calls.push(events.filter((event) => !isRefused(event)));
          await life.pass();
          return events.map((event) => (isRefused(event) ? 'ThrottlingException' : undefined));
        },
      },
      QUIET,
    );
  return { clock, calls, lines, refused, publish, events: () => calls.flat() };
}

/** What an event is about. */
const about = ({ detail }: ReaperEvent) =>
  'job' in detail ? `${detail.kind} ${detail.job.jobId.slice(-2)}` : detail.status;

describe('docs/events.schema.json', () => {
  it('is what scripts/events-schema.ts says; `npm run schema` writes it', () => {
    const text = readFileSync(new URL('../../../docs/events.schema.json', import.meta.url), 'utf8');

    expect(text).toBe(renderEventsSchema());
  });
});

describe('publishEvents', () => {
  it('publishes an event for each job, with all that is known', async () => {
    const { publish, events } = createWorld();

    expect(await publish([messageLine({ jobs: [messageJob(1, { repeats: 3 })] })])).toBe(0);

    const { kind, ...job } = messageJob(1, { repeats: 3 });
    expect(events()).toEqual([
      {
        type: 'DLI Job Notice',
        detail: {
          version: 1,
          stage: 'dev',
          target: 'lake',
          region: 'eu-west-101',
          projectId: '0123456789abcdef0123456789abcdef',
          projectName: 'eu-west-101_lake',
          sweepId: 'sweep-1',
          trigger: 'schedule',
          dryRun: false,
          time: '2026-11-27T09:00:00.000Z',
          kind,
          job,
        },
      },
    ]);
  });

  it('publishes an event for a status that is not ok, and none for one that is', async () => {
    const { publish, events } = createWorld();

    await publish([operatorsLine({ jobs: [] }), operatorsLine({ status: 'capped', problems: ['too many'], jobs: [] })]);

    expect(events()).toMatchObject([
      { type: 'DLI Sweep Status', detail: { status: 'capped', problems: ['too many'], sweepId: 'sweep-1' } },
    ]);
  });

  it('publishes one event for a job that its owner and the operators hear of', async () => {
    const { publish, events } = createWorld();

    await publish([messageLine(), operatorsLine()]);
    await publish([operatorsLine()]);

    expect(events().map(about)).toEqual(['cancelled 01']);
  });

  it.each([
    { name: 'another target', change: { target: 'sea' } },
    { name: 'another rule', change: { jobs: [messageJob(1, { rule: 'other' })] } },
    { name: 'another cancel', change: { sweepId: 'sweep-2' } },
    { name: 'another kind', change: { jobs: [messageJob(1, { kind: 'unconfirmed' as const })] } },
  ])('takes the same job with $name for news', async ({ change }) => {
    const { publish, events } = createWorld();

    await publish([messageLine()]);
    await publish([messageLine(change)]);

    expect(events()).toHaveLength(2);
  });

  it('publishes the same about a job again after its quiet time, and a status with each sweep', async () => {
    const { clock, publish, calls } = createWorld();
    const lines = (sweepId: string) => [
      operatorsLine({
        sweepId,
        status: 'failed',
        jobs: [messageJob(1, { kind: 'failed' }), messageJob(2, { kind: 'warned' })],
      }),
    ];

    await publish(lines('sweep-1'));
    await publish(lines('sweep-2'));
    await publish(lines('sweep-2'));
    clock.pass(DAY);
    await publish(lines('sweep-3'));

    expect(calls.map((some) => some.map(about))).toEqual([
      ['failed 01', 'warned 02', 'failed'],
      ['failed'],
      ['failed 01', 'failed'],
    ]);
  });

  it('counts what was refused, says why, and publishes only that again', async () => {
    const { publish, events, refused, lines } = createWorld();
    const line = messageLine({ jobs: [1, 2, 3].map((number) => messageJob(number)) });
    refused.add(jobIdOf(1)).add(jobIdOf(3));

    expect(await publish([line])).toBe(2);
    refused.clear();
    expect(await publish([line])).toBe(0);

    expect(events().map(about)).toEqual(['cancelled 02', 'cancelled 01', 'cancelled 03']);
    expect(lines).toEqual([
      { level: 'info', msg: 'events published', events: 1 },
      { level: 'error', msg: 'events not published', events: 2, error: 'ThrottlingException' },
      { level: 'info', msg: 'events published', events: 2 },
    ]);
  });

  it('gives no more than ten events to a call', async () => {
    const { publish, calls } = createWorld();

    await publish([messageLine({ jobs: Array.from({ length: 25 }, (_, i) => messageJob(i)) })]);

    expect(calls.map((events) => events.length)).toEqual([10, 10, 5]);
  });

  it('gives less than 256 KB to a call, whatever is in a line', async () => {
    const { publish, calls } = createWorld();
    // Six bytes each in JSON.
    const long = (number: number) => `${number}`.padEnd(2_000, '\ud800');
    const job = (number: number) =>
      messageJob(number, {
        jobId: long(number),
        name: long(1),
        engine: long(1),
        queue: long(1),
        owner: long(1),
        rule: long(1),
        at: long(1),
        keptBy: { exemption: long(1), owner: long(1) },
        error: long(1),
      });
    const names = { target: long(1), region: long(1), projectId: long(1), projectName: long(1), trigger: long(1) };
    const problems = Array.from({ length: 100 }, () => long(1));

    await publish([
      operatorsLine({ ...names, sweepId: long(1), jobs: [job(1), job(2)], status: 'failed', problems }),
      operatorsLine({ jobs: [messageJob(3), messageJob(4)] }),
    ]);

    const sizes = calls.map((events) =>
      events.reduce(
        (sum, { type, detail }) => sum + Buffer.byteLength(`dli-job-reaper${type}${JSON.stringify(detail)}`) + 14,
        0,
      ),
    );
    expect(calls.map((events) => events.length)).toEqual([1, 1, 3]);
    for (const size of sizes) expect(size).toBeLessThan(256 * 1024);
  });

  it.each([null, 'yesterday', ''])('knows no time if a line has %j', async (time) => {
    const { publish, events } = createWorld();

    await publish([messageLine({ timestamp: time })]);

    expect(events()[0]?.detail.time).toBeNull();
  });

  it('knows the time of a line of an earlier version, which has it under another name', async () => {
    const { publish, events } = createWorld();

    await publish([messageLine({ timestamp: undefined, time: '2026-11-27T08:00:00.000Z' })]);

    expect(events()[0]?.detail.time).toBe('2026-11-27T08:00:00.000Z');
  });

  it('calls nothing for messages without news', async () => {
    const { publish, calls } = createWorld();

    expect(await publish([operatorsLine({ jobs: [] })])).toBe(0);

    expect(calls).toEqual([]);
  });

  it('loses nothing if the process is killed at any await, and repeats at most the call that was under way', async () => {
    const lines = [messageLine({ jobs: Array.from({ length: 15 }, (_, i) => messageJob(i)) })];
    let killAt = 0;
    for (let end = 'killed'; end === 'killed'; ) {
      killAt += 1;
      const { publish, calls, events } = createWorld();
      const life = new Life(killAt);
      end = await Promise.race([life.death, publish(lines, life).then(() => 'lived' as const)]);
      const underWay = calls.at(-1) ?? [];
      await publish(lines);

      const all = events().map(about);
      const again = all.filter((one, i) => all.indexOf(one) !== i);
      expect(new Set(all).size).toBe(15);
      expect(underWay.map(about)).toEqual(expect.arrayContaining(again));
    }

    // It died at every await of its work.
    expect(killAt).toBeGreaterThan(8);
  });
});
