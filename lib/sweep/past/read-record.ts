import type { ReadRecord } from './past-sweeps.ts';

/**
 * Reads what the deployed sweeps of a stage have done before. What it takes of the AWS SDK is loaded when it is first asked:
 * most sweeps have no victims, and never ask.
 */
export function createRecordReaderOf(stage: string): ReadRecord {
  let reader: Promise<ReadRecord> | undefined;
  return async (asked) => {
    reader ??= import('./cloudwatch-log.ts').then((log) => log.createRecordReader(log.openSweepLog(stage)));
    return (await reader)(asked);
  };
}
