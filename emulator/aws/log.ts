interface LogQuestion {
  logGroupName?: string;
  logStreamName?: string;
  filterPattern?: string;
  startTime?: number;
  endTime?: number;
  nextToken?: string;
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
  /** Called with each line that is written. */
  onLine?: ((logGroupName: string, line: string) => void) | undefined;
}

/**
 * Events of one answer.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html ("limit")
 */
const MOST_EVENTS = 10_000;

/** @see the same page ("filterPattern") */
const LONGEST_PATTERN = 1_024;

/** The part of CloudWatch Logs that functions and the command line use. */
export function createLogs({ hasGroup, isPatternIgnored = false, onLine }: LogOptions) {
  const lines: LogLine[] = [];
  const streams = new Set<string>();

  const write = (logGroupName: string, message: string, timestamp: number): void => {
    lines.push({ logGroupName, timestamp, message, eventId: String(lines.length) });
    onLine?.(logGroupName, message);
  };

  /** @returns the answer, or the name of the error; undefined for an operation that is not played. */
  function answer(operation: string, question: LogQuestion): object | string | undefined {
    const { logGroupName = '', logStreamName = '', filterPattern = '', logEvents = [] } = question;
    const { startTime = 0, endTime = Number.POSITIVE_INFINITY } = question;
    const stream = JSON.stringify([logGroupName, logStreamName]);
    if (!hasGroup(logGroupName)) return 'ResourceNotFoundException';
    switch (operation) {
      case 'FilterLogEvents': {
        if (filterPattern.length > LONGEST_PATTERN) return 'InvalidParameterException';
        const isWanted = isPatternIgnored ? () => true : readPattern(filterPattern);
        const found = lines
          .filter((line) => line.logGroupName === logGroupName)
          .filter(({ timestamp }) => timestamp >= startTime && timestamp <= endTime)
          .filter(({ message }) => isWanted(message));
        const from = Number(question.nextToken ?? 0);
        const end = from + MOST_EVENTS;
        return { events: found.slice(from, end), ...(end < found.length && { nextToken: String(end) }) };
      }
      case 'CreateLogStream':
        if (streams.has(stream)) return 'ResourceAlreadyExistsException';
        streams.add(stream);
        return {};
      case 'PutLogEvents':
        if (!streams.has(stream)) return 'ResourceNotFoundException';
        if (isTooMuch(logEvents)) return 'InvalidParameterException';
        for (const { message, timestamp } of logEvents) write(logGroupName, message, timestamp);
        return {};
      default:
        return undefined;
    }
  }

  return { lines: lines as readonly LogLine[], write, answer };
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html ("The maximum batch size") */
function isTooMuch(logEvents: readonly { message: string }[]): boolean {
  const bytes = logEvents.reduce((sum, { message }) => sum + Buffer.byteLength(message) + 26, 0);
  return bytes > 1_048_576 || logEvents.length > 10_000;
}

/**
 * Reads the forms in use: `{ ($.msg = "one") && (($.target = "lake") || ($.skipped IS NULL)) }`, also with `NOT EXISTS`, and terms
 * with a question mark, of which one has to match.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
 */
function readPattern(pattern: string): (message: string) => boolean {
  if (pattern.startsWith('{')) {
    const holds = readTerms(pattern.slice(1, -1));
    // A line of the runtime itself, which is no JSON, matches no such pattern.
    return (message) => message.startsWith('{') && holds(JSON.parse(message) as Fields);
  }
  const terms = [...pattern.matchAll(/\?"([^"]*)"/g)].map(([, term = '']) => term);
  return (message) => terms.some((term) => message.includes(term));
}

type Fields = Readonly<Record<string, unknown>>;
type Holds = (fields: Fields) => boolean;

/** Reads terms in parentheses that are joined by one kind of `&&` or `||`. */
function readTerms(text: string): Holds {
  const tokens = text.match(/\(|\)|&&|\|\||\$\.\w+ = "[^"]*"|\$\.\w+ (?:IS NULL|NOT EXISTS)/g) ?? [];
  const take = (): Holds => {
    const token = tokens.shift() ?? '';
    if (token !== '(') return readTerm(token);
    const inside = takeAll();
    tokens.shift();
    return inside;
  };
  const takeAll = (): Holds => {
    const all = [take()];
    const joint = tokens[0];
    while (tokens[0] === '&&' || tokens[0] === '||') {
      tokens.shift();
      all.push(take());
    }
    return (fields) => (joint === '&&' ? all.every((holds) => holds(fields)) : all.some((holds) => holds(fields)));
  };
  return takeAll();
}

function readTerm(term: string): Holds {
  const [, nullable = ''] = /^\$\.(\w+) IS NULL$/.exec(term) ?? [];
  if (nullable !== '') return (fields) => fields[nullable] === null;
  const [, missing = ''] = /^\$\.(\w+) NOT EXISTS$/.exec(term) ?? [];
  if (missing !== '') return (fields) => !Object.hasOwn(fields, missing);
  const [, field = '', wanted] = /^\$\.(\w+) = "([^"]*)"$/.exec(term) ?? [];
  return (fields) => fields[field] === wanted && wanted !== undefined;
}
