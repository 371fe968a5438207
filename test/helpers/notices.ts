import { gzipSync } from 'node:zlib';
import type { Message, MessageJob } from '../../lib/sweep/record/message.ts';
import { HOUR } from './world.ts';

/** Returns the id of a made-up job. */
export const jobIdOf = (number: number): string => `37286cc7-0508-4e1d-9636-${String(number).padStart(12, '0')}`;

export const messageJob = (number: number, fields: Partial<MessageJob> = {}): MessageJob => ({
  kind: 'cancelled',
  jobId: jobIdOf(number),
  name: null,
  engine: 'sql',
  queue: 'adhoc',
  owner: 'ana',
  rule: 'adhoc-2h',
  clock: 'maxRunTime',
  limitMs: 2 * HOUR,
  readingMs: 3 * HOUR,
  at: null,
  keptBy: null,
  repeats: null,
  error: null,
  ...fields,
});

/** The fields of a line that holds a message: one cancelled job of ana, by the schedule. */
export const messageLine = (fields: Partial<Message> & Record<string, unknown> = {}) => ({
  level: 'info',
  msg: 'message',
  timestamp: '2026-11-27T09:00:00.000Z',
  stage: 'dev',
  periodMinutes: 15,
  awsRequestId: 'f5c2e8a0-0000-4000-8000-000000000000',
  sweepId: 'sweep-1',
  target: 'lake',
  region: 'eu-west-101',
  projectId: '0123456789abcdef0123456789abcdef',
  projectName: 'eu-west-101_lake',
  trigger: 'schedule',
  version: 1,
  to: 'owner',
  owner: 'ana',
  dryRun: false,
  requestReason: null,
  status: null,
  problems: [],
  jobs: [messageJob(1)],
  more: {},
  exemptions: [],
  routes: [],
  ...fields,
});

/** The same for the operators. */
export const operatorsLine = (fields: Partial<Message> & Record<string, unknown> = {}) =>
  messageLine({ to: 'operators', owner: null, status: 'ok', ...fields });

const payload = (fields: object) => ({
  awslogs: { data: gzipSync(JSON.stringify(fields)).toString('base64') },
});

/**
 * The event of a subscription, with the example of AWS around the lines.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html ("Example 2")
 */
export const subscriptionEvent = (lines: readonly (object | string)[]) =>
  payload({
    messageType: 'DATA_MESSAGE',
    owner: '123456789012',
    logGroup: '/aws/lambda/dli-job-reaper-dev-sweep',
    logStream: '2026/11/27/[$LATEST]f5c2e8a000004000800000000000',
    subscriptionFilters: ['dli-job-reaper-dev-messages'],
    logEvents: lines.map((line, i) => ({
      id: `3195310660696698337880902507980421114328961542429${i}`,
      timestamp: 1_432_826_855_000 + i,
      message: typeof line === 'string' ? line : JSON.stringify(line),
    })),
  });

/** What CloudWatch Logs sends when a subscription is made. */
export const controlEvent = () =>
  payload({
    messageType: 'CONTROL_MESSAGE',
    owner: 'CloudwatchLogs',
    logGroup: '',
    logStream: '',
    subscriptionFilters: [],
    logEvents: [
      {
        id: '',
        timestamp: 1_432_826_855_000,
        message: 'CWL CONTROL MESSAGE: Checking health of destination Firehose.',
      },
    ],
  });

/** The name of the parameter of a route of the stage `dev`. */
export const routeName = (name: string): string => `/dli-reaper/dev/notices/routes/${name}`;
