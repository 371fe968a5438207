import { defineConfig, type OxlintOverride } from 'oxlint';

const BELOW_A_SWEEP = ['base', 'http', 'policy', 'dli', 'request', 'engines', 'settings'].map((room) => `lib/${room}`);

/** What lies below a sweep, and those of its own folders that come before. */
const beforeInSweep = (...folders: string[]) => [...BELOW_A_SWEEP, ...folders.map((folder) => `lib/sweep/${folder}`)];

const AN_ENGINES_GROUND = ['lib/base', 'emulator/base', 'emulator/queues'];

/**
 * The plan of the house: which folders each folder may import from, itself apart. The order is that of the layers, the ground
 * first, so no arrow runs upward. docs/architecture.md has the picture and the reasons.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  'lib/base': [],
  'lib/http': ['lib/base'],
  'lib/policy': ['lib/base'],
  'lib/dli': ['lib/base', 'lib/http'],
  'lib/request': ['lib/base', 'lib/policy'],
  'lib/engines': ['lib/base', 'lib/dli'],
  'lib/settings': ['lib/base', 'lib/http', 'lib/policy', 'lib/dli', 'lib/request'],
  'lib/sweep': BELOW_A_SWEEP,
  'lib/sweep/record': BELOW_A_SWEEP,
  'lib/sweep/past': beforeInSweep('record'),
  'lib/sweep/look': beforeInSweep('record'),
  'lib/sweep/judge': beforeInSweep('record', 'past', 'look'),
  'lib/sweep/act': beforeInSweep('record', 'look', 'judge'),
  'lib/sweep/tell': beforeInSweep('record', 'past', 'look', 'judge', 'act'),
  'lib/fleet': [...BELOW_A_SWEEP, 'lib/sweep'],
  'lib/notify': [...BELOW_A_SWEEP, 'lib/sweep/record'],
  'lib/history': [...BELOW_A_SWEEP, 'lib/sweep'],
  'lib/aggregate': ['lib/base', 'lib/policy', 'lib/sweep/record', 'lib/sweep/past'],
  functions: ['lib'],
  'functions/shared': ['lib'],
  'emulator/base': ['lib/base'],
  'emulator/queues': ['lib/base', 'emulator/base'],
  'emulator/packages': ['lib/base', 'emulator/base'],
  'emulator/aws': [],
  'emulator/sql': AN_ENGINES_GROUND,
  'emulator/spark': AN_ENGINES_GROUND,
  'emulator/flink': AN_ENGINES_GROUND,
  'emulator/gateway': ['lib/base', 'lib/dli', 'emulator/base'],
  'emulator/control': [
    ...AN_ENGINES_GROUND,
    'emulator/packages',
    'emulator/sql',
    'emulator/spark',
    'emulator/flink',
    'emulator/routes.ts',
  ],
  'cli/screen': ['lib'],
  'cli/source': ['lib', 'cli/screen'],
  'cli/sweep': ['lib', 'cli/screen', 'cli/source'],
  'cli/remote': ['lib', 'cli/screen', 'cli/source', 'cli/sweep'],
  'cli/policy': ['lib', 'cli/screen', 'cli/source', 'cli/sweep'],
  'cli/policy-test': ['lib', 'cli/screen', 'cli/source'],
  'cli/snapshot': ['lib', 'cli/screen', 'cli/source', 'cli/sweep'],
  'cli/history': ['lib', 'cli/screen', 'cli/source', 'cli/sweep', 'cli/snapshot'],
  'cli/emergency': ['lib', 'cli/screen', 'cli/source', 'cli/sweep', 'cli/remote'],
  'cli/stage': ['lib', 'cli/screen', 'cli/source', 'cli/sweep', 'cli/remote'],
  'cli/notices': ['lib', 'cli/screen', 'cli/source', 'cli/sweep', 'cli/remote', 'cli/history'],
  'cli/doctor': ['lib', 'cli/screen', 'cli/source', 'cli/remote'],
  'cli/doctor/probe': ['lib', 'cli/screen', 'cli/source', 'emulator'],
  'cli/report': ['lib', 'cli/screen', 'cli/source', 'cli/notices', 'scripts/build-page.ts'],
  'cli/report/page': [
    'lib/aggregate',
    'lib/base/duration.ts',
    'lib/policy/clocks.ts',
    'cli/report/packed.ts',
    'cli/screen/explanation-lines.ts',
  ],
  'cli/emulator': ['lib', 'cli/screen', 'cli/source', 'cli/sweep', 'cli/report', 'cli/doctor/probe', 'emulator'],
  'cli/drill': ['lib', 'cli/screen', 'cli/source', 'cli/snapshot', 'cli/emergency', 'cli/emulator', 'emulator'],
  package: ['lib', 'emulator'],
};

/** A path from one folder to another, as an import line has it. */
function between(from: string, to: string): string {
  const a = from.split('/');
  const b = to.split('/');
  while (a[0] === b[0]) {
    a.shift();
    b.shift();
  }
  return [...a.map(() => '..'), ...b].join('/');
}

export default defineConfig({
  plugins: ['typescript', 'unicorn'],
  categories: { correctness: 'error' },
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/switch-exhaustiveness-check': 'off',
    'typescript/no-explicit-any': 'error',
    'no-console': 'error',
    'unicorn/no-useless-spread': 'error',
  },
  overrides: [
    // A longer function does several things: split it by what they are. Comments and blank lines count.
    { files: ['lib/**'], rules: { 'max-lines-per-function': ['error', { max: 80 }] } },
    ...Object.entries(MAY_IMPORT).map(
      ([folder, others]): OxlintOverride => ({
        files: [`${folder}/**`],
        rules: {
          'no-restricted-imports': [
            'error',
            {
              patterns: [
                {
                  group: [
                    '../**',
                    ...others.map((other) => `!${between(folder, other)}${other.endsWith('.ts') ? '' : '/**'}`),
                  ],
                  message: `${folder} may import from ${others.join(', ') || 'itself alone'}: see oxlint.config.ts.`,
                },
              ],
            },
          ],
        },
      }),
    ),
  ],
  ignorePatterns: ['dist', 'coverage', '.serverless'],
});
