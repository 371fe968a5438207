import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runOnTerminal, steady } from '../helpers/run-terminal.ts';
import { terminalSvg } from '../helpers/terminal-svg.ts';

/*
 * The picture of the README: the sweep and the proof of the demo, on a terminal of 97 columns.
 *
 *     UPDATE_SCREENS=1 STORIES=1 npm test -- test/cli/picture.test.ts     draws it anew
 */

const picture = new URL('../../docs/screen.svg', import.meta.url);
const COLUMNS = 97;

it('the picture of the README is what a terminal shows of the demo', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const terminal = runOnTerminal(['demo'], { TMPDIR: folder }, { columns: COLUMNS, rows: 120 });
  await terminal.exited;
  const lines = await terminal.colouredScreen();
  const indexOf = (text: string) =>
    lines.findIndex((parts) =>
      parts
        .map((part) => part.text)
        .join('')
        .startsWith(text),
    );
  const shown = lines.slice(indexOf('The sweep:'), indexOf('It agrees') + 1);

  const svg = terminalSvg(shown, COLUMNS, 'A sweep of an emulated DLI in a terminal, and the proof of its outcomes');

  expect(shown.length).toBeGreaterThan(20);
  if (process.env.UPDATE_SCREENS === '1') writeFileSync(picture, svg);
  expect(steady(svg)).toBe(steady(readFileSync(picture, 'utf8')));
});
