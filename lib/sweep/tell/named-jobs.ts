import { formatDuration } from '../../base/duration.ts';
import { type Engine, isJobId, type Job } from '../../base/job.ts';
import type { Emergency } from '../../policy/emergency.ts';
import { ENGINE_FACTS } from '../../policy/facts.ts';
import { whyForeign } from '../../policy/forms.ts';
import { compileMatcher, compileQueueMatcher } from '../../policy/matcher.ts';
import type { Decision } from '../judge/decide.ts';
import type { Outcome } from '../record/outcome.ts';
import type { Verdict } from '../record/verdict.ts';

/** Every job that was named and is not to be cancelled, unless it has ended or is about to: why, one sentence each. */
export function unmetJobs(
  emergency: Emergency,
  { jobs, now }: { jobs: readonly Job[]; now: number },
  decisions: readonly Decision[],
  { jobsMayBeElsewhere = false }: { jobsMayBeElsewhere?: boolean | undefined } = {},
): string[] {
  return [
    ...unlookedJobs(emergency),
    ...(jobsMayBeElsewhere ? [] : missingJobs(emergency, jobs)),
    ...sparedJobs(emergency, decisions, now),
  ];
}

/** Named jobs that are not there, as far as was looked. One sentence each. */
export function missingJobs({ jobIds, engines, olderThanMs }: Emergency, seen: readonly { id: string }[]): string[] {
  const ids = new Set(seen.map((job) => job.id.toLowerCase()));
  const age = olderThanMs === 0 ? '' : ` older than ${formatDuration(olderThanMs)}`;
  return jobIds
    .filter((id) => !ids.has(id.toLowerCase()) && engines.some((engine) => isJobId(id, engine)))
    .map(
      (id) => `job ${id} is not among the live ${kindsOf(engines)}${age}; if it should be, check target and project`,
    );
}

const kindsOf = (engines: readonly Engine[]) => engines.map((engine) => ENGINE_FACTS[engine].jobs).join(' and ');

/** Named jobs that no engine in scope could have: nobody looked for them. One sentence each. */
function unlookedJobs({ jobIds, engines }: Emergency): string[] {
  return jobIds
    .filter((id) => !engines.some((engine) => isJobId(id, engine)))
    .map((id) => `job ${id} was not looked for: it is the id of none of the ${kindsOf(engines)}`);
}

const MOST_NAMES = 10;

const compile = { queue: compileQueueMatcher, owner: compileMatcher };

/** A queue or an owner that is misspelt is nobody's. What there is, one sentence for each that matches nothing. */
export function unmatchedNames({ queue, owner }: Emergency, seen: readonly Pick<Job, 'queue' | 'owner'>[]): string[] {
  const wanted = { queue, owner };
  return (['queue', 'owner'] as const).flatMap((key) => {
    const names = [...new Set(seen.flatMap((job) => job[key] ?? []))].sort();
    const there = names.length === 0 ? 'none' : names.slice(0, MOST_NAMES).join(', ');
    const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
    return wanted[key]
      .filter((text) => !names.some((name) => compile[key](text).matches(name)))
      .map((text) => {
        const hint = whyForeign(text, key);
        const found = `no job that was looked at has ${key} ${text}; there are ${there}${more}`;
        return hint === undefined ? found : `${found}; ${hint}`;
      });
  });
}

/** Named jobs that are alive and were not to be cancelled all the same: why, one sentence each. @param now as judged. */
export function sparedJobs(
  { jobIds }: Emergency,
  decisions: readonly Decision[],
  now = Number.POSITIVE_INFINITY,
): string[] {
  const named = new Set(jobIds.map((id) => id.toLowerCase()));
  return decisions.flatMap(({ job, rules, exemption, freeze, verdict }) => {
    if (verdict.action !== 'keep' || !named.has(job.id.toLowerCase())) return [];
    if (verdict.reason === 'terminal' || verdict.reason === 'stopping') return [];
    if (job.since.submitted !== undefined && job.since.submitted > now) {
      return [`job ${job.id} is spared: it began after this was asked for`];
    }
    const isVictim = rules.some(({ action }) => action !== 'keep');
    const doubt =
      exemption.exempt === 'unknown' ? mayBe('exempt') : freeze.frozen === 'unknown' ? mayBe('frozen') : undefined;
    return [`job ${job.id} is spared: ${(isVictim ? doubt : undefined) ?? whySpared(job, verdict)}`];
  });
}

const mayBe = (word: 'exempt' | 'frozen') =>
  `it may be ${word}, and that cannot be told; --include-exempt, or includeExempt, takes it all the same`;

/** Named jobs that were to be cancelled, and that the reading right before spared: why, one sentence each. */
export function sparedAtLast({ jobIds }: Emergency, outcomes: ReadonlyMap<string, Outcome>): string[] {
  const named = new Set(jobIds.map((id) => id.toLowerCase()));
  return [...outcomes].flatMap(([id, outcome]) => {
    if (outcome.kind !== 'skipped' || !named.has(id.toLowerCase())) return [];
    const { reason, status = 'no status' } = outcome;
    if (reason === 'changed') {
      return [
        `job ${id} is spared: it has changed since it was listed, and is not over the limit any more (${status})`,
      ];
    }
    return reason === 'undetermined'
      ? [`job ${id} is spared: its status is one that the reaper does not know (${status})`]
      : [];
  });
}

function whySpared({ protection, type, askedAt }: Job, { reason, rule }: Extract<Verdict, { action: 'keep' }>): string {
  switch (reason) {
    case 'protected':
      return protection === 'always'
        ? 'an operation on a queue is never cancelled'
        : `its type ${type} has to be named`;
    case 'exempt':
      return `exemption ${rule ?? '?'} is for it`;
    case 'frozen':
      return `freeze ${rule ?? '?'} is in force; --include-exempt, or includeExempt, takes it all the same`;
    case 'undetermined':
      return 'something that has to be known of it is not, such as its age or its type';
    case 'within-limit':
      return 'it is younger than was asked for';
    case 'no-rule':
      return 'its queue, owner or type is not what was asked for';
    case 'asked-recently':
      return (
        `DLI changed it${askedAt === undefined ? '' : ` at ${new Date(askedAt).toISOString()}`}, less than six hours ago; ` +
        'it may be a savepoint that failed, or an edit; --no-savepoint stops it without one'
      );
    default:
      return `it is ${reason}`;
  }
}
