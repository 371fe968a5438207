import type { EmulatedFlinkJob } from '../../emulator/flink/jobs.ts';
import type { EmulatorOptions } from '../../emulator/server.ts';
import { batchLife, type EmulatedBatch } from '../../emulator/spark/jobs.ts';
import { signedCall } from './signed-call.ts';
import { HOUR, jobId, makeWorld, NOW } from './world.ts';

type Query = [name: string, value: string][];

/** An emulator alone, and signed calls to it. A call names the part of the path after the project id. */
export async function startApi<Body = Record<string, unknown>>(options: Partial<EmulatorOptions> = {}) {
  const { emulator, clock, pass } = await makeWorld({ ...options, jobs: [...(options.jobs ?? [])] });
  const { connection } = emulator;
  const call = async (method: string, path: string, { query = [], body }: { query?: Query; body?: unknown } = {}) => {
    const [, version, rest] = /^(\/v[\d.]+)(\/.*)$/.exec(path) ?? [];
    const answer = await signedCall(
      connection,
      {
        method,
        path: `${version}/${connection.projectId}${rest}`,
        query,
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      },
      clock.now(),
    );
    return { status: answer.status, body: (answer.body === '' ? undefined : JSON.parse(answer.body)) as Body };
  };
  return { emulator, pass, call };
}

export const refusal = (code: string, status = 400) => ({ status, body: { error_code: code } });

/** A batch on gen_q that was created three hours ago, has run ever since, and would go on for a day. */
export function emulatedBatch(
  n: number,
  fields: Partial<EmulatedBatch> & { ageMs?: number; plan?: Partial<Parameters<typeof batchLife>[0]> } = {},
): EmulatedBatch {
  const { ageMs = 3 * HOUR, plan, ...more } = fields;
  const createdAt = NOW - ageMs;
  return {
    id: jobId(n),
    name: 'nightly',
    queue: 'gen_q',
    owner: 'ana',
    life: batchLife({ createdAt, runsFrom: createdAt, endsAt: NOW + 24 * HOUR, ...plan }),
    ...more,
  };
}

/** A Flink SQL job on flink_q that was created three hours ago, has run ever since, and has no end. */
export function emulatedFlinkJob(
  id: number,
  { ageMs = 3 * HOUR, ...fields }: Partial<EmulatedFlinkJob> & { ageMs?: number } = {},
): EmulatedFlinkJob {
  return {
    id,
    name: 'clicks',
    type: 'flink_sql_job',
    queue: 'flink_q',
    owner: 'ana',
    sqlBody: 'INSERT INTO a SELECT 1',
    life: [
      { from: NOW - ageMs, state: 'job_init' },
      { from: NOW - ageMs, state: 'job_submitting' },
      { from: NOW - ageMs, state: 'job_running' },
    ],
    ...fields,
  };
}
