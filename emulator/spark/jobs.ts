import { type Life, obey, type Stage, stageAt } from '../base/life.ts';
import { Store } from '../base/store.ts';
import type { QueueService } from '../queues/queues.ts';

export type SparkState = 'starting' | 'running' | 'recovering' | 'success' | 'dead';

/** A Spark batch. Its whole life is fixed in advance, and begins with its creation. */
export interface EmulatedBatch {
  id: string;
  name: string;
  queue: string;
  owner: string;
  life: Life<SparkState>;
  /** The request that created it, shown as `req_body`. */
  request?: Record<string, unknown>;
  scType?: 'A' | 'B' | 'C' | 'CUSTOMIZED';
  proxyUser?: string;
  image?: string;
  feature?: string;
  sparkVersion?: string;
  /** `finish`: the batch wins the race against its cancel. `ignore`: it never stops. */
  onCancel?: 'stop' | 'finish' | 'ignore';
  /** Shown in place of the real state. */
  shownState?: string;
  /** Fields left out of every answer. */
  hiddenFields?: string[];
}

/** Whether a batch has ended. A cancelled batch is `dead`, as a failed one is: "dead: has exited". */
export const isBatchOver = (state: SparkState): boolean => state === 'success' || state === 'dead';

/** DLI gives up "a batch that cannot get resources" after about three hours. */
const STARTING_ENDS_AFTER_MS = 3 * 3_600_000;

/** Returns the state of a batch at a moment. */
export function batchStateAt({ life }: EmulatedBatch, now: number): SparkState {
  return stageAt(life, now).state;
}

/** Returns the life of a batch by its times, in epoch ms. Each recovery interrupts the run. */
export function batchLife(plan: {
  createdAt: number;
  runsFrom: number;
  recoveries?: { from: number; until: number }[];
  /** Default: it runs for ever. */
  endsAt?: number;
  endsAs?: 'success' | 'dead';
}): Life<SparkState> {
  const { createdAt, runsFrom, recoveries = [], endsAt, endsAs = 'success' } = plan;
  const givesUpAt = createdAt + STARTING_ENDS_AFTER_MS;
  const starting: Stage<SparkState> = { from: createdAt, state: 'starting' };
  if (runsFrom > givesUpAt) return [starting, { from: givesUpAt, state: 'dead' }];
  return [
    starting,
    { from: runsFrom, state: 'running' },
    ...recoveries.flatMap(({ from, until }): Stage<SparkState>[] => [
      { from, state: 'recovering' },
      { from: until, state: 'running' },
    ]),
    ...(endsAt === undefined ? [] : [{ from: endsAt, state: endsAs }]),
  ];
}

/** Accepts a cancel. The batch runs on for `delayMs`, and may end by itself before that. */
export function requestBatchCancel(batch: EmulatedBatch, now: number, delayMs: number): void {
  if (batch.onCancel === 'ignore') return;
  const end: Stage<SparkState> =
    batch.onCancel === 'finish' ? { from: now, state: 'success' } : { from: now + delayMs, state: 'dead' };
  batch.life = obey(batch.life, now, [end], isBatchOver);
}

/** The batches of one project, the oldest first. */
export class SparkStore extends Store<EmulatedBatch> {
  constructor() {
    super(
      ({ id }) => id,
      ({ life }) => life[0].from,
    );
  }
}

/** What the Spark routes need. */
export type SparkService = QueueService & { spark: SparkStore };
