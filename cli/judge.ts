import { randomUUID } from 'node:crypto';
import { checkCaps } from '../lib/caps.ts';
import { type DecideOptions, type Decision, decide, enginesOf } from '../lib/decide.ts';
import type { Engine } from '../lib/dli/job.ts';
import { isLive } from '../lib/dli/job.ts';
import { exemptionNotices } from '../lib/policy/exemptions.ts';
import type { Exemption, Policy } from '../lib/policy/schema.ts';
import { buildReport, createCallCounter, type SweepReport } from '../lib/report.ts';
import { parseRequest } from '../lib/request.ts';
import { chooseVictims } from '../lib/victims.ts';
import type { World } from './world.ts';

export interface Judgement {
  report: SweepReport;
  decisions: readonly Decision[];
  context: DecideOptions;
}

/** What a dry run would have found at that moment: the same decisions and caps, without a call. */
export async function judge(
  { target, takenAt, jobs: everyJob, gaps }: World,
  policy: Policy,
  { exemptions = [], maxKills }: { exemptions?: readonly Exemption[]; maxKills?: number | undefined } = {},
): Promise<Judgement> {
  const engines = enginesOf(policy);
  const jobs = everyJob.filter(({ engine }) => engines.includes(engine));
  const context: DecideOptions = { policy, exemptions, now: takenAt };
  const decisions = decide(jobs, context);
  const victims = chooseVictims(decisions);
  const caps = { ...policy, maxKills: maxKills ?? policy.maxKills };
  const countLive = (engine: Engine) => jobs.filter((job) => job.engine === engine && isLive(job.state)).length;
  const cap = await checkCaps(
    victims,
    { jobs, gaps, incomplete: new Set() },
    caps,
    new Map(engines.map((engine) => [engine, { countLive: async () => countLive(engine) }])),
  );
  const report = buildReport({
    request: parseRequest({ target, maxKills }, randomUUID),
    ...{ freed: undefined, dryRunBecause: ['request'], startedAt: takenAt, finishedAt: takenAt },
    ...{ decisions, cancellations: [], policy, gaps, stoppedBecause: undefined },
    outcomes: new Map(victims.map(({ job }) => [job.id, { kind: 'skipped', reason: 'dry-run' }])),
    caps: {
      ...{ victims: victims.length, liveJobs: cap.liveCount, exceeded: cap.exceeded ?? null },
      ...{ maxKills: caps.maxKills, maxKillsPercent: caps.maxKillsPercent },
      ...{ percentFloor: caps.percentFloor, drain: caps.drain },
    },
    notices: exemptionNotices([...policy.exemptions, ...exemptions], takenAt),
    apiCalls: createCallCounter().apiCalls,
  });
  return { report, decisions, context };
}
