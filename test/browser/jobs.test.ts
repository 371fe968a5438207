import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from './browser.ts';
import { madeContent } from './made-content.ts';

let browser: TestBrowser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => browser.close());

describe('the table of jobs', () => {
  const content = madeContent();
  const rowsOf = (page: Page) => page.locator('#jobs tbody tr');
  const column = async (page: Page, index: number) =>
    await page.locator(`#jobs tbody tr > :nth-child(${index})`).allTextContents();

  it('filters by text and by choice, and says how many there are', async () => {
    const { page } = await browser.open(content);
    const count = page.locator('#jobs .count');

    expect(await count.textContent()).toBe('900 jobs');
    await page.getByLabel('Search').fill('SUPERSET dashboards');
    const bySearch = content.cases.filter(
      ({ owner, rule, queue }) => owner === 'superset' && (rule?.startsWith('dashboards') || queue === 'bi_dashboards'),
    ).length;
    expect(await count.textContent()).toBe(`${bySearch} of 900 jobs`);
    await page.getByLabel('result', { exact: true }).selectOption('failed');
    const failed = content.cases.filter(
      (one) => one.owner === 'superset' && one.result === 'failed' && one.rule?.startsWith('dashboards'),
    ).length;
    expect(await count.textContent()).toBe(`${failed} of 900 jobs`);
    expect(await rowsOf(page).count()).toBe(failed);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    expect(await count.textContent()).toBe('900 jobs');
  });

  it('sorts by a heading, the other way at the second press, and says so', async () => {
    const { page } = await browser.open(content);
    const heading = page.locator('#jobs').getByRole('columnheader', { name: 'rule' });
    await page.locator('#jobs').getByRole('button', { name: 'rule' }).click();
    const up = await column(page, 4);
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
    await page.locator('#jobs').getByRole('button', { name: 'rule' }).click();
    const down = await column(page, 4);

    expect(up[0]).toBe('adhoc-2h');
    expect(down[0]).toBe('spark-ml-12h');
    expect(await heading.getAttribute('aria-sort')).toBe('descending');
  });

  it('has fifty jobs on a page, and the next ones on the next', async () => {
    const { page } = await browser.open(content);
    const first = await column(page, 1);
    await page.getByRole('button', { name: 'Next page' }).click();
    const second = await column(page, 1);

    expect([...first, ...second]).toEqual(content.cases.slice(0, 100).map(({ jobId }) => jobId));
    expect(await page.locator('.position').textContent()).toBe('Page 2 of 18');
  });

  it('opens a job with all that is known of it and why, gives the focus back, and has an address for it', async () => {
    const { page } = await browser.open(content);
    const [first] = content.cases;
    const link = page.locator('#jobs .job-link').first();
    await link.focus();
    await page.keyboard.press('Enter');
    const text = (await page.locator('#job').textContent()) ?? '';
    const address = page.url();
    await page.keyboard.press('Escape');

    expect(text).toContain(first?.jobId);
    expect(text).toContain(`Rule ${first?.rule}: over-limit`);
    expect(text).toContain('Verdict: cancel, by rule');
    expect(address).toContain(`#job=${first?.jobId}`);
    expect(await page.locator('#job').isVisible()).toBe(false);
    expect(await link.evaluate((one) => one === document.activeElement)).toBe(true);
  });

  it('opens the job of an address, and prints the command where the page has no reasons', async () => {
    const last = content.cases.at(-1);
    const { page } = await browser.open(content, {}, `#job=${last?.jobId}`);

    expect(await page.locator('#job').isVisible()).toBe(true);
    expect(await page.locator('#job').textContent()).toContain(
      `dli-reaper why ${last?.jobId} --stage prod --target ${last?.target}`,
    );
  });

  it('leads to each run of a Flink job, whose id comes twice', async () => {
    const [first, second] = content.cases;
    const cases = content.cases.map((one) =>
      one === first || one === second ? { ...one, engine: 'flink' as const, jobId: '149' } : one,
    );
    const { page } = await browser.open({ ...content, cases });

    const links = page.locator('#jobs .job-link', { hasText: '149' });
    const address = await links.nth(1).getAttribute('href');
    expect(await links.nth(0).getAttribute('href')).not.toBe(address);
    const { page: addressed } = await browser.open({ ...content, cases }, {}, address ?? '');
    expect(await addressed.locator('#job').textContent()).toContain(second?.sweepId);
  });

  it('can be used with the keyboard alone', async () => {
    const { page } = await browser.open(content);

    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the numbers');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    await page.getByRole('button', { name: 'Download as CSV' }).focus();
    // From the button on, each press of Tab reaches the next control, and the ring shows where.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('job');
    expect(await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)).toBe('solid');
    await page.keyboard.press('Enter');
    expect(
      await page.locator('#jobs').getByRole('columnheader', { name: 'job', exact: true }).getAttribute('aria-sort'),
    ).toBe('ascending');
  });

  it('downloads what is filtered, in which a spreadsheet sees no formula', async () => {
    const cases = content.cases.map((one, i) =>
      i === 0
        ? {
            ...one,
            result: 'failed' as const,
            name: '=HYPERLINK("https://x.example")',
            owner: '@team, "one"',
            error: '-1\n+2',
          }
        : one,
    );
    const { page } = await browser.open({ ...content, cases });
    await page.getByLabel('result', { exact: true }).selectOption('failed');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download as CSV' }).click(),
    ]);
    const path = join(browser.folder, 'jobs.csv');
    await download.saveAs(path);

    const text = readFileSync(path, 'utf8');
    const lines = text.split('\r\n');
    const failed = cases.filter(({ result }) => result === 'failed').length;

    expect(download.suggestedFilename()).toBe('reaper-jobs.csv');
    expect(lines[0]).toBe(
      '\ufeffresult,reason,jobId,name,engine,jobType,queue,owner,stage,target,rule,clock,limitMs,readingMs,resultAt,firstAt,lastAt,sweeps,' +
        'status,evidence,endedBy,repeats,cus,error,sweepId,trigger,recordedBy',
    );
    expect(lines).toHaveLength(failed + 2);
    expect(text).toContain(`,"'=HYPERLINK(""https://x.example"")",`);
    expect(text).toContain(`,"'@team, ""one""",`);
    expect(text).toContain(`,"'-1\n+2",`);
  });

  it('names no person if owners are hidden', async () => {
    const cases = content.cases.map((one) => ({ ...one, owner: null, recordedBy: null }));
    const { page } = await browser.open({ ...content, cases, whys: [], ownersHidden: true });

    expect(await page.locator('#jobs thead').textContent()).not.toContain('owner');
    expect(await page.getByLabel('owner').count()).toBe(0);
    expect(await page.locator('.lead').textContent()).toContain('The names of people were left out.');
  });
});
