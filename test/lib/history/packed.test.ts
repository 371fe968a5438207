import { describe, expect, it } from 'vitest';
import type { Job } from '../../../lib/base/job.ts';
import { createPacker } from '../../../lib/history/packed.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { HOUR, jobId, NOW } from '../../helpers/world.ts';

const spark = (fields: Partial<Job> = {}) => ({
  engine: 'spark' as const,
  type: null,
  protection: 'none' as const,
  statement: null,
  database: null,
  since: { running: undefined, waiting: NOW, submitted: NOW },
  startedAt: NOW,
  ...fields,
});

describe('a packed past job', () => {
  it.each([
    { name: 'a query', fields: {} },
    { name: 'a query that failed', fields: { state: 'failed', status: 'FAILED', owner: 'bo', queue: 'etl' } },
    { name: 'a write with tags', fields: { type: 'INSERT', tags: new Map([['team', 'bi']]) } },
    { name: 'unreadable tags', fields: { tags: undefined } },
    { name: 'facts that are missing', fields: { owner: undefined, queue: undefined, type: undefined } },
    {
      name: 'no start',
      fields: { startedAt: undefined, since: { running: undefined, waiting: undefined, submitted: undefined } },
    },
    { name: 'a statement', fields: { statement: 'select 1' } },
    { name: 'clocks that differ', fields: { since: { running: NOW, waiting: NOW - HOUR, submitted: NOW - HOUR } } },
    { name: 'a start that came as a text', fields: { isStartText: true } },
    { name: 'a batch', fields: spark({ name: 'nightly', cus: 8 }) },
  ] as { name: string; fields: Partial<Job> }[])('is the same job as before: $name', ({ fields }) => {
    const pack = createPacker();
    const other = pack({ job: makeJob({ id: jobId(9) }), endedAt: NOW });
    const job = makeJob(fields);

    const packed = pack({ job, endedAt: NOW + HOUR });

    expect({ job: packed.job, endedAt: packed.endedAt }).toEqual({ job, endedAt: NOW + HOUR });
    expect(other.job.id).toBe(jobId(9));
    expect(pack({ job, endedAt: undefined }).endedAt).toBeUndefined();
  });
});
