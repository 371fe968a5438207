import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startBrowser, type TestBrowser } from './browser.ts';

const run = promisify(execFile);

let browser: TestBrowser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => browser.close());

describe('the page that the bundled command writes', () => {
  it('opens with its own script and style: the one of npm start, of a single sweep', async ({ onTestFinished }) => {
    const { stdout } = await run(process.execPath, [`${inject('built')}/cli/main.mjs`, 'demo']);
    const path = /\S+report\.html$/m.exec(stdout)?.[0] ?? '';
    onTestFinished(() => rmSync(dirname(path), { recursive: true }));

    const { page, complaints, requests } = await browser.openHtml(readFileSync(path, 'utf8'));
    await page.locator('html[data-state=ready]').waitFor();

    expect({ complaints, requests }).toEqual({ complaints: [], requests: [] });
    expect(await page.locator('.lead').textContent()).toContain('1 sweep of');
    expect(await page.locator('#numbers').textContent()).toContain('cancelled');
    await page.locator('#jobs .job-link').first().click();
    expect(await page.locator('#job pre').textContent()).toContain('Verdict: ');
  });
});
