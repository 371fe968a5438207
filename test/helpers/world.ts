import { onTestFinished } from 'vitest';
import { type EmulatorOptions, startEmulator } from '../../emulator/server.ts';
import type { EmulatedJob } from '../../emulator/sql/jobs.ts';
import { createLog, type LogFields } from '../../lib/base/log.ts';
import { createDliClient, type DliClientOptions } from '../../lib/dli/client.ts';
import { createSharedStates } from '../../lib/dli/shared-state.ts';
import { parseExemption, parsePolicy } from '../../lib/policy/parse.ts';
import type { SweepRequest } from '../../lib/request/request.ts';
import type { SweepDeps } from '../../lib/sweep/deps.ts';
import { pastOf, type RecordLine } from '../../lib/sweep/past/from-lines.ts';
import type { ReadRecord } from '../../lib/sweep/past/past-sweeps.ts';
import { sweep } from '../../lib/sweep/sweep.ts';
import { looseCeilings } from './ceilings.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** Start of every world's clock: a whole second, as in HTTP's Date. */
export const NOW = Date.parse('2026-01-05T09:00:00Z');

/** Ids in the order of their numbers: `jobId(1)` sorts before `jobId(2)`. */
export const jobId = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** A query on adhoc that has run for three hours and would go on for a day. */
export function emulatedJob(n: number, fields: Partial<EmulatedJob> & { ageMs?: number } = {}): EmulatedJob {
  const { ageMs = 3 * HOUR, ...more } = fields;
  const submittedAt = NOW - ageMs;
  return {
    id: jobId(n),
    type: 'QUERY',
    queue: 'adhoc',
    owner: 'ana',
    statement: 'select 1',
    submittedAt,
    runsFrom: submittedAt,
    endsAt: NOW + 24 * HOUR,
    endsAs: 'FINISHED',
    ...more,
  };
}

/**
 * An emulator and a sweep with one clock, which jumps over every wait. A sweep is live by default.
 * The emulator is closed after the test.
 */
export async function makeWorld(options: Partial<EmulatorOptions> & { jobs: EmulatedJob[] }) {
  let now = NOW;
  const emulator = await startEmulator({ now: () => now, random: () => 0.5, cancelDelayMs: 1_000, ...options });
  onTestFinished(emulator.close);
  const { url, projectId, accessKeyId, secretAccessKey } = emulator.connection;

  const lines: { level: string; at: number; msg: string; fields: LogFields }[] = [];
  const sleeps: number[] = [];
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      sleeps.push(ms);
      now += ms;
    },
  };
  const deps: SweepDeps = {
    clock,
    random: () => 0.5,
    log: createLog((level, msg, fields) => void lines.push({ level, at: now, msg, fields: { ...fields } })),
    deadlineAt: NOW + 10 * MINUTE,
    sharedFor: createSharedStates(clock),
    loadCeilings: async () => looseCeilings,
    loadSettings: async () => ({
      target: { name: 'test', endpoint: new URL(url), projectId, mode: undefined },
      policy: parsePolicy({
        version: 1,
        mode: 'live',
        maxKillsPercent: 100,
        rules: [{ id: 'r', match: 'all', maxRunTime: '2h' }],
      }),
      exemptions: [],
      freezes: [],
      credentials: { name: 'test', read: () => Promise.resolve({ accessKeyId, secretAccessKey }) },
      isSwitchedOn: true,
    }),
  };
  const request: SweepRequest = {
    sweepId: 'sweep-1',
    trigger: 'manual',
    target: 'test',
    dryRun: false,
    maxKills: undefined,
    verifyForMs: MINUTE,
    reason: undefined,
  };

  return {
    emulator,
    /** A client of the emulator, independent of any sweep. Closed after the test. */
    client: (changes: Partial<DliClientOptions> = {}) => {
      const dli = createDliClient({
        endpoint: new URL(url),
        projectId,
        credentials: { accessKeyId, secretAccessKey },
        clock,
        random: () => 0.5,
        ...changes,
      });
      onTestFinished(() => dli.close());
      return dli;
    },
    deps,
    lines,
    sleeps,
    clock,
    /** Reads the sweeps so far from their lines, as CloudWatch Logs keeps them: without those of the level debug. */
    readRecord: (async ({ target, projectId: project, since }) =>
      pastOf(
        { target, projectId: project },
        lines.filter(({ level, at }) => level !== 'debug' && at >= since).map((line) => line as RecordLine),
      )) satisfies ReadRecord as ReadRecord,
    /** Moves the clock of both forward. */
    pass: (ms: number) => {
      now += ms;
    },
    /** Dependencies with the policy of the world, some keys replaced, and with exemptions of the settings. */
    withPolicy: (changes: Record<string, unknown>, exemptions: readonly unknown[] = []): Partial<SweepDeps> => ({
      loadSettings: async (asked) => ({
        ...(await deps.loadSettings(asked)),
        exemptions: exemptions.map(parseExemption),
        policy: parsePolicy({
          version: 1,
          mode: 'live',
          maxKillsPercent: 100,
          rules: [{ id: 'r', match: 'all', maxRunTime: '2h' }],
          ...changes,
        }),
      }),
    }),
    sweep: (changes: Partial<SweepRequest> = {}, moreDeps: Partial<SweepDeps> = {}) =>
      sweep({ ...request, ...changes }, { ...deps, ...moreDeps }),
    /** The requests so far, short: `GET LAUNCHING 1`, `DELETE 7`, `GET 7/status`. */
    conversation: () => emulator.requests.map(({ method, target }) => `${method} ${shorten(target)}`),
  };
}

function shorten(target: string): string {
  const { pathname, searchParams } = new URL(target, 'http://emulator');
  const [, kind = '', rest = ''] =
    /^\/v[\d.]+\/[^/]+\/(jobs|queues|batches|streaming\/jobs)\/?(.*)$/.exec(pathname) ?? [];
  const id = rest.replace(/^00000000-0000-4000-8000-0*/, '');
  if (kind === 'jobs') return id || `${searchParams.get('job-status')} ${searchParams.get('current-page')}`;
  if (kind === 'batches')
    return id ? `batch ${id}` : `batches ${searchParams.get('state')} ${searchParams.get('from')}`;
  if (kind === 'queues') return 'queues';
  return id ? `flink ${id}` : `flink ${searchParams.get('status')} ${searchParams.get('offset')}`;
}
