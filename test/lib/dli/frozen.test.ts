import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { systemClock } from '../../../lib/base/clock.ts';
import { createDliClient } from '../../../lib/dli/client.ts';
import { jobId } from '../../helpers/world.ts';

/** A small DLI in a thread of its own, which can hang up while our thread stands still. */
const SERVICE = `
  const http = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const sockets = new Set();
  const job = { is_success: true, message: '', job_id: '${jobId(1)}', job_type: 'QUERY', status: 'RUNNING' };
  const server = http.createServer((request, response) => {
    parentPort.postMessage(request.method);
    response.end(JSON.stringify({ ...job, job_count: 0, jobs: [] }));
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  parentPort.on('message', () => {
    for (const socket of sockets) socket.resetAndDestroy();
    setImmediate(() => Atomics.notify(workerData, 0, Atomics.store(workerData, 0, 1)));
  });
`;

it('a connection that died while everything stood still, as a Lambda does between two sweeps, costs no job', async () => {
  const hungUp = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(SERVICE, { eval: true, workerData: hungUp });
  const [port] = (await once(worker, 'message')) as [number];
  const methods: string[] = [];
  const allArrived = new Promise<void>((resolve) => {
    worker.on('message', (method: string) => {
      if (methods.push(method) === 3) resolve();
    });
  });
  const dli = createDliClient({
    endpoint: new URL(`http://127.0.0.1:${port}`),
    projectId: 'a',
    maxConnections: 1,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    clock: systemClock,
    random: () => 0,
  });

  try {
    await dli.listSqlJobs({ status: 'RUNNING', page: 1, pageSize: 1 });
    worker.postMessage('hang up');
    // Nothing of ours runs until the other side has hung up, so nothing here notices it.
    Atomics.wait(hungUp, 0, 0);
    const result = await dli.cancelSqlJob(jobId(1));

    expect(result).toMatchObject({ kind: 'accepted', attempts: 2 });
    // Its answer may be here before the word from the other thread is.
    await allArrived;
    expect(methods).toEqual(['GET', 'GET', 'DELETE']);
  } finally {
    dli.close();
    await worker.terminate();
  }
});
