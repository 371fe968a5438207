import { systemClock } from '../../lib/base/clock.ts';
import { createJsonLinesLog } from '../../lib/base/log.ts';
import { type ManualPayload, parseRequest, type SweepRequest } from '../../lib/request/request.ts';
import { readCeilings } from '../../lib/settings/ceilings.ts';
import { watchSwitch } from '../../lib/settings/switch-watch.ts';
import { silentLog } from '../../lib/sweep/record/log-lines.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { type SweepDeps, sweep } from '../../lib/sweep/sweep.ts';
import { showProgress } from '../screen/progress.ts';
import { interrupted, onSweepInterrupt } from '../screen/signals.ts';
import { hearSilence } from '../screen/silence.ts';
import type { Terminal } from '../screen/terminal.ts';
import { type SettingsFlags, settingsSource } from '../source/load-settings.ts';
import { sharedFor } from '../source/network.ts';
import type { Stage } from '../source/open-stage.ts';

/** What all verbs that sweep take, as commander hands it over. */
export interface SweepFlags extends SettingsFlags {
  verifyFor?: string;
  maxKills?: number;
  reason?: string;
  /** Of `sweep` only; `plan` has no such flag. */
  dryRun?: boolean;
  /** Show the jobs that were spared as well. */
  spared?: boolean;
  json?: boolean;
  verbose?: boolean;
  quiet?: boolean;
}

/** An operator who waits that long has left; a Lambda would be over too. */
const DEADLINE_MS = 15 * 60_000;

interface Hooks {
  /** Unless given, made of the flags. */
  request?: SweepRequest;
  /** The stage of the flags, where the verb has it open; opened here by default. */
  stage?: Stage | undefined;
  onJudged?: SweepDeps['onJudged'];
}

/**
 * The same path as the Lambda's, with flags and files in place of event and parameters.
 *
 * The first Ctrl-C, or SIGTERM, stops asking for cancels and lets the rest be finished and reported; the second ends the
 * process.
 */
export async function performSweep(flags: SweepFlags, terminal: Terminal, hooks: Hooks = {}): Promise<SweepReport> {
  const stage = hooks.stage ?? (await stageOf(flags));
  const loadSettings = settingsSource(flags, terminal.env, stage);
  const request = hooks.request ?? requestOf(flags);
  const progress = showProgress(flags, terminal);
  // With a stage its switch stops a sweep that is under way, as it does in the function.
  const deadlineAt = systemClock.now() + DEADLINE_MS;
  const watch = stage && watchSwitch(stage.isSwitchedOn, { clock: systemClock, deadlineAt });
  const endHearing = hearSilence(progress.silent);
  const endListening = onSweepInterrupt(() =>
    progress.note('Interrupted: no more jobs are asked to stop. What is under way is finished and reported.'),
  );
  try {
    return await sweep(request, {
      clock: systemClock,
      random: Math.random,
      log: flags.verbose ? createJsonLinesLog(terminal.err, systemClock.now) : silentLog,
      loadSettings,
      // A stage has those that were deployed, and its sweeps are on record; without one there is only this terminal.
      loadCeilings: stage?.loadCeilings ?? (async () => readCeilings(terminal.env, 'terminal')),
      readRecord: stage?.readRecord,
      sharedFor,
      deadlineAt,
      stop: AbortSignal.any([interrupted, ...(watch === undefined ? [] : [watch.signal])]),
      onJudged: hooks.onJudged,
      beforeCancelling: watch?.start,
      onProgress: progress.show,
    });
  } finally {
    watch?.end();
    endHearing();
    progress.end();
    endListening();
  }
}

/** The AWS SDK takes longer to load than all the rest. */
async function stageOf({ stage }: SweepFlags): Promise<Stage | undefined> {
  return stage === undefined ? undefined : (await import('../source/open-stage.ts')).openStage(stage);
}

function requestOf({ stage, target, dryRun, maxKills, verifyFor, reason }: SweepFlags): SweepRequest {
  const payload: ManualPayload = {
    target: stage === undefined ? 'cli' : target,
    dryRun,
    maxKills,
    verifyFor,
    reason,
  };
  return parseRequest(payload);
}
