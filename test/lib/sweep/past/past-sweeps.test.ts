import { describe, expect, it } from 'vitest';
import { type RecordLine, toPastSweeps } from '../../../../lib/sweep/past/from-lines.ts';
import { countKills, hasActedBy, type PastSweep } from '../../../../lib/sweep/past/past-sweeps.ts';
import { HOUR, MINUTE, NOW } from '../../../helpers/world.ts';

const COUNTS = { cancelled: 0, alreadyTerminal: 0, unconfirmed: 0, failed: 0 };
const run = (n: number) => ({ sweepId: `s${n}`, awsRequestId: `a${n}` });

/** The last line of a live sweep by the schedule. */
const finished = (n: number, counts: object = {}, fields: object = {}) =>
  ({
    msg: 'sweep finished',
    at: NOW,
    fields: {
      ...run(n),
      dryRun: false,
      trigger: 'schedule',
      stoppedBy: null,
      counts: { ...COUNTS, ...counts },
      ...fields,
    },
  }) as RecordLine;
const chosen = (n: number, count: number, fields: object = {}) =>
  ({
    msg: 'victims chosen',
    at: NOW - MINUTE,
    fields: { ...run(n), count, skipped: null, trigger: 'schedule', ...fields },
  }) as RecordLine;
const unseen = (n: number, jobId: string) =>
  ({ msg: 'job not seen to stop', at: NOW, fields: { ...run(n), jobId } }) as RecordLine;

const kills = (lines: RecordLine[], { since = NOW - 24 * HOUR, isEmergency = false } = {}) =>
  countKills(toPastSweeps(lines), { since, isEmergency });

describe('the kills on record', () => {
  it('are the jobs that finished sweeps cancelled, and those that were asked and not seen to stop', () => {
    const lines = [
      chosen(1, 9),
      finished(1, { cancelled: 4, unconfirmed: 2, failed: 2, alreadyTerminal: 1 }),
      unseen(1, 'x'),
      unseen(1, 'y'),
    ];

    expect(kills(lines)).toBe(6);
  });

  it('count all that a sweep has chosen whose end is not on record', () => {
    expect(kills([chosen(1, 120), chosen(1, 120), finished(2, { cancelled: 1 })])).toBe(121);
  });

  it('count none of a sweep that chose victims and asked none of them, nor of a dry run', () => {
    const lines = [
      chosen(1, 9, { skipped: 'dry-run' }),
      finished(1, {}, { dryRun: true }),
      chosen(2, 7, { skipped: 'cap' }),
      chosen(3, 5, { skipped: 'stopped' }),
    ];

    expect(kills(lines)).toBe(0);
  });

  it('count a job once that each sweep asks and none sees to stop', () => {
    const lines = [1, 2, 3].flatMap((n) => [finished(n, { cancelled: 1, unconfirmed: 1 }), unseen(n, 'stuck')]);

    expect(kills(lines)).toBe(4);
  });

  it('count each that was not seen to stop where its line is lost', () => {
    expect(kills([finished(1, { unconfirmed: 2 }), unseen(1, 'x'), finished(2, { unconfirmed: 2 })])).toBe(4);
  });

  it('count both runs of an event that was delivered twice', () => {
    const twice = { sweepId: 's1', awsRequestId: 'other' };

    expect(kills([finished(1, { cancelled: 3 }), finished(1, { cancelled: 2 }, twice), chosen(1, 5, twice)])).toBe(5);
  });

  it('count each sweep of a message that names several targets of a project, or one of them twice', () => {
    const at = (target: string) => ({ sweepId: 's1', awsRequestId: 'a1', target });
    const lines = [
      chosen(1, 9, at('one')),
      finished(1, { cancelled: 3 }, at('one')),
      chosen(1, 9, at('one')),
      finished(1, { cancelled: 4 }, at('one')),
      chosen(1, 50, at('other')),
    ];

    expect(kills(lines)).toBe(57);
  });

  it('keep emergencies and sweeps apart, but for a choice that does not say which it was', () => {
    const lines = [
      finished(1, { cancelled: 1 }),
      finished(2, { cancelled: 20 }, { trigger: 'emergency' }),
      chosen(3, 300, { trigger: 'emergency' }),
      chosen(4, 4_000, { trigger: undefined }),
    ];

    expect(kills(lines)).toBe(4_001);
    expect(kills(lines, { isEmergency: true })).toBe(4_320);
  });

  it('are forgotten a day after the end of their sweep, or after the last moment at which it can have ended', () => {
    const lines = [finished(1, { cancelled: 1 }), chosen(2, 20)];

    expect(kills(lines, { since: NOW - 1 })).toBe(21);
    expect(kills(lines, { since: NOW })).toBe(20);
    expect(kills(lines, { since: NOW + 14 * MINUTE - 1 })).toBe(20);
    expect(kills(lines, { since: NOW + 14 * MINUTE })).toBe(0);
  });

  it.each([
    { name: 'an end without counts', line: finished(1, {}, { counts: undefined }) },
    { name: 'an end that counts something else', line: finished(1, { cancelled: 'five' }) },
    { name: 'an end that leaves out what was not seen to stop', line: finished(1, { unconfirmed: undefined }) },
    { name: 'an end that does not say who asked', line: finished(1, {}, { trigger: undefined }) },
    { name: 'a choice without a count', line: chosen(1, undefined as never) },
  ])('are not known after $name', ({ line }) => {
    expect(() => toPastSweeps([line])).toThrow(/does not say (what the sweep did|how many it chose)/);
  });
});

describe('the settings on record', () => {
  const by = (counts: object, fields: object = {}): PastSweep[] =>
    toPastSweeps([finished(1, counts, { settingsHash: 'abc', ...fields })]);

  it.each([
    { name: 'cancelled', counts: { cancelled: 1 } },
    { name: 'asked a job that had ended', counts: { alreadyTerminal: 1 } },
    { name: 'asked in vain', counts: { failed: 1 } },
    { name: 'asked and saw nothing', counts: { unconfirmed: 1 } },
  ])('are known from a sweep that $name', ({ counts }) => {
    expect(hasActedBy(by(counts), 'abc')).toBe(true);
  });

  it.each([
    { name: 'had no victim', sweeps: by({}) },
    { name: 'went by others', sweeps: by({ cancelled: 1 }, { settingsHash: 'def' }) },
    { name: 'does not say by what it went', sweeps: by({ cancelled: 1 }, { settingsHash: undefined }) },
    { name: 'was stopped', sweeps: by({ cancelled: 1 }, { stoppedBy: 'switch' }) },
    { name: 'was a dry run', sweeps: by({ cancelled: 1 }, { dryRun: true }) },
    { name: 'never ended', sweeps: toPastSweeps([chosen(1, 9, { settingsHash: 'abc' })]) },
  ])('are not known from a sweep that $name', ({ sweeps }) => {
    expect(hasActedBy(sweeps, 'abc')).toBe(false);
  });
});
