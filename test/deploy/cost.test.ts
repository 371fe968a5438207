import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { startEmulator } from '../../emulator/server.ts';
import { formatMessage, type SweepMessage } from '../../lib/fleet/message.ts';
import { queueEvent } from '../helpers/aws-events.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { ASSUMED, costTable } from '../helpers/cost.ts';
import { invokeBundle } from '../helpers/lambda.ts';
import { runningJob } from '../helpers/run-cli.ts';
import { MINUTE } from '../helpers/world.ts';

const docs = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8');

/** What the bundled function writes in a sweep of the schedule that has to spare so many jobs. */
async function bytesOfSweep(spared: number): Promise<number> {
  const jobs = Array.from({ length: spared }, (_, i) => runningJob(i + 1, { ageMs: 300 * MINUTE }));
  const emulator = await startEmulator({ now: Date.now, random: Math.random, jobs, cancelDelayMs: 0 });
  const rule = { id: 'two-hours', match: { queue: '*' }, maxRunTime: '2h' };
  const exemption = { id: 'closing', reason: 'the year ends', owner: 'closing', until: '2099-12-31T00:00:00Z' };
  const parameters = stageParameters('dev', emulator.connection, { version: 1, rules: [rule] });
  parameters['/dli-reaper/dev/exemptions/closing'] = JSON.stringify({ ...exemption, match: { queue: '*' } });
  const aws = await startAwsServer(parameters);
  const message: SweepMessage = {
    dispatchId: 'tick-1',
    trigger: 'schedule',
    dispatchedAt: Date.now(),
    credentials: 'reaper',
    payload: {},
    targets: ['default'],
  };

  const { stdout, log } = await invokeBundle('sweep', queueEvent(formatMessage(message)), aws.env);

  await Promise.all([emulator.close(), aws.close()]);
  expect(log.filter(({ msg }) => msg === 'job kept')).toHaveLength(spared);
  return Buffer.byteLength(stdout);
}

describe('the table of costs in docs/deploy.md', () => {
  it('is the one that the template makes', async () => {
    const [, table] = /\n\n(\| \| price \|.*?)\n\n/s.exec(docs) ?? [];

    expect(table).toBe(await costTable());
  });

  it('assumes lines of the log that are as long as they are', async () => {
    const [quiet, busy] = [await bytesOfSweep(0), await bytesOfSweep(ASSUMED.spared)];

    const isNear = (bytes: number, assumed: number) => ({ bytes, isNear: Math.abs(bytes / assumed - 1) < 0.15 });
    expect(isNear(quiet, ASSUMED.sweepBytes)).toEqual({ bytes: quiet, isNear: true });
    const each = (busy - quiet) / ASSUMED.spared;
    expect(isNear(each, ASSUMED.sparedBytes)).toEqual({ bytes: each, isNear: true });
  });
});
