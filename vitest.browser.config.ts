import { defineConfig } from 'vitest/config';

/** The page of `report` in a real browser, which `npm test` does not need. CONTRIBUTING.md says how to get one. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: 'test/helpers/built.ts',
    // Against a hang, not against a slow machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One browser at a time.
    fileParallelism: false,
  },
});
