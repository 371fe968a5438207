import { SSMClient } from '@aws-sdk/client-ssm';
import middy, { type MiddlewareObj } from '@middy/core';
import ssm from '@middy/ssm';
import type { Context } from 'aws-lambda';
import { systemClock } from '../lib/base/clock.ts';
import { withFields } from '../lib/base/log.ts';
import { createSharedStates } from '../lib/dli/connection.ts';
import { skipTarget, sweepGroup, type TargetResult } from '../lib/fleet/group.ts';
import { isQueueEvent, messageOf, requestFor, type SweepMessage, triggerOf } from '../lib/fleet/message.ts';
import { announcedSince } from '../lib/fleet/schedule.ts';
import { expiresAtOf, isScheduleTick, parseRequest, type SweepRequest } from '../lib/request/request.ts';
import { readCeilings } from '../lib/settings/ceilings.ts';
import { environment, required, requiredMinutes } from '../lib/settings/environment.ts';
import {
  AWS_CLIENT_OPTIONS,
  assertStage,
  createParameterReader,
  createPathReader,
  isSetToStop,
  isSwitchOn,
  loadSsmSettings,
  type ParameterValues,
  parameterNames,
  readSwitchFrom,
  type SwitchReading,
} from '../lib/settings/ssm.ts';
import { watchSwitch } from '../lib/settings/switch-watch.ts';
import { projectOf } from '../lib/sweep/look/identity.ts';
import { createRecordReaderOf } from '../lib/sweep/past/read-record.ts';
import { type NotSwept, projectFields, type SweepLog } from '../lib/sweep/record/log-lines.ts';
import { metricsOf } from '../lib/sweep/record/metrics.ts';
import type { SweepReport } from '../lib/sweep/record/report.ts';
import { sweep } from '../lib/sweep/sweep.ts';
import { createLambdaLog, errorField } from './shared/log.ts';
import { createMetricsWriter } from './shared/metrics.ts';

/** Left for reading back what is under way, the report and the log's last line. */
const REPORTING_RESERVE_MS = 5_000;

const stage = required(environment, 'STAGE');
assertStage(stage);
const periodMs = requiredMinutes(environment, 'PERIOD_MINUTES');
/** Where the function was deployed without them, a rate. */
const { SCHEDULE: expression = '', SCHEDULE_TIME_ZONE: timeZone = 'UTC' } = environment;
const ceilings = readCeilings(environment, 'deploy');
const ssmClient = new SSMClient(AWS_CLIENT_OPTIONS);
const read = createParameterReader(ssmClient);
const readPath = createPathReader(ssmClient);
const readRecord = createRecordReaderOf(stage);
/** Kept between invocations, for what they have learned. */
const sharedFor = createSharedStates(systemClock);
const { log, beginInvocation } = createLambdaLog({ stage, periodMs });
const writeMetrics = createMetricsWriter(stage);

/**
 * A stage of 500 targets is fifty calls, for each of its sweeps. A target is always read afresh for its own sweep; the others
 * tell only whether they are on the same project.
 */
const TARGETS_KEPT_MS = 60_000;
let targets: { values: ParameterValues; readAt: number } | undefined;

async function readTargets(): Promise<ParameterValues> {
  const now = systemClock.now();
  if (targets === undefined || now - targets.readAt > TARGETS_KEPT_MS) {
    targets = { values: await readPath(parameterNames(stage).targets), readAt: now };
  }
  return targets.values;
}

interface SweepContext extends Context {
  switchValue?: unknown;
}

type Summary = Omit<SweepReport, 'jobs'>;

/**
 * Sweeps the targets of a message one after the other; or one target, for a payload by hand
 * `{target?, dryRun?, maxKills?, verifyFor?, reason?, askedAt?}`.
 *
 * @returns by hand the summary, without the jobs: those are in the log. Of a message, and of a payload that came too late,
 * what became of each target.
 * @throws by hand when there is nothing to report on: a bad event, unreadable settings, DLI out of reach. A message throws
 * only if it cannot be understood, because whatever throws comes again; see docs/decisions/0004-what-may-be-repeated.md.
 */
async function handleSweep(event: unknown, context: SweepContext): Promise<Summary | { targets: TargetResult[] }> {
  beginInvocation(context);
  const invocation: Invocation = {
    deadlineAt: systemClock.now() + context.getRemainingTimeInMillis() - REPORTING_RESERVE_MS,
    firstReading: { value: context.switchValue },
    underWay: {},
  };
  try {
    if (isQueueEvent(event)) return { targets: await sweepMessage(messageOf(event), invocation) };
    return await sweepByHand(parseRequest(event), invocation);
  } catch (error) {
    // A person who asks by hand gets the answer, and must not page on-call by a mistyped name.
    if (isQueueEvent(event) || isScheduleTick(event)) writeMetrics({ PolicyException: 1 });
    log.error('sweep could not run', { ...invocation.underWay.project, error: errorField(error) });
    throw error;
  }
}

interface Invocation {
  deadlineAt: number;
  /** What the switch said when the invocation began. */
  firstReading: Pick<SwitchReading, 'value'>;
  /** Where the sweep that is under way goes, once its target has been read. */
  underWay: { project?: ReturnType<typeof projectFields> };
}

async function sweepByHand(
  request: SweepRequest,
  invocation: Invocation,
): Promise<Summary | { targets: TargetResult[] }> {
  const now = systemClock.now();
  const { sweepId, target, trigger, askedAt = now } = request;
  if (now > expiresAtOf({ trigger, askedAt }, periodMs)) {
    const results = [skipTarget(target, lateAs(trigger), withFields(log, { sweepId, trigger }))];
    countLate(results);
    return { targets: results };
  }
  const { jobs: _, ...summary } = await sweepTarget(request, { ...invocation, log });
  return summary;
}

async function sweepMessage(message: SweepMessage, invocation: Invocation): Promise<TargetResult[]> {
  const { dispatchId, credentials, trigger, dispatchedAt, targets } = message;
  const messageLog = withFields(log, { dispatchId, credentials, trigger });
  const kind = triggerOf(message);
  const results = await sweepGroup(targets, {
    clock: systemClock,
    log: messageLog,
    deadlineAt: invocation.deadlineAt,
    expiresAt: expiresAtOf({ trigger: kind, askedAt: dispatchedAt }, periodMs),
    lateAs: lateAs(kind),
    sweepTarget: async (target) => {
      try {
        const report = await sweepTarget(requestFor(message, target), { ...invocation, log: messageLog });
        writeMetrics({ TargetsSwept: 1 }, message.dispatchedAt);
        return report;
      } catch (error) {
        writeMetrics({ PolicyException: 1 });
        messageLog.error('sweep could not run', { target, ...invocation.underWay.project, error: errorField(error) });
        throw error;
      }
    },
  });
  countLate(results);
  return results;
}

const lateAs = (trigger: SweepRequest['trigger']) => (trigger === 'schedule' ? 'stale' : 'expired');

/** Ticks are late where sweeps do not keep up; what somebody asked for and did not get is a sweep that was stopped. */
function countLate(results: readonly TargetResult[]): void {
  const countOf = (reason: NotSwept) =>
    results.filter((result) => result.kind === 'not-swept' && result.reason === reason).length;
  const expired = countOf('expired');
  if (countOf('stale') > 0) writeMetrics({ TicksDropped: 1 });
  if (expired > 0) writeMetrics({ SweepsStopped: expired });
}

async function sweepTarget(
  request: SweepRequest,
  { deadlineAt, firstReading, underWay, log: targetLog }: Invocation & { log: SweepLog },
): Promise<SweepReport> {
  delete underWay.project;
  let isStoppedByHand = isSetToStop(firstReading, systemClock.now());
  const noted = (reading: SwitchReading): SwitchReading => {
    isStoppedByHand ||= isSetToStop(reading, systemClock.now());
    return reading;
  };
  const watch = watchSwitch(async () => isSwitchOn(noted(await readSwitchFrom(read, stage))), {
    clock: systemClock,
    deadlineAt,
  });
  try {
    const report = await sweep(request, {
      clock: systemClock,
      random: Math.random,
      log: targetLog,
      sharedFor,
      loadSettings: async (asked) => {
        const readNoted = async () => noted(await readSwitch());
        const settings = await loadSsmSettings(asked, {
          stage,
          read,
          readPath,
          readTargets,
          readSwitch: readNoted,
          onTarget: (target) => {
            underWay.project = projectFields(projectOf(target));
          },
        });
        return { ...settings, isSwitchedOn: settings.isSwitchedOn && isSwitchOn(firstReading) };
      },
      loadCeilings: async () => ceilings,
      readRecord,
      deadlineAt,
      periodMs,
      announcedSince: (dueAt) => announcedSince({ expression, timeZone, periodMs }, dueAt),
      stop: watch.signal,
      beforeCancelling: watch.start,
    });
    writeMetrics(metricsOf(report, { periodMs, isStoppedByHand }));
    return report;
  } finally {
    watch.end();
  }
}

/** A switch that cannot be read is a switch that is off, and no reason to lose the report of what is overdue. */
async function readSwitch(): Promise<SwitchReading> {
  try {
    return await readSwitchFrom(read, stage);
  } catch (error) {
    warnOfSwitch(error);
    return { value: undefined, version: null };
  }
}

function warnOfSwitch(error: unknown): void {
  log.warn('switch unreadable', { parameter: parameterNames(stage).switch, error: errorField(error) });
}

/** Keeps what @middy/ssm has read from failing the invocation. */
const softenSwitch: MiddlewareObj<unknown, unknown, Error, SweepContext, { switchValue?: unknown }> = {
  before: async ({ context, internal }) => {
    try {
      context.switchValue = await internal.switchValue;
    } catch (error) {
      // One that is not set yet has been read; the report says that it is not set to run.
      if (!isMissing(error)) warnOfSwitch(error);
    }
  },
};

/** Whether the parameter is not there, in the words of @middy/ssm. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && error.message === `InvalidParameter ${parameterNames(stage).switch}`;
}

export const handler = middy<unknown, Summary | { targets: TargetResult[] }, Error, SweepContext>()
  .use(
    ssm({
      fetchData: { switchValue: parameterNames(stage).switch },
      // Fresh for each invocation, and then for each sweep: a stale switch kills.
      cacheExpiry: 0,
      awsClientOptions: AWS_CLIENT_OPTIONS,
    }),
  )
  .use(softenSwitch)
  .handler(handleSweep);
