import { closeSync, existsSync, openSync, renameSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { messageOf } from '../../lib/base/error-words.ts';
import { issueWords } from '../../lib/base/issue-words.ts';
import { ENGINE_NAMES, type PastJob } from '../../lib/base/job.ts';
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
  };
  try {
    const file = openSync(`${path}.part`, 'w');
    try {
      // In parts, since the text of all jobs takes more memory than the jobs.
      writeFileSync(file, JSON.stringify({ ...document, jobs: [] }).slice(0, -END.length));
      for (let from = 0; from < jobs.length; from += JOBS_PER_WRITE) {
        const texts = jobs.slice(from, from + JOBS_PER_WRITE).map(textOf);
        writeFileSync(file, `${from === 0 ? '' : ','}${texts.join(',')}`);
      }
      writeFileSync(file, END);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.part`, path);
  } catch (error) {
    throw new SettingsError('--history', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

const JOBS_PER_WRITE = 1_000;
/** The list of jobs comes last. */
const END = ']}';

const textOf = ({ job, endedAt }: PastJob): string =>
  JSON.stringify({ ...toJobDocument(job, { withStatements: false }), endedAt });

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
