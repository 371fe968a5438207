import type { Context } from 'aws-lambda';
import { systemClock } from '../../lib/base/clock.ts';
import { jsonOf } from '../../lib/base/json-text.ts';
import { createLog } from '../../lib/base/log.ts';
import { describeError } from '../../lib/dli/advice.ts';
import { environment } from '../../lib/settings/environment.ts';
import type { LineFrame, SweepLog } from '../../lib/sweep/record/log-lines.ts';

interface Deployment {
  stage: string;
  /** Of the schedule, so that whoever reads the log can tell whether it is late. */
  periodMs: number;
}

/**
 * Writes one JSON object a line, with everything escaped that a terminal obeys, since `aws logs tail` shows it on one. Lines
 * of the level debug are written where the function was deployed with that level, which Lambda puts into the environment.
 *
 * @returns the log, and how to tell it whose invocation this is.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
 */
export function createLambdaLog({ stage, periodMs }: Deployment): {
  log: SweepLog;
  beginInvocation: (context: Context) => void;
} {
  const isDebug = environment.AWS_LAMBDA_LOG_LEVEL === 'DEBUG';
  let awsRequestId: string | undefined;
  const log: SweepLog = createLog((level, msg, fields) => {
    if (level === 'debug' && !isDebug) return;
    const frame: LineFrame = {
      level,
      msg,
      time: new Date(systemClock.now()).toISOString(),
      stage,
      periodMinutes: periodMs / 60_000,
      awsRequestId,
    };
    process.stdout.write(`${jsonOf({ ...frame, ...fields })}\n`);
  });
  return {
    log,
    beginInvocation: (context) => {
      ({ awsRequestId } = context);
    },
  };
}

/** The text of a line's `error` field: the name of what was thrown, its message, and what to do about it. */
export function errorField(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${describeError(error)}` : describeError(error);
}
