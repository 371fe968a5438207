// The floor: what the calls themselves cost. It judges nothing but the age, repeats nothing, and reports nothing.
import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

const { ENDPOINT, PROJECT_ID, HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK } = process.env;
const { protocol, hostname, port, host } = new URL(ENDPOINT);
const { request, Agent } = protocol === 'https:' ? https : http;
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const jobsPath = `/v1.0/${PROJECT_ID}/jobs`;
const EMPTY_SHA256 = createHash('sha256').digest('hex');
const PAGE = 100;
const end = Date.now() - 2 * 3_600_000;

const ids = await listIds('RUNNING');
const left = new Set(ids);
await Promise.all(ids.map(cancel));
while (left.size > 0) {
  for (const id of await listIds('CANCELLED')) left.delete(id);
  if (left.size > 0) await sleep(100);
}
agent.destroy();

/** All pages, the first alone and the others side by side. The parameters are in the order in which they are signed. */
async function listIds(status) {
  const read = (page) =>
    call('GET', jobsPath, `current-page=${page}&end=${end}&job-status=${status}&page-size=${PAGE}`);
  const first = await read(1);
  const others = Array.from({ length: Math.ceil(first.job_count / PAGE) - 1 }, (_, i) => read(i + 2));
  return [first, ...(await Promise.all(others))].flatMap(({ jobs }) => jobs.map(({ job_id: id }) => id));
}

/** A job that has ended meanwhile is refused, and then there is nothing to wait for. */
async function cancel(id) {
  const answer = await call('DELETE', `${jobsPath}/${id}`);
  if (answer.error_code === 'DLI.0007') left.delete(id);
}

function call(method, path, query = '') {
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const canonical = `${method}\n${path}/\n${query}\nhost:${host}\nx-sdk-date:${date}\n\nhost;x-sdk-date\n${EMPTY_SHA256}`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const signature = createHmac('sha256', HUAWEICLOUD_SDK_SK).update(`SDK-HMAC-SHA256\n${date}\n${hash}`).digest('hex');
  const authorization = `SDK-HMAC-SHA256 Access=${HUAWEICLOUD_SDK_AK}, SignedHeaders=host;x-sdk-date, Signature=${signature}`;
  return new Promise((resolve, reject) => {
    const target = query === '' ? path : `${path}?${query}`;
    const headers = { host, 'x-sdk-date': date, authorization };
    const sent = request({ agent, hostname, port, method, path: target, headers }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString());
        if (answer.statusCode === 200 || body.error_code === 'DLI.0007') resolve(body);
        else reject(new Error(`${method} ${target}: ${answer.statusCode} ${JSON.stringify(body)}`));
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}
