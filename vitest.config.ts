import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Whole nights, weeks and years, trouble that lasts, and what starts one process after the other: with them, npm test would take
 * longer than two minutes.
 */
const STORIES = [
  'test/stories/**/*.test.ts',
  'test/cli/aws.test.ts',
  'test/cli/ceilings.test.ts',
  'test/cli/drill/drill.test.ts',
  'test/cli/emulator/rehearsal.test.ts',
  'test/cli/launcher.test.ts',
  'test/cli/screen/fit.test.ts',
  'test/cli/picture.test.ts',
  'test/cli/screen/many-jobs.test.ts',
  'test/cli/screens-page.test.ts',
  'test/cli/screens.test.ts',
  'test/cli/source/network.test.ts',
  'test/deploy/alarms.test.ts',
  'test/deploy/cadence.test.ts',
  'test/examples/gitops.test.ts',
  'test/lib/engines/without-end.test.ts',
  'test/lib/sweep/faults.lasting.test.ts',
  'test/model/killed.test.ts',
  'test/scripts/build.test.ts',
];
const hasStories = process.env.STORIES !== undefined;

export default defineConfig({
  test: {
    // Against a hang, not against a slow machine: nothing here is measured.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    include: hasStories ? STORIES : ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/built.ts',
    // Those package the project, and take longer: npm run test:aws.
    // The weeks take a minute: npm run test:worlds.
    exclude: [
      'test/aws/**',
      // Needs a browser: npm run test:browser.
      'test/browser/**',
      // A process for each command: npm run test:docs.
      'test/docs/commands.test.ts',
      'test/package.test.ts',
      ...(hasStories ? [] : STORIES),
      ...(process.env.WORLDS === undefined ? ['test/model/past-weeks.test.ts'] : []),
    ],
    // No test changes what a module holds, so the files of a worker may share what they import: a third of the time.
    isolate: false,
    // Many tests wait for a process or a socket, so one worker more than there are processors is the quickest.
    maxWorkers: availableParallelism() + 1,
    coverage: { include: ['lib/**', 'functions/**', 'cli/**', 'emulator/**'] },
  },
});
