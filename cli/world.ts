import * as v from 'valibot';
import { ENGINE_NAMES, type Job } from '../lib/dli/job.ts';
import { issueWords } from '../lib/issue-words.ts';
import { fingerprint } from '../lib/policy/fingerprint.ts';

/** The live jobs of a target at one moment, to judge them later by another policy. */
export interface World {
  target: string;
  /** Epoch ms, by the sweep's own instant. */
  takenAt: number;
  jobs: Job[];
  /** What could not be listed, in words. */
  gaps: string[];
}

/** Without statements, unless told: they are secrets of their authors. Their fingerprints are no secret. */
export function toSnapshot({ target, takenAt, jobs, gaps }: World, { withStatements }: { withStatements: boolean }) {
  return {
    version: 1,
    ...{ target, takenAt: new Date(takenAt).toISOString(), gaps },
    jobs: jobs.map(({ tags, statement, ...job }) => ({
      ...job,
      tags: tags === undefined ? null : Object.fromEntries(tags),
      fingerprint: typeof statement === 'string' ? fingerprint(statement) : null,
      ...(withStatements && typeof statement === 'string' && { statement }),
    })),
  };
}

const text = v.optional(v.string());
const textOrNull = v.optional(v.nullable(v.string()));
const number = v.optional(v.number());

const job = v.object({
  ...{ engine: v.picklist(ENGINE_NAMES), id: v.string(), name: textOrNull, queue: text, owner: text, type: textOrNull },
  protection: v.picklist(['none', 'unless-named', 'always', 'unknown']),
  ...{ database: textOrNull, statement: textOrNull, status: text },
  tags: v.nullable(v.record(v.string(), v.string())),
  state: v.picklist([
    ...([
      'queued',
      'running',
      'operation',
      'stopping',
      'stop-failed',
      'finished',
      'failed',
      'cancelled',
      'unknown',
    ] as const),
  ]),
  startedAt: number,
  since: v.object({ running: number, waiting: number, submitted: number }),
  ...{ askedAt: number, updatedAt: number, cus: number },
});

const snapshot = v.object({
  version: v.literal(1, 'expected a snapshot of version 1'),
  target: v.string('expected the name of the target'),
  takenAt: v.pipe(v.string('expected a time'), v.isoTimestamp('expected a time such as 2026-01-05T09:00:00.000Z')),
  gaps: v.array(v.string()),
  jobs: v.array(job),
});

/**
 * What {@link toSnapshot} made. What is missing in it is unknown, and so spared.
 *
 * @throws {Error} naming the fields that are wrong.
 */
export function parseSnapshot(document: unknown): World {
  const result = v.safeParse(snapshot, document);
  if (!result.success) {
    const problems = result.issues.map((issue) => issueWords(issue, { whole: 'expected an object' }));
    throw new Error(`not a snapshot: ${problems.slice(0, 5).join('; ')}`);
  }
  const { target, takenAt, gaps, jobs } = result.output;
  return { target, takenAt: Date.parse(takenAt), gaps, jobs: jobs.map(toJob) };
}

function toJob({ tags, since, ...fields }: v.InferOutput<typeof job>): Job {
  return {
    ...fields,
    ...{ name: fields.name, queue: fields.queue, owner: fields.owner, type: fields.type, status: fields.status },
    ...{ database: fields.database, statement: fields.statement, startedAt: fields.startedAt },
    tags: tags === null ? undefined : new Map(Object.entries(tags)),
    since: { running: since.running, waiting: since.waiting, submitted: since.submitted },
  };
}
