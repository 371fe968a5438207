import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RESULTS, RESULTS_OF_VICTIMS, STATES } from '../../lib/aggregate/aggregates.ts';
import { cellsOf, columnOf, startBrowser, type TestBrowser, textOf } from './browser.ts';
import { recordedContent } from './recorded-content.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => browser.close());

/*
 * test/lib/aggregate counts the same lines again, in the plainest way. Here the page has to show what they were counted to.
 */

const content = recordedContent('both');
const { aggregates } = content;

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
const byNumber = (a: number, b: number): number => a - b;
const numberOf = (text: string): number => Number(text.replaceAll(',', ''));

/** The results of jobs over a limit that occur, in the order of the page. */
const victims = RESULTS_OF_VICTIMS.filter((result) => aggregates.results[result] > 0);

describe('the numbers of two recorded months', () => {
  let page: Page;
  beforeAll(async () => {
    ({ page } = await browser.open(content));
  });

  it('are the big ones, without those that are 0', async () => {
    const shown = await page.locator('#numbers dd').allTextContents();

    expect(shown).toEqual(
      RESULTS.map((result) => aggregates.results[result])
        .filter((count) => count > 0)
        .map(textOf),
    );
  });

  it('come to the same sums by week', async () => {
    const cells = await cellsOf(page, 'Jobs by week');
    const sums = (cells[0] ?? []).slice(1).map((_, i) => sum(cells.slice(1).map((row) => numberOf(row[i + 1] ?? ''))));

    expect(sums.slice(0, victims.length)).toEqual(victims.map((result) => aggregates.results[result]));
    // Weeks round their hours.
    for (const [i, state] of STATES.entries()) {
      const hours = sum(aggregates.days.map((day) => day.hours[state]));
      expect(Math.abs((sums[victims.length + i] ?? 0) - hours)).toBeLessThan(0.05 * cells.length);
    }
  });

  it('are those of each rule, by its multiples of the limit', async () => {
    const cells = await cellsOf(page, 'Jobs by their reading');
    const rules = aggregates.rules.filter(({ kills, misses }) => sum(kills) + sum(misses) > 0);
    const binsOf = (text = '') => (text.match(/(?<=: )[\d,]+/g) ?? []).map(numberOf);
    const byRule = (rows: readonly (readonly unknown[])[]) => rows.map((row) => row.join(' ')).sort();

    // One number after each bin that is not empty.
    const shown = cells
      .slice(1)
      .map(([rule, place, kills, killBins, misses, missBins]) => [
        rule,
        place,
        numberOf(kills ?? ''),
        binsOf(killBins),
        numberOf(misses ?? ''),
        binsOf(missBins),
      ]);

    expect(byRule(shown)).toEqual(
      byRule(
        rules.map(({ rule, stage, target, kills, misses }) => [
          rule,
          `${stage} / ${target}`,
          sum(kills),
          kills.filter((count) => count > 0),
          sum(misses),
          misses.filter((count) => count > 0),
        ]),
      ),
    );
  });

  it('are those of repeats', async () => {
    const { repeats } = aggregates;

    expect(columnOf(await cellsOf(page, 'After the times'), 'times')).toEqual(
      [repeats.cameBack, repeats.stayedAway, repeats.notKnown].map(textOf),
    );
    const kinds = await cellsOf(page, 'Kinds of job');
    expect(columnOf(kinds, 'times')).toEqual(repeats.chains.map(({ cancelledAt }) => textOf(cancelledAt.length)));
    expect(columnOf(kinds, 'came back')).toEqual(repeats.chains.map(({ cameBack }) => textOf(cameBack)));
  });

  it('are those of queues, and of what ran on', async () => {
    const { waiting, leftRunning } = aggregates.worth;
    const cells = await cellsOf(page, 'Waiting before and after');
    const rows = cells
      .slice(1)
      .map(([queue, place, sweeps, before, after, , , fewer, same, more]) =>
        [queue, place, sweeps, before, after, fewer, same, more].join(' '),
      );

    expect(rows.sort()).toEqual(
      waiting
        ?.map(({ queue, stage, target, sweeps, before, after, fewer, same, more }) =>
          [queue, `${stage} / ${target}`, ...[sweeps, before.jobs, after.jobs, fewer, same, more].map(textOf)].join(
            ' ',
          ),
        )
        .sort(),
    );
    expect(await page.locator('#worth > p').textContent()).toContain(
      `${textOf(leftRunning?.jobs ?? 0)} jobs over a limit were left running, since no sweep asked them to stop: ` +
        `at least ${textOf(leftRunning?.jobHours ?? 0)} hours in all, and at least ${textOf(leftRunning?.cuHours ?? 0)} CU-hours`,
    );
  });

  it('are those of targets and of rules', async () => {
    const targets = await cellsOf(page, 'Sweeps by target');
    const rules = await cellsOf(page, 'Rules');
    const rowsOf = (cells: readonly string[][], heads: readonly string[]) =>
      cells.slice(1).map((row) => heads.map((head) => row[cells[0]?.indexOf(head) ?? -1]).join(' '));

    expect(rowsOf(targets, ['target', 'sweeps', 'dry runs', 'by hand', 'emergencies', 'cancelled'])).toEqual(
      aggregates.targets.map(({ stage, target, sweeps, dryRuns, byHand, emergencies, results }) =>
        [`${stage} / ${target}`, ...[sweeps, dryRuns, byHand, emergencies, results.cancelled].map(textOf)].join(' '),
      ),
    );
    expect(
      rowsOf(rules, ['rule', 'target', 'cancelled', 'sweeps', 'for no job in', 'most jobs at once']).sort(),
    ).toEqual(
      aggregates.rules
        .map(({ rule, stage, target, results, sweeps, emptySweeps, mostMatched }) =>
          [rule, `${stage} / ${target}`, ...[results.cancelled, sweeps, emptySweeps, mostMatched].map(textOf)].join(
            ' ',
          ),
        )
        .sort(),
    );
  });

  it('are those of the needs: each has its place and its sentence', async () => {
    const text = await page.locator('#needs').innerText();

    for (const { stage, target, count, jobIds } of aggregates.needs) {
      if (target !== undefined) expect(text).toContain(`${stage} / ${target}:`);
      if (jobIds.length > 0) expect(text).toContain(String(count));
    }
    expect(await page.locator('#needs .job-link').count()).toBe(
      sum(aggregates.needs.map(({ jobIds }) => jobIds.length)),
    );
  });

  it('are all cases, which the table of jobs counts by their result', async () => {
    const options = await page.locator('#jobs-result option').allTextContents();

    expect(
      options
        .slice(1)
        .map((option) => numberOf(/\(([\d,]+)\)$/.exec(option)?.[1] ?? ''))
        .sort(byNumber),
    ).toEqual(
      Object.values(aggregates.results)
        .filter((count) => count > 0)
        .sort(byNumber),
    );
  });
});

describe('the numbers of one recorded month', () => {
  it('are those of each day, also of the day with 23 hours', async () => {
    const { days, results } = recordedContent('first').aggregates;
    const { page } = await browser.open(recordedContent('first'));
    const cells = await cellsOf(page, 'Jobs by day');
    const shown = RESULTS_OF_VICTIMS.filter((result) => results[result] > 0);

    expect(cells.slice(1).map(([, ...counts]) => counts)).toEqual(
      days.map((day) => [
        ...shown.map((result) => textOf(day.results[result])),
        ...STATES.map((state) => textOf(day.hours[state])),
      ]),
    );
    expect(cells.slice(1).map(([day]) => day)).toContain('29 Mar 2026');
  });

  it('name no person if owners are hidden', async () => {
    const { aggregates: shown } = recordedContent('first');
    const owners = new Set(shown.repeats.chains.map(({ owner }) => owner));
    const { page } = await browser.open(recordedContent('first', 'hidden'));
    const text = (await page.locator('body').innerText()).split(/[^\w.-]+/);

    expect(owners.size).toBeGreaterThan(3);
    expect(text.filter((word) => owners.has(word))).toEqual([]);
  });
});
