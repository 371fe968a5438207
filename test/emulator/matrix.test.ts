import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ASSUMPTION_NAMES } from '../../emulator/base/assumptions.ts';
import { ROUTES } from '../../emulator/routes.ts';
import { renderPage } from '../../scripts/emulator-matrix.ts';

describe('the feature matrix', () => {
  it('is what npm run schema writes', () => {
    const page = readFileSync(new URL('../../docs/emulator.md', import.meta.url), 'utf8');

    expect(renderPage(page)).toBe(page);
  });

  it('lists each operation once, and only the calls of 2021 without a name in the SDK', () => {
    const rows = renderPage()
      .split('\n')
      .filter((line) => /^\| `[a-z-]+` \| `[A-Z]+ /.test(line));
    const nameless = rows.filter((row) => row.split(' | ')[2] === 'none').map((row) => row.split('`')[1]);

    expect(rows).toHaveLength(ROUTES.length);
    expect(nameless).toEqual(['cancel-sql-job-on-queue', 'submit-sql-job-to-queue']);
  });

  it('names every question', () => {
    const named = new Set(ROUTES.flatMap(({ assumes = [] }) => assumes));

    expect([...named].sort()).toEqual([...ASSUMPTION_NAMES].sort());
  });
});
