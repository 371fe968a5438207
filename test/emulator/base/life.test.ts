import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Life, obey, pastOf, stageAt } from '../../../emulator/base/life.ts';

type State = 'waits' | 'runs' | 'pauses' | 'ends' | 'stopped';

const life: Life<State> = [
  { from: 10, state: 'waits' },
  { from: 20, state: 'runs' },
  { from: 50, state: 'ends' },
];
const isOver = (state: State) => state === 'ends' || state === 'stopped';
const short = (stages: readonly { from: number; state: State }[]) =>
  stages.map(({ from, state }) => `${from} ${state}`);

describe('stageAt', () => {
  it.each([
    { now: 0, state: 'waits' },
    { now: 10, state: 'waits' },
    { now: 19, state: 'waits' },
    { now: 20, state: 'runs' },
    { now: 49, state: 'runs' },
    { now: 50, state: 'ends' },
    { now: 999, state: 'ends' },
  ])('is $state at $now', ({ now, state }) => {
    expect(stageAt(life, now).state).toBe(state);
  });

  it('is the last of several stages that begin at the same time', () => {
    expect(
      stageAt<State>(
        [
          { from: 10, state: 'waits' },
          { from: 10, state: 'runs' },
        ],
        10,
      ).state,
    ).toBe('runs');
  });
});

describe('obey', () => {
  it.each<{ name: string; now: number; ordered: Life<State>; obeyed: string[] }>([
    {
      name: 'an end in the middle of the run',
      now: 30,
      ordered: [{ from: 40, state: 'stopped' }],
      obeyed: ['10 waits', '20 runs', '40 stopped'],
    },
    {
      name: 'an end before the run',
      now: 12,
      ordered: [{ from: 15, state: 'stopped' }],
      obeyed: ['10 waits', '15 stopped'],
    },
    {
      name: 'an end that comes after the run has begun',
      now: 12,
      ordered: [{ from: 25, state: 'stopped' }],
      obeyed: ['10 waits', '20 runs', '25 stopped'],
    },
    {
      name: 'no end that comes at the same time as its own',
      now: 30,
      ordered: [{ from: 50, state: 'stopped' }],
      obeyed: ['10 waits', '20 runs', '50 ends'],
    },
    {
      name: 'only the stages before its own end',
      now: 30,
      ordered: [
        { from: 30, state: 'pauses' },
        { from: 60, state: 'stopped' },
      ],
      obeyed: ['10 waits', '20 runs', '30 pauses', '50 ends'],
    },
    {
      name: 'an interruption, and goes on as it would have',
      now: 30,
      ordered: [
        { from: 30, state: 'pauses' },
        { from: 40, state: 'runs' },
      ],
      obeyed: ['10 waits', '20 runs', '30 pauses', '40 runs', '50 ends'],
    },
    {
      name: 'an order after its end as a new life',
      now: 60,
      ordered: [{ from: 60, state: 'runs' }],
      obeyed: ['10 waits', '20 runs', '50 ends', '60 runs'],
    },
  ])('applies $name', ({ now, ordered, obeyed }) => {
    expect(short(obey(life, now, ordered, isOver))).toEqual(obeyed);
  });

  const anyLife = fc
    .array(fc.tuple(fc.nat(100), fc.constantFrom<State>('waits', 'runs', 'pauses', 'ends')), { minLength: 1 })
    .map((stages) => stages.map(([from, state]) => ({ from, state })).sort((a, b) => a.from - b.from) as Life<State>);

  it('never changes the past, and keeps the order of time', () => {
    fc.assert(
      fc.property(anyLife, fc.nat(100), fc.nat(50), fc.nat(100), (any, now, delay, earlier) => {
        fc.pre(earlier <= now && any[0].from <= now);
        const ordered: Life<State> = [
          { from: now, state: 'pauses' },
          { from: now + delay, state: 'stopped' },
        ];

        const obeyed = obey(any, now, ordered, isOver);

        expect(short(pastOf(obeyed, now)).slice(0, pastOf(any, now).length)).toEqual(short(pastOf(any, now)));
        if (earlier < now) expect(stageAt(obeyed, earlier)).toEqual(stageAt(any, earlier));
        expect(obeyed.map(({ from }) => from)).toEqual(obeyed.map(({ from }) => from).toSorted((a, b) => a - b));
      }),
    );
  });

  it('has ended at the latest when the order says so', () => {
    fc.assert(
      fc.property(anyLife, fc.nat(100), fc.nat(50), (any, now, delay) => {
        const obeyed = obey(any, now, [{ from: now + delay, state: 'stopped' }], isOver);

        expect(obeyed.some(({ from, state }) => from <= now + delay && isOver(state))).toBe(true);
      }),
    );
  });
});
