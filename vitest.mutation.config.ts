import { defineConfig } from 'vitest/config';

/** Only the tests that decide who may be killed: the others would say the same, many times slower. */
export default defineConfig({
  test: {
    // As for all tests. Hanging mutants are found by Stryker's own, shorter time.
    testTimeout: 120_000,
    include: [
      'test/lib/policy/**/*.test.ts',
      'test/lib/sweep/judge/decide.test.ts',
      'test/lib/sweep/judge/decide.groups.test.ts',
      'test/lib/sweep/judge/decide.keep.test.ts',
      'test/lib/sweep/judge/decide.steps.test.ts',
      'test/lib/sweep/tell/explain.test.ts',
    ],
  },
});
