import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Against a hang, not against a slow machine: nothing here is measured.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/built.ts',
    // Those package the project, and take longer: npm run test:aws. The stories take a minute and a half: npm run test:stories.
    // The weeks take a minute: npm run test:worlds.
    exclude: [
      'test/aws/**',
      'test/package.test.ts',
      ...(process.env.STORIES === undefined ? ['test/stories/**'] : []),
      ...(process.env.WORLDS === undefined ? ['test/model/past-weeks.test.ts'] : []),
    ],
    // No test changes what a module holds, so the files of a worker may share what they import: a third of the time.
    isolate: false,
    // Many tests wait for a process or a socket, so one worker more than there are processors is the quickest.
    maxWorkers: availableParallelism() + 1,
    coverage: { include: ['lib/**', 'functions/**', 'cli/**', 'emulator/**'] },
  },
});
