import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { nameOf } from '../../base/error-words.ts';
import { assertStage, logGroupOf, type RecordName } from '../../settings/names.ts';
import { AWS_CLIENT_OPTIONS } from '../../settings/parameter-store.ts';
import { SettingsError } from '../../settings/settings.ts';
import { ENDS, type WrittenLine } from '../record/log-lines.ts';
import { pastOf, RECORD_LINES } from './from-lines.ts';
import { isSameId, type ReadRecord } from './past-sweeps.ts';

/** A line of a record. Its fields depend on `msg`; `at` is epoch ms. */
export type LogLine = WrittenLine & { id: string; at: number; record: RecordName };

/** The last line of the sweep of a target. */
export type EndLine = Extract<LogLine, { msg: (typeof ENDS)[number] }>;

export const isEnd = (line: LogLine): line is EndLine => ENDS.some((msg) => msg === line.msg);

/**
 * All readers of the log share a few calls a second, and sweeps run side by side. No job is cancelled if the record cannot be read,
 * so a call that is throttled is made again.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
const MAX_ATTEMPTS = 6;

/**
 * Opens the records of a stage.
 *
 * @throws {SettingsError} if CloudWatch Logs cannot be asked.
 */
export function openSweepLog(stage: string) {
  assertStage(stage);
  const client = new CloudWatchLogsClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: MAX_ATTEMPTS });

  /**
   * Finds lines, and returns them as CloudWatch sends them: up to 10,000 at a time, the oldest first within each stream.
   *
   * @param pattern in CloudWatch's filter syntax. @param since epoch ms, as is `until`.
   */
  async function* pages(
    pattern: string,
    since: number,
    record: RecordName = 'sweep',
    { until, signal }: FindOptions = {},
  ): AsyncGenerator<LogLine[], void> {
    const logGroupName = logGroupOf(stage, record);
    let nextToken: string | undefined;
    try {
      do {
        const page = await client.send(
          new FilterLogEventsCommand({
            logGroupName,
            filterPattern: pattern,
            startTime: since,
            ...(until !== undefined && { endTime: until }),
            ...(nextToken !== undefined && { nextToken }),
          }),
          { ...(signal !== undefined && { abortSignal: signal }) },
        );
        yield (page.events ?? []).flatMap(({ eventId: id = '', timestamp: at = 0, message }) =>
          toLine({ id, at, record }, message),
        );
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
    } catch (error) {
      const reason = nameOf(error);
      const hint = isNoGroup(error) ? `; ${NO_GROUP[record]}` : '';
      throw new SettingsError(logGroupName, `the log cannot be read (${reason})${hint}`, { cause: error });
    }
  }

  /** Finds lines as {@link pages} does. @returns all of them, the oldest first. */
  async function find(...question: Parameters<typeof pages>): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for await (const page of pages(...question)) lines.push(...page);
    return lines.sort((a, b) => a.at - b.at);
  }

  return { pages, find };
}

interface FindOptions {
  /** Epoch ms. */
  until?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Whether AWS said that a log group does not exist. */
export const isNoGroup = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ResourceNotFoundException';

/** What it means that a log group does not exist. */
const NO_GROUP: Readonly<Record<RecordName, string>> = {
  sweep: 'nothing has run in this region and account',
  dispatch: 'nothing has run in this region and account',
  notify: 'the stage has no function that sends messages',
  'by-hand': 'a deploy of this version makes it',
};

/** The term that a line is one of some messages, in CloudWatch's filter syntax. */
export const anyOf = (messages: readonly string[]): string => oneOf('msg', messages);

/** The term that a field is one of some texts, in CloudWatch's filter syntax. */
const oneOf = (field: string, texts: readonly string[]): string =>
  texts.map((text) => `($.${field} = "${text}")`).join(' || ');

/** What one record holds. */
interface Found {
  lines: LogLine[];
  /** Why it cannot be read. */
  problem: string | null;
}

/**
 * Returns the last line of every sweep since then, by hand as well, and the lines of the deployed sweep's record, the oldest first.
 *
 * @returns also why the record of sweeps by hand cannot be read; null if it can.
 * @throws {SettingsError} if the log of the function cannot be read.
 */
export async function findSweeps(
  stage: string,
  since: number,
): Promise<{ ends: EndLine[]; lines: LogLine[]; byHandProblem: string | null }> {
  const log = openSweepLog(stage);
  const pattern = `{ ${anyOf([...new Set([...ENDS, ...RECORD_LINES])])} }`;
  const [lines, byHand] = await Promise.all([log.find(pattern, since), tryFind(log, pattern, since, 'by-hand')]);
  const ends = [...lines, ...byHand.lines].filter(isEnd).sort((a, b) => a.at - b.at);
  return { ends, lines, byHandProblem: byHand.problem };
}

/** Returns the last lines of a target's deployed sweeps since then, the oldest first. @throws {SettingsError} if they cannot be read. */
export async function findFinished(
  stage: string,
  target: string,
  since: number,
): Promise<Extract<LogLine, { msg: 'sweep finished' }>[]> {
  const pattern = `{ ($.msg = "sweep finished") && ($.target = "${target}") }`;
  const lines = await openSweepLog(stage).find(pattern, since);
  return lines.flatMap((line) => (line.msg === 'sweep finished' && line.fields.target === target ? [line] : []));
}

/** CloudWatch takes a pattern of 1,024 characters. */
const MOST_SWEEPS = 10;

/**
 * Returns what sweeps since then wrote about a job: its lines, and those of the victims that it is among, the oldest first; then
 * the last lines of the ten latest of these sweeps.
 *
 * @param jobId in any case, since DLI may write it in another.
 * @returns also one sentence for each record that cannot be read.
 */
export async function findJob(
  stage: string,
  jobId: string,
  since: number,
): Promise<{ lines: LogLine[]; problems: string[] }> {
  const log = openSweepLog(stage);
  const ids = [...new Set([jobId, jobId.toLowerCase(), jobId.toUpperCase()])];
  const pattern = `{ ${oneOf('jobId', ids)} || (($.msg = "victims chosen") && ($.skipped IS NULL)) }`;
  const found = await Promise.all(RECORDS_OF_SWEEPS.map((record) => tryFind(log, pattern, since, record)));
  // The victims of other sweeps match as well.
  const own = inOrder(found).filter((line) => isAbout(jobId, line));
  const sweepIds = [...new Set(own.toReversed().flatMap(({ fields }) => fields.sweepId ?? []))].slice(0, MOST_SWEEPS);
  const endPattern = `{ ($.msg = "sweep finished") && (${oneOf('sweepId', sweepIds)}) }`;
  const ends = await Promise.all(
    sweepIds.length === 0 ? [] : RECORDS_OF_SWEEPS.map((record) => tryFind(log, endPattern, since, record)),
  );
  const isOwnEnd = (line: LogLine) => isEnd(line) && sweepIds.includes(line.fields.sweepId ?? '');
  return {
    lines: [...own, ...inOrder(ends).filter(isOwnEnd)],
    problems: [...new Set([...found, ...ends].flatMap(({ problem }) => problem ?? []))],
  };
}

/** The lines of several records, the oldest first. */
const inOrder = (found: readonly Found[]): LogLine[] => found.flatMap(({ lines }) => lines).sort((a, b) => a.at - b.at);

const RECORDS_OF_SWEEPS = ['sweep', 'by-hand'] as const satisfies RecordName[];

function isAbout(jobId: string, line: LogLine): boolean {
  if (line.msg === 'victims chosen') {
    const { victims = [], skipped } = line.fields;
    return skipped === null && victims.some((victim) => isSameId(victim.jobId, jobId));
  }
  return 'jobId' in line.fields && line.fields.jobId !== undefined && isSameId(line.fields.jobId, jobId);
}

/** Finds lines, or says why it cannot. */
async function tryFind(
  { find }: ReturnType<typeof openSweepLog>,
  pattern: string,
  since: number,
  record: RecordName,
): Promise<Found> {
  try {
    return { lines: await find(pattern, since, record), problem: null };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { lines: [], problem: error.message };
  }
}

/** Reads what earlier deployed sweeps of a stage did. A sweep that ran elsewhere is not on record. */
export function createRecordReader({ find }: Pick<ReturnType<typeof openSweepLog>, 'find'>): ReadRecord {
  return async ({ target, projectId, since, until, signal }) => {
    const pattern = `{ (($.target = "${target}") || ($.projectId = "${projectId}")) && (${anyOf(RECORD_LINES)}) }`;
    const lines = await find(pattern, since, 'sweep', { until, signal });
    return pastOf({ target, projectId }, lines);
  };
}

/** Skips the lines of the runtime itself, which are no JSON. */
function toLine(frame: Pick<LogLine, 'id' | 'at' | 'record'>, message = ''): LogLine[] {
  try {
    const fields = JSON.parse(message) as { msg?: unknown };
    // A line with an unknown `msg` matches no pattern, so it is not checked here.
    return typeof fields.msg === 'string' ? [{ ...frame, msg: fields.msg, fields } as LogLine] : [];
  } catch {
    return [];
  }
}
