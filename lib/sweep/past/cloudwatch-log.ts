import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { nameOf } from '../../base/error-words.ts';
import { AWS_CLIENT_OPTIONS } from '../../settings/parameter-store.ts';
import { SettingsError } from '../../settings/settings.ts';
import { assertStage, functionName } from '../../settings/stage.ts';
import { ENDS, type WrittenLine } from '../record/log-lines.ts';
import { pastOf, RECORD_LINES, type ReadRecord } from './past-sweeps.ts';

/** A line of the log of the deployed functions. Its fields depend on `msg`; `at` is epoch ms. */
export type LogLine = WrittenLine & { id: string; at: number };

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
 * Opens the log of the functions of a stage.
 *
 * @throws {SettingsError} if CloudWatch Logs cannot be asked.
 */
export function openSweepLog(stage: string) {
  assertStage(stage);
  const client = new CloudWatchLogsClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: MAX_ATTEMPTS });

  /** @param pattern in CloudWatch's filter syntax. @param since epoch ms, as is `until`. @returns lines, the oldest first. */
  async function find(
    pattern: string,
    since: number,
    name: 'sweep' | 'dispatch' = 'sweep',
    { until, signal }: { until?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<LogLine[]> {
    const logGroupName = `/aws/lambda/${functionName(stage, name)}`;
    const lines: LogLine[] = [];
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
        lines.push(
          ...(page.events ?? []).flatMap(({ eventId, timestamp, message }) => toLine(eventId, timestamp, message)),
        );
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
    } catch (error) {
      const reason = nameOf(error);
      const hint = reason === 'ResourceNotFoundException' ? '; nothing has run in this region and account' : '';
      throw new SettingsError(logGroupName, `the log cannot be read (${reason})${hint}`, { cause: error });
    }
    return lines.sort((a, b) => a.at - b.at);
  }

  return { find };
}

const anyOf = (messages: readonly string[]): string => messages.map((msg) => `($.msg = "${msg}")`).join(' || ');

/**
 * Returns the last line of every sweep since then, and the lines of the record, the oldest first.
 *
 * @throws {SettingsError} if CloudWatch Logs cannot be asked.
 */
export async function findSweeps(stage: string, since: number): Promise<{ ends: EndLine[]; lines: LogLine[] }> {
  const lines = await openSweepLog(stage).find(`{ ${anyOf([...new Set([...ENDS, ...RECORD_LINES])])} }`, since);
  return { ends: lines.filter(isEnd), lines };
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
function toLine(id = '', at = 0, message = ''): LogLine[] {
  try {
    const fields = JSON.parse(message) as { msg?: unknown };
    // A line with an unknown `msg` matches no pattern, so it is not checked here.
    return typeof fields.msg === 'string' ? [{ id, at, msg: fields.msg, fields } as LogLine] : [];
  } catch {
    return [];
  }
}
