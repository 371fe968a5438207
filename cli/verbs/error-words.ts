import type { CommanderError } from 'commander';
import { describeError } from '../../lib/dli/advice.ts';
import { DliError } from '../../lib/dli/errors.ts';
import { RequestError } from '../../lib/request/request.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { toJson } from '../screen/json.ts';

/** Starts a line below the text that follows `dli-reaper: `. */
const NEXT_LINE = '\n            ';

/** What an error says. */
export interface ErrorWords {
  /** For the screen, after `dli-reaper: `. */
  text: string;
  /** The same, line by line. */
  messages: string[];
  /** The flags, variables, parameters or files that it is about, if they are known. */
  settings: string[];
}

/** @param notesOn returns more lines for a mistake in flags or settings. */
export function wordsFor(error: unknown, notesOn: () => string[]): ErrorWords {
  const isMistake = error instanceof SettingsError || error instanceof RequestError;
  const text = [toText(error), ...(isMistake ? notesOn() : [])].join(NEXT_LINE);
  const lines = text.split('\n').filter((line) => !STACK_LINE.test(line));
  return { text, messages: lines.map((line) => line.trim()), settings: settingsOf(error) };
}

const STACK_LINE = /^\s+at /;

/** Puts an error into one line. The stack is shown only if the error is a fault of this program. */
function toText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof RequestError) return error.problems.map(inFlags).join(NEXT_LINE);
  if (error instanceof DliError) return describeError(error, NEXT_LINE);
  // A system error, such as a port in use, has a code and needs no stack.
  const isOurs = !('syscall' in error) && (error.name === 'Error' || error instanceof TypeError);
  return (isOurs && error.stack) || error.message;
}

function settingsOf(error: unknown): string[] {
  if (error instanceof SettingsError) return [error.setting];
  if (!(error instanceof RequestError)) return [];
  return error.problems.map(inFlags).flatMap((problem) => /^--[a-z-]+(?=: )/.exec(problem) ?? []);
}

/** The flag for each key of a request. */
const FLAGS: Readonly<Record<string, string>> = {
  jobIds: '--job-id',
  jobType: '--type',
  olderThan: '--older-than',
  maxKills: '--max-kills',
  verifyFor: '--verify-for',
  ...Object.fromEntries(['target', 'queue', 'owner', 'engine', 'reason', 'confirm'].map((key) => [key, `--${key}`])),
};

/** Names the flag that was typed: `jobIds.0: expected the id of a job` becomes `--job-id: expected …`. */
function inFlags(problem: string): string {
  const [whole = '', key = ''] = /^(\w+)(\.\d+)?(?=: )/.exec(problem) ?? [];
  const flag = FLAGS[key];
  return flag === undefined ? problem : flag + problem.slice(whole.length);
}

/** The document that takes the place of the one that a verb with --json would have printed. */
export const errorDocument = ({ messages, settings }: Omit<ErrorWords, 'text'>, exitCode: number): string =>
  toJson('error', { messages, settings, exitCode });

/** The same for a mistake that commander has found. */
export function usageDocument({ message, exitCode }: CommanderError): string {
  const [, flag] = /'(?:-\w, )?(--?[\w-]+)/.exec(message) ?? [];
  const messages = message.replace(/^error: /, '').split('\n');
  return errorDocument({ messages, settings: flag === undefined ? [] : [flag] }, exitCode);
}
