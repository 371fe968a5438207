import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedKills, exceededCap, needsLiveCount, victimsOf } from '../../../../lib/sweep/judge/cap.ts';
import { decideOne, makeJob, makeVictim } from '../../../helpers/make-job.ts';
import { HOUR, NOW } from '../../../helpers/world.ts';

describe('victimsOf', () => {
  it('takes what the policy wants cancelled, the longest over its limit first, then by id', () => {
    const kept = decideOne(makeJob({ startedAt: NOW }));
    const [one, two, three] = [makeVictim(1), makeVictim(2), makeVictim(3, 2 * HOUR)];

    expect(victimsOf([two, kept, one, three])).toEqual([three, one, two]);
  });

  it('leaves the decisions as they were', () => {
    const decisions = [makeVictim(1), makeVictim(2, 2 * HOUR)];

    victimsOf(decisions);

    expect(decisions).toEqual([makeVictim(1), makeVictim(2, 2 * HOUR)]);
  });
});

const MANY = { maxKills: 1_000, maxKillsPercent: 100, percentFloor: 0, drain: false };

describe('exceededCap', () => {
  it.each([
    { name: 'as many victims as maxKills', victims: 20, live: 100, caps: { maxKills: 20 } },
    { name: 'no victims under a maxKills of zero', victims: 0, live: 100, caps: { maxKills: 0 } },
    { name: 'exactly the percentage', victims: 50, live: 100, caps: { maxKillsPercent: 50 } },
    { name: 'every job under 100 percent', victims: 100, live: 100, caps: { maxKillsPercent: 100 } },
    { name: 'no victims under 0 percent', victims: 0, live: 0, caps: { maxKillsPercent: 0 } },
    {
      name: 'every job, where they are fewer than the floor',
      victims: 9,
      live: 9,
      caps: { maxKillsPercent: 50, percentFloor: 10 },
    },
  ])('allows $name', ({ victims, live, caps }) => {
    expect(exceededCap(victims, live, { ...MANY, ...caps })).toBeUndefined();
  });

  it.each([
    {
      name: 'one victim more than maxKills',
      victims: 21,
      live: 100,
      caps: { maxKills: 20 },
      words: '21 victims are more than maxKills 20',
    },
    {
      name: 'any victim under a maxKills of zero',
      victims: 1,
      live: 100,
      caps: { maxKills: 0 },
      words: '1 victims are more than maxKills 0',
    },
    {
      name: 'one victim more than the percentage',
      victims: 51,
      live: 100,
      caps: { maxKillsPercent: 50 },
      words: '51 victims of 100 live jobs are more than maxKillsPercent 50',
    },
    {
      name: 'the percentage at its floor',
      victims: 6,
      live: 10,
      caps: { maxKillsPercent: 50, percentFloor: 10 },
      words: '6 victims of 10 live jobs are more than maxKillsPercent 50',
    },
    {
      name: 'any victim under 0 percent',
      victims: 1,
      live: 9,
      caps: { maxKillsPercent: 0, percentFloor: 10 },
      words: '1 victims of 9 live jobs are more than maxKillsPercent 0',
    },
    {
      name: 'both caps, and names maxKills',
      victims: 9,
      live: 9,
      caps: { maxKills: 5, maxKillsPercent: 50 },
      words: '9 victims are more than maxKills 5',
    },
    {
      name: 'more than the ceiling, whatever maxKills says',
      victims: 8,
      live: 100,
      caps: { ceiling: 7 },
      words: '8 victims are more than 7, the ceiling for a sweep here, which maxKills 1000 does not raise',
    },
    {
      name: 'more than a maxKills that is below the ceiling',
      victims: 7,
      live: 100,
      caps: { maxKills: 6, ceiling: 7 },
      words: '7 victims are more than maxKills 6',
    },
    {
      name: 'more than a maxKills at the ceiling',
      victims: 8,
      live: 100,
      caps: { maxKills: 7, ceiling: 7 },
      words: '8 victims are more than maxKills 7',
    },
  ])('stops $name', ({ victims, live, caps, words }) => {
    expect(exceededCap(victims, live, { ...MANY, ...caps })).toBe(words);
  });
});

describe('allowedKills', () => {
  it.each([
    { name: 'maxKills', live: 100, caps: { maxKills: 20 }, allowed: 20 },
    { name: 'no job, with a maxKills of zero', live: 100, caps: { maxKills: 0 }, allowed: 0 },
    { name: 'the percentage', live: 100, caps: { maxKillsPercent: 7 }, allowed: 7 },
    { name: 'the percentage, rounded down', live: 99, caps: { maxKillsPercent: 50 }, allowed: 49 },
    { name: 'no job, where the percentage is less than one', live: 9, caps: { maxKillsPercent: 10 }, allowed: 0 },
    { name: 'the ceiling', live: 100, caps: { ceiling: 5 }, allowed: 5 },
    { name: 'maxKills below the ceiling', live: 100, caps: { maxKills: 4, ceiling: 5 }, allowed: 4 },
    { name: 'the smaller of both', live: 100, caps: { maxKills: 3, maxKillsPercent: 4 }, allowed: 3 },
    { name: 'maxKills below the floor', live: 9, caps: { maxKillsPercent: 1, percentFloor: 10 }, allowed: 1_000 },
    { name: 'the percentage at the floor', live: 10, caps: { maxKillsPercent: 20, percentFloor: 10 }, allowed: 2 },
    {
      name: 'no job below the floor, with 0 percent',
      live: 9,
      caps: { maxKillsPercent: 0, percentFloor: 10 },
      allowed: 0,
    },
  ])('is $name', ({ live, caps, allowed }) => {
    expect(allowedKills(live, { ...MANY, ...caps })).toBe(allowed);
  });

  it('is the largest number that exceeds no cap, for every population', () => {
    const count = fc.nat({ max: 300 });
    const someCaps = fc.record({
      maxKills: count,
      maxKillsPercent: fc.nat({ max: 100 }),
      percentFloor: count,
      drain: fc.boolean(),
      ceiling: fc.option(count, { nil: undefined }),
    });
    fc.assert(
      fc.property(count, someCaps, (live, caps) => {
        const allowed = allowedKills(live, caps);

        expect(exceededCap(allowed, live, caps)).toBeUndefined();
        expect(exceededCap(allowed + 1, live, caps)).toBeDefined();
      }),
    );
  });
});

describe('needsLiveCount', () => {
  it.each([
    { name: 'more victims than the percentage of those listed', victims: 6, listed: 10, caps: {}, needed: true },
    { name: 'victims within the percentage of those listed', victims: 5, listed: 10, caps: {}, needed: false },
    { name: 'no victims', victims: 0, listed: 0, caps: { maxKillsPercent: 0 }, needed: false },
    {
      name: 'more victims than maxKills, which decides alone',
      victims: 6,
      listed: 6,
      caps: { maxKills: 5 },
      needed: false,
    },
    {
      name: 'more victims than maxKills, of which some may go',
      victims: 6,
      listed: 6,
      caps: { maxKills: 5, drain: true },
      needed: true,
    },
    {
      name: 'no victims, of which some may go',
      victims: 0,
      listed: 6,
      caps: { maxKills: 0, drain: true },
      needed: false,
    },
  ])('is $needed for $name', ({ victims, listed, caps, needed }) => {
    expect(needsLiveCount(victims, listed, { ...MANY, maxKillsPercent: 50, ...caps })).toBe(needed);
  });

  it('is false only where the number of live jobs would change nothing', () => {
    const count = fc.nat({ max: 200 });
    const caps = fc.record({
      drain: fc.boolean(),
      maxKills: count,
      maxKillsPercent: fc.nat({ max: 100 }),
      percentFloor: count,
      ceiling: fc.option(count, { nil: undefined }),
    });
    fc.assert(
      fc.property(count, count, count, caps, (victims, notVictims, notListed, someCaps) => {
        const listed = victims + notVictims;
        fc.pre(!needsLiveCount(victims, listed, someCaps));

        expect(exceededCap(victims, listed + notListed, someCaps)).toBe(exceededCap(victims, listed, someCaps));
      }),
    );
  });
});
