import type { Clock } from '../base/clock.ts';
import type { SharedStates } from '../dli/shared-state.ts';
import type { Ceilings } from '../settings/ceilings.ts';
import {
  type ParameterValues,
  parameterNames,
  type ReadParameters,
  type ReadPath,
} from '../settings/parameter-store.ts';
import { readAhead } from '../settings/prefetch.ts';
import { loadSsmSettings } from '../settings/stage.ts';
import { isSetToStop, isSwitchOn, readSwitchFrom, type SwitchReading } from '../settings/switch.ts';
import { watchSwitch } from '../settings/switch-watch.ts';
import { projectOf } from '../sweep/look/identity.ts';
import type { ReadRecord } from '../sweep/past/past-sweeps.ts';
import { errorField, projectFields, type SweepLog } from '../sweep/record/log-lines.ts';
import { metricsOf, type WriteMetrics } from '../sweep/record/metrics.ts';
import { sweep } from '../sweep/sweep.ts';
import { announcedSince } from './schedule.ts';
import type { SweepTarget } from './sweep-event.ts';

interface StageSweepDeps {
  stage: string;
  /** The schedule of the stage, and the shortest time between two of its ticks. */
  schedule: { expression: string; timeZone: string; periodMs: number };
  ceilings: Ceilings;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  read: ReadParameters;
  readPath: ReadPath;
  readRecord: ReadRecord;
  /** Kept between invocations, for what it has learned. */
  sharedFor: SharedStates;
  writeMetrics: WriteMetrics;
}

/**
 * Returns the sweep of one target of a stage: its settings come from Parameter Store, and the switch is read with them, right
 * before the first cancel, and again and again while jobs are cancelled.
 */
export function createStageSweep(deps: StageSweepDeps): SweepTarget {
  const { stage, schedule, ceilings, clock, random, read, readPath, readRecord, sharedFor, writeMetrics } = deps;
  const names = parameterNames(stage);
  const readTargets = keepShortly(deps, names.targets);
  // The sweeps of a tick read them one after the other. They are read anew before the first cancel of each. A person who sweeps by
  // hand may have written one a moment ago.
  const kept = new Map([names.exemptions, names.freezes].map((path) => [path, keepShortly(deps, path)]));
  return async (request, { log, deadlineAt, onProject, expected }) => {
    const isTick = request.trigger === 'schedule';
    const ahead = readAhead(read, [
      names.target(request.target),
      names.switch,
      ...(expected === undefined ? [] : [names.policy(expected.policy), names.credentials(expected.credentials)]),
    ]);
    const stageSwitch = createSwitchReader({ stage, clock, first: ahead, read }, log);
    const watch = watchSwitch(async () => isSwitchOn(await stageSwitch.read()), { clock, deadlineAt });
    try {
      const report = await sweep(request, {
        clock,
        random,
        log,
        sharedFor,
        loadSettings: (asked) =>
          loadSsmSettings(asked, {
            stage,
            read: ahead,
            readPath: (path) => (isTick ? kept.get(path) : undefined)?.() ?? readPath(path),
            readAgain: readPath,
            readTargets,
            // The dispatch of a tick has just looked. What has changed since has another project, and is looked at.
            checkedProjectId: isTick ? expected?.projectId : undefined,
            readSwitch: stageSwitch.readOrStop,
            onTarget: (target) => onProject(projectFields(projectOf(target))),
          }),
        loadCeilings: async () => ceilings,
        readRecord,
        deadlineAt,
        periodMs: schedule.periodMs,
        announcedSince: (dueAt) => announcedSince(schedule, dueAt),
        stop: watch.signal,
        beforeCancelling: watch.start,
      });
      const isStoppedByHand = stageSwitch.wasSetToStop();
      writeMetrics(metricsOf(report, { periodMs: schedule.periodMs, isStoppedByHand }));
      return report;
    } finally {
      watch.end();
    }
  };
}

/** Reads the switch for one sweep, and remembers whether it was ever set to stop. */
function createSwitchReader(
  { stage, clock, first, read }: Pick<StageSweepDeps, 'stage' | 'clock' | 'read'> & { first: ReadParameters },
  log: SweepLog,
) {
  let wasSetToStop = false;
  const readSwitch = async (by: ReadParameters): Promise<SwitchReading> => {
    const reading = await readSwitchFrom(by, stage);
    wasSetToStop ||= isSetToStop(reading, clock.now());
    return reading;
  };
  return {
    /** @throws {SettingsError} */
    read: () => readSwitch(read),
    /** A switch that cannot be read counts as off. The sweep goes on, and reports what is overdue. */
    readOrStop: async (): Promise<SwitchReading> => {
      try {
        return await readSwitch(first);
      } catch (error) {
        log.warn('switch unreadable', { parameter: parameterNames(stage).switch, error: errorField(error) });
        return { value: undefined, version: null };
      }
    },
    wasSetToStop: () => wasSetToStop,
  };
}

/**
 * A stage of 500 targets is fifty calls, for each of its sweeps. A target is always read anew for its own sweep; the list only
 * tells whether another target is on the same project.
 */
const KEPT_MS = 60_000;

/** Reads a path at most once a minute. */
function keepShortly({ clock, readPath }: StageSweepDeps, path: string): () => Promise<ParameterValues> {
  let kept: { values: ParameterValues; readAt: number } | undefined;
  return async () => {
    const now = clock.now();
    if (kept === undefined || now - kept.readAt > KEPT_MS) kept = { values: await readPath(path), readAt: now };
    return kept.values;
  };
}
