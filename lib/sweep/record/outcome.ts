import type { KeepReason } from './verdict.ts';

/** What became of one job. Each job that was seen gets exactly one outcome, taken from what was read back. */
export type Outcome =
  /**
   * It was asked to stop, and was then read as stopped. `evidence` is `status` if DLI's status says so (CANCELLED). It is
   * `own-record` if the status is the same for a job that failed (a batch is `dead` either way): only our record knows then.
   */
  | { kind: 'cancelled'; status: string; evidence: 'status' | 'own-record'; fingerprint?: string | undefined }
  /**
   * It ended before or without our cancel: finished, failed, gone, or cancelled by someone else. If our cancel may have ended
   * it, the error says so. `endedBy` is set if DLI's status is cancelled, and no request of ours can be the reason.
   */
  | { kind: 'already-terminal'; status: string; endedBy?: 'others' | undefined; error?: Error | undefined }
  /** It was asked to stop, and was not seen to stop. */
  | { kind: 'unconfirmed'; error: Error | undefined }
  /** DLI refused to cancel it, or gave up doing so, and it was then read as alive. */
  | { kind: 'failed'; error: Error }
  /** It was not asked to stop. The status is set if the job was read right before. */
  | { kind: 'skipped'; reason: SkipReason; status?: string; error?: Error | undefined };

export type SkipReason =
  | KeepReason
  /** The rule only logs, or only warns. */
  | 'log'
  | 'warn'
  | 'dry-run'
  /** Too many victims: none is cancelled. */
  | 'cap'
  /** No live sweep on record had these settings, so only the worst few are cancelled. */
  | 'first-sweep'
  /** Its rule warns first, and no warning of it is old enough. */
  | 'warn-first'
  /** The caps cannot be checked on an incomplete listing. */
  | 'partial'
  | 'deadline'
  /** The request was too old by the time the sweep could have begun to cancel. */
  | 'expired'
  /** The reading right before its cancel showed another job than was decided on: it has begun to run, or runs again. */
  | 'changed'
  /** It could not be read right before its cancel, or DLI was not reached. */
  | 'unsent'
  /** The switch, the clock or the operator said stop. */
  | 'stopped';
