import { systemClock } from '../../lib/base/clock.ts';
import { createJsonLinesLog, toEach, withFields } from '../../lib/base/log.ts';
import { type ManualPayload, parseRequest, type SweepRequest } from '../../lib/request/request.ts';
import { readCeilings } from '../../lib/settings/ceilings.ts';
import { watchSwitch } from '../../lib/settings/switch-watch.ts';
import type { SweepDeps } from '../../lib/sweep/deps.ts';
import { errorField } from '../../lib/sweep/record/log-lines.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { sweep } from '../../lib/sweep/sweep.ts';
import { showProgress } from '../screen/progress.ts';
import { interrupted, onSweepInterrupt } from '../screen/signals.ts';
import type { Terminal } from '../screen/terminal.ts';
import type { ByHandRecord } from '../source/by-hand-record.ts';
import { type SettingsFlags, settingsSource } from '../source/load-settings.ts';
import { sharedIn } from '../source/network.ts';
import type { Stage } from '../source/open-stage.ts';

/** Flags of all verbs that sweep. */
export interface SweepFlags extends SettingsFlags {
  verifyFor?: string;
  maxKills?: number;
  reason?: string;
  /** Only `sweep` and `emergency` have this flag; `plan` has none. */
  dryRun?: boolean;
  /** Whether to show spared jobs too. */
  spared?: boolean;
  /** Whether to show every job on a screen as well. */
  all?: boolean;
  json?: boolean;
  verbose?: boolean;
  quiet?: boolean;
}

/** The longest sweep. A Lambda function cannot run longer either. */
const DEADLINE_MS = 15 * 60_000;

interface Hooks {
  /** Made from the flags by default. */
  request?: SweepRequest;
  /** The stage of the flags, if it is already open; opened here by default. */
  stage?: Stage | undefined;
  /** The record of a live sweep, if it is already open. Where there is a stage, it is opened here by default. */
  record?: ByHandRecord | undefined;
  onJudged?: SweepDeps['onJudged'];
}

/**
 * Sweeps one target as the Lambda function does, with flags and files in place of event and parameters.
 *
 * The first Ctrl-C, or SIGTERM, stops further cancels; what is running is finished and reported. A second one ends the
 * process.
 */
export async function performSweep(flags: SweepFlags, terminal: Terminal, hooks: Hooks = {}): Promise<SweepReport> {
  const stage = hooks.stage ?? (await stageOf(flags));
  const loadSettings = settingsSource(flags, terminal.env, stage);
  const request = hooks.request ?? requestOf(flags);
  const record = hooks.record ?? (stage && !request.dryRun ? await openRecord(stage, request, terminal) : undefined);
  const progress = showProgress(flags, terminal);
  // The switch of a stage stops a running sweep, as it does in the function.
  const deadlineAt = systemClock.now() + DEADLINE_MS;
  const watch = stage && watchSwitch(stage.isSwitchedOn, { clock: systemClock, deadlineAt });
  const endListening = onSweepInterrupt(() =>
    progress.note('Interrupted: no further jobs are cancelled. Cancels that are running are finished and reported.'),
  );
  try {
    return await sweep(request, {
      clock: systemClock,
      random: Math.random,
      log: toEach([
        ...(record === undefined ? [] : [record.log]),
        ...(flags.verbose ? [createJsonLinesLog(terminal.err, systemClock.now)] : []),
      ]),
      settleLog: record?.settle,
      loadSettings,
      // A stage has deployed ceilings and a record of sweeps. Without a stage there are only the ceilings of this terminal.
      loadCeilings: stage?.loadCeilings ?? (async () => readCeilings(terminal.env, 'terminal')),
      readRecord: stage?.readRecord,
      sharedFor: sharedIn(terminal.env),
      deadlineAt,
      stop: AbortSignal.any([interrupted, ...(watch === undefined ? [] : [watch.signal])]),
      onJudged: hooks.onJudged,
      beforeCancelling: watch?.start,
      onProgress: progress.show,
    });
  } catch (error) {
    const { sweepId, target, trigger } = request;
    const log = record && withFields(record.log, { sweepId, trigger });
    log?.error('sweep could not run', { target, error: errorField(error) });
    throw error;
  } finally {
    await record?.settle();
    watch?.end();
    progress.end();
    endListening();
  }
}

/** Opens the stage. Its module is loaded only here, since the AWS SDK is slow to load. */
async function stageOf({ stage }: SweepFlags): Promise<Stage | undefined> {
  return stage === undefined ? undefined : (await import('../source/open-stage.ts')).openStage(stage);
}

/** Writes the first line of a live sweep to the record, before it does anything else. */
async function openRecord(stage: Stage, { target, reason }: SweepRequest, { err }: Terminal): Promise<ByHandRecord> {
  const { openByHandRecord } = await import('../source/by-hand-record.ts');
  return openByHandRecord(stage.name, { targets: [target], count: null, requestReason: reason ?? null }, err);
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
