import { describe, expect, it } from 'vitest';
import { sqlEngine } from '../../../lib/engines/sql.ts';
import { emulatedJob, HOUR, jobId, makeWorld, NOW } from '../../helpers/world.ts';

describe('the reads of SQL', () => {
  it.each([
    { withStatements: true, listed: 'select 1' },
    { withStatements: false, listed: undefined },
  ])(
    'list jobs with their statements or without, and show a job with its own: $withStatements',
    async ({ withStatements, listed }) => {
      const world = await makeWorld({ jobs: [emulatedJob(1, { ageMs: 10 * HOUR })] });
      const reads = sqlEngine.createReads(world.client(), { withStatements });

      const { jobs } = await reads.listLive({ startedBefore: NOW - HOUR });

      expect(jobs.map(({ statement }) => statement)).toEqual([listed]);
      expect((await reads.show(jobId(1))).statement).toBe('select 1');
    },
  );
});
