import { randomUUID } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../../lib/base/error-words.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { PAGE_BEGINS } from './html.ts';

/**
 * Checks that a page can be written, before a long record is read for it.
 *
 * @throws {SettingsError} for a file that is no page of a report, and for a folder that cannot be written.
 */
export function assertReplaceable(file: string): void {
  if (file === '-') throw new SettingsError('--out', 'expected the name of a file; a page is not written to stdout');
  try {
    const path = pathOf(file);
    if (existsSync(path) && !isPage(path)) {
      throw new SettingsError('--out', `${file} exists and is no page of this command; name another file with --out`);
    }
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw error instanceof SettingsError ? error : unwritten(file, error);
  }
}

/**
 * Writes a page in one step, so that a reader finds either the old one or the new one. Only its owner can read it, since it names
 * people.
 *
 * @returns its path. @throws {SettingsError} as {@link assertReplaceable}.
 */
export function writePage(file: string, html: string): string {
  assertReplaceable(file);
  const path = pathOf(file);
  const part = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    writeFileSync(part, html, { mode: 0o600, flag: 'wx' });
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw unwritten(file, error);
  }
  return path;
}

/** A link is kept, and what it leads to is replaced. */
const pathOf = (file: string): string => (existsSync(file) ? realpathSync(file) : resolve(file));

/** A device or a pipe is no page either. */
function isPage(path: string): boolean {
  if (!lstatSync(path).isFile()) return false;
  const head = Buffer.alloc(PAGE_BEGINS.length);
  const file = openSync(path, 'r');
  try {
    return head.toString('utf8', 0, readSync(file, head)) === PAGE_BEGINS;
  } finally {
    closeSync(file);
  }
}

const unwritten = (file: string, error: unknown): SettingsError =>
  new SettingsError('--out', `${file} cannot be written (${codeOf(error)})`, { cause: error });
