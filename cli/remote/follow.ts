import { InvokeCommand, LambdaClient, LambdaServiceException } from '@aws-sdk/client-lambda';
import { type Clock, systemClock } from '../../lib/base/clock.ts';
import { dliReaper } from '../../lib/base/command-line.ts';
import { nameOf } from '../../lib/base/error-words.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { AWS_CLIENT_OPTIONS } from '../../lib/settings/ssm.ts';
import {
  AROUND_JOB,
  AROUND_SUMMARY,
  JOB_LINES,
  type JobLineName,
  type Summary,
} from '../../lib/sweep/record/log-lines.ts';
import { type JobReport, REPORT_VERSION, type SweepReport } from '../../lib/sweep/record/report.ts';
import { functionName, isEnd, type LogLine, openSweepLog } from '../../lib/sweep/record/sweep-log.ts';
import { counted } from '../screen/counted.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { type Waiting, withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import type { SweepFlags } from '../sweep/perform.ts';
import type { Swept } from '../sweep/results.ts';

/** A sweep takes up to a Lambda's 15 minutes, and its log a while to be found. */
const FOLLOW_FOR_MS = 17 * 60_000;
/** CloudWatch may show the last line of a sweep before the lines of its jobs. */
const SETTLE_FOR_MS = 60_000;
const POLL_MS = 2_000;
/** Our clock may be ahead of CloudWatch's. */
const LOOK_BACK_MS = 5 * 60_000;

/** Where what a remote sweep says is told; nothing for machines. */
type Say = (text: string) => void;

type Flags = Pick<SweepFlags, 'json' | 'quiet'>;

/**
 * Has the deployed function sweep one target, and puts the report together from what it logs.
 *
 * @param payload with the `sweepId` that it is found by.
 * @throws {SettingsError} before anything is started, or if nothing at all is found of it.
 */
export async function sweepRemotely(
  stage: string,
  payload: { sweepId: string; target?: string | undefined },
  flags: Flags,
  terminal: Terminal,
): Promise<Swept> {
  const { sweepId } = payload;
  const log = openSweepLog(stage);
  // Whoever may not read the log should hear so before anything is started.
  await log.find(`?"${sweepId}"`, systemClock.now());
  const requestId = await invoke(stage, 'sweep', payload, `sweep ${sweepId}`);
  const look = async (since: number) => {
    const lines = await log.find(`?"${sweepId}" ?"${requestId}"`, since);
    return { lines, isOver: lines.some(isEnd) };
  };
  const asked = `Asked ${functionName(stage, 'sweep')} for sweep ${sweepId}.`;
  return show({ stage, asked, what: `sweep ${sweepId}`, look }, flags, terminal);
}

/** The same for all targets of the stage, through the dispatch. */
export async function sweepAllRemotely(
  stage: string,
  payload: object,
  flags: Flags,
  terminal: Terminal,
): Promise<Swept> {
  const log = openSweepLog(stage);
  for (const name of ['dispatch', 'sweep'] as const) await log.find('?"none"', systemClock.now(), name);
  const requestId = await invoke(stage, 'dispatch', { ...payload, allTargets: true }, 'the sweeps');
  const dispatchId = `manual-${requestId}`;
  const look = async (since: number) => {
    const dispatched = await log.find(`?"${requestId}"`, since, 'dispatch');
    const last = dispatched.find((line) => line.msg === 'dispatch finished' || line.msg === 'dispatch could not run');
    if (last?.msg !== 'dispatch finished') return { lines: dispatched, isOver: last !== undefined };
    const lines = await log.find(`?"${dispatchId}"`, since);
    // A message may be delivered twice, and its targets swept twice.
    const over = new Set(lines.filter(isEnd).map(({ fields }) => fields.target));
    return { lines: [...dispatched, ...lines], isOver: over.size >= (last.fields.sent ?? 0) };
  };
  const asked = `Asked ${functionName(stage, 'dispatch')} for ${dispatchId}.`;
  return show({ stage, asked, what: dispatchId, look }, flags, terminal);
}

interface Followed {
  stage: string;
  asked: string;
  /** What is under way, by its id. */
  what: string;
  look: Look;
}

/** Follows it where somebody watches. Ctrl-C ends the following, and tells what goes on all the same. */
async function show(
  { stage, asked, what, look }: Followed,
  flags: Flags,
  { err, isErrScreen }: Terminal,
): Promise<Swept> {
  const say: Say = flags.json || flags.quiet ? () => {} : (text) => err(`${cleanText(text)}\n`);
  say(`${asked} Ctrl-C stops following it, not what it does.`);
  let waiting: Waiting | undefined;
  const leave = () => {
    waiting?.stop();
    err(
      `Not followed any more: ${what} goes on. ${dliReaper(`stop --stage ${stage}`)} stops it, ${dliReaper(`status --stage ${stage}`)} tells how it went.\n`,
    );
    process.exit(EXIT_CONFIGURATION);
  };
  process.once('SIGINT', leave);
  try {
    const screen = { ...flags, handleSignals: false };
    return await withSpinner('Waiting for the log', screen, { isErrScreen }, (shown) => {
      waiting = shown;
      return follow(look, say, stage);
    });
  } finally {
    process.off('SIGINT', leave);
  }
}

/**
 * Asynchronously: a call that waited could time out, and would then be sent again.
 *
 * @returns the id of the invocation.
 * @throws {SettingsError} that says whether `what` may be under way all the same.
 */
async function invoke(stage: string, name: 'sweep' | 'dispatch', payload: object, what: string): Promise<string> {
  const FunctionName = functionName(stage, name);
  const client = new LambdaClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: 1 });
  try {
    const answer = await client.send(
      new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(payload) }),
    );
    return answer.$metadata.requestId ?? 'unknown';
  } catch (error) {
    const reason = nameOf(error);
    const problem = isRefusal(error)
      ? `cannot be invoked (${reason}); nothing was started`
      : `gave no answer (${reason}); ${what} may be under way all the same: see ${dliReaper(`status --stage ${stage}`)}`;
    throw new SettingsError(FunctionName, problem, { cause: error });
  } finally {
    client.destroy();
  }
}

/** Asks without starting anything. @returns why not; undefined if one may. */
export async function refusalToInvoke(stage: string, name: 'sweep' | 'dispatch'): Promise<string | undefined> {
  const client = new LambdaClient({ ...AWS_CLIENT_OPTIONS, maxAttempts: 1 });
  try {
    await client.send(new InvokeCommand({ FunctionName: functionName(stage, name), InvocationType: 'DryRun' }));
    return undefined;
  } catch (error) {
    return nameOf(error);
  } finally {
    client.destroy();
  }
}

/** Only an answer of the 4xx kind tells that nothing was started. */
function isRefusal(error: unknown): boolean {
  const status = error instanceof LambdaServiceException ? error.$metadata.httpStatusCode : undefined;
  return status !== undefined && status >= 400 && status < 500;
}

/** What the log holds so far. */
interface Reading {
  lines: LogLine[];
  /** The last line of every sweep is there; those of its jobs may not be. */
  isOver: boolean;
}

type Look = (since: number) => Promise<Reading>;

/**
 * Reads the log until all that belongs to the sweep is there, and tells what is new in it. A log that cannot be read for a
 * while is no reason to lose sight of a sweep that goes on.
 */
export async function follow(look: Look, say: Say, stage: string, clock: Clock = systemClock): Promise<Swept> {
  const startedAt = clock.now();
  const told = new Set<string>();
  let overAt: number | undefined;
  let seen: Reading = { lines: [], isOver: false };
  for (;;) {
    seen = await tryLook(look, startedAt - LOOK_BACK_MS, seen, say);
    const { lines, isOver } = seen;
    for (const line of lines) {
      if (!told.has(line.id)) for (const text of progressOf(line)) say(text);
      told.add(line.id);
    }
    const now = clock.now();
    if (isOver) overAt ??= now;
    const swept = toSwept(lines);
    const isSettled = swept.incomplete.length === 0 || (overAt !== undefined && now - overAt > SETTLE_FOR_MS);
    if (isOver && isSettled) {
      return { reports: swept.reports, failures: [...swept.failures, ...swept.incomplete] };
    }
    if (now - startedAt > FOLLOW_FOR_MS) {
      const problem = `the end of the sweep is not in the log; look with ${dliReaper(`status --stage ${stage}`)}`;
      if (swept.reports.length === 0) throw new SettingsError('--remote', problem);
      return { reports: swept.reports, failures: [...swept.failures, ...swept.incomplete, problem] };
    }
    await clock.sleep(POLL_MS);
  }
}

async function tryLook(look: Look, since: number, before: Reading, say: Say): Promise<Reading> {
  try {
    return await look(since);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    say(`${error.message}; tried again`);
    return before;
  }
}

/** One sentence for the person who waits. */
function progressOf(line: LogLine): string[] {
  const target = line.fields.target === undefined ? '' : `${line.fields.target}: `;
  switch (line.msg) {
    case 'dispatch finished':
      return [`${line.fields.sent} of ${line.fields.expected} targets sent.`];
    case 'victims chosen':
      return [`${target}${counted(line.fields.count ?? 0, 'victim')} chosen.`];
    case 'sweep finished':
      return [`${target}sweep ${line.fields.status}.`];
    default:
      return [];
  }
}

type JobLine = Extract<LogLine, { msg: JobLineName }>;
type SummaryLine = Extract<LogLine, { msg: 'sweep finished' }>;

const isJobLine = (line: LogLine): line is JobLine => JOB_LINES.some((msg) => msg === line.msg);

/** The lines of a log hold the report: one of the jobs each, and the rest in the last. */
export function toSwept(lines: readonly LogLine[]): Swept & {
  /** What is known to be missing, one sentence each. */
  incomplete: string[];
} {
  const summaries = lines.filter((line): line is SummaryLine => line.msg === 'sweep finished');
  // The fields of another version mean something else, or are not there.
  const isReadable = ({ fields }: SummaryLine) => fields.version === REPORT_VERSION;
  const finished = summaries.filter(isReadable);
  const jobLines = lines.filter(isJobLine);
  // Lambda may deliver an event twice; those of a lower level are not among those that the last line counts.
  const jobsOf = ({ fields: { sweepId, awsRequestId } }: SummaryLine) =>
    jobLines.filter(
      ({ fields }) => fields.level !== 'debug' && fields.sweepId === sweepId && fields.awsRequestId === awsRequestId,
    );
  return {
    reports: finished.map((line) => toReport(line, jobsOf(line))),
    failures: [
      ...lines.flatMap(failureOf),
      ...summaries.filter((line) => !isReadable(line)).map(({ fields }) => wordsForVersion(fields)),
    ],
    incomplete: finished.flatMap((line) => {
      // A function of an earlier version does not say how many.
      const { target, jobsLogged = 0 } = line.fields;
      const found = jobsOf(line).length;
      return found >= jobsLogged
        ? []
        : [`${target}: the log shows ${found} of ${jobsLogged} jobs; the numbers are of all of them`];
    }),
  };
}

/** The first version did not say so. */
const wordsForVersion = ({ target, status, version }: SummaryLine['fields']): string =>
  `${target}: sweep ${status}; its report is of version ${version ?? 1}, and this command reads version ${REPORT_VERSION}: ` +
  'use the command of the version that is deployed, or deploy the one of this command';

/** What the functions log of a sweep is its report, line by line. */
function toReport({ fields }: SummaryLine, jobs: readonly JobLine[]): SweepReport {
  const summary = without(AROUND_SUMMARY, fields) as Summary;
  return { ...summary, jobs: jobs.map((job) => without(AROUND_JOB, job.fields) as JobReport) };
}

function failureOf(line: LogLine): string[] {
  const prefix = line.fields.target === undefined ? '' : `${line.fields.target}: `;
  switch (line.msg) {
    case 'target not swept':
      return [`${prefix}not swept, ${line.fields.reason}`];
    case 'dispatch finished': {
      const { expected = 0, sent = 0 } = line.fields;
      return sent < expected ? [`${expected - sent} of ${expected} targets could not be dispatched`] : [];
    }
    case 'message not sent':
      return [`${line.fields.targets?.join(', ')}: not sent to be swept`];
    case 'sweep could not run':
    case 'dispatch could not run':
    case 'target unreadable':
    case 'target not sent':
      return [`${prefix}${line.fields.error}`];
    default:
      return [];
  }
}

function without(names: readonly string[], fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}
