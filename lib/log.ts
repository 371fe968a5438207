export type LogFields = Record<string, unknown>;

/**
 * Where a sweep writes what it does. `message` is a constant phrase; what varies is a field.
 * Callers never pass headers, credentials, SQL text or bodies: those must not reach a log at all.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** One JSON object a line, for a terminal or a file; the Lambda has Powertools for this. */
export function createJsonLinesLog(write: (line: string) => void, now: () => number): Log {
  const at =
    (level: string) =>
    (msg: string, fields: LogFields = {}) =>
      write(`${JSON.stringify({ level, msg, time: new Date(now()).toISOString(), ...fields })}\n`);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** What each line of the deployed functions has beside what it tells; whoever puts a report together from lines drops it. */
export const LINE_FRAME = ['level', 'msg', 'time', 'stage', 'periodMinutes', 'awsRequestId'] as const;

/** The same log with some fields on every line. */
export function withFields(log: Log, common: LogFields): Log {
  const at = (level: keyof Log) => (message: string, fields?: LogFields) =>
    log[level](message, { ...common, ...fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
