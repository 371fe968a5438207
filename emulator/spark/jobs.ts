import { type Life, obey, type Stage, stageAt } from '../base/life.ts';
import { Store } from '../base/store.ts';
import type { QueueService } from '../queues/queues.ts';

export type SparkState = 'starting' | 'running' | 'recovering' | 'success' | 'dead';

/** A Spark batch with its whole life written down in advance. It was created when its life begins. */
export interface EmulatedBatch {
  id: string;
  name: string;
  queue: string;
  owner: string;
  life: Life<SparkState>;
  /** The request it was created by; shown as `req_body`. */
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

/** "dead: has exited", whoever ended it: there is no word of its own for a batch that was cancelled. */
export const isBatchOver = (state: SparkState): boolean => state === 'success' || state === 'dead';

/** "A batch that cannot get resources" is dead after about three hours. */
const STARTING_ENDS_AFTER_MS = 3 * 3_600_000;

export function batchStateAt({ life }: EmulatedBatch, now: number): SparkState {
  return stageAt(life, now).state;
}

/** The life of a batch in one line; all instants in epoch ms. Each recovery interrupts the run. */
export function batchLife(plan: {
  createdAt: number;
  runsFrom: number;
  recoveries?: { from: number; until: number }[];
  /** It runs for ever unless given. */
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

/** Accepted is not done: the batch goes on for `delayMs`, and may end by itself before. */
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
