import { defineConfig } from 'vitest/config';

/** What a deploy or `npm pack` makes of the project, as nearly as it can be tried without an account. Takes longer than the tests do. */
export default defineConfig({
  test: {
    include: ['test/aws/**/*.test.ts', 'test/package.test.ts'],
    globalSetup: 'test/helpers/built.ts',
    // Against a hang, not against a slow machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // One at a time: they package into the same folder.
    fileParallelism: false,
  },
});
