import { dliReaper } from '../base/command-line.ts';
import { formatDuration } from '../base/duration.ts';
import { UNSEEN } from '../base/json-text.ts';
import { clockOf } from '../policy/clocks.ts';
import type { MessageJob, MessageKind } from '../sweep/record/message.ts';
import type { SweepStatus } from '../sweep/record/report.ts';
import type { Received } from './received.ts';

/** A message as people read it. */
export interface Rendered {
  title: string;
  text: string;
}

/** The kinds in the order in which they are named, with the words for a number of jobs. */
const KINDS: readonly { kind: MessageKind; words: string; past: readonly [one: string, many: string] }[] = [
  {
    kind: 'failed',
    words: 'not cancelled',
    past: ['could not be cancelled and runs on', 'could not be cancelled and run on'],
  },
  {
    kind: 'unconfirmed',
    words: 'not seen to stop',
    past: ['was asked to stop, but was not seen to stop', 'were asked to stop, but were not seen to stop'],
  },
  { kind: 'cancelled', words: 'cancelled', past: ['was cancelled', 'were cancelled'] },
  { kind: 'warned', words: 'over a limit', past: ['is over its limit', 'are over their limit'] },
  {
    kind: 'may-be-cancelled',
    words: 'close to a limit',
    past: ['may be cancelled soon', 'may be cancelled soon'],
  },
  { kind: 'kept', words: 'kept', past: ['is kept', 'are kept'] },
  { kind: 'ended', words: 'ended by itself', past: ['is no longer running', 'are no longer running'] },
  { kind: 'would-be-cancelled', words: 'would be cancelled', past: ['would be cancelled', 'would be cancelled'] },
];

/** Jobs of one kind, queue and rule are one line if there are more than this. */
const MOST_LINES = 3;
const MOST_NAMED = 3;
const MOST_PROBLEMS = 10;
const MOST_CHARACTERS = 200;

/** Puts a message into words, for its recipient. Pure. */
export function render(message: Received, { stage, ask }: { stage: string; ask: string | undefined }): Rendered {
  const [title, lines] =
    message.to === 'owner'
      ? [titleForOwner(message), linesForOwner(message, stage, ask)]
      : [titleForOperators(message, stage), linesForOperators(message, stage, ask)];
  return { title, text: [title, ...lines].join('\n') };
}

function titleForOwner(message: Received): string {
  const counts = KINDS.flatMap(({ kind, past }) => {
    const count = countOf(message, kind);
    return count === 0 ? [] : [{ count, words: count === 1 ? past[0] : past[1] }];
  });
  const [first] = counts;
  const where = `project ${plain(message.projectName ?? message.target)}`;
  if (counts.length === 1 && first?.count === 1) return `Your DLI job in ${where} ${first.words}`;
  return `Your DLI jobs in ${where}: ${counts.map(({ count, words }) => `${count} ${words}`).join('; ')}`;
}

/** What a status means, in words that fit a title. */
const STATUS_WORDS: Record<SweepStatus, string | undefined> = {
  ok: undefined,
  failed: 'failures',
  partial: 'it saw only a part of the jobs',
  capped: 'more jobs than a cap allows',
  stopped: 'stopped',
};

function titleForOperators(message: Received, stage: string): string {
  const { status, target, dryRun } = message;
  const counts = KINDS.flatMap(({ kind, words }) => {
    const count = countOf(message, kind);
    return count === 0 ? [] : [`${count} ${words}`];
  });
  const state = status === null ? undefined : STATUS_WORDS[status];
  const what = [...(state === undefined ? [] : [state]), ...counts].join(', ');
  const kind = isEmergency(message) ? 'emergency on' : 'sweep of';
  return `DLI job reaper, ${dryRun ? 'dry run of' : kind} ${plain(target)} (stage ${stage}): ${what}`;
}

const countOf = ({ jobs, more }: Received, kind: MessageKind): number =>
  jobs.filter((job) => job.kind === kind).length + (more[kind] ?? 0);

function linesForOwner(message: Received, stage: string, ask = 'the operators of the DLI job reaper'): string[] {
  const { jobs } = message;
  const has = (...kinds: MessageKind[]) => jobs.some(({ kind }) => kinds.includes(kind));
  const isOverLimit = has('cancelled', 'unconfirmed', 'failed') && !isEmergency(message);
  return [
    ...jobLines(message),
    ...reasonLines(message),
    ...(isOverLimit
      ? ['If you run it again as it is, it is likely to be cancelled again: make it shorter, or ask first.']
      : []),
    ...(has('warned')
      ? ['The rule only warns, so it cancelled nothing. Please cancel what you do not need any more.']
      : []),
    ...(has('would-be-cancelled')
      ? ['This was a dry run, so nothing was cancelled. Later, such jobs will be: if yours need more time, ask now.']
      : []),
    `Whom to ask: ${plain(ask)}`,
    ...(isOverLimit || has('would-be-cancelled')
      ? [`What they run to keep such jobs: ${exemptLine(message, stage)}`]
      : []),
  ];
}

/** The command that keeps jobs such as these. */
function exemptLine({ owner, jobs: [job] }: Received, stage: string): string {
  const who = inCommand(owner, 'OWNER');
  const queue = job?.queue == null ? '' : ` --queue ${inCommand(job.queue, 'QUEUE')}`;
  return dliReaper(`exempt NAME --stage ${stage} --owner ${who}${queue} --until 7d --reason "WHY" --contact ${who}`);
}

/** A name in a command that people copy; a placeholder if a shell would take it for more than a name. */
const inCommand = (name: string | null, placeholder: string): string =>
  name !== null && /^[\w.@][\w.@-]*$/.test(name) ? name : placeholder;

function linesForOperators(message: Received, stage: string, ask: string | undefined): string[] {
  const more = message.problems.length - MOST_PROBLEMS;
  return [
    ...message.problems.slice(0, MOST_PROBLEMS).map((problem) => `- ${plain(problem)}`),
    ...(more > 0 ? [`- and ${more} more problems`] : []),
    ...jobLines(message),
    ...reasonLines(message),
    `To look closer: ${dliReaper(closerLook(message, stage))}`,
    ...(ask === undefined ? [] : [`Whom to ask: ${plain(ask)}`]),
  ];
}

function closerLook({ dryRun, target, jobs: [job] }: Received, stage: string): string {
  if (job === undefined) return `status --stage ${stage}`;
  const place = `--stage ${stage} --target ${inCommand(target, 'TARGET')}`;
  return dryRun ? `plan ${place}` : `why ${inCommand(job.jobId, 'JOB_ID')} ${place}`;
}

const isEmergency = ({ trigger }: Received): boolean => trigger === 'emergency';

/** Says that a person asked for the sweep, and why. */
function reasonLines(message: Received): string[] {
  const { trigger, requestReason, recordedBy, to } = message;
  if (trigger === 'schedule' || trigger === null) return [];
  const who = recordedBy === null || to === 'owner' ? 'A person' : plain(recordedBy);
  const what = isEmergency(message) ? 'an emergency sweep' : 'this sweep';
  return [`${who} started ${what}${requestReason === null ? '.' : `: "${plain(requestReason)}"`}`];
}

/** Lists the jobs, those of one kind, queue and rule together. */
function jobLines({ jobs, more, to }: Received): string[] {
  const isMixed = new Set(jobs.map(({ kind }) => kind)).size > 1;
  return KINDS.flatMap(({ kind, words }) => {
    const groups = Map.groupBy(
      jobs.filter((job) => job.kind === kind),
      ({ queue, rule, clock, limitMs }) => JSON.stringify([queue, rule, clock, limitMs]),
    );
    const prefix = isMixed || to === 'operators' ? `${words}: ` : '';
    const lines = [...groups.values()].flatMap((group) =>
      group.length > MOST_LINES ? [lineOfGroup(group, to)] : group.map((job) => lineOfJob(job, to)),
    );
    const rest = more[kind] ?? 0;
    return [...lines, ...(rest > 0 ? [`${rest} more, not listed here`] : [])].map((line) => `- ${prefix}${line}`);
  });
}

function lineOfJob(job: MessageJob, to: Received['to']): string {
  const name = job.name === null ? '' : ` "${plain(job.name)}"`;
  const owner = to === 'operators' && job.owner !== null ? ` of ${plain(job.owner)}` : '';
  const error = to === 'operators' && job.error !== null ? ` (${plain(job.error)})` : '';
  return `job ${plain(job.jobId)}${name}${owner}${placeOf(job)}${limitOf(job, '')}${error}`;
}

function lineOfGroup(jobs: readonly MessageJob[], to: Received['to']): string {
  const [first] = jobs;
  if (first === undefined) return '';
  const longest = jobs.reduce((a, b) => ((b.readingMs ?? 0) > (a.readingMs ?? 0) ? b : a), first);
  const owners = to === 'operators' ? [...new Set(jobs.flatMap(({ owner }) => owner ?? []))] : [];
  const of = owners.length === 0 ? '' : ` of ${someOf(owners)}`;
  return `${jobs.length} jobs${of}${placeOf(first)}${limitOf(longest, 'the longest ')}; ids: ${someOf(jobs.map(({ jobId }) => jobId))}`;
}

function someOf(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  const shown = names.slice(0, MOST_NAMED).map(plain).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

const placeOf = ({ queue }: MessageJob): string => (queue === null ? '' : ` on queue ${plain(queue)}`);

/** Such as `: 3h5m running, and rule adhoc-2h allows 2h`. */
function limitOf({ clock, limitMs, readingMs, rule }: MessageJob, prefix: string): string {
  const reading =
    readingMs === null || clock === null ? [] : [`${prefix}${inMinutes(readingMs)} ${clockOf(clock).word}`];
  const limit =
    limitMs === null
      ? []
      : [`${rule === null ? 'the limit is' : `rule ${plain(rule)} allows`} ${formatDuration(limitMs)}`];
  const parts = [...reading, ...limit];
  return parts.length === 0 ? '' : `: ${parts.join(', and ')}`;
}

/** Seconds are noise beside hours. */
const inMinutes = (ms: number): string => formatDuration(ms >= 60_000 ? ms - (ms % 60_000) : ms);

/**
 * A name or a sentence as plain text. Others choose these texts: a line break could add lines, and in Slack angle brackets
 * make links and call whole channels.
 */
function plain(text: string): string {
  const clean = text
    .replace(UNSEEN, ' ')
    .replace(/\p{Cc}+/gu, ' ')
    .replaceAll('<', '\u2039')
    .replaceAll('>', '\u203a');
  return clean.length > MOST_CHARACTERS ? `${clean.slice(0, MOST_CHARACTERS)}\u2026` : clean;
}
