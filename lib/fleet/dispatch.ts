import type { Clock } from '../base/clock.ts';
import { assertTargetName, expiresAtOf, RequestError } from '../request/request.ts';
import { type ParameterValues, parameterNames, type ReadPath } from '../settings/parameter-store.ts';
import { claimsIn, clashOf, inWords, type ProjectClaim } from '../settings/project-claims.ts';
import { SettingsError } from '../settings/settings.ts';
import { parseTarget } from '../settings/stage.ts';
import { type DispatchSummary, errorField, type SweepLog } from '../sweep/record/log-lines.ts';
import type { WriteMetrics } from '../sweep/record/metrics.ts';
import { isEmergency, triggerOf } from './message.ts';
import { batch, type DispatchTarget, type OutgoingMessage, planMessages } from './outgoing.ts';
import { assertConfirmed, type Dispatch, parseDispatch } from './parse-dispatch.ts';

/** An emergency has a queue of its own, so that it never waits behind the schedule. */
export type QueueName = 'sweeps' | 'emergencies';

export interface DispatchDeps {
  clock: Clock;
  stage: string;
  /** The period of the schedule. */
  periodMs: number;
  log: SweepLog;
  writeMetrics: WriteMetrics;
  readPath: ReadPath;
  /** Puts at most a batch of messages on a queue. @returns the messages that the queue refused. */
  send: (queue: QueueName, messages: readonly OutgoingMessage[]) => Promise<OutgoingMessage[]>;
}

/**
 * Turns a tick, or a payload by hand, into messages on a queue: one for each credential, with the targets that use it.
 *
 * @param invocationId names a dispatch by hand.
 * @throws {RequestError} for a bad event.
 * @throws {SettingsError} for an unknown target, or if Parameter Store cannot be read.
 * @throws {Error} if the queue cannot be reached.
 */
export async function dispatchEvent(
  event: unknown,
  invocationId: string,
  deps: DispatchDeps,
): Promise<DispatchSummary> {
  try {
    return await dispatchSweeps(parseDispatch(event, { id: invocationId, now: deps.clock.now() }), deps);
  } catch (error) {
    deps.log.error('dispatch could not run', { error: errorField(error) });
    throw error;
  }
}

async function dispatchSweeps(dispatch: Dispatch, deps: DispatchDeps): Promise<DispatchSummary> {
  const { clock, stage, periodMs, readPath } = deps;
  const { trigger, dispatchedAt } = dispatch;
  const now = clock.now();
  const expiresAt = expiresAtOf({ trigger: triggerOf(dispatch), askedAt: dispatchedAt }, periodMs);
  if (now > expiresAt) return drop(dispatch, { now, expiresAt }, deps);

  const values = await readPath(parameterNames(stage).targets);
  const all = targetsFor(dispatch, values, stage);
  assertConfirmed(dispatch, stage, all.length);
  const names = onlyThoseWithJobs(all, dispatch);
  const targets = readTargets(names, values, dispatch, deps);
  const messages = planMessages(targets, dispatch, { turn: Math.floor(dispatchedAt / periodMs) });
  const unsent = await sendAll(messages, isEmergency(dispatch.payload) ? 'emergencies' : 'sweeps', deps);

  const summary: DispatchSummary = {
    dispatchId: dispatch.dispatchId,
    expected: names.length,
    messages: messages.length - unsent.length,
    dropped: false,
    sent: targets.length - unsent.flatMap(({ targets: lost }) => lost).length,
    credentials: new Set(targets.map(({ credentials }) => credentials)).size,
  };
  report(summary, { trigger, dispatchedAt, unreadable: names.length - targets.length, unsent }, deps);
  return summary;
}

/** Sends nothing for a request that is too old. */
function drop(
  { dispatchId, trigger, dispatchedAt }: Dispatch,
  { now, expiresAt }: { now: number; expiresAt: number },
  { periodMs, log, writeMetrics }: DispatchDeps,
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

/** @returns names. @throws {SettingsError} for a name that the stage does not have. */
function targetsFor({ targets }: Dispatch, values: ParameterValues, stage: string): string[] {
  const names = parameterNames(stage);
  if (targets === 'all') return [...values.keys()].map((parameter) => parameter.slice(names.targets.length));
  const parameter = names.target(targets.name);
  if (!values.has(parameter)) throw new SettingsError(parameter, 'no such parameter; create it, or correct the name');
  return [targets.name];
}

/** If a person agreed to certain jobs, only their targets. @throws {RequestError} for a target that the stage does not have. */
function onlyThoseWithJobs(names: readonly string[], { jobIdsByTarget }: Dispatch): readonly string[] {
  if (jobIdsByTarget === undefined) return names;
  const wanted = Object.keys(jobIdsByTarget);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new RequestError(`jobIdsByTarget.${unknown}: no such target; nothing was sent`);
  return wanted;
}

/** Leaves out, and logs, each target that cannot be read or is on the project of another: the others are still swept. */
function readTargets(
  names: readonly string[],
  values: ParameterValues,
  { dispatchId }: Dispatch,
  { stage, log }: DispatchDeps,
): DispatchTarget[] {
  const claims = claimsIn(values, parameterNames(stage).targets);
  return names.flatMap((target) => {
    try {
      const { clash, ...found } = readTarget(target, values, { stage, claims });
      if (clash === undefined) return [found];
      log.error('target not sent', { dispatchId, target, error: clash });
    } catch (error) {
      log.error('target unreadable', { dispatchId, target, error: errorField(error) });
    }
    return [];
  });
}

/** @throws {SettingsError} if the parameter is invalid. @throws {RequestError} if its name is no name of a target. */
function readTarget(
  name: string,
  values: ParameterValues,
  { stage, claims }: { stage: string; claims: readonly ProjectClaim[] },
): DispatchTarget & { clash: string | undefined } {
  // The sweep refuses such a name as well, but only after a message is spent on it.
  assertTargetName(name);
  const parameter = parameterNames(stage).target(name);
  const { credentials, policy, projectId, shared } = parseTarget(parameter, values);
  const clash = clashOf({ target: name, projectId, shared }, claims);
  return { name, credentials, policy, projectId, clash: clash && `${parameter}: ${inWords(clash)}` };
}

/** Sends in order, since the parts of a group are in order. @returns the messages that the queue refused twice. */
async function sendAll(
  messages: readonly OutgoingMessage[],
  queue: QueueName,
  { send }: DispatchDeps,
): Promise<OutgoingMessage[]> {
  const unsent: OutgoingMessage[] = [];
  for (const some of batch(messages)) {
    const refused = await send(queue, some);
    // The queue knows a message by its deduplication id, so it is not there twice if it was taken after all.
    if (refused.length > 0) unsent.push(...(await send(queue, refused)));
  }
  return unsent;
}

interface Sending {
  trigger: Dispatch['trigger'];
  dispatchedAt: number;
  /** How many targets were left out. */
  unreadable: number;
  unsent: readonly OutgoingMessage[];
}

/** Writes the last lines of a dispatch, and its metrics. */
function report(
  summary: DispatchSummary,
  { trigger, dispatchedAt, unreadable, unsent }: Sending,
  { stage, log, writeMetrics }: DispatchDeps,
): void {
  const { dispatchId, expected, sent } = summary;
  for (const { credentials, targets } of unsent) log.error('message not sent', { dispatchId, credentials, targets });
  const isEmpty = expected === 0;
  if (isEmpty) {
    const error = `${parameterNames(stage).targets}: the stage has no target; put one there`;
    log.error('no targets', { dispatchId, error });
  }
  // The same time as the sweeps of this tick count under, since an alarm subtracts the two.
  writeMetrics({ TargetsExpected: expected }, dispatchedAt);
  const exceptions = unreadable + (isEmpty && trigger === 'schedule' ? 1 : 0);
  if (exceptions > 0) writeMetrics({ PolicyException: exceptions });
  log[isEmpty || sent < expected ? 'error' : 'info']('dispatch finished', { ...summary, trigger });
}
