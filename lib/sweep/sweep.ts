import type { Clock } from '../base/clock.ts';
import { type Engine, isLive } from '../base/job.ts';
import { withFields } from '../base/log.ts';
import type { CredentialSource } from '../dli/auth.ts';
import { createDliClient, createDliReader, type DliClientOptions } from '../dli/client.ts';
import type { SharedStates } from '../dli/connection.ts';
import { TimeoutError, within } from '../http/transport.ts';
import { type Exemption, type Freeze, needsStatements, type Policy } from '../policy/schema.ts';
import { enginesOf } from '../policy/scope.ts';
import { createRequest, expiresAtOf, type SweepRequest } from '../request/request.ts';
import { beyondCeilings, type Ceilings } from '../settings/ceilings.ts';
import { hashOf } from '../settings/hash.ts';
import { type Settings, SettingsError, type Target } from '../settings/settings.ts';
import { act, createCancels, type Limits, leaveAlone } from './act/act.ts';
import { createProgressWatch, type Progress } from './act/progress.ts';
import { dryRunReasons } from './dry-run.ts';
import { type Braked, brake, free } from './judge/brake.ts';
import { createMeasure, type Judgement, judge, victimsAmong } from './judge/judge.ts';
import { type Identity, identify, identityNotices, projectOf } from './look/identity.ts';
import {
  createReaders,
  look,
  lookBack,
  type Readers,
  type Scope,
  type Sight,
  type StoredLook,
  scopeOf,
} from './look/look.ts';
import type { ReadRecord } from './past/past-sweeps.ts';
import { projectFields, type SweepLog, silentLog } from './record/log-lines.ts';
import {
  createCallCounter,
  type DryRunReason,
  type Hold,
  type SweepReport,
  type SweptProject,
} from './record/report.ts';
import type { AnnouncedSince } from './tell/calendar.ts';
import { explainIn } from './tell/explain.ts';
import { logReport } from './tell/log-report.ts';
import { type SweepRun, tell } from './tell/tell.ts';

export interface SweepDeps {
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  log: SweepLog;
  /** @throws {SettingsError} */
  loadSettings: (request: SweepRequest) => Promise<Settings>;
  /** What no policy can loosen. @throws {SettingsError} if it cannot be read, and then no sweep is live. */
  loadCeilings: () => Promise<Ceilings>;
  /** What the sweeps of a target did before. Without it nothing is counted over several sweeps. */
  readRecord?: ReadRecord | undefined;
  /** Epoch ms; everything but the report is over by then. */
  deadlineAt: number;
  /** Of the schedule: a tick expires after one. Without a schedule there are no ticks. */
  periodMs?: number | undefined;
  /**
   * Returns the ticks of the schedule in which exemptions that soon end are announced, for a tick that was due at this
   * instant, epoch ms. By default a sweep names all that end within a week.
   */
  announcedSince?: ((dueAt: number) => AnnouncedSince) | undefined;
  /** Once aborted, no more jobs are cancelled; those already asked to stop are still read back and reported. */
  stop?: AbortSignal | undefined;
  /** The state that sweeps of one process share when they share a credential. */
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

/** Lambda answers at once, or is out of reach. */
const CEILINGS_WITHIN_MS = 10_000;
/** The log of a day is a few pages. */
const RECORD_WITHIN_MS = 20_000;

/**
 * One sweep of one target: finds the overdue jobs, cancels them unless it is a dry run, reads back what became of each.
 *
 *     look → judge → (brake) → act → tell
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
  const [settings, ceilings] = await Promise.all([loadInTime(request, deps), ceilingsInTime(deps)]);
  // Never later than now, or a clock that is ahead would make a late request a young one.
  const askedAt = Math.min(request.askedAt ?? startedAt, startedAt);
  const isLive = isWantedLive(request, settings);
  const tooMuch = isLive ? heldByCeilings(request, settings, ceilings) : undefined;
  const isAsked = isLive ? tooMuch === undefined : isPlanOfEmergency(request, settings);
  const { project, doubt }: Identity = isAsked
    ? await whereItGoes(settings, deps)
    : { project: projectOf(settings.target) };
  const held = tooMuch ?? (isLive ? heldByIdentity(doubt) : undefined);
  const { dli, readers, cancels, measure, limits, log, progress, notices, ...run } = prepare(request, settings, deps, {
    askedAt,
    project,
    held,
    ceilings,
  });
  try {
    // A job that was submitted after an emergency was asked for is not what it was asked about.
    const asOf = request.emergency === undefined ? undefined : askedAt;
    const scope: Scope = {
      startedBefore: scopeOf(measure.policy, asOf ?? startedAt),
      needsDetail: victimsAmong(measure.decide),
      named: request.emergency?.jobIds,
    };
    const sight = await look(scope, readers, { startedAt, asOf, reading: () => dli.clockReading() });

    const judged = await judge(sight, measure);
    await deps.onJudged?.(judged, readers);
    const isHeld = cancels === undefined || !limits.isSwitchedOn || limits.stop.aborted;
    const braked = isHeld ? free(judged) : await brakeBy(judged, { request, settings, ceilings }, deps);
    const { judgement } = braked;

    const ends =
      cancels === undefined
        ? leaveAlone(judgement, { log, stop: limits.stop })
        : await act(judgement, cancels, limits, { log, progress, askedBefore: braked.askedBefore });

    const ahead = isLive ? [] : wouldHold(request, settings, { ceilings, doubt });
    const allNotices = [...notices, ...ahead, ...braked.notices];
    const finishedAt = deps.clock.now();
    const stopped = braked.stopped ?? ends.stopped;
    const told: SweepRun = { ...run, request, notices: allNotices, startedAt, finishedAt };
    const report = tell(told, sight, judgement, { ...ends, stopped });
    logReport(report, log, explainIn(judgement));
    return report;
  } finally {
    dli.close();
  }
}

/**
 * A look at every live job of these engines, in detail and with its statement, to be judged later by any policy.
 *
 * @throws {DliError} as {@link sweep}.
 */
export async function lookAtEverything(
  engines: readonly Engine[],
  { target, credentials }: Pick<Settings, 'target' | 'credentials'>,
  deps: Pick<SweepDeps, 'clock' | 'random' | 'sharedFor'>,
): Promise<StoredLook> {
  const startedAt = deps.clock.now();
  const dli = createDliReader(connectionTo(target, credentials, deps));
  try {
    const scope: Scope = {
      startedBefore: new Map(engines.map((engine) => [engine, startedAt])),
      // Any of them may be a victim of the policy that judges it.
      needsDetail: (jobs) => new Set(jobs.filter(({ state }) => isLive(state))),
    };
    const readers = createReaders(engines, dli, { withStatements: true });
    const { countLive: _, ...sight } = await look(scope, readers, { startedAt, reading: () => dli.clockReading() });
    return { target: target.name, project: projectOf(target), ...sight };
  } finally {
    dli.close();
  }
}

/** What a dry run would have told at the moment of a stored look: the same decisions and caps, without a call. */
export async function planFrom(
  stored: StoredLook,
  policy: Policy,
  options: {
    exemptions?: readonly Exemption[];
    freezes?: readonly Freeze[];
    maxKills?: number | undefined;
    /** By default none. */
    ceilings?: Ceilings | undefined;
  } = {},
): Promise<{ report: SweepReport; sight: Sight; judgement: Judgement }> {
  const sight = lookBack(stored, scopeOf(policy, stored.now));
  const { ceilings, ...measured } = options;
  const judgement = await judge(sight, createMeasure(policy, { ...measured, ceiling: ceilings?.killsPerSweep }));
  const beyond = ceilings === undefined ? [] : beyondCeilings(policy, ceilings);
  const run: SweepRun = {
    request: createRequest({ target: stored.target, maxKills: options.maxKills }),
    project: stored.project,
    dryRunBecause: ['request'],
    isSwitchedOn: true,
    startedAt: stored.now,
    finishedAt: stored.now,
    apiCalls: createCallCounter().apiCalls,
    notices: [
      `judged as of ${new Date(stored.now).toISOString()}`,
      ...(beyond.length === 0 ? [] : [wouldBeHeld(beyond.join('; '))]),
    ],
  };
  const report = tell(run, sight, judgement, leaveAlone(judgement, { log: silentLog }));
  return { report, sight, judgement };
}

/** @throws {SettingsError} also if they have not been read by the deadline: the caller has others to sweep, and to report. */
async function loadInTime(request: SweepRequest, { loadSettings, deadlineAt, clock }: SweepDeps): Promise<Settings> {
  try {
    return await within(loadSettings(request), deadlineAt - clock.now());
  } catch (cause) {
    if (!(cause instanceof TimeoutError)) throw cause;
    throw new SettingsError(`target ${request.target}`, 'its settings were not read before the deadline', { cause });
  }
}

/** What keeps a sweep from being live, if they cannot be read, or not in time. */
async function ceilingsInTime({ loadCeilings, deadlineAt, clock }: SweepDeps): Promise<Ceilings | Hold> {
  try {
    return await within(loadCeilings(), Math.min(CEILINGS_WITHIN_MS, deadlineAt - clock.now()));
  } catch (error) {
    if (!(error instanceof SettingsError) && !(error instanceof TimeoutError)) throw error;
    const why = error instanceof TimeoutError ? 'they were not read in time' : error.message;
    return { by: 'ceilings', because: `the ceilings of the stage are not known: ${why}` };
  }
}

/** Who objects to a live sweep. */
function objections({ emergency, dryRun }: SweepRequest, { policy, target }: Settings): DryRunReason[] {
  // A target's name typed out outweighs its mode.
  const targetMode = emergency === undefined ? target.mode : undefined;
  return dryRunReasons({ policy: policy.mode, target: targetMode, requestsDryRun: dryRun });
}

const isWantedLive = (request: SweepRequest, settings: Settings): boolean => objections(request, settings).length === 0;

/** The project that a sweep goes to, and whether it is certain that it is the one that is meant. */
function whereItGoes(settings: Settings, { clock, random, deadlineAt, sharedFor }: SweepDeps): Promise<Identity> {
  const shared = sharedFor(sharedKey(settings.target, settings.credentials));
  return identify(settings, { clock, random, deadlineAt, shared });
}

/** An emergency has no policy but what a person has typed, who saw whom it means; it has ceilings of its own all the same. */
function heldByCeilings(
  { emergency }: SweepRequest,
  { policy }: Settings,
  ceilings: Ceilings | Hold,
): Hold | undefined {
  if ('because' in ceilings) return ceilings;
  const beyond = emergency === undefined ? beyondCeilings(policy, ceilings) : [];
  return beyond.length === 0 ? undefined : { by: 'ceilings', because: beyond.join('; ') };
}

function heldByIdentity(doubt: string | undefined): Hold | undefined {
  return doubt === undefined ? undefined : { by: 'identity', because: `no job was cancelled, since ${doubt}` };
}

/**
 * Whether the project matters although nothing can be cancelled: a person who is about to type a name should know before.
 * Where the name is missing a notice tells that already.
 */
const isPlanOfEmergency = ({ emergency }: SweepRequest, { target }: Settings): boolean =>
  emergency !== undefined && target.projectName !== undefined;

/** The same of a dry run, as notices. */
function wouldHold(
  request: SweepRequest,
  settings: Settings,
  { ceilings, doubt }: { ceilings: Ceilings | Hold; doubt: string | undefined },
): string[] {
  const reasons = [heldByCeilings(request, settings, ceilings)?.because, doubt];
  return reasons.flatMap((because) => (because === undefined ? [] : [wouldBeHeld(because)]));
}

const wouldBeHeld = (because: string): string => `a live sweep would be a dry run: ${because}`;

/** Holds a judgement against what was done before, where that is on record. */
async function brakeBy(
  judged: Judgement,
  { request, settings, ceilings }: { request: SweepRequest; settings: Settings; ceilings: Ceilings | Hold },
  { readRecord, clock, deadlineAt }: SweepDeps,
): Promise<Braked> {
  if (readRecord === undefined || 'because' in ceilings) return free(judged);
  const now = clock.now();
  const { documents, target } = settings;
  return brake(judged, {
    target: request.target,
    projectId: target.projectId,
    isEmergency: request.emergency !== undefined,
    settingsHash: documents && hashOf(documents),
    ceilings,
    readRecord,
    now,
    timeoutMs: Math.min(RECORD_WITHIN_MS, (deadlineAt - now) / 4),
  });
}

/** Everything that the stages work with, made of what was asked for and of what the settings hold. */
function prepare(
  request: SweepRequest,
  settings: Settings,
  deps: SweepDeps,
  {
    askedAt,
    project,
    held,
    ceilings,
  }: { askedAt: number; project: SweptProject; held: Hold | undefined; ceilings: Ceilings | Hold },
) {
  const { target, policy, isSwitchedOn, stopOrder, parameterVersions, documents } = settings;
  const { emergency, sweepId, trigger } = request;
  const log = withFields(deps.log, { sweepId, target: request.target, trigger, ...projectFields(project) });
  const progress = createProgressWatch(deps.onProgress);
  const { apiCalls, onCall } = createCallCounter();
  const options: DliClientOptions = {
    ...deps.connection,
    ...connectionTo(target, settings.credentials, deps),
    deadlineAt: deps.deadlineAt,
    onCall: (event) => {
      onCall(event);
      if (event.call === 'list') progress.listing(apiCalls.list);
      if (event.error !== undefined) log.debug('dli call failed', { ...event, error: event.error.message });
    },
  };

  const dryRunBecause: DryRunReason[] = held === undefined ? objections(request, settings) : [held.by];
  // In a dry run there is no object in the process that could cancel a job.
  const canceller = dryRunBecause.length === 0 ? createDliClient(options) : undefined;
  const dli = canceller ?? createDliReader(options);

  const isMeantLive = held === undefined && (emergency !== undefined || target.mode === 'live');
  const notices = [...(settings.notices ?? []), ...identityNotices(settings, { isMeantLive })];
  const exemptions = emergency?.includeExempt ? [] : settings.exemptions;
  const freezes = emergency?.includeExempt ? [] : settings.freezes;
  const ceiling =
    'because' in ceilings ? undefined : ceilings[emergency === undefined ? 'killsPerSweep' : 'emergencyKills'];
  const measure = createMeasure(policy, { exemptions, freezes, maxKills: request.maxKills, ceiling });
  const withStatements = needsStatements({ ...measure.policy, exemptions: [...policy.exemptions, ...exemptions] });
  const readers = createReaders(enginesOf(policy), dli, { withStatements });
  const limits: Limits = {
    clock: deps.clock,
    deadlineAt: deps.deadlineAt,
    expiresAt: expiresAtOf({ trigger: request.trigger, askedAt }, deps.periodMs ?? Number.POSITIVE_INFINITY),
    verifyForMs: request.verifyForMs,
    isSwitchedOn,
    stopOrder,
    stop: deps.stop ?? new AbortController().signal,
    beforeCancelling: deps.beforeCancelling,
  };
  return {
    dli,
    readers,
    cancels: canceller && createCancels(canceller, readers, deps.clock),
    measure,
    limits,
    log,
    progress,
    project,
    dryRunBecause,
    held,
    isSwitchedOn,
    stopOrder,
    stage: settings.stage?.name,
    announced: request.trigger === 'schedule' ? deps.announcedSince?.(askedAt) : undefined,
    apiCalls,
    notices,
    parameterVersions,
    settingsHash: documents && hashOf(documents),
  };
}

function connectionTo(
  target: Target,
  credentials: CredentialSource,
  { clock, random, sharedFor }: Pick<SweepDeps, 'clock' | 'random' | 'sharedFor'>,
): DliClientOptions {
  const { endpoint, projectId } = target;
  return { endpoint, projectId, credentials, clock, random, shared: sharedFor(sharedKey(target, credentials)) };
}

/** The gateway counts per user, in each region on its own. */
export const sharedKey = ({ endpoint }: Target, { name }: CredentialSource): string => `${endpoint.host} ${name}`;
