import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterLine,
  isFirstWeek,
  isNews,
  readState,
  type StatusLine,
  type TargetState,
  UNSEEN_TARGET,
} from '../../../lib/notify/target-state.ts';
import type { SweepStatus } from '../../../lib/sweep/record/report.ts';
import { HOUR, MINUTE, NOW } from '../../helpers/world.ts';

const STATUSES: readonly SweepStatus[] = ['ok', 'failed', 'partial', 'capped', 'stopped'];

/** What is sent of some lines: each with its time in minutes. */
function play(lines: readonly StatusLine[]) {
  let state: TargetState = UNSEEN_TARGET;
  const sent: (StatusLine & Pick<TargetState, 'trouble'>)[] = [];
  for (const line of lines) {
    const isSent = isNews(state, line);
    if (isSent) sent.push({ ...line, trouble: state.trouble });
    // As the function does, it is kept between two lines as a text.
    state = readState(JSON.stringify(afterLine(state, line, isSent)));
  }
  return { state, sent };
}

const line = (minute: number, status: SweepStatus, dryRun = false): StatusLine => ({
  status,
  at: NOW + minute * MINUTE,
  dryRun,
});

/** Reads `0 stopped, 15 ok`: minutes and statuses. */
const linesOf = (text: string): StatusLine[] =>
  text.split(', ').map((one) => {
    const [minute, status] = one.split(' ');
    return line(Number(minute), status as SweepStatus);
  });
const sentOf = (text: string): string =>
  play(linesOf(text))
    .sent.map(({ at, status }) => `${(at - NOW) / MINUTE} ${status}`)
    .join(', ');

describe('isNews', () => {
  it.each([
    { name: 'no ok that ends nothing', lines: '0 ok, 15 ok', sent: '' },
    {
      name: 'a stop when it begins, and its end',
      lines: '0 ok, 15 stopped, 30 stopped, 45 ok, 60 ok',
      sent: '15 stopped, 45 ok',
    },
    {
      name: 'a failure after a stop, and one end of both',
      lines: '0 stopped, 15 failed, 30 ok',
      sent: '0 stopped, 15 failed, 30 ok',
    },
    {
      name: 'no end of a sweep that was capped or partial',
      lines: '0 capped, 15 ok, 30 partial, 45 ok',
      sent: '0 capped, 30 partial',
    },
    {
      name: 'capped and partial once a day each, however often they take turns',
      lines: '0 capped, 15 partial, 90 capped, 180 partial, 1380 capped, 1395 partial',
      sent: '0 capped, 15 partial, 1380 capped, 1395 partial',
    },
    {
      name: 'a cap after a stop, since sweeps run again, and the end',
      lines: '0 capped, 90 stopped, 105 capped, 120 ok',
      sent: '0 capped, 90 stopped, 105 capped, 120 ok',
    },
    {
      name: 'the end of a failure also after a cap',
      lines: '0 failed, 15 capped, 30 ok',
      sent: '0 failed, 15 capped, 30 ok',
    },
    {
      name: 'a standing stop once a day',
      lines: '0 stopped, 600 stopped, 1379 stopped, 1380 stopped, 1400 stopped',
      sent: '0 stopped, 1380 stopped',
    },
    {
      name: 'what comes back within an hour only once the hour is over, if it still stands',
      lines: '0 stopped, 15 ok, 30 stopped, 45 stopped, 60 stopped, 65 ok, 70 ok, 75 ok',
      sent: '0 stopped, 15 ok, 60 stopped, 75 ok',
    },
    {
      name: 'nothing of what came back and went within the hour',
      lines: '0 stopped, 15 ok, 30 stopped, 45 ok, 90 ok',
      sent: '0 stopped, 15 ok',
    },
  ])('sends $name', ({ lines, sent }) => {
    expect(sentOf(lines)).toBe(sent);
  });

  it('knows the first and the last sweep of the trouble that an end is about', () => {
    const { sent } = play(
      linesOf('0 stopped, 15 failed, 30 capped, 45 failed, 60 partial, 75 ok, 300 stopped, 400 ok'),
    );

    expect(sent.filter(({ status }) => status === 'ok').map(({ trouble }) => trouble)).toEqual([
      { firstAt: NOW, lastAt: NOW + 45 * MINUTE },
      { firstAt: NOW + 300 * MINUTE, lastAt: NOW + 300 * MINUTE },
    ]);
  });
});

const STANDING: readonly SweepStatus[] = ['ok', 'failed', 'stopped'];

/** Sweeps of a target: what each came to, and how many minutes after the one before. */
const SWEEPS = fc
  .array(
    fc.record({
      status: fc.constantFrom(...STANDING, ...STATUSES),
      minutes: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 20 }) }, fc.integer({ min: 41, max: 3_000 })),
      times: fc.integer({ min: 1, max: 4 }),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((runs) => {
    const steps = runs.flatMap(({ times, ...step }) => Array.from({ length: times }, () => step));
    let minute = 0;
    return steps.map(({ status, minutes }) => {
      minute += minutes;
      return line(minute, status);
    });
  });

describe('whatever the sweeps of a target come to', () => {
  it('the last message says what is true, at most an hour late', () => {
    // What stands at the end is there for an hour, and not much longer.
    const end = fc.record({ status: fc.constantFrom(...STANDING), minutes: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(SWEEPS, end, (before, { status, minutes }) => {
        const begin = ((before.at(-1)?.at ?? NOW) - NOW) / MINUTE + minutes;
        const steps = Math.ceil(60 / minutes);
        const lines = [...before, ...Array.from({ length: steps + 1 }, (_, i) => line(begin + i * minutes, status))];

        const { sent } = play(lines);

        // A sweep that was capped or partial says nothing of the next one.
        const known = sent.findLast((one) => STANDING.includes(one.status))?.status ?? 'ok';
        expect(known).toBe(status);
      }),
      { numRuns: 1_000 },
    );
  });

  it('no status is sent twice within an hour, and a message says what its own sweep said', () => {
    fc.assert(
      fc.property(SWEEPS, (lines) => {
        const { sent } = play(lines);

        for (const status of STATUSES) {
          const times = sent.filter((one) => one.status === status).map(({ at }) => at);
          expect(times.slice(1).every((at, i) => at - (times[i] ?? 0) >= HOUR)).toBe(true);
        }
        expect(lines).toEqual(expect.arrayContaining(sent.map(({ status, at, dryRun }) => ({ status, at, dryRun }))));
      }),
    );
  });

  it('an end is sent only after a stop or a failure, with the times of sweeps that were stopped or failed', () => {
    fc.assert(
      fc.property(SWEEPS, (lines) => {
        const { sent } = play(lines);
        const troubles = lines.filter(({ status }) => status === 'stopped' || status === 'failed').map(({ at }) => at);

        for (const [i, { status, at, trouble }] of sent.entries()) {
          if (status !== 'ok') continue;
          const before = sent.slice(0, i).findLast((one) => STANDING.includes(one.status));
          expect(before?.status).toMatch(/stopped|failed/);
          expect(troubles).toContain(trouble?.firstAt);
          expect(troubles).toContain(trouble?.lastAt);
          expect(trouble?.lastAt).toBeLessThan(at);
        }
      }),
    );
  });

  it('lines that come again or too late change nothing', () => {
    fc.assert(
      fc.property(SWEEPS, fc.infiniteStream(fc.nat(5)), (lines, back) => {
        const again = lines.flatMap((one, i) => [
          one,
          ...lines.slice(Math.max(0, i - (back.next().value ?? 0)), i + 1),
        ]);

        expect(play(again)).toEqual(play(lines));
      }),
    );
  });
});

describe('afterLine', () => {
  it('knows that an older line was sent meanwhile, so that its end is sent', () => {
    const stopped = line(0, 'stopped');
    const newer = afterLine(UNSEEN_TARGET, line(15, 'ok'), false);

    const both = afterLine(newer, stopped, true);

    expect(both.seenAt).toBe(line(15, 'ok').at);
    expect(isNews(both, line(30, 'ok'))).toBe(true);
    expect(both.trouble).toEqual({ firstAt: stopped.at, lastAt: stopped.at });
  });
});

describe('isFirstWeek', () => {
  const DAY = 24 * 60;

  it('is the first seven days of a dry run, and begins again after a live sweep, but not after one that could not run', () => {
    const { state } = play([line(0, 'ok', true), line(6 * DAY, 'ok', true)]);

    expect(isFirstWeek(UNSEEN_TARGET, line(0, 'ok', true))).toBe(true);
    expect(isFirstWeek(state, line(7 * DAY - 1, 'ok', true))).toBe(true);
    expect(isFirstWeek(state, line(7 * DAY, 'ok', true))).toBe(false);

    const failed = afterLine(state, line(7 * DAY, 'failed'), false);
    expect(isFirstWeek(failed, line(8 * DAY, 'ok', true))).toBe(false);

    const live = afterLine(failed, line(8 * DAY, 'ok'), false);
    const again = afterLine(live, line(9 * DAY, 'ok', true), false);
    expect(isFirstWeek(again, line(10 * DAY, 'ok', true))).toBe(true);
  });
});

describe('readState', () => {
  it.each([undefined, '', '{', '7', '{"seenAt": "now"}'])('takes %j for a target that was never seen', (text) => {
    expect(readState(text)).toEqual(UNSEEN_TARGET);
  });
});
