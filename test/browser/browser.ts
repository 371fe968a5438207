import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { renderPage } from '../../cli/report/html.ts';
import type { PageContent } from '../../cli/report/packed.ts';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

function findChromium(): string {
  const found = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path));
  if (found === undefined || !existsSync(found)) {
    throw new Error(
      `These tests need a Chromium or Chrome, and ${process.env.CHROMIUM ?? 'none of the usual places'} has none. ` +
        'Install one (Debian and Ubuntu: apt-get install chromium), or set CHROMIUM to its path.',
    );
  }
  return found;
}

/** An open page, and what went wrong on it. */
export interface OpenPage {
  page: Page;
  url: string;
  /** Errors of scripts, and what the console has: errors, warnings, refusals of the content security policy. */
  complaints: string[];
  /** What was asked of the network, or of the disk, apart from the file itself. */
  requests: string[];
}

/** A browser and a folder for its files. */
export interface TestBrowser {
  folder: string;
  /** Opens a file with that content, and waits until it shows its numbers. */
  open(content: PageContent, options?: BrowserContextOptions, hash?: string): Promise<OpenPage>;
  openHtml(html: string, options?: BrowserContextOptions, hash?: string): Promise<OpenPage>;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<TestBrowser> {
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-browser-'));
  // Chromium does not start its sandbox for root, as whom containers of CI run. The pages are ours.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser: Browser = await chromium.launch({ executablePath: findChromium(), args });
  let count = 0;

  async function openHtml(html: string, options: BrowserContextOptions = {}, hash = ''): Promise<OpenPage> {
    const path = join(folder, `report-${++count}.html`);
    writeFileSync(path, html);
    const url = pathToFileURL(path).href;
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('request', (request) => {
      if (request.url().split('#')[0] !== url) requests.push(request.url());
    });
    await page.goto(`${url}${hash}`);
    return { page, url, complaints, requests };
  }
  return {
    folder,
    openHtml,
    open: async (content, options, hash) => {
      const opened = await openHtml(await renderPage(content), options, hash);
      await opened.page.locator('html[data-state=ready]').waitFor();
      // Charts are drawn once their width is known.
      await opened.page.waitForFunction("[...document.querySelectorAll('.chart')].every((chart) => chart.firstChild)");
      return opened;
    },
    close: async () => {
      await browser.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Returns the cells of a table, row by row, the head first. */
export const cellsOf = async (page: Page, caption: string): Promise<string[][]> =>
  await page
    .locator('table', { has: page.locator('caption', { hasText: caption }) })
    .evaluate((table) =>
      [...table.querySelectorAll('tr')].map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
    );

export const columnOf = (cells: readonly string[][], head: string): string[] => {
  const index = cells[0]?.indexOf(head) ?? -1;
  return cells.slice(1).map((row) => row[index] ?? '');
};

export const textOf = (count: number): string => count.toLocaleString('en-US', { maximumFractionDigits: 1 });
