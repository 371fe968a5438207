interface LogQuestion {
  logGroupName?: string;
  logStreamName?: string;
  filterPattern?: string;
  startTime?: number;
  endTime?: number;
  logEvents?: { timestamp: number; message: string }[];
}

interface LogLine {
  logGroupName: string;
  timestamp: number;
  message: string;
  eventId: string;
}

interface LogOptions {
  /** Whether a log group exists. */
  hasGroup: (name: string) => boolean;
  /** Ignores the filter and sends every line of a log, as moto does. */
  isPatternIgnored?: boolean | undefined;
}

/** The part of CloudWatch Logs that functions and the command line use. */
export function createLogs({ hasGroup, isPatternIgnored = false }: LogOptions) {
  const lines: LogLine[] = [];
  const streams = new Set<string>();

  const write = (logGroupName: string, message: string, timestamp: number): void => {
    lines.push({ logGroupName, timestamp, message, eventId: String(lines.length) });
  };

  /** @returns the answer, or the name of the error; undefined for an operation that is not played. */
  function answer(operation: string, question: LogQuestion): object | string | undefined {
    const { logGroupName = '', logStreamName = '', filterPattern = '', logEvents = [] } = question;
    const { startTime = 0, endTime = Number.POSITIVE_INFINITY } = question;
    const stream = JSON.stringify([logGroupName, logStreamName]);
    if (!hasGroup(logGroupName)) return 'ResourceNotFoundException';
    switch (operation) {
      case 'FilterLogEvents': {
        const isWanted = isPatternIgnored ? () => true : readPattern(filterPattern);
        return {
          events: lines
            .filter((line) => line.logGroupName === logGroupName)
            .filter(({ timestamp }) => timestamp >= startTime && timestamp <= endTime)
            .filter(({ message }) => isWanted(message)),
        };
      }
      case 'CreateLogStream':
        if (streams.has(stream)) return 'ResourceAlreadyExistsException';
        streams.add(stream);
        return {};
      case 'PutLogEvents':
        if (!streams.has(stream)) return 'ResourceNotFoundException';
        for (const { message, timestamp } of logEvents) write(logGroupName, message, timestamp);
        return {};
      default:
        return undefined;
    }
  }

  return { lines: lines as readonly LogLine[], write, answer };
}

/**
 * Reads the forms in use: `{ ($.msg = "one") || ($.msg = "other") }`, `{ ($.target = "lake") && (($.msg = "one") || …) }`, and terms
 * with a question mark, of which one has to match.
 */
function readPattern(pattern: string): (message: string) => boolean {
  if (pattern.startsWith('{')) {
    const wanted = [...pattern.matchAll(/\(\$\.msg = "([^"]*)"\)/g)].map(([, msg]) => msg);
    const [, target, projectId] =
      /\(\(\$\.target = "([^"]*)"\) \|\| \(\$\.projectId = "([^"]*)"\)\) && /.exec(pattern) ?? [];
    return (message) => {
      // A line of the runtime itself, which is no JSON, matches no such pattern.
      if (!message.startsWith('{')) return false;
      const line = JSON.parse(message) as { msg?: string; target?: string; projectId?: string };
      const isOfTarget = target === undefined || line.target === target || line.projectId === projectId;
      return wanted.includes(line.msg) && isOfTarget;
    };
  }
  const terms = [...pattern.matchAll(/\?"([^"]*)"/g)].map(([, term = '']) => term);
  return (message) => terms.some((term) => message.includes(term));
}
