import { withoutMark } from '../../lib/base/text.ts';
import { describeError } from '../../lib/dli/errors.ts';
import { parsePolicy } from '../../lib/policy/parse.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { enginesOf } from '../../lib/policy/scope.ts';
import type { Ceilings } from '../../lib/settings/ceilings.ts';
import { parseTarget } from '../../lib/settings/ssm.ts';
import type { SweptProject } from '../../lib/sweep/record/report.ts';
import { planFrom } from '../../lib/sweep/sweep.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import type { Stage } from '../source/open-stage.ts';
import type { ParameterVersion } from '../source/parameter-store.ts';
import { observe } from '../sweep/observe.ts';

/** Whom a policy wants cancelled at this moment on one target. */
export interface Effect {
  target: string;
  /** Null if its jobs could not be seen. */
  project: SweptProject | null;
  /** Victims by the policy that is live; null if there is none that can be read. */
  before: number | null;
  /** Victims by the other one; null if the jobs of the target could not be seen. */
  after: number | null;
  /** Why a cap would keep the other one from cancelling them all; null if none would. */
  capped: string | null;
  /** Job ids. */
  added: string[];
  removed: string[];
  problem: string | null;
}

/** What is known of a target when its jobs could not be seen, or their ages mean nothing: nothing. */
const UNSEEN = { project: null, before: null, after: null, capped: null, added: [], removed: [] };

interface EffectOptions {
  /** Name of the policy. */
  name: string;
  look?: boolean;
  json?: boolean;
  /** The ceilings of the stage; undefined if they cannot be read. */
  ceilings?: Ceilings | undefined;
}

/** On every target that goes by this policy, with the exemptions and freezes of the stage. */
export async function effectsOf(
  stage: Stage,
  { name, look = true, json = false, ceilings }: EffectOptions,
  policy: Policy,
  live: ParameterVersion | undefined,
  terminal: Terminal,
): Promise<Effect[]> {
  if (!look) return [];
  const { names, readPath } = stage;
  const values = await readPath(names.targets);
  const livePolicy = parsePolicyOrNot(live);
  const engines = [...new Set([policy, ...(livePolicy === undefined ? [] : [livePolicy])].flatMap(enginesOf))];
  return withSpinner('Looking at the jobs of this moment', { json }, terminal, async () => {
    const effects: Effect[] = [];
    for (const parameter of [...values.keys()].sort()) {
      const target = parameter.slice(names.targets.length);
      try {
        if (parseTarget(parameter, values).policy !== name) continue;
        const { seen, settings } = await observe({ stage: stage.name, target }, terminal, { engines, stage });
        // If the clocks differ, the ages are wrong. A list that failed may hold victims that were not seen.
        const unseen = seen.clockProblem ?? (seen.jobs.length === 0 ? seen.gaps[0]?.what : undefined);
        if (unseen !== undefined) {
          effects.push({ ...UNSEEN, target, problem: unseen });
          continue;
        }
        const victimsBy = async (one: Policy) => {
          const { report } = await planFrom(seen, one, {
            exemptions: settings.exemptions,
            freezes: settings.freezes,
            ceilings,
          });
          const ids = report.jobs.flatMap(({ jobId, decision }) => (decision === 'cancel' ? [jobId] : []));
          // Whether jobs that could not be judged would be victims cannot be told.
          const [problem = null] = report.status === 'partial' ? report.problems : [];
          return { ids, capped: report.caps.exceeded, problem };
        };
        const { ids: after, capped, problem } = await victimsBy(policy);
        const byLive = livePolicy === undefined ? undefined : await victimsBy(livePolicy);
        const before = byLive?.ids;
        effects.push({
          target,
          project: seen.project,
          before: before?.length ?? null,
          after: after.length,
          capped,
          problem: seen.gaps[0]?.what ?? problem ?? byLive?.problem ?? null,
          added: after.filter((id) => before?.includes(id) !== true),
          removed: (before ?? []).filter((id) => !after.includes(id)),
        });
      } catch (error) {
        effects.push({ ...UNSEEN, target, problem: describeError(error) });
      }
    }
    return effects;
  });
}

function parsePolicyOrNot(live: ParameterVersion | undefined): Policy | undefined {
  try {
    return live && parsePolicy(JSON.parse(withoutMark(live.value)));
  } catch {
    return undefined;
  }
}
