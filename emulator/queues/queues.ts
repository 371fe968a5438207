import { type Answer, dliError } from '../base/answer.ts';
import { invalid, QUEUE_NAME, type Tag } from '../base/query.ts';
import type { Service } from '../base/service.ts';
import { Store } from '../base/store.ts';

/** A queue as the API shows it. No job runs in it, so its CUs limit nothing. */
export interface EmulatedQueue {
  /** In lower case, as DLI keeps it. */
  name: string;
  type: 'sql' | 'general';
  cuCount: number;
  /** Epoch ms. */
  createdAt: number;
  description?: string;
  owner?: string;
  engine?: 'spark' | 'hetuEngine';
  usedCu?: number;
  /** 1: per CU-hour. 2: yearly or monthly. Default: 1, and 0 for the queue `default`. */
  chargingMode?: 1 | 2;
  /** 0: shared. 1: dedicated. Default: 1. */
  resourceMode?: 0 | 1;
  resourceType?: 'vm' | 'container';
  /** Default: `cuCount`. */
  cuSpec?: number;
  cuScaleInLimit?: number;
  cuScaleOutLimit?: number;
  elasticResourcePool?: string;
  /** In its pool. Default: its CUs all day. */
  scalingPolicies?: ScalingPolicy[];
  feature?: 'basic' | 'ai';
  isRestarting?: boolean;
  labels?: string;
  tags?: Tag[];
  /** Default: x86_64. */
  platform?: string;
  /** Default: 0. */
  enterpriseProjectId?: string;
  /** Its network. Default: 10.0.0.0/8. */
  cidr?: string;
  /** By key, such as `job.maxConcurrent`. */
  properties?: Record<string, string>;
}

/** With the names of the API. The highest priority is 100. */
export interface ScalingPolicy {
  priority: number;
  /** As `00:00`. */
  impact_start_time: string;
  impact_stop_time: string;
  min_cu: number;
  max_cu: number;
}

/** The queues of one project, the oldest first. */
export class QueueStore extends Store<EmulatedQueue> {
  constructor() {
    super(
      ({ name }) => name,
      ({ createdAt }) => createdAt,
    );
  }
}

/**
 * Returns the queues of a project that lists none: the shared `default`, and each queue that a job names, with 16 CUs.
 * A queue is for SQL if a SQL job names it.
 */
export function queuesOf(
  jobs: { sql: readonly { queue: string }[]; others: readonly { queue: string }[] },
  now: number,
): EmulatedQueue[] {
  const types = new Map<string, EmulatedQueue['type']>();
  for (const { queue } of jobs.others) types.set(queue, 'general');
  for (const { queue } of jobs.sql) types.set(queue, 'sql');
  types.delete('default');
  types.delete('');
  const createdAt = now - 30 * 24 * 3_600_000;
  return [
    { name: 'default', type: 'sql', cuCount: 0, createdAt, resourceMode: 0 },
    ...[...types].map(([name, type]): EmulatedQueue => ({ name, type, cuCount: 16, createdAt })),
  ];
}

/** What the routes of the queues need, and every route that takes the name of a queue. */
export type QueueService = Service & { queues: QueueStore };

/** What the routes that change a queue need besides. */
export interface QueueWork {
  /** Whether a job is alive on a queue, or waits for it. */
  hasLiveJobs: (queue: string) => boolean;
  /** Adds the job that restarts a queue. @returns its id. */
  submitRestart: (queue: string) => string;
}

/** Refuses a job for a queue that does not exist, if the assumptions say so. */
export function refuseUnknownQueue({ queues, assumptions }: QueueService, name: string): Answer | undefined {
  if (assumptions.unknownQueue === 'accepted' || queues.get(name) !== undefined) return undefined;
  return dliError(400, assumptions.unknownQueue, `There is no queue named ${name}`);
}

/** Refuses the name of no queue: "There is no queue named …" with DLI.0002, as in the example of "Submitting a SQL Job". */
export function refuseNoQueue(name: string): Answer {
  return dliError(400, 'DLI.0002', `There is no queue named ${name.toLowerCase()}`);
}

/** Finds the queue that a path names. */
export function findQueue(
  { queues }: QueueService,
  name: string,
): { queue: EmulatedQueue; refusal?: never } | { queue?: never; refusal: Answer } {
  if (!QUEUE_NAME.test(name)) return { refusal: invalid('queue_name', 'letters, digits and underscores') };
  const queue = queues.get(name);
  return queue === undefined ? { refusal: refuseNoQueue(name) } : { queue };
}
