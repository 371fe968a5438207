import { existsSync, renameSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { messageOf } from '../../lib/base/error-words.ts';
import { issueWords } from '../../lib/base/issue-words.ts';
import { ENGINE_NAMES } from '../../lib/base/job.ts';
import type { History } from '../../lib/history/read.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { jobSchema, projectSchema, toJob, toJobDocument } from '../snapshot/document.ts';
import { readText } from '../source/files.ts';

/** Writes a history to a file, which is replaced as a whole. It holds no SQL. @throws {SettingsError} */
export function writeHistory(path: string, { jobs, places, ...history }: History): void {
  const document = {
    version: 1,
    ...history,
    since: history.since ?? null,
    places: [...places].map(([engine, place]) => ({ engine, place: place ?? null })),
    jobs: jobs.map(({ job, endedAt }) => ({ ...toJobDocument(job, { withStatements: false }), endedAt })),
  };
  try {
    writeFileSync(`${path}.part`, JSON.stringify(document));
    renameSync(`${path}.part`, path);
  } catch (error) {
    throw new SettingsError('--history', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

const documentSchema = v.object({
  version: v.literal(1, 'expected a history of version 1'),
  target: v.string('expected the name of the target'),
  project: v.nullable(projectSchema),
  until: v.number('expected a time in milliseconds'),
  since: v.nullable(v.number('expected a time in milliseconds')),
  places: v.array(
    v.object({
      engine: v.picklist(ENGINE_NAMES),
      place: v.nullable(v.object({ before: v.optional(v.number()), at: v.number() })),
    }),
  ),
  gaps: v.array(v.object({ engine: v.optional(v.picklist(ENGINE_NAMES)), what: v.string() })),
  jobs: v.array(v.object({ ...jobSchema.entries, endedAt: v.optional(v.number()) })),
});

/** Reads a history from a file. @returns undefined if there is no such file. @throws {SettingsError} that names the file. */
export function readHistoryFile(path: string): History | undefined {
  if (!existsSync(path)) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(readText(path));
  } catch (error) {
    throw new SettingsError(path, `is not a history: ${messageOf(error)}`, { cause: error });
  }
  const result = v.safeParse(documentSchema, document);
  if (!result.success) {
    const problems = result.issues.map((issue) => issueWords(issue, { whole: 'expected an object' }));
    throw new SettingsError(path, `is not a history: ${problems.slice(0, 5).join('; ')}`);
  }
  const { version: _, since, places, gaps, jobs, ...fields } = result.output;
  return {
    ...fields,
    since: since ?? undefined,
    places: new Map(places.map(({ engine, place }) => [engine, place ?? undefined])),
    gaps: gaps.map(({ engine, what }) => ({ engine, what })),
    jobs: jobs.map(({ endedAt, ...job }) => ({ job: toJob(job), endedAt })),
  };
}
