import type { ReadRecord } from './past-sweeps.ts';

/**
 * Reads what earlier deployed sweeps of a stage did. It loads its part of the AWS SDK on first use: most sweeps have no victims,
 * and never read the record.
 */
export function createRecordReaderOf(stage: string): ReadRecord {
  let reader: Promise<ReadRecord> | undefined;
  return async (asked) => {
    reader ??= import('./cloudwatch-log.ts').then((log) => log.createRecordReader(log.openSweepLog(stage)));
    return (await reader)(asked);
  };
}
