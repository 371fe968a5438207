import { describe, expect, it } from 'vitest';
import { estimateFreed } from '../../../../lib/sweep/act/freed-capacity.ts';
import { makeJob } from '../../../helpers/make-job.ts';
import { HOUR, NOW } from '../../../helpers/world.ts';

const ageOf = (hours: number) => ({ startedAt: NOW - hours * HOUR });

describe('estimateFreed', () => {
  it('says nothing where none was cancelled', () => {
    expect(estimateFreed([], new Map(), NOW)).toBeUndefined();
  });

  it.each([
    {
      name: 'the sum of what jobs tell',
      jobs: [makeJob({ ...ageOf(3), cus: 8 }), makeJob({ ...ageOf(2), cus: 2.25 })],
      queues: {},
      cus: { from: 10.3, to: 10.3 },
      cuHoursAtMost: 28.5,
    },
    {
      name: 'at most the queue, once for all of its jobs',
      jobs: [makeJob(ageOf(3)), makeJob(ageOf(5))],
      queues: { adhoc: 16 },
      cus: { from: 0, to: 16 },
      cuHoursAtMost: 80,
    },
    {
      name: 'each queue for itself',
      jobs: [makeJob(ageOf(1)), makeJob({ ...ageOf(2), queue: 'etl' })],
      queues: { adhoc: 16, etl: 64 },
      cus: { from: 0, to: 80 },
      cuHoursAtMost: 144,
    },
    {
      name: 'no bound for a queue of unknown size',
      jobs: [makeJob({ ...ageOf(1), cus: 4 }), makeJob(ageOf(1))],
      queues: {},
      cus: { from: 4, to: null },
      cuHoursAtMost: null,
    },
    {
      name: 'no hours for a job whose age is not known',
      jobs: [makeJob({ startedAt: undefined, cus: 4 })],
      queues: {},
      cus: { from: 4, to: 4 },
      cuHoursAtMost: 0,
    },
  ])('is $name', ({ jobs, queues, cus, cuHoursAtMost }) => {
    expect(estimateFreed(jobs, new Map(Object.entries(queues)), NOW)).toEqual({
      estimate: true,
      cus,
      cuHoursAtMost,
    });
  });
});
