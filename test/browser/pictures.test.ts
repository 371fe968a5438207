import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, type TestBrowser } from './browser.ts';
import { madeContent } from './made-content.ts';
import { recordedContent } from './recorded-content.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PICTURE = join(root, 'docs/report.webp');

let browser: TestBrowser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => browser.close());

/** A picture as WebP, which is a third of the size. The browser makes it, on a page without a policy. */
async function asWebp(page: Page, png: Buffer): Promise<Buffer> {
  await page.goto('about:blank');
  const url = await page.evaluate(
    async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = image.width;
      canvas.height = image.height;
      canvas.getContext('2d')?.drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', 0.85);
    },
    `data:image/png;base64,${png.toString('base64')}`,
  );
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
}

describe('the picture in the docs', () => {
  if (process.env.UPDATE_PICTURE === '1') {
    it('is made again', async () => {
      const { page } = await browser.open(madeContent(), {
        viewport: { width: 1100, height: 900 },
        colorScheme: 'light',
      });
      const end = await page.locator('#repeats').evaluate((one) => one.getBoundingClientRect().top + scrollY);

      const png = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: 1100, height: end - 16 } });
      writeFileSync(PICTURE, await asWebp(page, png));
    });
  }

  it('is there, small enough for a page of text, which shows it', () => {
    expect(statSync(PICTURE).size).toBeLessThan(200 * 1024);
    expect(readFileSync(join(root, 'docs/report.md'), 'utf8')).toMatch(/!\[[^\]]+\]\(report\.webp\)/);
  });
});

if (process.env.SCREENSHOTS !== undefined) {
  const folder = process.env.SCREENSHOTS;
  describe('screenshots for a person to look at', () => {
    const contents = { made: madeContent(), month: recordedContent('first'), months: recordedContent('both') };
    const sizes = [390, 1280].flatMap((width) =>
      (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
    );

    it.each(sizes)('are taken at $width in $colorScheme', async ({ width, colorScheme }) => {
      for (const [name, content] of Object.entries(contents)) {
        const { page } = await browser.open(content, { viewport: { width, height: 900 }, colorScheme });
        const path = (what: string) => join(folder, `${name}-${what}-${width}-${colorScheme}.png`);
        await page.screenshot({ path: path('page'), fullPage: true });
        await page.locator('#jobs .job-link').first().click();
        await page.screenshot({ path: path('job') });
      }
    });
  });
}
