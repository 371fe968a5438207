import * as v from 'valibot';
import { messageOf } from '../../lib/base/error-words.ts';
import { fingerprint } from '../../lib/base/fingerprint.ts';
import { issueWords } from '../../lib/base/issue-words.ts';
import { ENGINE_NAMES, JOB_STATES, type Job, NO_TAGS, PROTECTIONS } from '../../lib/base/job.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { StoredLook } from '../../lib/sweep/look/look.ts';
import { readText } from '../source/files.ts';

/** Makes the JSON document of a snapshot. It holds fingerprints; the statements may be secret, and are left out by default. */
export function toSnapshot(
  { target, project, now, clockProblem, engines, gaps, jobs }: StoredLook,
  { withStatements }: { withStatements: boolean },
) {
  return {
    version: 2,
    target,
    project,
    takenAt: new Date(now).toISOString(),
    clockProblem: clockProblem ?? null,
    engines,
    gaps: gaps.map(({ engine, what }) => ({ engine: engine ?? null, what })),
    jobs: jobs.map((job) => toJobDocument(job, { withStatements })),
  };
}

/** Makes the JSON of a job, with the fingerprint of its statement. */
export function toJobDocument({ tags, statement, ...job }: Job, { withStatements }: { withStatements: boolean }) {
  return {
    ...job,
    tags: tags === undefined ? null : Object.fromEntries(tags),
    fingerprint: typeof statement === 'string' ? fingerprint(statement) : null,
    ...(withStatements && typeof statement === 'string' && { statement }),
  };
}

const text = v.optional(v.string());
const textOrNull = v.optional(v.nullable(v.string()));
const number = v.optional(v.number());

/** What {@link toJobDocument} makes. A field that is missing is unknown. */
export const jobSchema = v.object({
  engine: v.picklist(ENGINE_NAMES),
  id: v.string(),
  name: textOrNull,
  queue: text,
  owner: text,
  type: textOrNull,
  protection: v.picklist(PROTECTIONS),
  database: textOrNull,
  statement: textOrNull,
  status: text,
  tags: v.nullable(v.record(v.string(), v.string())),
  state: v.picklist(JOB_STATES),
  startedAt: number,
  isStartText: v.optional(v.boolean()),
  since: v.object({ running: number, waiting: number, submitted: number }),
  askedAt: number,
  updatedAt: number,
  cus: number,
});

const common = {
  target: v.string('expected the name of the target'),
  takenAt: v.pipe(v.string('expected a time'), v.isoTimestamp('expected a time such as 2026-01-05T09:00:00.000Z')),
  jobs: v.array(jobSchema),
};

export const projectSchema = v.object({
  id: v.string(),
  name: v.nullable(v.string()),
  verified: v.boolean(),
  region: v.nullable(v.string()),
  endpoint: v.string(),
});

const snapshot = v.object({
  version: v.literal(2, 'expected a snapshot of version 1 or 2'),
  ...common,
  /** Missing in snapshots of earlier releases. */
  project: v.optional(v.nullable(projectSchema), null),
  clockProblem: v.nullable(v.string()),
  engines: v.array(v.picklist(ENGINE_NAMES)),
  gaps: v.array(v.object({ engine: v.nullable(v.picklist(ENGINE_NAMES)), what: v.string() })),
});

/** The form before 0.1.0. It does not say which engine a gap belongs to, or whether the clocks agreed. */
const snapshotOfVersion1 = v.object({ version: v.literal(1), ...common, gaps: v.array(v.string()) });

/** Reads a snapshot from a file. @throws {SettingsError} that names the file. */
export function readSnapshot(path: string): StoredLook {
  const written = readText(path);
  try {
    return parseSnapshot(JSON.parse(written));
  } catch (error) {
    throw new SettingsError(path, messageOf(error), { cause: error });
  }
}

/**
 * Parses what {@link toSnapshot} made. A field that is missing is unknown, so its job is spared.
 *
 * @throws {Error} that names the fields that are wrong.
 */
export function parseSnapshot(document: unknown): StoredLook {
  const old = v.safeParse(snapshotOfVersion1, document);
  if (old.success) {
    const { gaps, ...fields } = old.output;
    const asGaps = gaps.map((what) => ({ engine: undefined, what }));
    return toStoredLook(fields, { project: null, engines: ENGINE_NAMES, gaps: asGaps, clockProblem: undefined });
  }
  const result = v.safeParse(snapshot, document);
  if (!result.success) {
    const problems = result.issues.map((issue) => issueWords(issue, { whole: 'expected an object' }));
    throw new Error(`not a snapshot: ${problems.slice(0, 5).join('; ')}`);
  }
  const { gaps, engines, clockProblem, ...fields } = result.output;
  return toStoredLook(fields, {
    project: fields.project,
    engines,
    gaps: gaps.map(({ engine, what }) => ({ engine: engine ?? undefined, what })),
    clockProblem: clockProblem ?? undefined,
  });
}

function toStoredLook(
  { target, takenAt, jobs }: { target: string; takenAt: string; jobs: v.InferOutput<typeof jobSchema>[] },
  more: Pick<StoredLook, 'project' | 'engines' | 'gaps' | 'clockProblem'>,
): StoredLook {
  return { target, now: Date.parse(takenAt), jobs: jobs.map(toJob), ...more };
}

export function toJob({ tags, since, ...fields }: v.InferOutput<typeof jobSchema>): Job {
  return {
    ...fields,
    name: fields.name,
    queue: fields.queue,
    owner: fields.owner,
    type: fields.type,
    status: fields.status,
    database: fields.database,
    statement: fields.statement,
    startedAt: fields.startedAt,
    tags: tags === null ? undefined : Object.keys(tags).length === 0 ? NO_TAGS : new Map(Object.entries(tags)),
    since: { running: since.running, waiting: since.waiting, submitted: since.submitted },
  };
}
