import { defineConfig } from 'vitest/config';

/** Every command of README.md and docs/, which takes a process for each. */
export default defineConfig({
  test: {
    include: ['test/docs/commands.test.ts'],
    globalSetup: 'test/helpers/built.ts',
    // Against a hang, not against a slow machine.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
