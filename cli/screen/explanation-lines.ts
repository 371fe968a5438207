import { formatDuration } from '../../lib/base/duration.ts';
import { clockOf, type LimitName } from '../../lib/policy/clocks.ts';
import type { Predicate } from '../../lib/policy/select.ts';
import type { Explanation, RuleExplanation } from '../../lib/sweep/record/explanation.ts';
import type { CapReport } from '../../lib/sweep/record/report.ts';

/**
 * The verdict on a job as lines of text, as they come: names in them are not made safe to print. The page of `report` shows them
 * in a browser, so this file loads nothing of Node.
 *
 * @param caps null if they are not on record.
 */
export function explanationLines(explanation: Explanation, caps: CapReport | null): string[] {
  const { jobId, engine, jobType, queue, owner, status, clocks, rules, exemptions, freezes } = explanation;
  const { tagExemption, verdict } = explanation;
  const readings = (Object.entries(clocks) as [LimitName, number | null][])
    .filter(([, ms]) => ms !== null)
    .map(([clock, ms]) => `${clockOf(clock).word} ${formatDuration(ms ?? 0)}`);
  return [
    `Job ${jobId}, ${engine} ${jobType ?? '?'} on ${queue ?? '?'} by ${owner ?? '?'}, ${status ?? 'no status'}`,
    `Clocks: ${readings.join(', ') || 'no reading'}`,
    ...rules.flatMap(formatRule),
    ...exemptions.flatMap((one) => formatProtection('Exemption', one)),
    ...freezes.flatMap((one) => formatProtection('Freeze', one)),
    ...(tagExemption === null ? [] : [`Exemption by the job's own tags: ${tagExemption}`]),
    ...(caps === null ? [] : [formatCaps(caps)]),
    `Verdict: ${formatVerdict(verdict)}`,
  ];
}

const formatCaps = (caps: CapReport): string =>
  `Caps: ${caps.victims} to be cancelled; maxKills ${caps.maxKills}${ceilingOf(caps)}, maxKillsPercent ${caps.maxKillsPercent} of at least ` +
  `${caps.liveJobs} live jobs, from ${caps.percentFloor} on: ${caps.exceeded ?? 'within'}`;

const ceilingOf = ({ ceiling, maxKills }: CapReport) =>
  ceiling !== null && ceiling < maxKills ? ` (the ceiling here is ${ceiling})` : '';

function formatProtection(
  name: 'Exemption' | 'Freeze',
  { id, from, until, isInForce, isToCome, predicates, holds }: Explanation['exemptions' | 'freezes'][number],
): string[] {
  const start = from === null ? '' : `from ${from} `;
  const state = isInForce ? '' : isToCome ? ', not yet in force' : name === 'Exemption' ? ', expired' : ', over';
  return [
    `${name} ${id} (${start}until ${until}${state}): ${holds}`,
    ...(predicates === 'all' ? ['  match   all'] : predicates.map((one) => formatPredicate('match ', one))),
  ];
}

function formatRule({ rule, match, ignore, limits, result }: RuleExplanation): string[] {
  return [
    `Rule ${rule}: ${result}`,
    ...(match === 'all' ? ['  match   all'] : match.map((one) => formatPredicate('match ', one))),
    ...ignore.map((one) => formatPredicate('ignore', one)),
    ...limits.map(({ clock, limitMs, readingMs }) => {
      const reading = readingMs === null ? 'no reading' : formatDuration(readingMs);
      return `  limit   ${clock} ${formatDuration(limitMs)}: ${reading}`;
    }),
  ];
}

function formatPredicate(name: 'match ' | 'ignore', { key, wanted, found, holds }: Predicate): string {
  return `  ${name}  ${key}: wanted ${wanted.join(' or ')}, found ${found === null ? 'nothing' : found || 'none'}: ${holds}`;
}

function formatVerdict(verdict: Explanation['verdict']): string {
  if (verdict.action === 'keep') {
    const why = verdict.because === undefined ? '' : `: ${verdict.because}`;
    return `keep, ${verdict.reason}${verdict.rule === undefined ? '' : ` (${verdict.rule})`}${why}`;
  }
  const { action, rule, clock, limitMs, overLimitMs, matched } = verdict;
  const also = matched.filter((id) => id !== rule);
  return (
    `${action}, by rule ${rule}: ${formatDuration(overLimitMs)} over ${clock} ${formatDuration(limitMs)}` +
    (also.length === 0 ? '' : `; also over the limit of ${also.join(', ')}`)
  );
}
