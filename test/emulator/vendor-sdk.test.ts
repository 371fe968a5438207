import { tmpdir } from 'node:os';
import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials.js';
import { HcClient } from '@huaweicloud/huaweicloud-sdk-core/HcClient.js';
import { DefaultHttpClient } from '@huaweicloud/huaweicloud-sdk-core/http/DefaultHttpClient.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Emulator, startEmulator } from '../../emulator/server.ts';
import { emulatedJob, jobId } from '../helpers/world.ts';

/*
 * The vendor's own Node SDK core signs and sends; ours never sees the requests. It knows no DLI, so the calls are spelled
 * out as its generated clients do.
 */

interface SdkAnswer {
  httpStatusCode: number;
  is_success?: boolean;
  job_count?: number;
  jobs?: { job_id: string }[];
  job_id?: string;
  status?: string;
}

let emulator: Emulator;

beforeEach(async () => {
  // The SDK leaves a file in the user's home directory.
  vi.stubEnv('HOME', tmpdir());
  const now = Date.now();
  const running = { submittedAt: now - 60_000, runsFrom: now - 60_000, endsAt: now + 3_600_000 };
  const jobs = [
    emulatedJob(1, { ...running, tags: [{ key: 'team', value: "o'brien (bi)*!" }] }),
    emulatedJob(2, running),
  ];
  emulator = await startEmulator({ now: Date.now, random: () => 0.5, jobs, cancelDelayMs: 0 });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await emulator.close();
});

function call(method: string, url: string, { query = {}, data }: { query?: object; data?: object } = {}) {
  const { url: endpoint, projectId, accessKeyId, secretAccessKey } = emulator.connection;
  const credentials = new BasicCredentials().withAk(accessKeyId).withSk(secretAccessKey).withProjectId(projectId);
  const client = new HcClient(new DefaultHttpClient({}, [endpoint]))
    .withEndpoints([endpoint])
    .withCredential(credentials);
  return client.sendRequest({
    method,
    url: `/v1.0/{project_id}${url}`,
    contentType: 'application/json',
    queryParams: query,
    pathParams: { project_id: projectId },
    headers: {},
    ...(data !== undefined && { data }),
  }) as Promise<SdkAnswer>;
}

describe("the vendor's SDK core", () => {
  it('lists jobs', async () => {
    const query = { 'job-status': 'RUNNING', 'page-size': 10, 'current-page': 1, job_types: ['QUERY', 'INSERT'] };

    expect(await call('GET', '/jobs', { query })).toMatchObject({ is_success: true, job_count: 2 });
  });

  it('lists jobs by a tag full of characters that it puts raw on the wire and signs encoded', async () => {
    const query = { tags: "team=o'brien (bi)*!" };

    expect(await call('GET', '/jobs', { query })).toMatchObject({ job_count: 1, jobs: [{ job_id: jobId(1) }] });
  });

  it('reads the status of a job', async () => {
    expect(await call('GET', `/jobs/${jobId(2)}/status`)).toMatchObject({ job_id: jobId(2), status: 'RUNNING' });
  });

  it('cancels a job', async () => {
    expect(await call('DELETE', `/jobs/${jobId(1)}`)).toMatchObject({ is_success: true });
    expect(emulator.statusOf(jobId(1))).toBe('CANCELLED');
  });

  it('submits a job', async () => {
    const data = { sql: "select 'größe', 1", queue_name: 'etl', tags: [{ key: 'team', value: 'bi' }] };

    const { job_id: id = '' } = await call('POST', '/jobs/submit-job', { data });

    expect(emulator.statusOf(id)).toBe('LAUNCHING');
  });
});
