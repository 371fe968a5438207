import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderPage } from '../../cli/report/html.ts';
import { cellsOf, startBrowser, type TestBrowser } from './browser.ts';
import { madeContent, nothing, oneSweep, onlyTried } from './made-content.ts';

const NARROW = { viewport: { width: 390, height: 844 } };

let browser: TestBrowser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => browser.close());

/** What axe finds, one line each. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html.slice(0, 200)}`);
  });
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

describe('a small page', () => {
  it('name a rule that was for no job', async () => {
    const { page } = await browser.open(madeContent());

    expect(await page.locator('.silent').textContent()).toBe(
      'flink-forgotten-30d was for no job in 5,856 sweeps of lake.',
    );
  });

  it('name what could not be read', async () => {
    const { page } = await browser.open(madeContent());

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

describe('a page of a backtest alone', () => {
  it('shows what the policy would have done, its near misses as a mark of their own, and no sweep', async () => {
    const { page, complaints } = await browser.open(onlyTried());

    expect(await page.locator('.lead').textContent()).toContain('No sweep is on record.');
    const [, row] = await cellsOf(page, 'Backtests by rule');
    expect(row).toEqual(['adhoc-2h', 'backtest.json', '31', '2']);
    expect(await page.locator('#ratios .legend').textContent()).toBe('jobs that came near in a backtest');
    expect(await page.locator('#ratios .chart path').count()).toBeGreaterThan(0);
    expect(await violationsOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
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
