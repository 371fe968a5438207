import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startEmulator } from '../../../emulator/server.ts';
import { emulatedJob, jobId } from '../../helpers/world.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The lines between @example and the next tag, without their stars. */
function exampleIn(file: string): string {
  const [, example = ''] = /@example\n([\s\S]*?)\n \*\n \* @/.exec(readFileSync(`${root}${file}`, 'utf8')) ?? [];
  return example.replace(/^ \* ?/gm, '');
}

it("runs the example in the client's docstring as it is written, but for the address", async () => {
  const job = { ...emulatedJob(1), submittedAt: Date.now() - 1_000, runsFrom: 0, endsAt: Number.MAX_SAFE_INTEGER };
  const emulator = await startEmulator({ now: Date.now, random: Math.random, jobs: [job], cancelDelayMs: 0 });
  const { url, accessKeyId, secretAccessKey } = emulator.connection;
  const example = exampleIn('lib/dli/client.ts').replace('https://dli.eu-west-101.myhuaweicloud.eu', url);
  const script = `
    import { env } from 'node:process';
    import { systemClock } from './lib/base/clock.ts';
    import { createDliClient } from './lib/dli/client.ts';
    ${example}`;

  try {
    const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '-e', script], {
      cwd: root,
      env: { HUAWEICLOUD_SDK_AK: accessKeyId, HUAWEICLOUD_SDK_SK: secretAccessKey },
    });

    expect(stdout).toBe(`${jobId(1)} accepted CANCELLED\n`);
  } finally {
    await emulator.close();
  }
});
