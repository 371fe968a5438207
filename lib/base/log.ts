import { jsonOf } from './json-text.ts';

export type LogFields = Record<string, unknown>;

/**
 * The log of a sweep. `message` is a constant phrase; everything that varies is a field. Callers never pass headers,
 * credentials, SQL text or bodies: those must not reach a log at all.
 *
 * @template Lines the fields of each line by its message.
 */
export interface Log<Lines extends Record<keyof Lines, object> = Record<string, object>> {
  debug<M extends keyof Lines & string>(message: M, fields: Lines[M]): void;
  info<M extends keyof Lines & string>(message: M, fields: Lines[M]): void;
  warn<M extends keyof Lines & string>(message: M, fields: Lines[M]): void;
  error<M extends keyof Lines & string>(message: M, fields: Lines[M]): void;
}

export type LogLevel = keyof Log;

/** Makes a log that sends every line through one function. */
export function createLog<Lines extends Record<keyof Lines, object>>(
  write: (level: LogLevel, message: string, fields: object) => void,
): Log<Lines> {
  const at =
    (level: LogLevel) =>
    <M extends keyof Lines & string>(message: M, fields: Lines[M]) =>
      write(level, message, { ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Makes a log that writes one JSON object a line, for a terminal or a file. */
export function createJsonLinesLog<Lines extends Record<keyof Lines, object>>(
  write: (line: string) => void,
  now: () => number,
): Log<Lines> {
  return createLog((level, msg, fields) =>
    write(`${jsonOf({ level, msg, timestamp: new Date(now()).toISOString(), ...fields })}\n`),
  );
}

/** Makes a log that sends every line to each of some others. */
export function toEach<Lines extends Record<keyof Lines, object>>(logs: readonly Log<Lines>[]): Log<Lines> {
  const at =
    (level: LogLevel) =>
    <M extends keyof Lines & string>(message: M, fields: Lines[M]) => {
      for (const log of logs) log[level](message, fields);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Makes a log that adds some fields to every line. */
export function withFields<Lines extends Record<keyof Lines, object>>(log: Log<Lines>, common: object): Log<Lines> {
  const at =
    (level: LogLevel) =>
    <M extends keyof Lines & string>(message: M, fields: Lines[M]) =>
      log[level](message, { ...common, ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
