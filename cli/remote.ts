import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { systemClock } from '../lib/clock.ts';
import type { JobReport, SweepReport } from '../lib/report.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import { AWS_CLIENT_OPTIONS } from '../lib/settings/ssm.ts';
import type { Swept } from './emergency.ts';
import { functionName, type LogLine, openSweepLog } from './sweep-log.ts';
import type { Terminal } from './terminal.ts';

/** A sweep takes up to a Lambda's 15 minutes, and its log a while to be found. */
const FOLLOW_FOR_MS = 17 * 60_000;
const POLL_MS = 2_000;
/** Our clock may be ahead of CloudWatch's. */
const LOOK_BACK_MS = 5 * 60_000;

/** Where what a remote sweep says is told; nothing for machines. */
type Say = (text: string) => void;

export const sayFor = ({ json, quiet }: { json?: boolean; quiet?: boolean }, { err }: Terminal): Say =>
  json || quiet ? () => {} : (text) => err(`${text}\n`);

/**
 * Has the deployed function sweep one target, and puts the report together from what it logs.
 *
 * @param payload with the `sweepId` that it is found by.
 */
export async function sweepRemotely(
  stage: string,
  payload: { sweepId: string; target?: string | undefined },
  say: Say,
): Promise<Swept> {
  const requestId = await invoke(stage, 'sweep', payload);
  say(`Asked ${functionName(stage, 'sweep')} for sweep ${payload.sweepId}. Ctrl-C stops following it, not the sweep.`);
  return follow(async (since) => {
    const lines = await openSweepLog(stage).find(`?"${payload.sweepId}" ?"${requestId}"`, since);
    const isOver = lines.some(({ msg }) => msg === 'sweep finished' || msg === 'sweep could not run');
    return isOver ? toSwept(lines) : undefined;
  });
}

/** The same for all targets of the stage, through the dispatch. */
export async function sweepAllRemotely(stage: string, payload: object, say: Say): Promise<Swept> {
  const requestId = await invoke(stage, 'dispatch', { ...payload, allTargets: true });
  const dispatchId = `manual-${requestId}`;
  say(`Asked ${functionName(stage, 'dispatch')} for ${dispatchId}. Ctrl-C stops following it, not the sweeps.`);
  const log = openSweepLog(stage);
  return follow(async (since) => {
    const [dispatched] = (await log.find(`?"${requestId}"`, since, 'dispatch')).filter(
      ({ msg }) => msg === 'dispatch finished' || msg === 'dispatch could not run',
    );
    if (dispatched === undefined) return undefined;
    if (dispatched.msg !== 'dispatch finished') return toSwept([dispatched]);
    const { expected, sent } = dispatched.fields;
    const lines = await log.find(`?"${dispatchId}"`, since);
    const over = lines.filter(({ msg }) => ENDS.includes(msg));
    if (over.length < Number(sent)) return undefined;
    const swept = toSwept(lines);
    const lost = Number(expected) - Number(sent);
    return lost > 0 ? { ...swept, failures: [...swept.failures, `${lost} targets could not be dispatched`] } : swept;
  });
}

/** Each target ends with one of these. @see functions/sweep.ts and lib/sweep-group.ts */
const ENDS = ['sweep finished', 'sweep could not run', 'target not swept'];

/** Asynchronously: a call that waited could time out, and would then be sent again. @returns the id of the invocation. */
async function invoke(stage: string, name: 'sweep' | 'dispatch', payload: object): Promise<string> {
  const FunctionName = functionName(stage, name);
  const client = new LambdaClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: 1 });
  try {
    const answer = await client.send(
      new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(payload) }),
    );
    return answer.$metadata.requestId ?? 'unknown';
  } catch (error) {
    const reason = error instanceof Error ? error.name : 'unknown error';
    throw new SettingsError(FunctionName, `cannot be invoked (${reason})`, { cause: error });
  } finally {
    client.destroy();
  }
}

async function follow(look: (since: number) => Promise<Swept | undefined>): Promise<Swept> {
  const startedAt = systemClock.now();
  for (;;) {
    const swept = await look(startedAt - LOOK_BACK_MS);
    if (swept !== undefined) return swept;
    if (systemClock.now() - startedAt > FOLLOW_FOR_MS) {
      throw new SettingsError('--remote', 'the end of the sweep is not in the log; look with dli-reaper status');
    }
    await systemClock.sleep(POLL_MS);
  }
}

/** The lines of a log hold the report: one of the jobs each, and the rest in the last. */
export function toSwept(lines: readonly LogLine[]): Swept {
  const reports = lines.flatMap(({ msg, fields }) => {
    if (msg !== 'sweep finished') return [];
    const jobs = lines.filter((line) => 'jobId' in line.fields && line.fields.sweepId === fields.sweepId);
    return [{ ...withoutFrame(fields), jobs: jobs.map((line) => withoutFrame(line.fields) as unknown as JobReport) }];
  });
  const failures = lines.flatMap(({ msg, fields }) => {
    const target = typeof fields.target === 'string' ? `${fields.target}: ` : '';
    if (msg === 'target not swept') return [`${target}not swept, ${String(fields.reason)}`];
    return msg.endsWith('could not run') ? [`${target}${String(fields.error)}`] : [];
  });
  return { reports: reports as unknown as SweepReport[], failures };
}

/** What a line has around what a report holds. */
const FRAME = ['level', 'msg', 'time', 'stage', 'awsRequestId', 'dispatchId', 'credentials', 'why'];

function withoutFrame(fields: Record<string, unknown>): Record<string, unknown> {
  const isJob = 'jobId' in fields;
  const frame = isJob ? [...FRAME, 'sweepId', 'target'] : FRAME;
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !frame.includes(key)));
}
