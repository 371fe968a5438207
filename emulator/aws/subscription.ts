import { gzipSync } from 'node:zlib';

interface SubscriptionOptions {
  /** The log groups that have the filter. */
  logGroups: readonly string[];
  /** Calls the function with an event. */
  invoke: (event: object) => Promise<unknown>;
}

/** Passes the messages of sweeps on to a function, as a subscription filter `{ $.msg = "message" }` does. */
export function createSubscription({ logGroups, invoke }: SubscriptionOptions) {
  const waiting: string[] = [];
  let isUnderWay = false;
  let isOver = false;

  async function deliver(): Promise<void> {
    if (isUnderWay) return;
    isUnderWay = true;
    // The lines that come meanwhile go together.
    while (waiting.length > 0 && !isOver) await invoke(eventOf(waiting.splice(0)));
    isUnderWay = false;
  }

  return {
    /** Takes a line that was written to a log. */
    take: (logGroupName: string, line: string) => {
      if (!logGroups.includes(logGroupName) || !isMessage(line)) return;
      waiting.push(line);
      setImmediate(() => void deliver());
    },
    end: () => {
      isOver = true;
    },
  };
}

/** A line of the runtime itself is no JSON. */
const isMessage = (line: string): boolean =>
  line.startsWith('{') && (JSON.parse(line) as { msg?: unknown }).msg === 'message';

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html */
function eventOf(lines: readonly string[]): object {
  const payload = { messageType: 'DATA_MESSAGE', logEvents: lines.map((message) => ({ message })) };
  return { awslogs: { data: gzipSync(JSON.stringify(payload)).toString('base64') } };
}
