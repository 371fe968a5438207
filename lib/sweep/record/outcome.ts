import type { KeepReason } from './verdict.ts';

/** What became of one job. Each job seen gets exactly one, taken from what was read back. */
export type Outcome =
  /**
   * It was asked to stop, and was then read as stopped. `evidence`: whether DLI's word for that says so (CANCELLED), or is
   * the same for a job that failed (a batch is `dead` either way), so that our own record is the only witness.
   */
  | { kind: 'cancelled'; status: string; evidence: 'status' | 'own-record' }
  /**
   * It ended before or without our cancel: finished, failed, gone, or cancelled by somebody else. Where it cannot be told
   * whether our cancel had a part in it, the error says so; `endedBy` is set where DLI's word is that it was cancelled, and
   * no request of ours can have had a part in that.
   */
  | { kind: 'already-terminal'; status: string; endedBy?: 'others' | undefined; error?: Error | undefined }
  /** It was asked to stop, and has not been seen to stop. */
  | { kind: 'unconfirmed'; error: Error | undefined }
  /** DLI refused to cancel it, or gave up doing so, and it was then read as alive. */
  | { kind: 'failed'; error: Error }
  /** It was not asked to stop. The status is set where the job was read right before. */
  | { kind: 'skipped'; reason: SkipReason; status?: string; error?: Error | undefined };

export type SkipReason =
  | KeepReason
  /** The rule's action is to log, or to warn, and no more. */
  | 'log'
  | 'warn'
  | 'dry-run'
  /** Too many victims: none is cancelled. */
  | 'cap'
  /** No live sweep on record has gone by these settings, so that only the worst few are cancelled. */
  | 'first-sweep'
  /** The caps cannot be checked on an incomplete listing. */
  | 'partial'
  | 'deadline'
  /** The sweep was asked for too long ago by the time it could have begun to cancel. */
  | 'expired'
  /** Read right before its cancel, it was not what was decided upon any more: it began to run, or runs anew. */
  | 'changed'
  /** It could not be read right before its cancel, or DLI was not reached. */
  | 'unsent'
  /** The switch, the clock or the operator said stop. */
  | 'stopped';
