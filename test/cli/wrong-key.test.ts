import { describe, expect, it } from 'vitest';
import { EMULATOR_KEY } from '../../emulator/server.ts';
import { makeFolder, runHere, runningJob } from '../helpers/run-cli.ts';
import { startTargets } from '../helpers/several-targets.ts';

const newFile = makeFolder();
const CREDENTIALS = '/dli-reaper/dev/credentials/reaper';

const POLICY = newFile(
  'policy.yml',
  'version: 1\nmode: dry-run\nrules:\n  - id: two-hours\n    match: all\n    maxRunTime: 3h\n',
);
const EMERGENCY = ['emergency', '--all-targets', '--older-than', '2h', '--reason', 'night'];

const VERBS = [
  { name: 'status', args: ['status'] },
  { name: 'doctor', args: ['doctor'] },
  { name: 'emergency --dry-run', args: [...EMERGENCY, '--dry-run'] },
  { name: 'emergency --confirm', args: [...EMERGENCY, '--confirm', 'dev 3'] },
  { name: 'policy diff', args: ['policy', 'diff', POLICY, '--name', 'base'] },
  {
    name: 'policy push',
    args: ['policy', 'push', POLICY, '--name', 'base', '--over-version', '1', '--confirm', 'dev'],
  },
];

const job = () => ({ jobs: [runningJob(1)] });

describe.concurrent('a verb that loops over targets of one credential', () => {
  it.for(VERBS)(
    'shows a wrong key once, and says of the other targets that it was not sent: $name',
    async ({ args }, context) => {
      const wrong = JSON.stringify({ ...EMULATOR_KEY, secretAccessKey: 'of-before-the-rotation' });
      const { aws, emulators } = await startTargets(
        context,
        { east: job(), north: job(), west: job() },
        { changes: { [CREDENTIALS]: wrong } },
      );

      const { stdout, stderr } = await runHere([...args, '--stage', 'dev'], aws.env);

      const statuses = Object.values(emulators).flatMap(({ requests }) => requests.map(({ status }) => status));
      expect(statuses).toEqual([401]);
      const said = (stdout + stderr).replaceAll(/\s+/g, ' ');
      // One less where the first was refused by DLI itself, and not by IAM before.
      expect(said.split('not sent, since this credential was refused').length - 1).toBeGreaterThanOrEqual(2);
      expect(said).toContain(CREDENTIALS);
      expect(said).not.toContain('not tried again');
    },
  );

  it.for(VERBS)('fails one login with a wrong password: $name', async ({ args }, context) => {
    const { aws, emulators } = await startTargets(context, { east: job(), north: job(), west: job() });
    const iamEndpoint = emulators.north?.connection.url;
    aws.put(CREDENTIALS, JSON.stringify({ userName: 'reaper', password: 'hush', domainName: 'lake', iamEndpoint }));

    const { stdout, stderr } = await runHere([...args, '--stage', 'dev'], aws.env);

    const targets = Object.values(emulators).flatMap(({ requests }) => requests.map(({ target }) => target));
    expect(targets).toEqual(['/v3/auth/tokens?nocatalog=true']);
    expect(stdout + stderr).not.toContain('hush');
  });
});
