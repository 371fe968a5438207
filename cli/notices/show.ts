import { dliReaper } from '../../lib/base/command-line.ts';
import { createMemoryRecords } from '../../lib/notify/memory-record.ts';
import { type Delivered, notifyEvent } from '../../lib/notify/notify.ts';
import { type Received, receive, type Skipped } from '../../lib/notify/received.ts';
import type { Rendered } from '../../lib/notify/render.ts';
import { eventOf } from '../../lib/notify/subscription.ts';
import { ParameterValues, parameterNames } from '../../lib/settings/parameter-store.ts';
import { silentLog } from '../../lib/sweep/record/log-lines.ts';
import { EXIT_PARTIAL } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted, indented } from '../screen/text.ts';
import { readText } from '../source/files.ts';
import { logLinesIn, type SourceLine } from './log-lines.ts';

export interface ShowFlags {
  from: string[];
  /** Stage whose routes are tried. */
  stage?: string;
  json?: boolean;
}

/** A message that a line holds. */
interface Found extends SourceLine {
  message: Received;
  /** The stage that wrote the line; undefined if it does not say. */
  stage: string | undefined;
  /** Epoch ms. */
  at: number;
}

/** Why a line of the files is not sent. */
export type UnsentReason = Skipped | 'other-stage' | 'nothing-new';

/** Lines that are not sent for one reason. */
interface Unsent {
  reason: UnsentReason;
  lines: number;
  /** Where the first of them stands. */
  first: string;
}

/** A message as it would be sent. */
interface Shown extends Rendered, Pick<Received, 'to' | 'owner' | 'target'> {
  place: string;
  at: number;
  /** Null without a stage, and for a stage without routes. */
  delivered: Delivered | null;
}

const WORDS: Record<UnsentReason, string> = {
  'not-json': 'not JSON',
  'not-a-message': 'another line of the log',
  version: 'a message of another version, which this one cannot send',
  invalid: 'a message that cannot be read',
  'other-stage': 'a message of another stage',
  'nothing-new': 'nothing to say, or only what was said before',
};

/**
 * Shows the messages that the lines of a log become, as the function `notify` would send them one after the other. It knows only what
 * these lines have led to, and not what was sent before.
 *
 * @returns the exit code. @throws {SettingsError} if a file, or the routes of the stage, cannot be read.
 */
export async function runShow({ from, stage, json }: ShowFlags, { out, err }: Terminal): Promise<number> {
  const lines = from.flatMap((file) => logLinesIn(file, readText(file)));
  const unsent = new Map<UnsentReason, Unsent>();
  const leaveOut = (reason: UnsentReason, first: string) => {
    const before = unsent.get(reason) ?? { reason, lines: 0, first };
    unsent.set(reason, { ...before, lines: before.lines + 1 });
  };
  const found = messagesIn(lines, stage, leaveOut);
  const routes = stage === undefined ? undefined : await readRoutesOf(stage);
  const { shown, unreadable } = await play(found, { stage, routes, leaveOut });
  const left = [...unsent.values()];
  if (json) out(toJson('notices', { stage: stage ?? null, messages: shown.map(toDocument), unsent: left, unreadable }));
  else {
    for (const one of shown) out(`${headOf(one, stage)}\n${indented(one.text)}\n\n`);
    out(`${counted(shown.length, 'message')} in ${counted(lines.length, 'line')}.\n`);
    for (const { reason, lines: count, first } of left) {
      const from = count === 1 ? first : `the first ${first}`;
      out(`Not sent, ${counted(count, 'line')} (${cleanText(from)}): ${WORDS[reason]}.\n`);
    }
    if (shown.length > 0)
      out('What was sent before these lines is not known here. The function does not send it again.\n');
    if (routes?.size === 0) err(`! Stage ${stage} has no route, so it sends none of them.\n`);
    for (const problem of unreadable) err(`! A route is left out. ${cleanText(problem)}\n`);
  }
  return unsent.has('version') || unsent.has('invalid') ? EXIT_PARTIAL : 0;
}

/** Finds the messages, the oldest first. */
function messagesIn(
  lines: readonly SourceLine[],
  stage: string | undefined,
  leaveOut: (reason: UnsentReason, place: string) => void,
): Found[] {
  let at = 0;
  return lines
    .flatMap((line): Found[] => {
      const read = readLine(line.text, stage);
      if ('reason' in read) {
        leaveOut(read.reason, line.place);
        return [];
      }
      // A line without a time is as old as the one before it.
      at = read.at ?? at;
      return [{ ...line, ...read, at }];
    })
    .sort((a, b) => a.at - b.at);
}

function readLine(
  text: string,
  wanted: string | undefined,
): { reason: UnsentReason } | { message: Received; stage: string | undefined; at: number | undefined } {
  const result = receive(text);
  if ('skipped' in result) return { reason: result.skipped };
  // Only a person can send a test: no subscription passes one on.
  if (result.message.isTest) return { reason: 'not-a-message' };
  const frame = JSON.parse(text) as { stage?: unknown };
  // People can write such lines by hand.
  const stage = typeof frame.stage === 'string' && /^[\w-]{1,64}$/.test(frame.stage) ? frame.stage : undefined;
  if (wanted !== undefined && stage !== undefined && stage !== wanted) return { reason: 'other-stage' };
  const at = Date.parse(result.message.time ?? '');
  return { message: result.message, stage, at: Number.isNaN(at) ? undefined : at };
}

async function readRoutesOf(name: string): Promise<ParameterValues> {
  // Loaded only here, since the AWS SDK is slow to load.
  const { openStage } = await import('../source/open-stage.ts');
  const stage = openStage(name);
  await stage.assertExists();
  return stage.readPath(stage.names.routes);
}

/** Stands in for the routes of a stage where none are known: every message goes one way. */
function anyWay(): ParameterValues {
  const values = new ParameterValues();
  const topic = 'arn:aws:sns:none:000000000000:none';
  for (const [Name, to, fallback] of [
    ['owner', 'owner', false],
    ['operators', 'operators', true],
  ] as const) {
    values.add({ Name, Value: JSON.stringify({ to, topic, fallback }) });
  }
  return values;
}

interface PlayOptions {
  stage: string | undefined;
  routes: ParameterValues | undefined;
  leaveOut: (reason: UnsentReason, place: string) => void;
}

/** Gives each line to the function, at the time of the line. */
async function play(
  found: readonly Found[],
  { stage, routes, leaveOut }: PlayOptions,
): Promise<{ shown: Shown[]; unreadable: string[] }> {
  let now = 0;
  const records = createMemoryRecords(() => now);
  const isRouted = routes !== undefined && routes.size > 0;
  const shown: Shown[] = [];
  const unreadable = new Set<string>();
  for (const { text, place, message, stage: own, at } of found) {
    now = at;
    const rendered: Rendered[] = [];
    const summary = await notifyEvent(eventOf([text]), {
      stage: stage ?? own ?? 'STAGE',
      clock: { now: () => now },
      log: silentLog,
      writeMetrics: () => {},
      readPath: async () => (isRouted ? routes : anyWay()),
      ...records,
      ownersPage: undefined,
      publish: async (_, { title, text: said }) => void rendered.push({ title, text: asSent(said) }),
    });
    if (rendered.length === 0) leaveOut('nothing-new', place);
    for (const problem of summary.unreadable) unreadable.add(problem);
    const { to, owner, target } = message;
    for (const [i, one] of rendered.entries()) {
      const delivered = (isRouted && summary.deliveries[i]) || null;
      shown.push({ ...one, to, owner, target, place, at, delivered });
    }
  }
  return { shown, unreadable: [...unreadable] };
}

/** The function does not know how this terminal calls the command. */
const asSent = (text: string): string => text.replaceAll(dliReaper(''), 'dli-reaper ');

const timeOf = (at: number): string | null => (at === 0 ? null : new Date(at).toISOString());

function headOf({ to, owner, target, at, delivered }: Shown, stage: string | undefined): string {
  const whom = to === 'operators' ? 'the operators' : `owner ${owner}`;
  const when = timeOf(at);
  const what = `To ${whom}, about target ${target}${when === null ? '' : `, ${when}`}`;
  if (delivered === null) return cleanText(`${what}:`);
  const { parameter, isWithoutRoute } = delivered;
  const name = parameter?.slice(parameterNames(stage ?? '').routes.length);
  return cleanText(
    `${what}, by ${isWithoutRoute ? `the fallback ${name}, since no route is for it` : `route ${name}`}:`,
  );
}

const toDocument = ({ at, delivered, ...message }: Shown) => ({
  ...message,
  time: timeOf(at),
  route: delivered?.parameter ?? null,
  isWithoutRoute: delivered?.isWithoutRoute ?? null,
});
