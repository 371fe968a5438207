import type { Job } from '../../base/job.ts';
import { compareText } from '../../base/text.ts';
import type { Keep, Rule } from '../../policy/schema.ts';
import { groupKey } from '../../policy/select.ts';

/** A job, and what a rule says of it before its groups form. */
export interface Standing {
  job: Job;
  /**
   * `open`: over the limit of the rule, and nothing else spares the job, or may spare it. `spared`: over the limit, and something
   * else does, or may. `undetermined`: it is not known whether the job is over the limit.
   */
  standing: 'open' | 'spared' | 'undetermined' | 'other';
}

/** Whether a rule looks at groups. Most rules do not. */
export const hasGroups = ({ keep, victims, minGroupSize }: Rule): boolean =>
  keep !== undefined || victims === 'oldest' || minGroupSize > 1;

type Member = Standing & { place: number };

/**
 * Returns the jobs that a rule spares for the sake of their group: the place of each in the list, and why.
 *
 * With `keep`, groups form among the open jobs. The fewer of them there are, the fewer are left to cancel. So a job that is spared
 * anyway takes no place of `keep`, nor does a job of which something is not known.
 *
 * Without it, they form among the jobs over the rule's limit, exempt jobs included: otherwise an exemption for the oldest job would
 * make the next one the oldest, and so a victim.
 */
export function sparedByGroup(
  rule: Rule,
  standings: readonly Standing[],
  maxSteps: number,
): ReadonlyMap<number, string> {
  const { keep, victims, groupBy, minGroupSize } = rule;
  const keyOf = (job: Job) => (groupBy === undefined ? '' : groupKey(groupBy, job, maxSteps));
  const members = standings
    .map((one, place) => ({ ...one, place }))
    .filter(({ standing }) => standing === 'open' || (standing === 'spared' && keep === undefined));
  const doubtful = standings.filter(({ standing }) => standing === 'undetermined').map(({ job }) => job);

  const spared = [...Map.groupBy(members, ({ job }) => keyOf(job) ?? '')].flatMap(([key, group]) => {
    if (group.length < minGroupSize) {
      return because(`its group has ${group.length} such jobs, and the rule is for ${minGroupSize} or more`, group);
    }
    if (keep !== undefined) return because(wordsOf(keep), keptOf(group, keep));
    if (victims !== 'oldest') return [];
    return sparedBesideOldest(
      group,
      doubtful.filter((job) => (keyOf(job) ?? key) === key),
    );
  });
  return new Map(spared);
}

const because = (why: string, members: readonly Member[]): [place: number, why: string][] =>
  members.map(({ place }) => [place, why]);

function keptOf(group: readonly Member[], { end, count }: Keep): Member[] {
  const byAge = group.toSorted((a, b) => compareAge(a.job, b.job));
  return end === 'oldest' ? byAge.slice(0, count) : byAge.slice(-count);
}

const wordsOf = ({ end, count }: Keep): string =>
  count === 1 ? `kept as the ${end} of its group` : `kept as one of the ${count} ${end} of its group`;

/** @param doubtful jobs that may be of this group, and over the limit. */
function sparedBesideOldest(group: readonly Member[], doubtful: readonly Job[]): [place: number, why: string][] {
  const [oldest, ...younger] = group.toSorted((a, b) => compareAge(a.job, b.job));
  if (oldest === undefined) return [];
  const isInDoubt = doubtful.some((job) => job.startedAt === undefined || compareAge(job, oldest.job) < 0);
  return isInDoubt
    ? because('a job that could not be judged may be the oldest of its group', group)
    : because('it is not the oldest of its group', younger);
}

function compareAge(a: Job, b: Job): number {
  return (a.startedAt ?? 0) - (b.startedAt ?? 0) || compareText(a.id, b.id);
}
