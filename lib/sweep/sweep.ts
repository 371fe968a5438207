import type { SweepRequest } from '../request/request.ts';
import { act, leaveAlone } from './act/act.ts';
import { clear } from './clearance.ts';
import type { SweepDeps } from './deps.ts';
import { brakeByRecord, free } from './judge/brake.ts';
import { judge } from './judge/judge.ts';
import { lookOnceMore } from './judge/last-look.ts';
import { ceilingsInTime, settingsInTime } from './load.ts';
import { look } from './look/look.ts';
import { prepare } from './prepare.ts';
import { recall } from './recall.ts';
import type { SweepReport } from './record/report.ts';
import { afterWarnings } from './tell/after-warnings.ts';
import { endingExemptions } from './tell/calendar.ts';
import { explainIn } from './tell/explain.ts';
import { logReport } from './tell/log-report.ts';
import { messagesOf } from './tell/messages.ts';
import { tell } from './tell/tell.ts';

/**
 * Sweeps one target once: finds the overdue jobs, cancels them if the sweep is live, and reads back what became of each.
 *
 *     settings, ceilings → clearance → look → judge → (brake, last look) → act → tell
 *
 * What happens to jobs is in the report and never thrown: a caller that retried would cancel again under a fresh cap.
 *
 * @example
 * const report = await sweep(parseRequest({ target: 'lake' }), {
 *   clock: systemClock,
 *   random: Math.random,
 *   log: silentLog,
 *   loadSettings: (request) => loadSsmSettings(request, readers),
 *   loadCeilings: async () => readCeilings(environment, 'deploy'),
 *   deadlineAt: systemClock.now() + 10 * 60_000,
 *   sharedFor: createSharedStates(systemClock),
 * });
 *
 * @throws {SettingsError} if something it needs cannot be read.
 * @throws {DliError} if DLI cannot be reached or refuses the credential or project: there is nothing to report on.
 */
export async function sweep(request: SweepRequest, deps: SweepDeps): Promise<SweepReport> {
  const startedAt = deps.clock.now();
  const [settings, ceilings] = await Promise.all([settingsInTime(request, deps), ceilingsInTime(deps)]);
  const clearance = await clear(request, settings, ceilings, deps);
  // Never later than now, or a clock that is ahead would make a late request a young one.
  const askedAt = Math.min(request.askedAt ?? startedAt, startedAt);
  const order = { request, settings, ceilings, clearance, startedAt, askedAt };
  const recalling = recall(order, deps);
  const { scope, readers, lookClock, measure, cancels, limits, log, progress, run, close } = prepare(order, deps);
  try {
    const sight = await look(scope, readers, lookClock);

    const judged = await judge(sight, measure);
    await deps.onJudged?.(judged, readers);
    const mayCancel = cancels !== undefined && limits.isSwitchedOn && !limits.stop.aborted;
    const braked = mayCancel ? await brakeByRecord(judged, order, deps) : free(judged);
    const { judgement, stopped: unread } = mayCancel
      ? await lookOnceMore(braked.judgement, order, deps)
      : { judgement: braked.judgement, stopped: undefined };

    const ends =
      cancels === undefined
        ? leaveAlone(judgement, { log, stop: limits.stop })
        : await act(judgement, cancels, limits, { log, progress, askedBefore: braked.askedBefore });

    const finishedAt = deps.clock.now();
    const recalled = await recalling;
    const past = braked.past ?? recalled.past;
    const notices = [...run.notices, ...braked.notices, ...recalled.notices];
    const stopped = braked.stopped ?? unread ?? ends.stopped;
    const report = tell({ ...run, notices, finishedAt, past }, sight, judgement, { ...ends, stopped });
    const { target, policy } = settings;
    const compared = { projectId: target.projectId, past, sight, startedBefore: scope.startedBefore, judgement };
    const after = afterWarnings(report, compared);
    for (const { jobId, kind } of after) log.info('warning over', { jobId, because: kind === 'kept' ? kind : 'ended' });
    const messages = messagesOf(report, {
      after,
      exemptions: run.announced === undefined ? [] : endingExemptions(judgement, run.announced),
      routes: policy.notices,
    });
    for (const message of messages) log.info('message', { ...message });
    logReport(report, log, explainIn(judgement));
    return report;
  } finally {
    close();
  }
}
