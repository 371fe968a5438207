import { SSMClient } from '@aws-sdk/client-ssm';
import middy from '@middy/core';
import { systemClock } from '../lib/base/clock.ts';
import { createSharedStates } from '../lib/dli/shared-state.ts';
import { isQueueEvent } from '../lib/fleet/message.ts';
import { createStageSweep } from '../lib/fleet/stage-sweep.ts';
import { type SweepAnswer, sweepEvent } from '../lib/fleet/sweep-event.ts';
import { isScheduleTick } from '../lib/request/request.ts';
import { readCeilings } from '../lib/settings/ceilings.ts';
import { environment } from '../lib/settings/environment.ts';
import { createParameterReader, createPathReader, PATIENT_CLIENT_OPTIONS } from '../lib/settings/parameter-store.ts';
import { createRecordReaderOf } from '../lib/sweep/past/read-record.ts';
import { once, reporting } from './shared/deployment.ts';
import { countFailure, logContext, sourceLines } from './shared/middleware.ts';

/** Left for reading back what is under way, the report and the log's last line. */
const REPORTING_RESERVE_MS = 5_000;

const sweepTarget = once(() => {
  const { stage, periodMs, writeMetrics } = reporting();
  // Without a schedule in the environment, the period is the whole schedule.
  const { SCHEDULE: expression = '', SCHEDULE_TIME_ZONE: timeZone = 'UTC' } = environment;
  const ssm = new SSMClient(PATIENT_CLIENT_OPTIONS);
  return createStageSweep({
    stage,
    schedule: { expression, timeZone, periodMs },
    ceilings: readCeilings(environment, 'deploy'),
    clock: systemClock,
    random: Math.random,
    read: createParameterReader(ssm),
    readPath: createPathReader(ssm),
    readRecord: createRecordReaderOf(stage),
    sharedFor: createSharedStates(systemClock),
    writeMetrics,
  });
});

/** Sweeps the targets of a message, or one target for a payload by hand; see {@link sweepEvent}. */
export const handler = middy<unknown, SweepAnswer, Error>()
  .use(sourceLines())
  .use(logContext(reporting))
  .use(countFailure(reporting, (event) => isQueueEvent(event) || isScheduleTick(event)))
  .handler(async (event, context) => {
    const { log, writeMetrics, periodMs } = reporting();
    return sweepEvent(event, {
      clock: systemClock,
      log,
      writeMetrics,
      periodMs,
      deadlineAt: systemClock.now() + context.getRemainingTimeInMillis() - REPORTING_RESERVE_MS,
      sweepTarget: sweepTarget(),
    });
  });
