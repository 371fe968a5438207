import { describe, expect, it } from 'vitest';
import { JobSet } from '../../../lib/engines/job-set.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { jobId } from '../../helpers/world.ts';

const withStatement = (n: number, statement: string | undefined) => makeJob({ id: jobId(n), statement });

const held = (jobs: JobSet) => Object.fromEntries([...jobs].map(({ id, statement }) => [id.slice(-2), statement]));

describe('a set of jobs', () => {
  it('counts those that are new, whatever the case of their ids, and keeps the later reading', () => {
    const jobs = new JobSet();
    const id = 'abcdef00-0000-4000-8000-000000000001';

    expect(jobs.add([makeJob({ id }), makeJob({ id: jobId(2) })])).toBe(2);
    expect(jobs.add([makeJob({ id: id.toUpperCase(), status: 'LATER' }), makeJob({ id: jobId(3) })])).toBe(1);
    expect([...jobs].map(({ status }) => status)).toContain('LATER');
  });

  it('keeps every row without an id, since such rows cannot be told apart', () => {
    const jobs = new JobSet();

    expect(jobs.add([makeJob({ id: '' }), makeJob({ id: '' })])).toBe(0);
    expect([...jobs]).toHaveLength(2);
  });

  it('holds all statements that it has room for', () => {
    const jobs = new JobSet(10);

    jobs.add([withStatement(1, '12345'), withStatement(2, '12345'), withStatement(3, undefined)]);

    expect(held(jobs)).toEqual({ '01': '12345', '02': '12345', '03': undefined });
  });

  it('drops the longest statements first if there are too many, whichever came first', () => {
    const all = [withStatement(1, '1234'), withStatement(2, '12345678'), withStatement(3, '12')];

    for (const inOrder of [all, all.toReversed()]) {
      const jobs = new JobSet(10);
      for (const job of inOrder) jobs.add([job]);

      expect(held(jobs)).toEqual({ '01': '1234', '02': undefined, '03': '12' });
    }
  });

  it('counts bytes, and those of rows without an id as well', () => {
    const jobs = new JobSet(10);

    jobs.add([makeJob({ id: '', statement: '中中中' }), withStatement(1, '12')]);

    expect([...jobs].map(({ statement }) => statement)).toEqual(['12', undefined]);
  });

  it('counts a job that is read again once', () => {
    const jobs = new JobSet(10);

    for (let i = 0; i < 5; i++) jobs.add([withStatement(1, '12345678')]);

    expect(held(jobs)).toEqual({ '01': '12345678' });
  });

  it('holds none that is as long as those it dropped', () => {
    const jobs = new JobSet(10);

    jobs.add([withStatement(1, '12345678'), withStatement(2, '12345678')]);
    jobs.add([withStatement(3, '12345678'), withStatement(4, '1234')]);

    expect(held(jobs)).toEqual({ '01': undefined, '02': undefined, '03': undefined, '04': '1234' });
  });
});
