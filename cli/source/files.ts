import { readFileSync, writeFileSync } from 'node:fs';
import { codeOf } from '../../lib/base/error-words.ts';
import { decodeText, TextError } from '../../lib/base/text.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** Reads a text file. @throws {SettingsError} if it cannot be read, or is not UTF-8. */
export function readText(file: string): string {
  try {
    return decodeText(readFileSync(file));
  } catch (error) {
    const problem = error instanceof TextError ? error.message : `cannot be read (${codeOf(error)})`;
    throw new SettingsError(file, problem, { cause: error });
  }
}

/** @throws {SettingsError} that names the file. */
export function writeText(file: string, text: string): void {
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
