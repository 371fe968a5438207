import { ENGINE_NAMES, type Engine, isLive, type Job } from '../base/job.ts';
import { createDliReader } from '../dli/client.ts';
import type { Exemption, Freeze, Policy } from '../policy/schema.ts';
import { createRequest } from '../request/request.ts';
import { beyondCeilings, type Ceilings } from '../settings/ceilings.ts';
import type { Settings } from '../settings/settings.ts';
import { leaveAlone } from './act/act.ts';
import { wouldBeHeld } from './clearance.ts';
import { connectionTo } from './connection.ts';
import type { SweepDeps } from './deps.ts';
import { createMeasure, type Judgement, judge, type Measure } from './judge/judge.ts';
import { projectOf } from './look/identity.ts';
import {
  createReaders,
  look,
  lookBack,
  type Scope,
  type Sight,
  type StoredLook,
  scopeOf,
  showJob,
} from './look/look.ts';
import { silentLog } from './record/log-lines.ts';
import { createCallCounter, type SweepReport } from './record/report.ts';
import { type SweepRun, tell } from './tell/tell.ts';

/**
 * Looks at every live job of these engines, in detail and with its statement, so that any policy can judge them later.
 *
 * @param deps.isBrief leaves out what takes more than the lists: details and statements.
 * @throws {DliError} if no engine can be listed, or the credential is refused.
 */
export async function lookAtEverything(
  engines: readonly Engine[],
  { target, credentials }: Pick<Settings, 'target' | 'credentials'>,
  { isBrief = false, ...deps }: Pick<SweepDeps, 'clock' | 'random' | 'sharedFor'> & { isBrief?: boolean },
): Promise<StoredLook> {
  const startedAt = deps.clock.now();
  const dli = createDliReader(connectionTo(target, credentials, deps));
  try {
    const scope: Scope = {
      startedBefore: new Map(engines.map((engine) => [engine, startedAt])),
      // Any of them may be a victim of the policy that judges it.
      needsDetail: (jobs) => new Set(isBrief ? [] : jobs.filter(({ state }) => isLive(state))),
    };
    const readers = createReaders(engines, dli, { withStatements: !isBrief });
    const { countLive: _, ...sight } = await look(scope, readers, { startedAt, reading: () => dli.clockReading() });
    return { target: target.name, project: projectOf(target), ...sight };
  } finally {
    dli.close();
  }
}

/** Reads one job of any engine, and needs no policy. @returns undefined if DLI knows no such job. @throws {DliError} */
export async function lookAtJob(
  jobId: string,
  { target, credentials }: Pick<Settings, 'target' | 'credentials'>,
  deps: Pick<SweepDeps, 'clock' | 'random' | 'sharedFor'>,
): Promise<Job | undefined> {
  const dli = createDliReader(connectionTo(target, credentials, deps));
  try {
    return await showJob(jobId, createReaders(ENGINE_NAMES, dli, { withStatements: false }));
  } finally {
    dli.close();
  }
}

interface PlanOptions {
  exemptions?: readonly Exemption[];
  freezes?: readonly Freeze[];
  maxKills?: number | undefined;
  /** None by default. */
  ceilings?: Ceilings | undefined;
}

/** Judges a stored look as of its moment, without a call. */
export async function judgeStored(
  stored: StoredLook,
  measure: Measure,
): Promise<{ sight: Sight; judgement: Judgement }> {
  const sight = lookBack(stored, scopeOf(measure.policy, stored.now));
  return { sight, judgement: await judge(sight, measure) };
}

/** Reports what a dry run would have said at the moment of a stored look: the same decisions and caps, without a call. */
export async function planFrom(
  stored: StoredLook,
  policy: Policy,
  { ceilings, ...measured }: PlanOptions = {},
): Promise<{ report: SweepReport; sight: Sight; judgement: Judgement }> {
  const measure = createMeasure(policy, { ...measured, ceiling: ceilings?.killsPerSweep });
  const { sight, judgement } = await judgeStored(stored, measure);
  const beyond = ceilings === undefined ? [] : beyondCeilings(policy, ceilings);
  const run: SweepRun = {
    request: createRequest({ target: stored.target, maxKills: measured.maxKills }),
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
