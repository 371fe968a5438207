import { accessSync, constants, createReadStream, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import type { Collector, SourceReader } from '../../lib/aggregate/collect.ts';
import { codeOf } from '../../lib/base/error-words.ts';
import { compareText } from '../../lib/base/text.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from '../screen/terminal.ts';
import { STDIN, streamStdin } from '../source/files.ts';
import { createLineReader } from './read-lines.ts';

/** What the reading of a long record needs of the verb. */
export interface Reading {
  /** Called with each part that was read. @param lines so far. @param upTo time of the latest of them, epoch ms. */
  onProgress: (name: string, lines: number, upTo?: number) => void;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
}

/**
 * Reads files, folders and stdin, one after the other, and holds none of them. What cannot be read is counted.
 *
 * @param paths checked by {@link assertReadable}. @throws the reason of the signal.
 */
export async function readFiles(
  paths: readonly string[],
  collector: Collector,
  terminal: Terminal,
  reading: Reading,
): Promise<void> {
  for (const path of paths) {
    const reader = collector.source(path);
    if (path === STDIN) {
      await readBytes(streamStdin('FILE', terminal), path, '', reader, reading);
    } else if (statSync(path).isDirectory()) {
      const files = filesIn(path);
      if (files.length === 0) reader.unread('a folder without a file', null);
      for (const file of files) await readFile(join(path, file), `${file} `, reader, reading);
    } else await readFile(path, '', reader, reading);
  }
}

/** Looks at all paths before the first is read. @throws {SettingsError} for one that cannot be read, and for a second stdin. */
export function assertReadable(paths: readonly string[]): void {
  if (paths.filter((path) => path === STDIN).length > 1) throw new SettingsError(STDIN, 'stdin can be read only once');
  for (const path of paths) {
    if (path === STDIN) continue;
    try {
      accessSync(path, constants.R_OK);
    } catch (error) {
      throw new SettingsError(path, `cannot be read (${codeOf(error)})`, { cause: error });
    }
  }
}

/** CloudWatch writes this empty file where it exports a log to. */
const EXPORT_TEST = 'aws-logs-write-test';

/** Returns the files in a folder and below it, in the same order on every machine. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name !== EXPORT_TEST)
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
    .filter(({ entry, path }) => entry.isFile() || (entry.isSymbolicLink() && isFile(path)))
    .map(({ path }) => relative(folder, path))
    .sort(compareText);
}

/** A link that leads nowhere counts as a file, so that it is not left out without a word. */
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;

const readFile = (path: string, within: string, reader: SourceReader, reading: Reading): Promise<void> =>
  readBytes(createReadStream(path, { highWaterMark: PART_BYTES }), path, within, reader, reading);

/** What is read at a time. By default it is 64 KB, and most of the time of a large file is then spent waiting. */
const PART_BYTES = 1_048_576;

/** @param within begins each place: the file, where the source is a folder. */
async function readBytes(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  within: string,
  reader: SourceReader,
  { onProgress, signal }: Reading,
): Promise<void> {
  const lines = createLineReader(reader, (line) => `${within}line ${line}`);
  const text = createTextReader(lines.line);
  try {
    const unpack = createUnpacker(text.add);
    const stream = bytes instanceof Readable ? bytes : Readable.from(bytes);
    for await (const part of addAbortSignal(signal, stream) as AsyncIterable<Uint8Array>) {
      await unpack.add(part);
      onProgress(name, text.lines());
    }
    await unpack.end();
    text.end();
  } catch (error) {
    signal.throwIfAborted();
    text.end();
    reader.unread(whyNot(error), `${within}line ${text.lines() + 1}`);
  }
  lines.end();
}

/** A file is not what it seems; the message says why. */
class ContentError extends Error {}

function whyNot(error: unknown): string {
  if (error instanceof ContentError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'Z_BUF_ERROR') return 'the rest, since the .gz file is cut off';
  if (code.startsWith('Z_')) return 'the rest, since the .gz file is damaged';
  return `the rest (${codeOf(error)})`;
}

const GZIP = [0x1f, 0x8b];

/** Unpacks gzip, whatever the name of the file, and passes on all that comes before a damage. */
function createUnpacker(onBytes: (bytes: Uint8Array) => void) {
  let gunzip: Gunzip | undefined;
  let failure: unknown;
  let onFailure: (error: unknown) => void = () => {};
  let isFirst = true;
  const fail = (error: unknown) => {
    failure ??= error;
    onFailure(failure);
  };
  const open = () => {
    const opened = createGunzip();
    opened.on('error', fail);
    opened.on('data', (bytes: Uint8Array) => {
      try {
        if (failure === undefined) onBytes(bytes);
      } catch (error) {
        fail(error);
      }
    });
    return opened;
  };
  /** A stream that fails does not call back, so its failure is heard as well. */
  const settled = (begin: (done: () => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      onFailure = reject;
      if (failure !== undefined) reject(failure);
      else begin(resolve);
    });
  return {
    /** Each part is unpacked before the next one is given, so that nothing is lost where the file is cut off. */
    add: async (part: Uint8Array): Promise<void> => {
      if (part.length === 0) return;
      if (isFirst && GZIP.every((byte, i) => part[i] === byte)) gunzip = open();
      isFirst = false;
      if (gunzip === undefined) return onBytes(part);
      const opened = gunzip;
      await settled((done) => void opened.write(part, () => done()));
    },
    end: async (): Promise<void> => {
      const opened = gunzip;
      if (opened === undefined) return;
      await settled((done) => void opened.once('end', done).end());
    },
  };
}

/** Text of one line in memory: a line of the log has at most 256 KB, a document of `jq -c` may have all jobs of a sweep. */
const LONGEST_LINE = 256 * 1024 * 1024;

/** Decodes UTF-8, or UTF-16 with a mark as PowerShell writes it, and splits it into lines. */
function createTextReader(onLine: (text: string, number: number) => void) {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let rest = '';
  let lines = 0;
  const split = (more: string) => {
    let from = 0;
    for (let end = more.indexOf('\n'); end >= 0; end = more.indexOf('\n', from)) {
      const line = rest + more.slice(from, end);
      rest = '';
      from = end + 1;
      lines += 1;
      onLine(line.endsWith('\r') ? line.slice(0, -1) : line, lines);
    }
    rest += more.slice(from);
    if (rest.length > LONGEST_LINE) throw new ContentError('the rest, since a line has more than 256 MB');
  };
  return {
    /** Number of lines so far. */
    lines: () => lines,
    add: (bytes: Uint8Array): void => {
      decoder ??= new TextDecoder(encodingOf(bytes));
      split(decoder.decode(bytes, { stream: true }));
    },
    /** Takes the last line, which may have no end. */
    end: (): void => {
      const last = rest + (decoder?.decode() ?? '');
      rest = '';
      if (last === '') return;
      lines += 1;
      onLine(last, lines);
    },
  };
}

/** @throws {ContentError} for bytes that are no text. */
function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes.includes(0)) throw new ContentError('it is not a text, and no .gz file');
  return 'utf-8';
}
