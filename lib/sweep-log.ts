import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { nameOf } from './error-words.ts';
import { ENDS, type WrittenLine } from './log-lines.ts';
import { pastOf, RECORD_LINES, type ReadRecord } from './record.ts';
import { SettingsError } from './settings/settings.ts';
import { AWS_CLIENT_OPTIONS, assertStage, functionName } from './settings/ssm.ts';

/** One line of the deployed functions' log; what it holds depends on `msg`. `at` is epoch ms. */
export type LogLine = WrittenLine & { id: string; at: number };

/** The last line of a target that was to be swept. */
export type EndLine = Extract<LogLine, { msg: (typeof ENDS)[number] }>;

export const isEnd = (line: LogLine): line is EndLine => ENDS.some((msg) => msg === line.msg);

/**
 * All that ask for lines share a few calls a second, and sweeps run side by side: no job is cancelled where the record cannot
 * be read, so being turned away as one of too many must not be the end of it.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
const MAX_ATTEMPTS = 6;

/**
 * Reads what the sweeps of a stage have written.
 *
 * @throws {SettingsError} if CloudWatch Logs cannot be asked.
 */
export function openSweepLog(stage: string) {
  assertStage(stage);
  const client = new CloudWatchLogsClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: MAX_ATTEMPTS });

  /** @param pattern in CloudWatch's own language. @param since epoch ms, as `until`. @returns by time. */
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
 * The last line of every sweep since then, by time, and with it what a sweep would read of what was done before.
 *
 * @throws {SettingsError} if CloudWatch Logs cannot be asked.
 */
export async function findSweeps(stage: string, since: number): Promise<{ ends: EndLine[]; lines: LogLine[] }> {
  const lines = await openSweepLog(stage).find(`{ ${anyOf([...new Set([...ENDS, ...RECORD_LINES])])} }`, since);
  return { ends: lines.filter(isEnd), lines };
}

/** Reads what the deployed sweeps of a stage have done before. A sweep that runs elsewhere is not on record. */
export function createRecordReader({ find }: Pick<ReturnType<typeof openSweepLog>, 'find'>): ReadRecord {
  return async ({ target, projectId, since, until, signal }) => {
    const pattern = `{ (($.target = "${target}") || ($.projectId = "${projectId}")) && (${anyOf(RECORD_LINES)}) }`;
    const lines = await find(pattern, since, 'sweep', { until, signal });
    return pastOf({ target, projectId }, lines);
  };
}

/** Lines of the runtime itself are no JSON, and of no interest. */
function toLine(id = '', at = 0, message = ''): LogLine[] {
  try {
    const fields = JSON.parse(message) as { msg?: unknown };
    // One that no version knows matches nothing that is asked for, so it need not be told apart here.
    return typeof fields.msg === 'string' ? [{ id, at, msg: fields.msg, fields } as LogLine] : [];
  } catch {
    return [];
  }
}
