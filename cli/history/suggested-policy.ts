import { dliReaper } from '../../lib/base/command-line.ts';
import { formatDuration } from '../../lib/base/duration.ts';
import { FLOOR_MS, ROOM } from '../../lib/history/limit.ts';
import type { History } from '../../lib/history/read.ts';
import {
  type JobGroup,
  LEAST_JOBS,
  type Suggestion,
  type Suggestions,
  type WithoutSuggestion,
} from '../../lib/history/suggest.ts';
import { NATIVE_LIMIT_MS } from '../../lib/policy/lint.ts';
import { projectWords } from '../screen/project-words.ts';
import { cleanText, counted, indented } from '../screen/text.ts';
import { yamlOf } from '../screen/yaml-text.ts';

/** Columns of a line. */
const WIDTH = 110;

/** Writes the suggestions as a policy, with the reason for each line. @param shortfall why the history is not complete. */
export function suggestedPolicy(
  all: Suggestions,
  { project, target }: Pick<History, 'project' | 'target'>,
  shortfall: readonly string[],
): string {
  const whose = project === null ? `target ${target}` : projectWords(project);
  const rules = all.suggestions.map((one) => `\n${indented(`${comment(reasonsOf(one))}${yamlOf([ruleOf(one)])}`)}`);
  return `${comment(headOf(all, whose, shortfall))}version: 1\nmode: dry-run\nrules:${rules.join('')}`;
}

/** The rule as it is written in a policy. A write is matched only by a rule that names its type. */
export const ruleOf = ({ id, engine, queue, jobType, owner, otherOwners, limitMs }: Suggestion) => ({
  id,
  ...(engine === 'sql' ? {} : { engines: [engine] }),
  match: {
    queue,
    ...(jobType === null ? {} : { jobType }),
    ...(owner === null ? {} : { owner }),
  },
  ...(otherOwners.length === 0 ? {} : { ignore: { owner: otherOwners } }),
  maxTotalTime: formatDuration(limitMs),
  action: 'log',
});

/** Says why nothing can be suggested for a group. */
export function whyNone({ jobs, reason, longestMs, ...group }: WithoutSuggestion): string {
  const why = {
    'few-jobs': `${counted(jobs.finished, 'job')} finished well; fewer than ${LEAST_JOBS} say too little`,
    'dli-limit':
      `the longest job that finished well took ${minutes(longestMs ?? 0)}, and DLI itself cancels after ` +
      `${formatDuration(NATIVE_LIMIT_MS)} by default, so a limit with room would never be reached`,
    'queue-name': 'no rule can name this queue',
  };
  return `${nameOf(group)}: ${why[reason]}`;
}

function headOf(
  { window, jobs, unreadable, leftOut, withoutSuggestion }: Suggestions,
  whose: string,
  shortfall: readonly string[],
): string[] {
  const seen = `${counted(jobs, 'job')} of ${whose}, submitted from ${day(window.from ?? window.until)} to ${day(window.until)}.`;
  return [
    'Limits suggested by dli-reaper suggest, from what DLI remembers of past jobs. Every rule only logs: it cancels nothing.',
    '',
    `Seen: ${seen}${leftOut === 0 ? '' : ` ${leftOut} of them are of types for which there is no suggestion.`}${unreadable === 0 ? '' : ` Of ${unreadable} more the start or the end cannot be read.`}`,
    ...(window.holdsMonthEnd ? ['This time holds a month end.'] : [NO_MONTH_END]),
    ...shortfall.map((why) => `NOT COMPLETE: ${why}.`),
    '',
    `Each limit is ${ROOM} times the longest job that finished well, rounded up, and at least ${formatDuration(FLOOR_MS)}. It was learned from the older jobs and tried on the newer ones. The bound holds if the jobs to come are like those that were seen.`,
    '',
    'What the past cannot tell:',
    '- How long a job waited, and how long it ran. DLI shows submission and end, so each limit is maxTotalTime.',
    '- How long a job needs that was cancelled, by a person, by the reaper or by DLI itself. Such jobs count for no limit. Once the reaper is live, nothing runs longer than its limit: so do not lower a limit because no job comes near it.',
    '- How long a Flink job ran. There is no rule for Flink.',
    ...(withoutSuggestion.length === 0
      ? []
      : ['', 'No rule:', ...withoutSuggestion.map((one) => `- ${whyNone(one)}.`)]),
    '',
    'Next, with the flags that name the project:',
    `- ${dliReaper('backtest --policy FILE')} shows which jobs these rules would have cancelled.`,
    `- ${dliReaper('plan --policy FILE')} shows which they find now.`,
    '- Then write action: cancel, rule by rule, and at last mode: live.',
    '',
  ];
}

const NO_MONTH_END =
  'NO MONTH END SEEN (the last day of a month to the 2nd): jobs of the month end may take longer than these.';

function reasonsOf(suggestion: Suggestion): string[] {
  const { from, holdsMonthEnd, jobs, longestMs, otherOwners, owner, owns, usualMs } = suggestion;
  const others = jobs.failed + jobs.cancelled + jobs.dead + jobs.alive + jobs.unknown;
  return [
    `${nameOf(suggestion)}. ${counted(jobs.finished, 'job')} finished well: half of them within ${minutes(usualMs)}, the longest after ${minutes(longestMs)}.${others === 0 ? '' : ` ${counted(others, 'other job')} did not, and ${others === 1 ? 'counts' : 'count'} for no limit.`}`,
    ...(owns === undefined
      ? []
      : [
          `- Own rule: ${owner} needs ${owns === 'longer' ? 'at least twice' : 'at most half'} the limit of the other owners.`,
        ]),
    ...(otherOwners.length === 0
      ? []
      : [`- Without the jobs of ${otherOwners.join(', ')}, which are looked at apart.`]),
    `- Limit: ${limitOf(suggestion)}.`,
    `- Checked: ${checkOf(suggestion)}`,
    ...openEndedOf(suggestion),
    ...(holdsMonthEnd
      ? []
      : [`- NO MONTH END SEEN: the first of these jobs was submitted on ${day(from).slice(0, 10)}.`]),
  ];
}

function limitOf({ limitMs, check: { learnedFromMs } }: Suggestion): string {
  const limit = formatDuration(limitMs);
  if (learnedFromMs * ROOM < FLOOR_MS) return `${limit}, the shortest that is suggested`;
  return `${limit} is ${ROOM} times the longest job that it was learned from, ${minutes(learnedFromMs)}, rounded up`;
}

function checkOf({ check: { learnedOn, triedOn, oneIn, raised } }: Suggestion): string {
  if (raised !== undefined) {
    return `of the ${raised.triedOn} newer jobs, ${raised.over} took longer than ${formatDuration(raised.fromMs)}, the limit learned from the older ones. So this one was learned from all ${learnedOn}, and tried on none.`;
  }
  if (oneIn === undefined) {
    return `learned from ${counted(learnedOn, 'job')}, and tried on none, since there are no newer ones.`;
  }
  return `learned from the older ${learnedOn}, tried on the newer ${triedOn}. Over it were 0 of ${triedOn}: fewer than 1 in ${oneIn}, with 95 % certainty.`;
}

function openEndedOf({ limitMs, openEnded: { cancelled, dead, alive, longestMs } }: Suggestion): string[] {
  const parts = [
    ...(cancelled === 0 ? [] : [`${cancelled} cancelled`]),
    ...(dead === 0 ? [] : [`${dead} dead, which means failed or cancelled`]),
    ...(alive === 0 ? [] : [`${alive} not over yet`]),
  ];
  if (parts.length === 0) return [];
  return [
    `- Near or over ${formatDuration(limitMs)}, the longest of them ${minutes(longestMs)} old: ${parts.join('; ')}. How long they need is not known: at least so long.`,
  ];
}

/** `queue adhoc, QUERY of ana`. */
function nameOf({ engine, queue, jobType, owner }: Pick<JobGroup, 'engine' | 'queue' | 'jobType' | 'owner'>): string {
  const jobs = engine === 'sql' ? (jobType ?? 'SQL') : 'Spark';
  return `queue ${queue ?? 'unknown'}, ${jobs}${owner === null ? '' : ` of ${owner}`}`;
}

/** A length in whole minutes, rounded up, or in seconds. */
const minutes = (ms: number): string =>
  formatDuration(ms < 60_000 ? Math.max(Math.ceil(ms / 1_000), 1) * 1_000 : Math.ceil(ms / 60_000) * 60_000);

/** `2026-01-05 09:00 UTC`. */
const day = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Writes lines as comments. Names come from the people who submit jobs, and must not leave the comment. */
const comment = (lines: readonly string[]): string =>
  lines
    .flatMap((line) => wrapped(cleanText(line)))
    .map((line) => `# ${line}`.trimEnd().concat('\n'))
    .join('');

/** Breaks a line between words. */
function wrapped(line: string): string[] {
  const lines: string[] = [];
  let last = '';
  for (const word of line.split(' ')) {
    if (`${last} ${word}`.length > WIDTH && last !== '') {
      lines.push(last);
      last = line.startsWith('- ') ? `  ${word}` : word;
    } else {
      last = last === '' ? word : `${last} ${word}`;
    }
  }
  return [...lines, last];
}
