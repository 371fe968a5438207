// A script on the core of the vendor's Node SDK, as it is written when a queue is stuck: list what runs, cancel what is old.
// node sdk.mjs CALLS_AT_ONCE [read-back]
import { setTimeout as sleep } from 'node:timers/promises';
import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials.js';
import { HcClient } from '@huaweicloud/huaweicloud-sdk-core/HcClient.js';
import { DefaultHttpClient } from '@huaweicloud/huaweicloud-sdk-core/http/DefaultHttpClient.js';

const [, , atOnce, readsBack] = process.argv;
const { ENDPOINT, PROJECT_ID, HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK } = process.env;
const PAGE = 100;
const OVER = ['CANCELLED', 'FINISHED', 'FAILED'];
const oldest = Date.now() - 2 * 3_600_000;

const client = new HcClient(new DefaultHttpClient({}, [ENDPOINT]))
  .withEndpoints([ENDPOINT])
  .withCredential(
    new BasicCredentials().withAk(HUAWEICLOUD_SDK_AK).withSk(HUAWEICLOUD_SDK_SK).withProjectId(PROJECT_ID),
  );

const first = await listPage(1);
const numbers = Array.from({ length: Math.ceil(first.job_count / PAGE) - 1 }, (_, i) => i + 2);
const pages = [first, ...(await inParallel(numbers, listPage))];
const ids = pages.flatMap(({ jobs }) => jobs.filter((job) => job.start_time < oldest).map(({ job_id: id }) => id));
await inParallel(ids, cancel);
if (readsBack !== undefined) await inParallel(ids, readBack);

/** A job that has ended meanwhile is refused with 400. */
async function cancel(id) {
  try {
    await call('DELETE', `/jobs/${id}`);
  } catch (error) {
    if (error.httpStatusCode !== 400) throw error;
  }
}

async function readBack(id) {
  for (;;) {
    const { status } = await call('GET', `/jobs/${id}/status`);
    if (OVER.includes(status)) return;
    await sleep(100);
  }
}

function listPage(page) {
  return call('GET', '/jobs', { 'job-status': 'RUNNING', 'page-size': PAGE, 'current-page': page });
}

function call(method, url, query = {}) {
  return client.sendRequest({
    method,
    url: `/v1.0/{project_id}${url}`,
    contentType: 'application/json',
    queryParams: query,
    pathParams: { project_id: PROJECT_ID },
    headers: {},
  });
}

/** So many at once as the script was asked for. */
async function inParallel(items, work) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const mine = next++;
      results[mine] = await work(items[mine]);
    }
  };
  await Promise.all(Array.from({ length: Number(atOnce) }, worker));
  return results;
}
