import { type Clock, systemClock } from '../../lib/base/clock.ts';
import { dliReaper } from '../../lib/base/command-line.ts';
import { functionName } from '../../lib/settings/names.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { isEnd, type LogLine, openSweepLog } from '../../lib/sweep/past/cloudwatch-log.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { type Waiting, withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';
import type { SweepFlags } from '../sweep/perform.ts';
import type { Swept } from '../sweep/results.ts';
import { invoke } from './invoke.ts';
import { toSwept } from './report-from-log.ts';

/** A Lambda function runs for 15 minutes at most, and its log appears a little later. */
const FOLLOW_FOR_MS = 17 * 60_000;
/** How long to wait for the lines of jobs. CloudWatch may show the last line of a sweep first. */
const SETTLE_FOR_MS = 60_000;
const POLL_MS = 2_000;
/** How far before the start to read, since our clock may be ahead of CloudWatch's. */
const LOOK_BACK_MS = 5 * 60_000;

/** Prints a line about a remote sweep; nothing with --json or --quiet. */
type Say = (text: string) => void;

type Flags = Pick<SweepFlags, 'json' | 'quiet'>;

/**
 * Starts the sweep of one target in the deployed function, and puts the report together from its log.
 *
 * @param payload holds the `sweepId`, by which its log lines are found.
 * @throws {SettingsError} before anything is started, or if the log shows nothing of the sweep.
 */
export async function sweepRemotely(
  stage: string,
  payload: { sweepId: string; target?: string | undefined },
  flags: Flags,
  terminal: Terminal,
): Promise<Swept> {
  const { sweepId } = payload;
  const log = openSweepLog(stage);
  // A person who may not read the log learns that before anything is started.
  await log.find(`?"${sweepId}"`, systemClock.now());
  const requestId = await invoke(stage, 'sweep', payload, `sweep ${sweepId}`);
  const look = async (since: number) => {
    const lines = await findOwn(log, [sweepId, requestId], since);
    return { lines, isOver: lines.some(isEnd) };
  };
  const asked = `Asked ${functionName(stage, 'sweep')} for sweep ${sweepId}.`;
  return show({ stage, asked, what: `sweep ${sweepId}`, look }, flags, terminal);
}

/** Starts the sweeps of all targets of the stage through the dispatch function, and follows them. */
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
    const dispatched = await findOwn(log, [requestId], since, 'dispatch');
    const last = dispatched.find((line) => line.msg === 'dispatch finished' || line.msg === 'dispatch could not run');
    if (last?.msg !== 'dispatch finished') return { lines: dispatched, isOver: last !== undefined };
    const lines = await findOwn(log, [dispatchId], since);
    // A message may be delivered twice, and its targets swept twice.
    const over = new Set(lines.filter(isEnd).map(({ fields }) => fields.target));
    return { lines: [...dispatched, ...lines], isOver: over.size >= (last.fields.sent ?? 0) };
  };
  const asked = `Asked ${functionName(stage, 'dispatch')} for ${dispatchId}.`;
  return show({ stage, asked, what: dispatchId, look }, flags, terminal);
}

/** Lines that carry one of the ids. The log is asked for these alone, and an imitation of CloudWatch may send others too. */
async function findOwn(
  { find }: ReturnType<typeof openSweepLog>,
  ids: readonly string[],
  since: number,
  name: 'sweep' | 'dispatch' = 'sweep',
): Promise<LogLine[]> {
  const lines = await find(ids.map((id) => `?"${id}"`).join(' '), since, name);
  return lines.filter(({ fields: { sweepId, awsRequestId, dispatchId } }) =>
    [sweepId, awsRequestId, dispatchId].some((id) => id !== undefined && ids.includes(id)),
  );
}

interface Followed {
  stage: string;
  asked: string;
  /** What is running, by its id. */
  what: string;
  look: Look;
}

/** Follows the log on the screen. Ctrl-C stops the following, and says what continues. */
async function show(
  { stage, asked, what, look }: Followed,
  flags: Flags,
  { out, err, isErrScreen }: Terminal,
): Promise<Swept> {
  const say: Say = flags.json || flags.quiet ? () => {} : (text) => err(`${cleanText(text)}\n`);
  say(`${asked} Ctrl-C stops following it, not the sweep.`);
  let waiting: Waiting | undefined;
  const leave = () => {
    waiting?.stop();
    const message = `No longer following: ${what} continues. ${dliReaper(`stop --stage ${stage}`)} stops it; ${dliReaper(`status --stage ${stage}`)} shows its result.`;
    err(`${message}\n`);
    if (flags.json) out(toJson('error', { messages: [message], settings: [], exitCode: EXIT_CONFIGURATION }));
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

/** The log lines so far. */
interface Reading {
  lines: LogLine[];
  /** Whether the last line of every sweep is there. Lines of jobs may still be missing. */
  isOver: boolean;
}

type Look = (since: number) => Promise<Reading>;

/**
 * Reads the log until it holds the whole sweep, and prints what is new. If the log cannot be read for a while, it tries
 * again.
 */
export async function follow(look: Look, say: Say, stage: string, clock: Clock = systemClock): Promise<Swept> {
  const startedAt = clock.now();
  const shown = new Set<string>();
  let overAt: number | undefined;
  let seen: Reading = { lines: [], isOver: false };
  for (;;) {
    seen = await tryLook(look, startedAt - LOOK_BACK_MS, seen, say);
    const { lines, isOver } = seen;
    for (const line of lines) {
      if (!shown.has(line.id)) for (const text of progressOf(line)) say(text);
      shown.add(line.id);
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
    say(`${error.message}; trying again`);
    return before;
  }
}

/** Returns a sentence for the person who waits, if the line is worth one. */
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
