import { randomUUID } from 'node:crypto';
import { choose, isCapped, outcomesOf, skipAll, toCapReport } from '../lib/choice.ts';
import { type DecideOptions, type Decision, decide, enginesOf, youngestOverdueStart } from '../lib/decide.ts';
import { type Engine, isLive, type Job } from '../lib/dli/job.ts';
import { exemptionNotices } from '../lib/policy/exemptions.ts';
import type { Exemption, Policy } from '../lib/policy/schema.ts';
import { buildReport, createCallCounter, type SweepReport } from '../lib/report.ts';
import { parseRequest } from '../lib/request.ts';
import type { World } from './world.ts';

export interface Judgement {
  report: SweepReport;
  /** Also of jobs that a sweep would not have listed, since no rule could find them overdue. */
  decisions: readonly Decision[];
  context: DecideOptions;
}

/** A sweep lists no SQL jobs that are too young for any rule, and so counts none of them as seen. */
function isListed({ engine, since: { submitted } }: Job, policy: Policy, now: number): boolean {
  return engine !== 'sql' || submitted === undefined || submitted < youngestOverdueStart(policy, engine, now);
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
  const listed = decisions.filter(({ job }) => isListed(job, policy, takenAt));
  const caps = { ...policy, maxKills: maxKills ?? policy.maxKills };
  const countLive = (engine: Engine) => everyJob.filter((job) => job.engine === engine && isLive(job.state)).length;
  const choice = await choose(
    listed,
    // Which engine a gap is of is not on record, so it may be any.
    { jobs: listed.map(({ job }) => job), gaps, incomplete: new Set(gaps.length === 0 ? [] : engines) },
    { policy, caps, readers: new Map(engines.map((engine) => [engine, { countLive: async () => countLive(engine) }])) },
  );
  const obstacle = isCapped(choice) ? 'cap' : 'dry-run';
  const report = buildReport({
    request: parseRequest({ target, maxKills }, randomUUID),
    ...{ freed: undefined, dryRunBecause: ['request'], startedAt: takenAt, finishedAt: takenAt },
    ...{ decisions: listed, cancellations: [], policy, gaps, stoppedBecause: undefined },
    outcomes: outcomesOf(choice, obstacle, skipAll(choice.chosen, obstacle)),
    caps: toCapReport(choice),
    notices: [
      `judged as of ${new Date(takenAt).toISOString()}`,
      ...exemptionNotices([...policy.exemptions, ...exemptions], takenAt),
    ],
    apiCalls: createCallCounter().apiCalls,
  });
  return { report, decisions, context };
}
