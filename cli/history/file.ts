import { appendFileSync, closeSync, createReadStream, existsSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { messageOf } from '../../lib/base/error-words.ts';
import { issueWords } from '../../lib/base/issue-words.ts';
import { ENGINE_NAMES, type PastJob } from '../../lib/base/job.ts';
import { jsonOf } from '../../lib/base/json-text.ts';
import { createPacker } from '../../lib/history/packed.ts';
import type { History } from '../../lib/history/read.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { jobSchema, projectSchema, toJob, toJobDocument } from '../snapshot/document.ts';

/*
 * A history in a file, one JSON document a line: first what it is of, then jobs, and after each part how far it was read. So a save
 * only adds lines, and a line that was cut off costs no more than itself. The file holds no SQL.
 */

/** How many jobs of a history are in its file. */
export interface Saved {
  jobs: number;
}

/** Adds what a file does not have yet; without `saved` the file is replaced as a whole. @throws {SettingsError} */
export function saveHistory(path: string, history: History, saved?: Saved): Saved {
  const { jobs, places, gaps, target, project, until, since = null } = history;
  const read = { places: [...places].map(([engine, place]) => ({ engine, place: place ?? null })), gaps };
  try {
    const file = saved === undefined ? `${path}.part` : path;
    if (saved === undefined) writeFileSync(file, lineOf({ version: 1, target, project, until, since }));
    const open = openSync(file, 'a');
    try {
      // In parts, since the text of all jobs takes more memory than the jobs.
      for (let from = saved?.jobs ?? 0; from < jobs.length; from += JOBS_PER_WRITE) {
        appendFileSync(
          open,
          jobs
            .slice(from, from + JOBS_PER_WRITE)
            .map(textOf)
            .join(''),
        );
      }
      appendFileSync(open, lineOf({ read }));
    } finally {
      closeSync(open);
    }
    if (saved === undefined) renameSync(file, path);
  } catch (error) {
    throw new SettingsError('--history', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
  }
  return { jobs: jobs.length };
}

const JOBS_PER_WRITE = 1_000;

/** Readers end a line at some characters that JSON leaves as they are, so these are written as escapes. */
const lineOf = (value: object): string => `${jsonOf(value)}\n`;

const textOf = ({ job, endedAt }: PastJob): string =>
  lineOf({ ...toJobDocument(job, { withStatements: false }), endedAt });

const headerSchema = v.object({
  version: v.literal(1, 'expected a history of version 1'),
  target: v.string('expected the name of the target'),
  project: v.nullable(projectSchema),
  until: v.number('expected a time in milliseconds'),
  since: v.nullable(v.number('expected a time in milliseconds')),
});

const readSchema = v.object({
  read: v.object({
    places: v.array(
      v.object({
        engine: v.picklist(ENGINE_NAMES),
        place: v.nullable(v.object({ before: v.optional(v.number()), at: v.number() })),
      }),
    ),
    gaps: v.array(v.object({ engine: v.optional(v.picklist(ENGINE_NAMES)), what: v.string() })),
  }),
});

const pastSchema = v.object({ ...jobSchema.entries, endedAt: v.optional(v.number()) });

interface Stored {
  history: History;
  /** Undefined if the end of the file was cut off, so that it must be written anew. */
  saved: Saved | undefined;
}

/**
 * Reads a history from a file. Jobs after the last line that says how far it was read are left out: they are read again.
 *
 * @returns undefined if there is no such file. @throws {SettingsError} that names the file and the line.
 */
export async function readHistoryFile(path: string): Promise<Stored | undefined> {
  if (!existsSync(path)) return undefined;
  const jobs: PastJob[] = [];
  const pack = createPacker();
  let header: v.InferOutput<typeof headerSchema> | undefined;
  let read: { state: v.InferOutput<typeof readSchema>['read']; jobs: number } | undefined;
  let number = 0;
  let cut = false;
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      number += 1;
      // Only the last line can have been cut off.
      if (cut) throw new Error('expected JSON');
      const value = parseLine(line);
      if (value === undefined) {
        cut = true;
      } else if (header === undefined) {
        header = check(headerSchema, value);
      } else if ('read' in value) {
        read = { state: check(readSchema, value).read, jobs: jobs.length };
      } else {
        const { endedAt, ...job } = check(pastSchema, value);
        jobs.push(pack({ job: toJob(job), endedAt }));
      }
    }
    if (header === undefined || read === undefined) throw new Error('it does not say how far it was read');
  } catch (error) {
    throw new SettingsError(path, `is not a history (line ${number}): ${messageOf(error)}`, { cause: error });
  }
  const { version: _, since, ...fields } = header;
  const { state, jobs: count } = read;
  const history: History = {
    ...fields,
    since: since ?? undefined,
    places: new Map(state.places.map(({ engine, place }) => [engine, place ?? undefined])),
    gaps: state.gaps.map(({ engine, what }) => ({ engine, what })),
    jobs: jobs.slice(0, count),
  };
  return { history, saved: cut || jobs.length > count ? undefined : { jobs: count } };
}

function parseLine(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @throws {Error} that names the fields that are wrong. */
function check<T extends v.GenericSchema>(schema: T, value: object): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new Error(
    result.issues
      .slice(0, 5)
      .map((issue) => issueWords(issue, { whole: 'expected an object' }))
      .join('; '),
  );
}
