import { MESSAGE_VERSION, type Message, type MessageJob } from '../sweep/record/message.ts';
import { TEST_MESSAGE } from './received.ts';
import type { Addressed } from './routes.ts';

const HOUR_MS = 3_600_000;

/**
 * Makes the line of a test: an example of what a recipient gets, which goes where a real message with this target, owner and queue
 * would go. It is about a job if it has an owner or a queue, and otherwise about the status of a sweep.
 */
export function testLine({ to, target, owner, queue }: Addressed): string {
  const isAboutJob = owner !== null || queue !== null;
  const message: Message = {
    version: MESSAGE_VERSION,
    to,
    owner,
    dryRun: false,
    requestReason: null,
    status: isAboutJob ? null : 'stopped',
    problems: isAboutJob ? [] : ['this is an example: no sweep was stopped'],
    jobs: isAboutJob ? [exampleJob(owner, queue)] : [],
    more: {},
    exemptions: [],
    routes: [],
  };
  return JSON.stringify({ msg: TEST_MESSAGE, target, ...message });
}

const exampleJob = (owner: string | null, queue: string | null): MessageJob => ({
  kind: 'cancelled',
  jobId: '00000000-0000-0000-0000-000000000000',
  name: 'example',
  engine: 'sql',
  queue,
  owner,
  rule: 'example',
  clock: 'maxRunTime',
  limitMs: 2 * HOUR_MS,
  readingMs: 3 * HOUR_MS,
  at: null,
  keptBy: null,
  repeats: null,
  error: null,
});
