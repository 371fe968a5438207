import { formatDuration } from '../../base/duration.ts';
import { type Engine, isJobId, type Job } from '../../base/job.ts';
import type { Emergency } from '../../policy/emergency.ts';
import { ENGINE_FACTS } from '../../policy/facts.ts';
import { whyForeign } from '../../policy/forms.ts';
import { compileMatcher, compileQueueMatcher } from '../../policy/matcher.ts';
import { ASK_AGAIN_AFTER_MS, type Decision } from '../judge/decide.ts';
import type { Outcome } from '../record/outcome.ts';
import type { Verdict } from '../record/verdict.ts';

/** Says why jobs that were named are not to be cancelled, one sentence each. Jobs that have ended, or are stopping, are left out. */
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

/** Names the jobs that were not found, one sentence each. */
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

/** Names the jobs that were not looked for, since their ids fit no engine in scope. One sentence each. */
function unlookedJobs({ jobIds, engines }: Emergency): string[] {
  return jobIds
    .filter((id) => !engines.some((engine) => isJobId(id, engine)))
    .map((id) => `job ${id} was not looked for: no job among the ${kindsOf(engines)} can have this id`);
}

const MOST_NAMES = 10;

const compile = { queue: compileQueueMatcher, owner: compileMatcher };

/** Names each queue and owner that matches no job, and those that there are, one sentence each: it may be misspelt. */
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
        return hint === undefined ? found : `${found}; ${text} ${hint}`;
      });
  });
}

/** Says why named jobs that are alive are spared, one sentence each. @param now epoch ms, the instant of the decisions. */
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
  `it may be ${word}, which is not known; --include-exempt, or includeExempt, cancels it anyway`;

/** Says why the reading right before the cancel spared named jobs, one sentence each. */
export function sparedAtLast({ jobIds }: Emergency, outcomes: ReadonlyMap<string, Outcome>): string[] {
  const named = new Set(jobIds.map((id) => id.toLowerCase()));
  return [...outcomes].flatMap(([id, outcome]) => {
    if (outcome.kind !== 'skipped' || !named.has(id.toLowerCase())) return [];
    const { reason, status = 'no status' } = outcome;
    if (reason === 'changed') {
      return [`job ${id} is spared: it has changed since it was listed, and is no longer over the limit (${status})`];
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
      return `exemption ${rule ?? '?'} covers it`;
    case 'frozen':
      return `freeze ${rule ?? '?'} is in force; --include-exempt, or includeExempt, cancels it anyway`;
    case 'undetermined':
      return 'something about it is not known, such as its age or its type';
    case 'within-limit':
      return 'it is younger than was asked for';
    case 'no-rule':
      return 'its queue, owner or type is not what was asked for';
    case 'asked-recently':
      return (
        `DLI changed it${askedAt === undefined ? '' : ` at ${new Date(askedAt).toISOString()}`}, less than ${formatDuration(ASK_AGAIN_AFTER_MS)} ago; ` +
        'it may be a savepoint that failed, or an edit; --no-savepoint stops it without one'
      );
    case 'ignored':
    case 'group':
    case 'queued':
    case 'terminal':
    case 'stopping':
      return `it is ${reason}`;
    default:
      return reason satisfies never;
  }
}
