import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import type { Context } from 'aws-lambda';
import { describeError } from '../../lib/dli/errors.ts';
import { createLog } from '../../lib/log.ts';
import type { LineFrame, SweepLog } from '../../lib/log-lines.ts';

/** With its nulls, which Powertools leaves out: a line holds what the report holds, and `emergency --remote` reads it. */
class WholeItem extends LogItem {
  override prepareForPrint(): void {}
}

interface Deployment {
  stage: string;
  /** Of the schedule, so that whoever reads the log can tell whether it is late. */
  periodMs: number;
}

/** `level`, `msg` and `time` first, then the fields of the line: what the saved queries ask for. */
class LineFormatter extends LogFormatter {
  readonly #deployment: Deployment;
  constructor(deployment: Deployment) {
    super();
    this.#deployment = deployment;
  }

  override formatAttributes(attributes: UnformattedAttributes, fields: LogAttributes): LogItem {
    const { logLevel, message, timestamp, lambdaContext } = attributes;
    return new WholeItem({
      attributes: {
        level: logLevel.toLowerCase(),
        msg: message,
        time: timestamp.toISOString(),
        stage: this.#deployment.stage,
        periodMinutes: this.#deployment.periodMs / 60_000,
        awsRequestId: lambdaContext?.awsRequestId,
      } satisfies LineFrame,
    }).addAttributes(fields);
  }
}

/** @returns the log, and how to tell it whose invocation this is. */
export function createLambdaLog(deployment: Deployment): {
  log: SweepLog;
  beginInvocation: (context: Context) => void;
} {
  const logger = new Logger({ logFormatter: new LineFormatter(deployment) });
  const log: SweepLog = createLog((level, message, fields) => logger[level](message, { ...fields }));
  return { log, beginInvocation: (context) => logger.addContext(context) };
}

/** The text of a line's `error` field: the name of what was thrown, its message, and what to do about it. */
export function errorField(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${describeError(error)}` : describeError(error);
}
