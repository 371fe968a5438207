import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AWS_CLIENT_OPTIONS } from '../../lib/settings/parameter-store.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { makeFolder, runCli } from '../helpers/run-cli.ts';

const writeFile = makeFolder();
const { maxAttempts, requestHandler } = AWS_CLIENT_OPTIONS;
const PAUSES_MS = 1_000;

describe.concurrent('a Parameter Store that gives no answer', () => {
  it('is reported within 15 seconds: a verb waits for one call, or for several at once', async ({ expect }) => {
    expect(maxAttempts * requestHandler.requestTimeout + PAUSES_MS).toBeLessThan(15_000);
  });

  it.each([
    {
      args: ['emergency', '--target', 'lake', '--job-id', '1', '--reason', 'r', '--dry-run'],
      setting: 'targets/lake',
      calls: 1,
    },
    { args: ['stop'], setting: 'switch', calls: 2 },
    { args: ['doctor', '--target', 'lake'], setting: 'switch', calls: 1 },
  ])('is reported with the parameter that was read first: $args.0', async ({ args, setting, calls }) => {
    const aws = await startAwsServer({}, { isParameterStoreSilent: true });
    try {
      const { exitCode, stdout, stderr } = await runCli([...args, '--stage', 'prod'], aws.env);

      expect(exitCode).toBe(1);
      expect(stdout + stderr).toContain(
        `/dli-reaper/prod/${setting}: cannot be read from Parameter Store (TimeoutError: AWS gave no answer)`,
      );
      expect(stdout + stderr).not.toContain('credentials/');
      expect(stderr).toMatch(/^Waiting 3 s for 127\.0\.0\.1:\d+, GetParameters\w*, attempt 1 of 3$/m);
      const asked = aws.calls.filter((operation) => /Parameter/.test(operation));
      expect(asked).toHaveLength(calls * maxAttempts);
    } finally {
      await aws.close();
    }
  });
});

describe.concurrent('an expired SSO session', () => {
  const URL = 'https://example.awsapps.com/start';
  const config = writeFile(
    '.aws/config',
    `[profile night]\nsso_start_url = ${URL}\nsso_region = eu-central-1\nsso_account_id = 123456789012\n` +
      'sso_role_name = reader\nregion = eu-central-1\n',
  );
  writeFile(
    `.aws/sso/cache/${createHash('sha1').update(URL).digest('hex')}.json`,
    JSON.stringify({ startUrl: URL, region: 'eu-central-1', accessToken: 'hush', expiresAt: '2020-01-01T00:00:00Z' }),
  );
  const env = { HOME: dirname(dirname(config)), AWS_PROFILE: 'night', AWS_EC2_METADATA_DISABLED: 'true' };
  const says =
    'no AWS credentials of AWS_PROFILE night: The SSO session associated with this profile has expired. To refresh this SSO ' +
    'session run aws sso login with the corresponding profile';

  it('is reported in the SDK’s own words, with the name of the profile', async () => {
    const { exitCode, stderr } = await runCli(['stop', '--stage', 'prod'], env);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain('hush');
  });

  it('has doctor print the line that renews it', async () => {
    const { exitCode, stdout } = await runCli(['doctor', '--stage', 'prod'], env);

    expect(exitCode).toBe(1);
    expect(stdout).toContain(says);
    expect(stdout).toContain('→ aws sso login --profile night\n');
    expect(stdout).not.toContain('→ grant');
  });
});
