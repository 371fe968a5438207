import type { Socket } from 'node:net';
import type { FunctionResult } from '../../emulator/aws/functions.ts';
import { type Invocation, startAws } from '../../emulator/aws/server.ts';
import { LOOSE_CEILINGS } from './ceilings.ts';

interface AwsServerOptions {
  /** Actions that the caller's IAM role lacks, such as `PutParameter`. */
  refusedOperations?: readonly string[];
  /** Number of the first calls of an operation that are refused as too many. */
  throttled?: Readonly<Record<string, number>>;
  /** Accepts every call of Parameter Store, and answers none. */
  isParameterStoreSilent?: boolean;
  /** Ignores the filter and sends every line of a log, as moto does. */
  isPatternIgnored?: boolean;
  /** Whether functions and their logs exist. */
  isDeployed?: boolean;
  /** Whether the deploy is recent enough to have made the log group for sweeps by hand. */
  hasByHandLog?: boolean;
  /** Whether the stage has the function for messages. */
  hasNotify?: boolean;
  /** Ceilings in the environment of the deployed sweep. The defaults are loose, for tests about something else. */
  ceilings?: Record<string, string>;
  /** Stands in for the functions. They write their log with `log`. */
  onInvoke?: (invocation: Invocation) => Promise<FunctionResult> | Promise<void>;
}

/** The emulator's AWS, with switches for what goes wrong there. */
export async function startAwsServer(
  parameters: Record<string, string>,
  {
    refusedOperations = [],
    throttled = {},
    isParameterStoreSilent = false,
    isPatternIgnored = false,
    isDeployed = true,
    hasByHandLog = true,
    hasNotify = true,
    ceilings = LOOSE_CEILINGS,
    onInvoke = async () => {},
  }: AwsServerOptions = {},
) {
  const invocations: Invocation[] = [];
  const calls: string[] = [];
  const parameterSockets = new Set<Socket>();

  const { store, queues, refusedGroups, logs, url, queueUrls, settled, close } = await startAws({
    parameters,
    accessKeyId: 'test',
    now: Date.now,
    hasFunction: (name) => isDeployed && (hasNotify || !name.endsWith('-notify')),
    hasLogGroup: () => hasByHandLog,
    functionEnvironment: ceilings,
    isPatternIgnored,
    onInvoke: (invocation) => {
      invocations.push(invocation);
      return onInvoke(invocation);
    },
    onCall: (operation, service, socket) => {
      calls.push(operation);
      if (service === 'AmazonSSM') parameterSockets.add(socket);
      if (service === 'AmazonSSM' && isParameterStoreSilent) return 'hang';
      if (operation === 'PutParameter') {
        server.beforeWrite?.();
        server.beforeWrite = undefined;
      }
      if (refusedOperations.includes(operation)) return 'AccessDeniedException';
      const isOneTooMany = calls.filter((call) => call === operation).length <= (throttled[operation] ?? 0);
      return isOneTooMany ? 'ThrottlingException' : undefined;
    },
  });

  const server = {
    ...store,
    /** Action of another person right before the next parameter is written. */
    beforeWrite: undefined as (() => void) | undefined,
    queues,
    /** Groups whose messages are refused. */
    refusedGroups,
    /** Every call, by its operation. */
    calls,
    /** Number of connections on which Parameter Store was called. The SDK keeps those of a client open. */
    parameterConnections: () => parameterSockets.size,
    invocations,
    log: (logGroupName: string, fields: object, timestamp = Date.now()) =>
      logs.write(logGroupName, JSON.stringify(fields), timestamp),
    /** Returns the lines of one log group, in the order in which they came. */
    linesOf: (logGroupName: string) =>
      logs.lines
        .filter((line) => line.logGroupName === logGroupName)
        .map(({ message }) => JSON.parse(message) as Record<string, unknown>),
    /** Returns the lines logged with this `msg`. */
    logged: (msg: string) =>
      logs.lines
        .map(({ message }) => JSON.parse(message) as Record<string, unknown>)
        .filter((line) => line.msg === msg),
    /** Resolves when every invocation has finished. */
    settled,
    /** Environment with which a process finds it instead of AWS. It also has a function's ceilings. */
    env: {
      ...ceilings,
      AWS_ENDPOINT_URL: url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      PERIOD_MINUTES: '15',
      SWEEP_QUEUE_URL: queueUrls.sweeps,
      EMERGENCY_QUEUE_URL: queueUrls.emergencies,
    },
    close: async () => {
      await settled();
      await close();
    },
  };
  return server;
}
