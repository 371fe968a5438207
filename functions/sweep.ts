import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { SSMClient } from '@aws-sdk/client-ssm';
import middy, { type MiddlewareObj } from '@middy/core';
import ssm from '@middy/ssm';
import type { Context } from 'aws-lambda';
import { systemClock } from '../lib/clock.ts';
import { createSharedStates } from '../lib/dli/connection.ts';
import type { Log } from '../lib/log.ts';
import type { SweepReport } from '../lib/report.ts';
import { parseRequest } from '../lib/request.ts';
import { environment, required } from '../lib/settings/environment.ts';
import {
  assertStage,
  createParameterReader,
  createPathReader,
  loadSsmSettings,
  parameterNames,
  SSM_CLIENT_OPTIONS,
} from '../lib/settings/ssm.ts';
import { sweep } from '../lib/sweep.ts';

/** Left for reading back what is under way, the report and the log's last line. */
const REPORTING_RESERVE_MS = 5_000;

const stage = required(environment, 'STAGE');
assertStage(stage);
const ssmClient = new SSMClient(SSM_CLIENT_OPTIONS);
const read = createParameterReader(ssmClient);
const readPath = createPathReader(ssmClient);
/** Kept between invocations, for what they have learned. */
const sharedFor = createSharedStates(systemClock);

/** `level`, `msg` and `time` first, then the fields of the line: what the runbook's queries ask for. */
class LineFormatter extends LogFormatter {
  override formatAttributes(attributes: UnformattedAttributes, fields: LogAttributes): LogItem {
    const { logLevel, message, timestamp, lambdaContext } = attributes;
    return new LogItem({
      attributes: {
        level: logLevel.toLowerCase(),
        msg: message,
        time: timestamp.toISOString(),
        stage,
        awsRequestId: lambdaContext?.awsRequestId,
      },
    }).addAttributes(fields);
  }
}

const logger = new Logger({ logFormatter: new LineFormatter() });
const log: Log = {
  debug: (message, fields) => logger.debug(message, fields ?? {}),
  info: (message, fields) => logger.info(message, fields ?? {}),
  warn: (message, fields) => logger.warn(message, fields ?? {}),
  error: (message, fields) => logger.error(message, fields ?? {}),
};

interface SweepContext extends Context {
  switchValue?: unknown;
}

/**
 * Sweeps one target: on the schedule, or for a payload `{target?, dryRun?, maxKills?, verifyFor?, reason?}`.
 *
 * @returns the summary, without the jobs: those are in the log.
 * @throws only when there is nothing to report on: a bad event, unreadable settings, DLI out of reach.
 */
async function handleSweep(event: unknown, context: SweepContext): Promise<Omit<SweepReport, 'jobs'>> {
  logger.addContext(context);
  try {
    const { jobs: _, ...summary } = await sweep(parseRequest(event), {
      clock: systemClock,
      random: Math.random,
      log,
      sharedFor,
      loadSettings: (request) =>
        loadSsmSettings(request, {
          ...{ stage, read, readPath },
          readSwitch: () => Promise.resolve(context.switchValue),
        }),
      deadlineAt: systemClock.now() + context.getRemainingTimeInMillis() - REPORTING_RESERVE_MS,
    });
    return summary;
  } catch (error) {
    log.error('sweep could not run', {
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    });
    throw error;
  }
}

/** A switch that cannot be read is a switch that is off, and no reason to lose the report of what is overdue. */
const readSwitch: MiddlewareObj<unknown, unknown, Error, SweepContext, { switchValue?: unknown }> = {
  before: async ({ context, internal }) => {
    try {
      context.switchValue = await internal.switchValue;
    } catch (error) {
      log.warn('switch unreadable', {
        parameter: parameterNames(stage).switch,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  },
};

export const handler = middy<unknown, Omit<SweepReport, 'jobs'>, Error, SweepContext>()
  .use(
    ssm({
      fetchData: { switchValue: parameterNames(stage).switch },
      // Fresh for each sweep: a stale switch kills.
      cacheExpiry: 0,
      awsClientOptions: SSM_CLIENT_OPTIONS,
    }),
  )
  .use(readSwitch)
  .handler(handleSweep);
