import { withoutMark } from '../../lib/base/text.ts';
import { describeError } from '../../lib/dli/advice.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { enginesOf } from '../../lib/policy/scope.ts';
import type { Ceilings } from '../../lib/settings/ceilings.ts';
import { parseTarget } from '../../lib/settings/stage.ts';
import type { SweptProject } from '../../lib/sweep/record/report.ts';
import { planFrom } from '../../lib/sweep/snapshot.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import type { Stage } from '../source/open-stage.ts';
import type { ParameterVersion } from '../source/parameter-store.ts';
import { observe } from '../sweep/observe.ts';

/** Which jobs of one target a new policy would cancel now. */
export interface Effect {
  target: string;
  /** Null if its jobs could not be seen. */
  project: SweptProject | null;
  /** Number of victims by the live policy; null if there is none, or it cannot be read. */
  before: number | null;
  /** Number of victims by the new policy; null if the jobs of the target could not be seen. */
  after: number | null;
  /** The cap that would keep the new policy from cancelling them all; null if no cap would. */
  capped: string | null;
  /** Job ids. */
  added: string[];
  removed: string[];
  problem: string | null;
}

/** The effect on a target whose jobs could not be seen, or whose ages are wrong: unknown. */
const UNSEEN = { project: null, before: null, after: null, capped: null, added: [], removed: [] };

interface EffectOptions {
  /** Name of the policy. */
  name: string;
  look?: boolean;
  json?: boolean;
  policy: Policy;
  live: ParameterVersion | undefined;
  /** The ceilings of the stage; undefined if they cannot be read. */
  ceilings: Ceilings | undefined;
}

interface Policies {
  policy: Policy;
  livePolicy: Policy | undefined;
  ceilings: Ceilings | undefined;
}

/** Works out the effect on every target that uses this policy, with the exemptions and freezes of the stage. */
export async function effectsOf(
  stage: Stage,
  { name, look = true, json = false, policy, live, ceilings }: EffectOptions,
  terminal: Terminal,
): Promise<Effect[]> {
  if (!look) return [];
  const { names, readPath } = stage;
  const values = await readPath(names.targets);
  const policies = { policy, livePolicy: parsePolicyOrNot(live), ceilings };
  return withSpinner('Looking at the live jobs', { json }, terminal, async () => {
    const effects: Effect[] = [];
    for (const parameter of [...values.keys()].sort()) {
      const target = parameter.slice(names.targets.length);
      try {
        if (parseTarget(parameter, values).policy !== name) continue;
        effects.push(await effectOn(target, stage, policies, terminal));
      } catch (error) {
        effects.push({ ...UNSEEN, target, problem: describeError(error) });
      }
    }
    return effects;
  });
}

async function effectOn(
  target: string,
  stage: Stage,
  { policy, livePolicy, ceilings }: Policies,
  terminal: Terminal,
): Promise<Effect> {
  const engines = [...new Set([policy, ...(livePolicy === undefined ? [] : [livePolicy])].flatMap(enginesOf))];
  const { seen, settings } = await observe({ stage: stage.name, target }, terminal, { engines, stage });
  // If the clocks differ, the ages are wrong. A list that failed may hold victims that were not seen.
  const unseen = seen.clockProblem ?? (seen.jobs.length === 0 ? seen.gaps[0]?.what : undefined);
  if (unseen !== undefined) return { ...UNSEEN, target, problem: unseen };

  const victimsBy = async (one: Policy) => {
    const { exemptions, freezes } = settings;
    const { report } = await planFrom(seen, one, { exemptions, freezes, ceilings });
    const ids = report.jobs.flatMap(({ jobId, decision }) => (decision === 'cancel' ? [jobId] : []));
    // Jobs that could not be judged may be victims too.
    const [problem = null] = report.status === 'partial' ? report.problems : [];
    return { ids, capped: report.caps.exceeded, problem };
  };
  const { ids: after, capped, problem } = await victimsBy(policy);
  const byLive = livePolicy === undefined ? undefined : await victimsBy(livePolicy);
  const before = byLive?.ids;
  return {
    target,
    project: seen.project,
    before: before?.length ?? null,
    after: after.length,
    capped,
    problem: seen.gaps[0]?.what ?? problem ?? byLive?.problem ?? null,
    added: after.filter((id) => before?.includes(id) !== true),
    removed: (before ?? []).filter((id) => !after.includes(id)),
  };
}

function parsePolicyOrNot(live: ParameterVersion | undefined): Policy | undefined {
  try {
    return live && parsePolicy(JSON.parse(withoutMark(live.value)));
  } catch {
    return undefined;
  }
}
