import type { SourceReader } from '../../lib/aggregate/collect.ts';
import { TAILED } from '../notices/log-lines.ts';

/*
 * Reads the lines of a file one after the other, whatever it holds: lines of a log, documents of `--json`, the output of
 * `aws logs filter-log-events`, or all of them mixed. Only a document that goes over several lines is held, until it ends.
 */

/** Takes the lines of one file. */
export interface LineReader {
  line: (text: string, number: number) => void;
  /** @param isCut whether the file goes on, and its rest cannot be read. */
  end: () => void;
}

/** @param placeOf names a line, such as `line 3`. */
export function createLineReader(reader: SourceReader, placeOf: (line: number) => string): LineReader {
  let open: OpenDocument | undefined;

  /** Ends the document that is open. @param text the line after it, or undefined. @returns whether that line is its last. */
  const close = (text: string | undefined): boolean => {
    const isWhole = open !== undefined && text !== undefined && /^[}\]],?$/.test(text);
    if (isWhole) open?.end();
    else if (open !== undefined) reader.unread(CUT_OFF, placeOf(open.line));
    open = undefined;
    return isWhole;
  };

  return {
    line: (text, number) => {
      // Inside a document lines begin with a space. So one that was cut off costs no more than itself.
      if (open !== undefined && /^\s|^$/.test(text)) open.add(text, number);
      else if (close(text)) return;
      else if (text === '{' || text === '[') open = openDocument(text, number, reader, placeOf);
      else takeText(text, reader, placeOf(number));
    },
    end: () => void close(undefined),
  };
}

const CUT_OFF = 'a document that is cut off';

/** Text of one document in memory. Node holds no string of twice the size. */
const LONGEST_DOCUMENT = 256 * 1024 * 1024;

/** A document of several lines that has begun. */
interface OpenDocument {
  /** Number of its first line. */
  line: number;
  add: (text: string, number: number) => void;
  end: () => void;
}

function openDocument(
  bracket: '{' | '[',
  line: number,
  reader: SourceReader,
  placeOf: (line: number) => string,
): OpenDocument {
  const parts: string[] = [bracket];
  let length = 0;
  let events: EventLines | undefined;
  return {
    line,
    add: (text, number) => {
      if (EVENTS.test(text)) events ??= createEventLines(reader, placeOf);
      length += text.length + 1;
      if (events !== undefined) events.add(text, number);
      else if (length > LONGEST_DOCUMENT) parts.length = 0;
      else parts.push(text);
    },
    end: () => {
      if (events !== undefined) return;
      if (length > LONGEST_DOCUMENT) reader.unread('a document of more than 256 MB', placeOf(line));
      else takeJson([...parts, bracket === '{' ? '}' : ']'].join('\n'), reader, placeOf(line));
    },
  };
}

/** The first line of the list in what `aws logs filter-log-events` and `get-log-events` print. */
const EVENTS = /^\s+"events": \[$/;

/** Lines of such a list, which may be hundreds of megabytes. */
interface EventLines {
  add: (text: string, number: number) => void;
}

/** Takes one event after the other from its lines. */
function createEventLines(reader: SourceReader, placeOf: (line: number) => string): EventLines {
  let event: { line: number; message?: string; timestamp?: number } | undefined;
  return {
    add: (text, number) => {
      const [, key, value = ''] = /^\s+"(\w+)": (.*?),?$/.exec(text) ?? [];
      if (key === 'message') event = { ...event, line: number, message: value };
      else if (key === 'timestamp') event = { line: number, ...event, timestamp: Number(value) };
      else if (key !== undefined && /^nextToken$/i.test(key)) reader.unread(MORE_EVENTS, placeOf(number));
      else if (/^\s+\},?$/.test(text) && event !== undefined) {
        takeEvent(event, reader, placeOf(event.line));
        event = undefined;
      }
    },
  };
}

const MORE_EVENTS = 'more events follow, which are not in this file: it was made with --max-items or --no-paginate';

function takeEvent(
  { message, timestamp }: { message?: string; timestamp?: number },
  reader: SourceReader,
  place: string,
): void {
  const text = message === undefined ? undefined : parse(message);
  if (typeof text === 'string') takeText(text, reader, place, timestamp);
  else reader.unread(NOT_OURS, place);
}

const NOT_OURS = 'not a line of the log, and no document of --json';

/** What Lambda's runtime writes around the lines of a function, where its log is text. */
const OF_RUNTIME =
  /(?:START|END|REPORT|RESTORE_REPORT) RequestId: |(?:INIT_START|INIT_REPORT|RESTORE_START) |(?:EXTENSION|LOGS)\tName: |XRAY TraceId: |Task timed out after |RequestId: \S+ Error: /;

/** @param at epoch ms, when the log got the line, if that is known. */
function takeText(text: string, reader: SourceReader, place: string, at?: number): void {
  const trimmed = text.trim();
  if (trimmed === '') return;
  const [before = '', time] = TAILED.exec(trimmed) ?? [];
  const json = trimmed.slice(before.length);
  if (/^[{["]/.test(json)) takeJson(json, reader, place, at ?? instantOf(time));
  // It says nothing for a report, and is counted with the other lines that say nothing.
  else if (OF_RUNTIME.test(trimmed)) reader.line({ message: trimmed }, place, at);
  else reader.unread(NOT_OURS, place);
}

/** The short format of `aws logs tail` leaves out the zone, which is UTC. */
function instantOf(time: string | undefined): number | undefined {
  if (time === undefined) return undefined;
  const at = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`);
  return Number.isNaN(at) ? undefined : at;
}

function takeJson(text: string, reader: SourceReader, place: string, at?: number): void {
  // `jq .` and other tools put a comma behind the parts of a list.
  const value = parse(text) ?? parse(text.replace(/,$/, ''));
  if (value === undefined) reader.unread('JSON that is cut off or damaged', place);
  else takeValue(value, reader, place, at);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function takeValue(value: unknown, reader: SourceReader, place: string, at?: number): void {
  if (typeof value === 'string') takeText(value, reader, place, at);
  else if (Array.isArray(value)) for (const one of value) takeValue(one, reader, place);
  else if (typeof value === 'object' && value !== null) takeObject(value as Record<string, unknown>, reader, place, at);
  else reader.unread(NOT_OURS, place);
}

function takeObject(object: Readonly<Record<string, unknown>>, reader: SourceReader, place: string, at?: number): void {
  // A subscription has its events under the other name.
  const { msg, kind, events = object.logEvents, message, timestamp } = object;
  if (typeof msg === 'string') reader.line(object, place, at);
  else if (Array.isArray(events)) {
    takeValue(events, reader, place);
    if (object.nextToken != null || object.NextToken != null) reader.unread(MORE_EVENTS, place);
  } else if (typeof message === 'string' && typeof timestamp === 'number') takeText(message, reader, place, timestamp);
  else if (typeof kind === 'string') reader.document(object, place);
  else if (isOfRuntime(object)) reader.line(object, place, at);
  else reader.unread(NOT_OURS, place);
}

/**
 * Whether Lambda's runtime wrote a line of JSON: `{"time":…,"type":"platform.report","record":…}`, or an error that no code caught.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
 */
const isOfRuntime = ({ type, level, timestamp }: Readonly<Record<string, unknown>>): boolean =>
  (typeof type === 'string' && /^platform\.|^function$|^extension$/.test(type)) ||
  (typeof level === 'string' && typeof timestamp === 'string');
