import type { Context } from 'aws-lambda';
import { systemClock } from '../../lib/base/clock.ts';
import { CODE } from '../../lib/base/code-version.ts';
import { jsonOf } from '../../lib/base/json-text.ts';
import { createLog } from '../../lib/base/log.ts';
import { environment } from '../../lib/settings/environment.ts';
import { LAST_LINES, type LineFrame, type SweepLog } from '../../lib/sweep/record/log-lines.ts';

/** What every function is deployed with. */
export interface Deployment {
  stage: string;
  /** The period of the schedule: it is on each line, so that a reader can tell whether a sweep is late. */
  periodMs: number;
}

export interface LambdaLog {
  log: SweepLog;
  /** Sets the invocation whose id the next lines bear. */
  beginInvocation: (context: Context) => void;
}

/**
 * A log that writes one JSON object a line. It escapes everything that a terminal obeys, since `aws logs tail` shows the
 * lines on one. It writes lines of the level debug only if the function was deployed with that level, which Lambda puts into
 * the environment.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
 */
export function createLambdaLog({ stage, periodMs }: Deployment): LambdaLog {
  const isDebug = environment.AWS_LAMBDA_LOG_LEVEL === 'DEBUG';
  let awsRequestId: string | undefined;
  const log: SweepLog = createLog((level, msg, fields) => {
    if (level === 'debug' && !isDebug) return;
    const frame: LineFrame = {
      level,
      msg,
      timestamp: new Date(systemClock.now()).toISOString(),
      stage,
      periodMinutes: periodMs / 60_000,
      awsRequestId,
      ...(LAST_LINES.has(msg) && CODE !== undefined && { code: CODE }),
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
