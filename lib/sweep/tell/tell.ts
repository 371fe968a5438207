import type { Job } from '../../base/job.ts';
import { compareText } from '../../base/text.ts';
import { describeError } from '../../dli/advice.ts';
import { DliError } from '../../dli/errors.ts';
import type { Emergency } from '../../policy/emergency.ts';
import type { Policy, Rule } from '../../policy/schema.ts';
import type { SweepRequest } from '../../request/request.ts';
import type { ParameterVersions } from '../../settings/settings.ts';
import { askToResume, describeStop, hasWords, isOverdue, type StopOrder } from '../../settings/stop-order.ts';
import type { Ends } from '../act/act.ts';
import type { Cancellation } from '../act/cancel.ts';
import type { Decision } from '../judge/decide.ts';
import type { Judgement } from '../judge/judge.ts';
import { describeUndetermined, isBlind } from '../judge/undetermined.ts';
import { warningOf } from '../judge/warnings.ts';
import type { Sight } from '../look/look.ts';
import type { PastSweep } from '../past/past-sweeps.ts';
import { countRepeats } from '../past/repeats.ts';
import type { Outcome } from '../record/outcome.ts';
import type { CapReport, DryRunReason, Hold, Stopped, SweptProject, Waiting } from '../record/report.ts';
import {
  type CountedCalls,
  type Counts,
  type JobReport,
  REPORT_VERSION,
  type SweepReport,
  type SweepStatus,
} from '../record/report.ts';
import { type AnnouncedSince, calendarNotices } from './calendar.ts';
import { missingJobs, sparedAtLast, unmatchedNames, unmetJobs } from './named-jobs.ts';
import { ruleEffects } from './rule-effects.ts';
import { unmatchedSelectors } from './unmatched-selectors.ts';

/** A sweep as a whole, without its jobs. */
export interface SweepRun {
  request: SweepRequest;
  project: SweptProject | null;
  /** Who kept it from cancelling; empty for a live sweep. */
  dryRunBecause: DryRunReason[];
  /** Set if this is the only reason in `dryRunBecause`. */
  held?: Hold | undefined;
  isSwitchedOn: boolean;
  /** The order to stop that a person wrote into the switch. */
  stopOrder?: StopOrder | undefined;
  /** The stage of the switch; undefined for a target given on the command line. */
  stage?: string | undefined;
  /** For a sweep of the schedule. Any other sweep names all exemptions and freezes. */
  announced?: AnnouncedSince | undefined;
  /** Epoch ms, our clock. */
  startedAt: number;
  finishedAt: number;
  apiCalls: CountedCalls;
  /** What was found while the settings were read, one sentence each. */
  notices: readonly string[];
  parameterVersions?: ParameterVersions | undefined;
  settingsHash?: string | undefined;
  /** The sweeps of the last 24 hours; undefined if they were not read. */
  past?: readonly PastSweep[] | undefined;
}

/** Returns the report of a sweep. Pure; all counters are taken from the outcomes. */
export function tell(run: SweepRun, sight: Sight, judgement: Judgement, ends: Ends): SweepReport {
  const { request, dryRunBecause } = run;
  const { decisions, context, caps } = judgement;
  const { outcomes } = ends;
  const stopped =
    sight.clockProblem === undefined
      ? (run.held ?? ends.stopped)
      : { by: 'clock' as const, because: sight.clockProblem };
  // What is stopped cancels nothing soon.
  const past = { past: run.past, warns: stopped === undefined };
  const jobs = toJobReports(judgement, ends, past);
  const counts = countOutcomes(decisions, outcomes, jobs);
  const unmet =
    request.emergency === undefined
      ? []
      : [...unmetJobs(request.emergency, sight, decisions, request), ...sparedAtLast(request.emergency, outcomes)];
  const undetermined = decisions.filter((decision) => isUndetermined(outcomeOf(decision, outcomes)));
  const isBlindSweep =
    request.emergency === undefined ? isBlind(decisions) : hasUnnamed(undetermined, request.emergency);
  const undeterminedWords = undetermined.length === 0 ? [] : [describeUndetermined(undetermined)];
  const troubles: Troubles = {
    stopped,
    gaps: [...sight.gaps, ...judgement.gaps].map(({ what }) => what),
    blindness: isBlindSweep ? undeterminedWords : [],
    caps,
    isNoneLeft: judgement.obstacle === 'cap',
    counts,
    unmet,
    isDryRun: dryRunBecause.length > 0,
  };

  return {
    version: REPORT_VERSION,
    sweepId: request.sweepId,
    target: request.target,
    project: run.project,
    trigger: request.trigger,
    requestReason: request.reason ?? null,
    emergency: request.emergency ?? null,
    dryRun: dryRunBecause.length > 0,
    dryRunBecause,
    status: statusOf(troubles),
    stoppedBy: troubles.stopped?.by ?? null,
    problems: problemsOf(troubles),
    startedAt: new Date(run.startedAt).toISOString(),
    finishedAt: new Date(run.finishedAt).toISOString(),
    counts,
    apiCalls: { ...run.apiCalls, again: ends.askedAgain },
    caps,
    freed: ends.freed ?? null,
    credentialRefused: [...outcomes.values()].some(isCredentialRefused),
    parameterVersions: run.parameterVersions ?? null,
    settingsHash: run.settingsHash ?? null,
    unmet,
    notices: [
      ...noticesOf(run, sight, judgement),
      ...othersNotices(counts),
      ...(isBlindSweep ? [] : undeterminedWords),
    ],
    // The rules of an emergency are made for it.
    rules: request.emergency === undefined ? ruleEffects(decisions, context.policy) : [],
    // An emergency manages nothing.
    unmanagedQueues: request.emergency === undefined ? countUnmanaged(decisions, context.policy) : {},
    waiting: countWaiting(decisions),
    jobs,
  };
}

/** What earlier sweeps did, and whether this one warns of what later ones may do. */
interface Around {
  past: readonly PastSweep[] | undefined;
  warns: boolean;
}

function toJobReports(
  { decisions, context }: Judgement,
  { outcomes, cancellations }: Ends,
  around: Around,
): JobReport[] {
  const byId = new Map(cancellations.map((cancellation) => [cancellation.victim.job.id, cancellation]));
  return decisions
    .filter(({ verdict }) => verdict.reason !== 'no-rule')
    .map((decision) =>
      toJobReport(decision, outcomeOf(decision, outcomes), {
        ...around,
        cancellation: byId.get(decision.job.id),
        context,
      }),
    )
    .sort((a, b) => compareText(a.queue ?? '', b.queue ?? '') || compareText(a.jobId, b.jobId));
}

function noticesOf(run: SweepRun, { jobs }: Sight, { decisions, context }: Judgement): string[] {
  const { emergency, jobsMayBeElsewhere } = run.request;
  return [
    ...run.notices,
    ...(emergency !== undefined && jobsMayBeElsewhere ? missingJobs(emergency, jobs) : []),
    ...(emergency === undefined ? [] : unmatchedNames(emergency, jobs)),
    ...switchNotices(run),
    ...calendarNotices(decisions, context, run.announced),
    // An emergency is meant for some jobs only, and the lines above name what it misses.
    ...(emergency === undefined ? unmatchedSelectors(decisions, context) : []),
    ...startNotices(jobs),
  ];
}

/** One cancel by others may be a person. If it happens in each sweep, another reaper is at work. */
function othersNotices({ cancelledByOthers: count }: Counts): string[] {
  if (count === 0) return [];
  return [
    `${count === 1 ? '1 job was' : `${count} jobs were`} cancelled by someone else right before this sweep could`,
  ];
}

/** Says what the switch would do to a live sweep. A live sweep that was stopped has that among its problems. */
function switchNotices({ dryRunBecause, isSwitchedOn, stopOrder, stage, startedAt }: SweepRun): string[] {
  if (isSwitchedOn) return [];
  const words =
    stopOrder !== undefined && hasWords(stopOrder) ? `reads ${describeStop(stopOrder)}` : 'is not set to run';
  return [
    ...(dryRunBecause.length > 0 ? [`the switch ${words}, so a live sweep would cancel no job`] : []),
    ...(stopOrder !== undefined && isOverdue(stopOrder, startedAt) ? [askToResume(stopOrder, stage)] : []),
  ];
}

/** Says that the start of jobs was a guess. */
function startNotices(jobs: readonly Job[]): string[] {
  const count = jobs.filter(({ isStartText }) => isStartText).length;
  if (count === 0) return [];
  const whose = count === 1 ? 'the start of 1 job' : `the start of ${count} jobs`;
  return [`DLI wrote ${whose} as a text, where its documents have a number; it was read as that number`];
}

const isUndetermined = (outcome: Outcome) => outcome.kind === 'skipped' && outcome.reason === 'undetermined';

/** Whether an emergency may have been meant for one of these. `unmet` has the jobs that it names. */
function hasUnnamed(undetermined: readonly Decision[], { jobIds }: Emergency): boolean {
  const named = new Set(jobIds.map((id) => id.toLowerCase()));
  return undetermined.some(({ job }) => !named.has(job.id.toLowerCase()));
}

function isCredentialRefused(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error instanceof DliError && outcome.error.kind === 'authentication';
}

function outcomeOf({ job, verdict }: Decision, outcomes: ReadonlyMap<string, Outcome>): Outcome {
  if (verdict.action === 'keep') return { kind: 'skipped', reason: verdict.reason };
  if (verdict.action !== 'cancel') return { kind: 'skipped', reason: verdict.action };
  const outcome = outcomes.get(job.id);
  if (outcome === undefined) throw new Error(`no outcome for job ${job.id}`);
  return outcome;
}

function countOutcomes(
  decisions: readonly Decision[],
  outcomes: ReadonlyMap<string, Outcome>,
  jobs: readonly JobReport[],
): Counts {
  const counts: Counts = {
    seen: 0,
    overdue: 0,
    toCancel: 0,
    warned: jobs.filter(({ warning }) => warning !== null).length,
    cancelled: 0,
    alreadyTerminal: 0,
    cancelledByOthers: 0,
    unconfirmed: 0,
    failed: 0,
    repeats: jobs.filter(({ repeats }) => (repeats ?? 0) > 0).length,
    skipped: {},
  };
  for (const decision of decisions) count(counts, decision, outcomeOf(decision, outcomes));
  return counts;
}

function count(counts: Counts, { verdict }: Decision, outcome: Outcome): void {
  counts.seen += 1;
  if (verdict.action !== 'keep') counts.overdue += 1;
  if (verdict.action === 'cancel') counts.toCancel += 1;
  switch (outcome.kind) {
    case 'cancelled':
      counts.cancelled += 1;
      break;
    case 'already-terminal':
      counts.alreadyTerminal += 1;
      if (outcome.endedBy === 'others') counts.cancelledByOthers += 1;
      break;
    case 'unconfirmed':
      counts.unconfirmed += 1;
      break;
    case 'failed':
      counts.failed += 1;
      break;
    case 'skipped':
      counts.skipped[outcome.reason] = (counts.skipped[outcome.reason] ?? 0) + 1;
      break;
    default:
      outcome satisfies never;
  }
}

/** All that makes a status other than ok. */
interface Troubles {
  stopped: Stopped | undefined;
  gaps: readonly string[];
  /** Jobs that could not be judged, where that is more than a notice. */
  blindness: readonly string[];
  caps: CapReport;
  /** Whether a cap spares every job, although `drain` may be set. */
  isNoneLeft: boolean;
  counts: Counts;
  unmet: readonly string[];
  isDryRun: boolean;
}

function statusOf({ stopped, gaps, blindness, caps, counts, unmet, isDryRun }: Troubles): SweepStatus {
  if (stopped !== undefined) return 'stopped';
  const { deadline = 0, unsent = 0 } = counts.skipped;
  if (gaps.length + blindness.length > 0 || deadline + unsent > 0) return 'partial';
  if (caps.exceeded !== null) return 'capped';
  const isUnmet = !isDryRun && unmet.length > 0;
  return isUnmet || counts.failed + counts.unconfirmed > 0 ? 'failed' : 'ok';
}

function problemsOf(troubles: Troubles): string[] {
  const { stopped, gaps, blindness, caps, counts, unmet, isDryRun } = troubles;
  const { deadline: late = 0, unsent = 0 } = counts.skipped;
  return [
    ...(stopped === undefined ? [] : [`stopped: ${stopped.because}`]),
    ...gaps.map((gap) => `listing incomplete: ${gap}`),
    ...blindness,
    ...(late === 0 ? [] : [`the deadline came before ${late} of the overdue jobs`]),
    ...(unsent === 0
      ? []
      : [`${unsent} not asked: the reading right before the cancel failed, or DLI was not reached`]),
    ...(caps.exceeded === null ? [] : [`over the cap, so ${wordsForCap(troubles)}: ${caps.exceeded}`]),
    ...(counts.failed === 0
      ? []
      : [`${counts.failed} failed: DLI refused to cancel or gave up, and they were then read as alive`]),
    ...(counts.unconfirmed === 0 ? [] : [`${counts.unconfirmed} unconfirmed: asked to stop, not yet seen to stop`]),
    ...(isDryRun ? [] : unmet),
  ];
}

function wordsForCap({ caps: { drain }, isNoneLeft, isDryRun }: Troubles): string {
  const isDrained = drain && !isNoneLeft;
  if (isDryRun) return `a live sweep would cancel ${isDrained ? 'only the worst' : 'no job'}`;
  return isDrained ? 'only the worst were cancelled' : 'no job was cancelled';
}

function toJobReport(
  decision: Decision,
  outcome: Outcome,
  {
    cancellation,
    context,
    past,
    warns,
  }: Around & Pick<Judgement, 'context'> & { cancellation: Cancellation | undefined },
): JobReport {
  const { job, clocks, verdict } = decision;
  const result = cancellation?.result;
  const isWaiting = outcome.kind === 'skipped' && outcome.reason === 'warn-first';
  const isCancelled = outcome.kind === 'cancelled';
  const who = {
    jobId: job.id,
    engine: job.engine,
    name: job.name ?? null,
    queue: job.queue ?? null,
    owner: job.owner ?? null,
    fingerprint: (isCancelled ? outcome.fingerprint : undefined) ?? null,
  };
  return {
    ...who,
    jobType: job.type ?? null,
    runTimeMs: clocks.runTimeMs ?? null,
    queueTimeMs: clocks.queueTimeMs ?? null,
    totalTimeMs: clocks.totalTimeMs ?? null,
    clock: verdict.action === 'keep' ? null : verdict.clock,
    limitMs: verdict.limitMs ?? null,
    overLimitMs: verdict.action === 'keep' ? null : verdict.overLimitMs,
    rule: verdict.rule ?? null,
    matched: verdict.action === 'keep' ? [] : verdict.matched,
    decision: verdict.action,
    warning: warns ? warningOf(decision, context, { past, isWaiting }) : null,
    repeats: isCancelled ? countRepeats(who, past, context.now) : null,
    reason: outcome.kind === 'skipped' ? outcome.reason : verdict.reason,
    outcome: outcome.kind,
    status: ('status' in outcome ? outcome.status : job.status) ?? null,
    evidence: outcome.kind === 'cancelled' ? outcome.evidence : null,
    endedBy: (outcome.kind === 'already-terminal' ? outcome.endedBy : undefined) ?? null,
    cus: job.cus ?? null,
    attempts: result?.attempts ?? 0,
    requestId: result?.requestId ?? null,
    error: 'error' in outcome && outcome.error !== undefined ? describeError(outcome.error) : null,
  };
}

/** A queue is managed if a rule names it, or if a rule is for all. */
function countWaiting(decisions: readonly Decision[]): Record<string, Waiting> {
  const byQueue = new Map<string, Waiting>();
  for (const { job, clocks } of decisions) {
    if (job.queue === undefined || job.state !== 'queued') continue;
    const { jobs, longestMs } = byQueue.get(job.queue) ?? { jobs: 0, longestMs: null };
    const waitedMs = clocks.queueTimeMs ?? null;
    const longest = waitedMs === null ? longestMs : Math.max(waitedMs, longestMs ?? 0);
    byQueue.set(job.queue, { jobs: jobs + 1, longestMs: longest });
  }
  return Object.fromEntries(byQueue);
}

function countUnmanaged(decisions: readonly Decision[], { rules }: Policy): Record<string, number> {
  const counts = new Map<string, number>();
  const isManaged = new Map<string, boolean>();
  for (const { job } of decisions) {
    if (job.queue === undefined) continue;
    const { queue } = job;
    if (!isManaged.has(queue))
      isManaged.set(
        queue,
        rules.some((rule) => isFor(rule, queue)),
      );
    if (!isManaged.get(queue)) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

function isFor({ match }: Rule, queue: string): boolean {
  return match === 'all' || match.queue === undefined || match.queue.some((one) => one.matches(queue));
}
