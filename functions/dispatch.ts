import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { systemClock } from '../lib/base/clock.ts';
import { isEmergency, triggerOf } from '../lib/fleet/message.ts';
import {
  assertConfirmed,
  batch,
  type Dispatch,
  type DispatchTarget,
  type OutgoingMessage,
  parseDispatch,
  planMessages,
} from '../lib/fleet/parse-dispatch.ts';
import { assertTargetName, expiresAtOf, isScheduleTick, RequestError } from '../lib/request/request.ts';
import { environment, required, requiredMinutes } from '../lib/settings/environment.ts';
import { claimsIn, clashOf, inWords, type ProjectClaim } from '../lib/settings/project-claims.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import {
  AWS_CLIENT_OPTIONS,
  assertStage,
  createPathReader,
  type ParameterValues,
  parameterNames,
  parseTarget,
} from '../lib/settings/ssm.ts';
import type { DispatchSummary } from '../lib/sweep/record/log-lines.ts';
import { createLambdaLog, errorField } from './shared/log.ts';
import { createMetricsWriter } from './shared/metrics.ts';

const stage = required(environment, 'STAGE');
assertStage(stage);
const periodMs = requiredMinutes(environment, 'PERIOD_MINUTES');
const queues = {
  sweeps: required(environment, 'SWEEP_QUEUE_URL'),
  emergencies: required(environment, 'EMERGENCY_QUEUE_URL'),
};
const targetsPath = parameterNames(stage).targets;
// It has no right to decrypt, and needs none: targets are no secrets.
const readPath = createPathReader(new SSMClient(AWS_CLIENT_OPTIONS), { WithDecryption: false });
const sqs = new SQSClient(AWS_CLIENT_OPTIONS);
const { log, beginInvocation } = createLambdaLog({ stage, periodMs });
const writeMetrics = createMetricsWriter(stage);

/**
 * A tick, or a payload by hand, becomes messages on the queue: one for each credential, with the targets that use it.
 *
 * @throws for a bad event, an unknown target, a Parameter Store or queue that cannot be reached.
 */
async function handleDispatch(event: unknown, context: Context): Promise<DispatchSummary> {
  beginInvocation(context);
  try {
    return await dispatchSweeps(parseDispatch(event, { id: context.awsRequestId, now: systemClock.now() }));
  } catch (error) {
    // A person who asks by hand gets the answer, and must not page on-call by a mistyped name.
    if (isScheduleTick(event)) writeMetrics({ PolicyException: 1 });
    log.error('dispatch could not run', { error: errorField(error) });
    throw error;
  }
}

async function dispatchSweeps(dispatch: Dispatch): Promise<DispatchSummary> {
  const { dispatchId, trigger, dispatchedAt } = dispatch;
  const now = systemClock.now();
  const expiresAt = expiresAtOf({ trigger: triggerOf(dispatch), askedAt: dispatchedAt }, periodMs);
  if (now > expiresAt) return drop(dispatch, { now, expiresAt });

  const values = await readPath(targetsPath);
  const all = asked(dispatch, values);
  assertConfirmed(dispatch, stage, all.length);
  const names = withJobs(all, dispatch);
  const claims = claimsIn(values, targetsPath);
  const targets = names.flatMap((name) => readTarget(name, values, { claims, dispatchId }));
  const messages = planMessages(targets, dispatch, { turn: Math.floor(dispatchedAt / periodMs) });
  const queueUrl = isEmergency(dispatch.payload) ? queues.emergencies : queues.sweeps;
  const unsent = await sendAll(queueUrl, messages);
  for (const { credentials, targets: lost } of unsent) {
    log.error('message not sent', { dispatchId, credentials, targets: lost });
  }

  const summary: DispatchSummary = {
    dispatchId,
    expected: names.length,
    messages: messages.length - unsent.length,
    dropped: false,
    sent: targets.length - unsent.flatMap(({ targets: lost }) => lost).length,
    credentials: new Set(targets.map(({ credentials }) => credentials)).size,
  };
  const isEmpty = names.length === 0;
  if (isEmpty) log.error('no targets', { dispatchId, error: `${targetsPath}: the stage has no target; put one there` });
  const exceptions = names.length - targets.length + (isEmpty && trigger === 'schedule' ? 1 : 0);
  writeMetrics({ TargetsExpected: names.length }, dispatchedAt);
  if (exceptions > 0) writeMetrics({ PolicyException: exceptions });
  log[isEmpty || summary.sent < summary.expected ? 'error' : 'info']('dispatch finished', { ...summary, trigger });
  return summary;
}

/** Sends nothing for what was asked for too long ago. */
function drop(
  { dispatchId, trigger, dispatchedAt }: Dispatch,
  { now, expiresAt }: { now: number; expiresAt: number },
): DispatchSummary {
  if (trigger === 'schedule') {
    log.warn('tick dropped', { dispatchId, ageMs: now - dispatchedAt, periodMs });
    writeMetrics({ TicksDropped: 1 });
  } else {
    const [askedAt, at] = [dispatchedAt, expiresAt].map((ms) => new Date(ms).toISOString());
    const error = `expired: it was asked for at ${askedAt} and was good until ${at}; nothing was sent, so ask again if it is still wanted`;
    log.error('dispatch could not run', { error });
    writeMetrics({ SweepsStopped: 1 });
  }
  return { dispatchId, expected: 0, sent: 0, credentials: 0, messages: 0, dropped: true };
}

/** @throws {SettingsError} for a name that the stage does not have. */
function asked({ targets }: Dispatch, values: ParameterValues): string[] {
  if (targets !== 'all') {
    const parameter = parameterNames(stage).target(targets.name);
    if (!values.has(parameter)) throw new SettingsError(parameter, 'no such parameter; create it, or correct the name');
    return [targets.name];
  }
  return [...values.keys()].map((parameter) => parameter.slice(targetsPath.length));
}

/** Where jobs were agreed to, the targets that have some. @throws {RequestError} for a target that the stage does not have. */
function withJobs(names: readonly string[], { jobIdsByTarget }: Dispatch): readonly string[] {
  if (jobIdsByTarget === undefined) return names;
  const wanted = Object.keys(jobIdsByTarget);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new RequestError(`jobIdsByTarget.${unknown}: no such target; nothing was sent`);
  return wanted;
}

/** One that cannot be read, or is on the project of another, must not keep the others from being swept. */
function readTarget(
  name: string,
  values: ParameterValues,
  { claims, dispatchId }: { claims: readonly ProjectClaim[]; dispatchId: string },
): DispatchTarget[] {
  try {
    // Refused by the sweep as well, but only once a message is spent on it.
    assertTargetName(name);
    const parameter = parameterNames(stage).target(name);
    const { credentials, projectId, shared } = parseTarget(parameter, values);
    const clash = clashOf({ target: name, projectId, shared }, claims);
    if (clash === undefined) return [{ name, credentials }];
    log.error('target not sent', { dispatchId, target: name, error: `${parameter}: ${inWords(clash)}` });
    return [];
  } catch (error) {
    log.error('target unreadable', { dispatchId, target: name, error: errorField(error) });
    return [];
  }
}

/** In order, since the parts of a group are. @returns those that SQS did not take, even when asked twice. */
async function sendAll(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<OutgoingMessage[]> {
  const unsent: OutgoingMessage[] = [];
  for (const some of batch(messages)) {
    const refused = await sendBatch(queueUrl, some);
    if (refused.length > 0) unsent.push(...(await sendBatch(queueUrl, refused)));
  }
  return unsent;
}

/** Sending one twice is harmless: SQS knows it by its deduplication id. */
async function sendBatch(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<OutgoingMessage[]> {
  const { Failed = [] } = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: messages.map(({ groupId, deduplicationId, body }, index) => ({
        Id: String(index),
        MessageBody: body,
        MessageGroupId: groupId,
        MessageDeduplicationId: deduplicationId,
      })),
    }),
  );
  const failed = new Set(Failed.map(({ Id }) => Id));
  return messages.filter((_, index) => failed.has(String(index)));
}

export const handler = middy<unknown, DispatchSummary, Error>().handler(handleDispatch);
