import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderPage } from '../../cli/report/html.ts';
import type { PageContent } from '../../cli/report/packed.ts';
import { RESULTS, RESULTS_OF_VICTIMS, STATES } from '../../lib/aggregate/aggregates.ts';
import { startBrowser, type TestBrowser } from './browser.ts';
import { madeContent, noResults } from './made-content.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const NARROW = { viewport: { width: 390, height: 844 } };

let browser: TestBrowser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => browser.close());

/** What axe finds, one line each. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html.slice(0, 200)}`);
  });
}

/** The cells of a table, row by row, the head first. */
const cellsOf = async (page: Page, caption: string): Promise<string[][]> =>
  await page
    .locator('table', { has: page.locator('caption', { hasText: caption }) })
    .evaluate((table) =>
      [...table.querySelectorAll('tr')].map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
    );

const columnOf = (cells: readonly string[][], head: string): string[] => {
  const index = cells[0]?.indexOf(head) ?? -1;
  return cells.slice(1).map((row) => row[index] ?? '');
};

const textOf = (count: number): string => count.toLocaleString('en-US', { maximumFractionDigits: 1 });

/** A page of one sweep that would have cancelled two jobs. */
function oneSweep(): PageContent {
  const content = madeContent({ days: 1, cases: 2, only: 'dry-run' });
  return { ...content, aggregates: { ...content.aggregates, from: content.aggregates.to, unread: [], needs: [] } };
}

/** A page of a record without any line about a sweep. */
function nothing(): PageContent {
  const content = madeContent({ days: 1, cases: 0 });
  const none = { targets: [], days: [], states: [], rules: [], needs: [], unread: [], results: noResults() };
  return { ...content, aggregates: { ...content.aggregates, ...none } };
}

describe('the page', () => {
  it.each([
    { name: 'in light', options: { colorScheme: 'light' as const } },
    { name: 'in dark', options: { colorScheme: 'dark' as const } },
    { name: 'on a phone', options: { ...NARROW, colorScheme: 'light' as const } },
    { name: 'on a phone in dark', options: { ...NARROW, colorScheme: 'dark' as const } },
  ])('has nothing that axe finds, $name, with its tables open and with a job open', async ({ options }) => {
    const { page } = await browser.open(madeContent(), { ...options, reducedMotion: 'reduce' });

    const asOpened = await violationsOf(page);
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
    });
    const withTables = await violationsOf(page);
    await page.locator('#jobs .job-link').first().click();
    const withJob = await violationsOf(page);

    expect({ asOpened, withTables, withJob }).toEqual({ asOpened: [], withTables: [], withJob: [] });
  });

  it.each([
    { name: 'two months', content: madeContent() },
    { name: 'one sweep', content: oneSweep() },
    { name: 'no sweep', content: nothing() },
  ])('asks nothing of the network, and no script or policy complains: $name', async ({ content }) => {
    const { page, requests, complaints } = await browser.open(content);
    await page.locator('h2').last().scrollIntoViewIfNeeded();

    expect({ requests, complaints }).toEqual({ requests: [], complaints: [] });
  });

  it('is as wide as a phone, and only its tables scroll', async () => {
    const { page } = await browser.open(madeContent(), NARROW);

    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });

  it('has its headings in order, and a landmark for each section', async () => {
    const { page } = await browser.open(madeContent());

    const headings = await page.locator('h1, h2').allTextContents();
    const regions = await page
      .locator('main > section')
      .evaluateAll((all) => all.map((one) => one.getAttribute('aria-labelledby')));

    expect(headings.slice(1)).toEqual([
      'In numbers',
      'What needs a person',
      'Jobs over a limit, by day',
      'How far over the limit, rule by rule',
      'Did they come back?',
      'What was it worth?',
      'What each rule did, and did not do',
      'Targets',
      'Jobs',
    ]);
    expect(regions).toHaveLength(9);
    expect(await page.locator('nav#contents a').allTextContents()).toEqual(headings.slice(1));
  });

  it('opens a hundred thousand jobs', async () => {
    const { page } = await browser.open(madeContent({ days: 365, cases: 100_000 }));

    expect(await page.locator('#jobs .count').textContent()).toBe('100,000 jobs');
    await page.getByLabel('Search').fill('superset');
    expect(await page.locator('#jobs .count').textContent()).toMatch(/^[\d,]+ of 100,000 jobs$/);
    expect(await page.locator('#days h2').textContent()).toBe('Jobs over a limit, by week');
  });

  it('opens its tables for paper, without controls, and closes them after it', async () => {
    const { page } = await browser.open(madeContent());
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });

    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    const onPaper = await page.locator('details:not([open])').count();
    const buttons = await page
      .locator('.filters, .pages, #jobs .bar button')
      .evaluateAll((all) => all.filter((one) => one.checkVisibility()).length);
    const colours = await page.evaluate(() => {
      const { color, backgroundColor } = getComputedStyle(document.body);
      return { color, backgroundColor };
    });
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));

    expect(onPaper).toBe(0);
    expect(buttons).toBe(0);
    expect(colours).toEqual({ color: 'rgb(0, 0, 0)', backgroundColor: 'rgb(255, 255, 255)' });
    expect(await page.locator('details[open]').count()).toBe(0);
  });

  it('says what is missing if scripts are off', async () => {
    const { page } = await browser.openHtml(await renderPage(madeContent()), { javaScriptEnabled: false });

    expect(await page.locator('noscript').textContent()).toContain('JavaScript, which is turned off here');
  });

  it('says so if the browser cannot open its data', async () => {
    const html = await renderPage(madeContent());
    // The browser's own is taken away before the page runs, as if it were too old to have it.
    const { page } = await browser.openHtml(html);
    await page.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'DecompressionStream');
    });
    await page.reload();

    await page.locator('html[data-state=failed]').waitFor();
    expect(await page.locator('#opening').textContent()).toContain('This browser is too old');
  });

  it('says so if the file was cut off', async () => {
    const html = await renderPage(madeContent());
    const { page } = await browser.openHtml(html.replace(/(id="data">.{2000})[^<]*/, '$1'));

    await page.locator('html[data-state=failed]').waitFor();
    expect(await page.locator('#opening').textContent()).toContain('It may have been cut off');
  });
});

describe('the numbers of the page', () => {
  const content = madeContent();
  const { aggregates } = content;

  it('are those of the aggregates: the big ones, without those that are 0', async () => {
    const { page } = await browser.open(content);

    const shown = await page.locator('#numbers dd').allTextContents();

    expect(shown).toEqual(
      RESULTS.map((result) => aggregates.results[result])
        .filter((count) => count > 0)
        .map(textOf),
    );
  });

  it('are those of the aggregates: each day', async () => {
    const { page } = await browser.open(content);
    const cells = await cellsOf(page, 'Jobs by day');

    const results = RESULTS_OF_VICTIMS.filter((result) => aggregates.results[result] > 0);
    const expected = aggregates.days.map(({ results: counts, hours }) => [
      ...results.map((result) => textOf(counts[result])),
      ...STATES.map((state) => textOf(hours[state])),
    ]);

    expect(cells.slice(1).map(([, ...counts]) => counts)).toEqual(expected);
    expect(cells).toHaveLength(62);
  });

  it('are those of the aggregates: a year by week comes to the same sums', async () => {
    const year = madeContent({ days: 365, cases: 3000 });
    const { page } = await browser.open(year);
    const cells = await cellsOf(page, 'Jobs by week');

    const sum = columnOf(cells, 'cancelled').reduce((all, count) => all + Number(count), 0);

    expect(sum).toBe(year.aggregates.results.cancelled);
  });

  it('are those of the aggregates: each rule by its multiples of the limit', async () => {
    const { page } = await browser.open(content);
    const cells = await cellsOf(page, 'Jobs by their reading');

    const rules = aggregates.rules.filter(({ kills }) => kills.some((count) => count > 0));
    const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
    const byRule = new Map(cells.slice(1).map((row) => [row[0], row]));

    expect(byRule.size).toBe(rules.length);
    for (const { rule, kills, misses } of rules) {
      expect(byRule.get(rule)?.[2]).toBe(textOf(sum(kills)));
      expect(byRule.get(rule)?.[4]).toBe(textOf(sum(misses)));
      // One number after each bin that is not empty.
      expect(byRule.get(rule)?.[3]?.match(/(?<=: )[\d,]+/g)).toEqual(kills.filter((count) => count > 0).map(textOf));
    }
  });

  it('are those of the aggregates: repeats, queues, targets and rules', async () => {
    const { page } = await browser.open(content);
    const { repeats, worth, targets, rules } = aggregates;

    expect(columnOf(await cellsOf(page, 'After the times'), 'times')).toEqual(
      [repeats.cameBack, repeats.stayedAway, repeats.notKnown].map(textOf),
    );
    expect(columnOf(await cellsOf(page, 'Kinds of job'), 'times')).toEqual(
      repeats.chains.map(({ cancelledAt }) => textOf(cancelledAt.length)),
    );
    const waited = await cellsOf(page, 'Waiting before and after');
    expect(columnOf(waited, 'waited before').sort()).toEqual(
      worth.waiting?.map(({ before }) => textOf(before.jobs)).sort(),
    );
    expect(columnOf(await cellsOf(page, 'Sweeps by target'), 'sweeps')).toEqual(
      targets.map(({ sweeps }) => textOf(sweeps)),
    );
    const ruleCells = await cellsOf(page, 'Rules');
    expect(new Map(ruleCells.slice(1).map((row) => [row[0], row[ruleCells[0]?.indexOf('cancelled') ?? -1]]))).toEqual(
      new Map(rules.map(({ rule, results }) => [rule, textOf(results.cancelled)])),
    );
  });

  it('name a rule that was for no job', async () => {
    const { page } = await browser.open(content);

    expect(await page.locator('.silent').textContent()).toBe(
      'flink-forgotten-30d was for no job in 5,856 sweeps of lake.',
    );
  });

  it('name what could not be read', async () => {
    const { page } = await browser.open(content);

    expect(await page.locator('header .alert:visible').textContent()).toContain(
      '/aws/lambda/dli-reaper-prod-sweep, first line 20311: not a JSON object: the line was cut off (3 times)',
    );
  });

  it('do not speak of cancels where nothing was cancelled', async () => {
    const { page } = await browser.open(oneSweep());

    expect(await page.locator('#numbers').textContent()).toBe('In numberswould have been cancelled2');
    expect(await page.locator('#days figcaption').textContent()).toBe(
      'On 1 Mar 2026 2 jobs were over the limit of a rule that cancels: 2 would have been cancelled.',
    );
    expect(await page.locator('#worth').textContent()).toContain('There is no picture of what waited');
    expect(await page.locator('#worth figure').count()).toBe(0);
  });

  it('are no numbers where nothing is on record', async () => {
    const { page } = await browser.open(nothing());

    expect(await page.locator('.lead').textContent()).toContain('No sweep is on record.');
    expect(await page.locator('#numbers').textContent()).toContain('No job was over a limit');
    expect(await page.locator('#jobs').textContent()).toContain('No job is on record.');
    expect(await page.locator('.chart').count()).toBe(0);
  });
});

describe('a page of names from outside', () => {
  const HOSTILE = '</script><img src=x onerror=alert(1)>';
  const names = [
    HOSTILE,
    '=HYPERLINK("https://x.example","y")',
    'a\u202Egnp.exe',
    '\u001b]0;gone\u0007',
    "{{constructor.constructor('alert(1)')()}}",
    '"><svg onload=alert(1)>',
  ];

  it('shows each as text, and runs none of them', async () => {
    const content = madeContent({ days: 10, cases: 60 });
    const cases = content.cases.map((one, i) => {
      const name = names[i % names.length] ?? '';
      return { ...one, name, queue: name, owner: name, rule: name, error: name, target: name, status: name };
    });
    const [first] = content.aggregates.rules;
    const aggregates = {
      ...content.aggregates,
      rules: names.map((rule) => ({ ...first, rule, target: rule }) as NonNullable<typeof first>),
      targets: content.aggregates.targets.map((target) => ({ ...target, target: HOSTILE, projectName: HOSTILE })),
      needs: [{ kind: 'ending' as const, count: 1, what: HOSTILE, todo: HOSTILE, jobIds: [HOSTILE] }],
      unread: [{ source: HOSTILE, first: HOSTILE, count: 1, why: HOSTILE }],
      sources: [{ name: HOSTILE, lines: 1, used: 1, other: 0, twice: 0, outside: 0 }],
      repeats: {
        ...content.aggregates.repeats,
        chains: content.aggregates.repeats.chains.map((chain) => ({
          ...chain,
          name: HOSTILE,
          owner: HOSTILE,
          queue: HOSTILE,
        })),
      },
    };
    const page = { ...content, cases, aggregates, title: HOSTILE, command: HOSTILE, version: HOSTILE };

    const opened = await browser.open(page);
    await opened.page.locator('#jobs .job-link').first().click();

    expect(opened.complaints).toEqual([]);
    expect(opened.requests).toEqual([]);
    expect(await opened.page.locator('img, svg[onload]').count()).toBe(0);
    expect(await opened.page.locator('h1').textContent()).toBe(HOSTILE);
    expect(await opened.page.title()).toBe(HOSTILE);
    expect(await opened.page.locator('#job dd', { hasText: HOSTILE }).count()).toBeGreaterThan(0);
    // What would turn the text around, or hide in it, is shown as a mark.
    const text = (await opened.page.locator('main').textContent()) ?? '';
    expect(text).toContain('a�gnp.exe');
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  });

  it('is refused by its own policy if a script comes in all the same', async () => {
    const html = await renderPage(madeContent({ days: 1, cases: 1 }));
    const { page, complaints } = await browser.openHtml(
      html.replace('</main>', '</main><script>document.title = "run"</script>'),
    );

    await page.locator('html[data-state=ready]').waitFor();
    expect(await page.title()).not.toBe('run');
    expect(complaints.join()).toContain('Content Security Policy');
  });
});

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

  it('leads to each run of a job whose id comes twice', async () => {
    const [first, second] = content.cases;
    const cases = content.cases.map((one) => (one === second ? { ...one, jobId: first?.jobId ?? '' } : one));
    const { page } = await browser.open({ ...content, cases }, {}, `#job=${first?.jobId}&run=2`);

    expect(await page.locator('#job').textContent()).toContain(second?.sweepId);
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
