import { withFields } from '../base/log.ts';
import {
  createDliClient,
  createDliReader,
  type DliClient,
  type DliClientOptions,
  type DliReader,
} from '../dli/client.ts';
import { enginesOf, needsStatements } from '../policy/scope.ts';
import { expiresAtOf, type SweepRequest } from '../request/request.ts';
import type { Ceilings } from '../settings/ceilings.ts';
import { hashOf } from '../settings/hash.ts';
import type { Settings } from '../settings/settings.ts';
import { type Cancels, createCancels, type Limits } from './act/act.ts';
import { createProgressWatch, type ProgressWatch } from './act/progress.ts';
import type { Clearance } from './clearance.ts';
import { connectionTo } from './connection.ts';
import type { SweepDeps } from './deps.ts';
import { createMeasure, type Measure, victimsAmong } from './judge/judge.ts';
import { identityNotices } from './look/identity.ts';
import { createReaders, type LookClock, type Readers, type Scope, scopeOf } from './look/look.ts';
import { projectFields, type SweepLog } from './record/log-lines.ts';
import { type CountedCalls, createCallCounter, type Hold } from './record/report.ts';
import type { SweepRun } from './tell/tell.ts';

/** What is known of a sweep before it looks. */
export interface Order {
  request: SweepRequest;
  settings: Settings;
  ceilings: Ceilings | Hold;
  clearance: Clearance;
  /** Epoch ms, our clock. */
  startedAt: number;
  /** Epoch ms, our clock, and never later than `startedAt`. */
  askedAt: number;
}

/** What the stages of one sweep work with. */
export interface Tools {
  log: SweepLog;
  progress: ProgressWatch;
  scope: Scope;
  readers: Readers;
  lookClock: LookClock;
  measure: Measure;
  /** Undefined in a dry run: there is then no object in the process that could cancel a job. */
  cancels: Cancels | undefined;
  limits: Limits;
  /** What the report says of the sweep as a whole, but for its end. */
  run: Omit<SweepRun, 'finishedAt'>;
  close: () => void;
}

/** Makes everything that the stages work with. */
export function prepare(order: Order, deps: SweepDeps): Tools {
  const { request, settings, clearance, startedAt, askedAt } = order;
  const { sweepId, target, trigger, emergency } = request;
  const log = withFields(deps.log, { sweepId, target, trigger, ...projectFields(clearance.project) });
  const { dli, canceller, apiCalls, progress } = openDli(order, deps, log);
  const { policy } = settings;
  const measure = measureFor(order);
  const withStatements = needsStatements({
    ...measure.policy,
    exemptions: [...policy.exemptions, ...measure.exemptions],
  });
  const readers = createReaders(enginesOf(policy), dli, { withStatements });
  // A job that was submitted after an emergency was asked for is not what it was asked about.
  const asOf = emergency === undefined ? undefined : askedAt;
  return {
    log,
    progress,
    scope: {
      startedBefore: scopeOf(measure.policy, asOf ?? startedAt),
      needsDetail: victimsAmong(measure.decide),
      named: emergency?.jobIds,
    },
    readers,
    lookClock: { startedAt, asOf, reading: () => dli.clockReading() },
    measure,
    cancels: canceller && createCancels(canceller, readers, deps.clock),
    limits: limitsFor(order, deps),
    run: runOf(order, deps, apiCalls),
    close: () => dli.close(),
  };
}

/** Opens DLI for reading, and for cancelling only if the sweep is live. */
function openDli(
  { settings, clearance }: Order,
  deps: SweepDeps,
  log: SweepLog,
): { dli: DliReader; canceller: DliClient | undefined; apiCalls: CountedCalls; progress: ProgressWatch } {
  const { apiCalls, onCall } = createCallCounter();
  const progress = createProgressWatch(deps.onProgress, () => dli.callsPerMinute());
  const options: DliClientOptions = {
    ...deps.connection,
    ...connectionTo(settings.target, settings.credentials, deps),
    deadlineAt: deps.deadlineAt,
    onCall: (event) => {
      onCall(event);
      if (event.call === 'list') progress.listing(apiCalls.list);
      if (event.error !== undefined) log.debug('dli call failed', { ...event, error: event.error.message });
    },
  };
  const canceller = clearance.dryRunBecause.length === 0 ? createDliClient(options) : undefined;
  const dli = canceller ?? createDliReader(options);
  return { dli, canceller, apiCalls, progress };
}

function measureFor({ request: { emergency, maxKills }, settings, ceilings }: Order): Measure {
  const includesExempt = emergency?.includeExempt === true;
  return createMeasure(settings.policy, {
    exemptions: includesExempt ? [] : settings.exemptions,
    freezes: includesExempt ? [] : settings.freezes,
    maxKills,
    ceiling: 'because' in ceilings ? undefined : ceilings[emergency === undefined ? 'killsPerSweep' : 'emergencyKills'],
  });
}

function limitsFor({ request, settings, askedAt }: Order, deps: SweepDeps): Limits {
  return {
    clock: deps.clock,
    deadlineAt: deps.deadlineAt,
    expiresAt: expiresAtOf({ trigger: request.trigger, askedAt }, deps.periodMs ?? Number.POSITIVE_INFINITY),
    verifyForMs: request.verifyForMs,
    isSwitchedOn: settings.isSwitchedOn,
    stopOrder: settings.stopOrder,
    stop: deps.stop ?? new AbortController().signal,
    beforeCancelling: deps.beforeCancelling,
    settleLog: deps.settleLog,
  };
}

function runOf(
  { request, settings, clearance, startedAt, askedAt }: Order,
  { announcedSince }: SweepDeps,
  apiCalls: CountedCalls,
): Tools['run'] {
  const { target, isSwitchedOn, stopOrder, parameterVersions, documents } = settings;
  const { project, dryRunBecause, held } = clearance;
  const isMeantLive = held === undefined && (request.emergency !== undefined || target.mode === 'live');
  return {
    request,
    project,
    dryRunBecause,
    held,
    isSwitchedOn,
    stopOrder,
    stage: settings.stage?.name,
    announced: request.trigger === 'schedule' ? announcedSince?.(askedAt) : undefined,
    startedAt,
    apiCalls,
    notices: [...(settings.notices ?? []), ...identityNotices(settings, { isMeantLive }), ...clearance.notices],
    parameterVersions,
    settingsHash: documents && hashOf(documents),
  };
}
