import { readFileSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { codeOf } from '../../lib/base/error-words.ts';
import { decodeText, TextError } from '../../lib/base/text.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from '../screen/terminal.ts';

/** The name of stdin where a file is read. */
export const STDIN = '-';

/** What stdin held; undefined if no flag names it. */
let stdin: Uint8Array | undefined;

/**
 * Reads stdin to its end, if the command names it as a file. Its terminal can then ask no question, since stdin is used up.
 *
 * @param names the flags and arguments that are `-`. @throws {SettingsError} for more than one.
 */
export async function openStdin(names: readonly string[], terminal: Terminal): Promise<void> {
  stdin = undefined;
  const [name] = names;
  if (name === undefined) return;
  if (names.length > 1) throw new SettingsError(names.join(' and '), 'are both -; stdin can be only one of them');
  const parts: Uint8Array[] = [];
  for await (const part of streamStdin(name, terminal)) parts.push(part);
  stdin = Buffer.concat(parts);
  terminal.ask = undefined;
}

/** Returns stdin in parts, for a file that may be large. @param name the flag or the argument that is `-`. */
export function streamStdin(name: string, terminal: Terminal): AsyncIterable<Uint8Array> {
  if (terminal.isInScreen) terminal.err(`${name} is read from this terminal: type it, and end with Ctrl-D.\n`);
  return terminal.stdin?.() ?? Readable.from([]);
}

/** Reads a file, or stdin. @throws the error of the file system. */
export const readBytes = (file: string): Uint8Array =>
  file === STDIN && stdin !== undefined ? stdin : readFileSync(file);

/** Reads a text file, or stdin. @throws {SettingsError} if it cannot be read, or is not UTF-8. */
export function readText(file: string): string {
  try {
    return decodeText(readBytes(file));
  } catch (error) {
    const problem = error instanceof TextError ? error.message : `cannot be read (${codeOf(error)})`;
    throw new SettingsError(file, problem, { cause: error });
  }
}

/** @throws {SettingsError} that names the file. */
export function writeText(file: string, text: string): void {
  if (file === STDIN) throw new SettingsError(file, 'is stdin, which cannot be written; name a file');
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new SettingsError(file, `cannot be written (${codeOf(error)})`, { cause: error });
  }
}

const VERSION_LINE = /^# (\/dli-reaper\/\S+) version (\d+)\r?\n/;

/** Adds the first line, which names the parameter and its version. By it a push sees whether the live policy has changed. */
export const withVersionLine = (text: string, parameter: string, version: number): string =>
  `# ${parameter} version ${version}\n${text.replace(VERSION_LINE, '')}`;

/** Reads the version from the first line. @returns undefined if the line is missing, or names another parameter. */
export function versionIn(text: string, parameter: string): number | undefined {
  const [, name, version] = VERSION_LINE.exec(text) ?? [];
  return name === parameter ? Number(version) : undefined;
}
