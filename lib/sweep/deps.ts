import type { Clock } from '../base/clock.ts';
import type { DliClientOptions } from '../dli/client.ts';
import type { SharedStates } from '../dli/shared-state.ts';
import type { SweepRequest } from '../request/request.ts';
import type { Ceilings } from '../settings/ceilings.ts';
import type { Settings } from '../settings/settings.ts';
import type { Progress } from './act/progress.ts';
import type { Judgement } from './judge/judge.ts';
import type { Readers } from './look/look.ts';
import type { ReadRecord } from './past/past-sweeps.ts';
import type { SweepLog } from './record/log-lines.ts';
import type { AnnouncedSince } from './tell/calendar.ts';

/** What a sweep needs of the world around it. */
export interface SweepDeps {
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  log: SweepLog;
  /** Resolves once all lines so far are written, and never rejects. By default a line is written at once. */
  settleLog?: (() => Promise<void>) | undefined;
  /** @throws {SettingsError} */
  loadSettings: (request: SweepRequest) => Promise<Settings>;
  /** Reads the ceilings, which no policy can loosen. @throws {SettingsError} if they cannot be read: no sweep is live then. */
  loadCeilings: () => Promise<Ceilings>;
  /** Reads what earlier sweeps of the target did. Without it, nothing is counted over several sweeps. */
  readRecord?: ReadRecord | undefined;
  /** Epoch ms; everything but the report is over by then. */
  deadlineAt: number;
  /** The period of the schedule, after which a tick expires. Without a schedule there are no ticks. */
  periodMs?: number | undefined;
  /**
   * Returns the ticks of the schedule that announce exemptions which end soon, for a tick that was due at this instant, epoch
   * ms. By default a sweep names all that end within a week.
   */
  announcedSince?: ((dueAt: number) => AnnouncedSince) | undefined;
  /** Once aborted, no more jobs are cancelled; those already asked to stop are still read back and reported. */
  stop?: AbortSignal | undefined;
  /** The state that sweeps of one process share if they share a credential. */
  sharedFor: SharedStates;
  /** Called before anything is done about the judgement, while DLI can still be asked. */
  onJudged?: ((judgement: Judgement, readers: Readers) => Promise<void> | void) | undefined;
  /** Awaited before the first cancel of a live sweep that has victims: the last moment to abort `stop`. */
  beforeCancelling?: (() => Promise<void>) | undefined;
  /** Called with how far the sweep is; may be called often. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Options of the DLI client. */
  connection?: Pick<DliClientOptions, 'connectTimeoutMs' | 'answerTimeoutMs' | 'maxAttempts'> | undefined;
}
