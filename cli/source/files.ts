import { readFileSync, writeFileSync } from 'node:fs';
import { codeOf } from '../../lib/base/error-words.ts';
import { decodeText, TextError } from '../../lib/base/text.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** Reads a file that somebody wrote. @throws {SettingsError} if it cannot be read, or is not UTF-8. */
export function readText(file: string): string {
  try {
    return decodeText(readFileSync(file));
  } catch (error) {
    const problem = error instanceof TextError ? error.message : `cannot be read (${codeOf(error)})`;
    throw new SettingsError(file, problem, { cause: error });
  }
}

/** @throws {SettingsError} naming the file. */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new SettingsError(file, `cannot be written (${codeOf(error)})`, { cause: error });
  }
}

const VERSION_LINE = /^# (\/dli-reaper\/\S+) version (\d+)\r?\n/;

/** The first line of a policy file that goes with a parameter, so that a push can tell whether live has changed since. */
export const withVersionLine = (text: string, parameter: string, version: number): string =>
  `# ${parameter} version ${version}\n${text.replace(VERSION_LINE, '')}`;

/** @returns undefined if the file goes with no parameter, or with another one. */
export function versionIn(text: string, parameter: string): number | undefined {
  const [, name, version] = VERSION_LINE.exec(text) ?? [];
  return name === parameter ? Number(version) : undefined;
}
