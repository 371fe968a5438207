import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  type InputLogEvent,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type Clock, systemClock } from '../../lib/base/clock.ts';
import { CODE } from '../../lib/base/code-version.ts';
import { nameOf } from '../../lib/base/error-words.ts';
import { jsonOf } from '../../lib/base/json-text.ts';
import { createLog } from '../../lib/base/log.ts';
import { logGroupOf } from '../../lib/settings/names.ts';
import { AWS_CLIENT_OPTIONS } from '../../lib/settings/parameter-store.ts';
import { LAST_LINES, type LogLines, type SweepLog } from '../../lib/sweep/record/log-lines.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';

/** The record of one run that sweeps a stage with a person's own credentials. */
export interface ByHandRecord {
  log: SweepLog;
  /** Resolves once all lines so far are written, and never rejects. */
  settle: () => Promise<void>;
  /** Writes that the person did not confirm it. */
  giveUp: () => Promise<void>;
}

/** PutLogEvents takes this much, with 26 bytes for each line, and this many lines. */
const MOST_BYTES = 1_048_576;
const BYTES_AROUND = 26;
const MOST_LINES = 10_000;

/** What to do about an error of AWS, by its name. */
const FIXES: Readonly<Record<string, string>> = {
  ResourceNotFoundException: 'deploy the stage again, which makes the log group',
  AccessDeniedException: 'grant logs:CreateLogStream and logs:PutLogEvents on it, or use --remote',
};

/**
 * Opens the record of sweeps by hand, and writes its first line. So it shows at once whether the caller may write it. If he may
 * not, or a later line is refused, it says so, and the lines go to a file.
 *
 * @param err writes to the person's screen.
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 */
export async function openByHandRecord(
  stage: string,
  begins: LogLines['sweep by hand'],
  err: Terminal['err'],
  clock: Clock = systemClock,
): Promise<ByHandRecord> {
  const say = (sentence: string) => err(`! ${cleanText(sentence)}\n`);
  const [stream, recordedBy] = await Promise.all([openStream(stage, clock), whoCalls()]);
  let waiting: InputLogEvent[] = [];
  let file: string | undefined;
  let written = Promise.resolve();

  const log: SweepLog = createLog((level, msg, fields) => {
    // As in the log of the functions.
    if (level === 'debug') return;
    const now = clock.now();
    const frame = { level, msg, timestamp: new Date(now).toISOString(), stage, recordedBy };
    const code = LAST_LINES.has(msg) && CODE !== undefined ? { code: CODE } : {};
    waiting.push({ timestamp: now, message: jsonOf({ ...frame, ...code, ...fields }) });
    written = written.then(writeWaiting);
  });

  /** Writes what waits: to the log group, or to the file once that was refused. */
  async function writeWaiting(): Promise<void> {
    while (waiting.length > 0) {
      const lines = waiting.splice(0, fitting(waiting));
      const refusal = file === undefined ? await stream.write(lines) : undefined;
      if (refusal === undefined && file === undefined) continue;
      try {
        file = keep(lines, file ?? `dli-reaper-${stage}-by-hand-${randomUUID()}.jsonl`);
        if (refusal !== undefined) say(`${stream.group} ${whyNot(refusal)}; this sweep is recorded in ${file}`);
      } catch (error) {
        say(
          `${stream.group} ${whyNot(refusal ?? '')}, and no file can be written (${nameOf(error)}): there is no record`,
        );
        waiting = [];
      }
    }
  }

  const settle = () => written;
  log.info('sweep by hand', begins);
  await settle();
  return {
    log,
    settle,
    giveUp: () => {
      log.info('sweep by hand given up', { targets: begins.targets });
      return settle();
    },
  };
}

const whyNot = (refusal: string): string =>
  `cannot be written (${refusal})${FIXES[refusal] === undefined ? '' : `: ${FIXES[refusal]}`}`;

/** Opens a stream of its own in the log group. */
async function openStream(stage: string, clock: Clock) {
  const logGroupName = logGroupOf(stage, 'by-hand');
  const logStreamName = `${new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')}/${randomUUID()}`;
  const client = new CloudWatchLogsClient(AWS_CLIENT_OPTIONS);
  const refusal = await client
    .send(new CreateLogStreamCommand({ logGroupName, logStreamName }))
    .then(() => undefined, nameOf);
  return {
    group: logGroupName,
    /** @returns the name of the error if the lines were not taken. */
    write: async (logEvents: InputLogEvent[]): Promise<string | undefined> => {
      if (refusal !== undefined) return refusal;
      try {
        const answer = await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
        // So it is where this machine's clock is wrong by hours.
        return answer.rejectedLogEventsInfo === undefined ? undefined : 'the time of its lines was refused';
      } catch (error) {
        return nameOf(error);
      }
    },
  };
}

/** Returns the ARN of the caller, as AWS sees him; if AWS does not say, why. */
async function whoCalls(): Promise<string> {
  try {
    const { Arn = 'unknown' } = await new STSClient(AWS_CLIENT_OPTIONS).send(new GetCallerIdentityCommand({}));
    return Arn;
  } catch (error) {
    return `unknown (${nameOf(error)})`;
  }
}

/** Returns how many of the lines one call takes. At least one, whatever its size. */
function fitting(lines: readonly InputLogEvent[]): number {
  let bytes = 0;
  const end = lines.findIndex(({ message = '' }) => {
    bytes += Buffer.byteLength(message) + BYTES_AROUND;
    return bytes > MOST_BYTES;
  });
  return Math.max(Math.min(end === -1 ? lines.length : end, MOST_LINES), 1);
}

/** Appends lines to a file that only its owner can read. @returns its path: in this folder, or in that for temporary files. */
function keep(lines: readonly InputLogEvent[], file: string): string {
  const text = lines.map(({ message }) => `${message}\n`).join('');
  try {
    appendFileSync(file, text, { mode: 0o600 });
    return file;
  } catch {
    const other = resolve(tmpdir(), file);
    appendFileSync(other, text, { mode: 0o600 });
    return other;
  }
}
