import { formatDuration } from '../base/duration.ts';
import { clockOf } from '../policy/clocks.ts';
import type { MessageJob, MessageKind } from '../sweep/record/message.ts';
import type { Received } from './received.ts';
import { plain, timeOf } from './words.ts';

/** The kinds in the order in which they are named, with the words for a number of jobs. */
export const KINDS: readonly { kind: MessageKind; words: string; past: readonly [one: string, many: string] }[] = [
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
  { kind: 'may-be-cancelled', words: 'warned', past: ['may be cancelled soon', 'may be cancelled soon'] },
  { kind: 'warned', words: 'over a limit', past: ['is over its limit', 'are over their limit'] },
  { kind: 'kept', words: 'kept', past: ['is kept', 'are kept'] },
  { kind: 'ended', words: 'no longer running', past: ['no longer runs', 'no longer run'] },
  { kind: 'would-be-cancelled', words: 'would be cancelled', past: ['would be cancelled', 'would be cancelled'] },
];

/** Jobs of one kind, queue and rule are one line if there are more than this. */
const MOST_LINES = 3;
const MOST_NAMED = 3;

/** Lists the jobs, those of one kind, queue and rule together. */
export function jobLines({ jobs, more, to, time, trigger }: Received): string[] {
  const about: About = { to, time, isEmergency: trigger === 'emergency' };
  const isMixed = new Set(jobs.map(({ kind }) => kind)).size > 1;
  return KINDS.flatMap(({ kind, words }) => {
    const groups = Map.groupBy(
      jobs.filter((job) => job.kind === kind),
      ({ engine, queue, rule, clock, limitMs, keptBy, repeats, at }) =>
        JSON.stringify([engine, queue, rule, clock, limitMs, keptBy, repeats, kind === 'kept' && at]),
    );
    const prefix = isMixed || to === 'operators' ? `${words}: ` : '';
    const lines = [...groups.values()].flatMap((group) =>
      group.length > MOST_LINES ? [lineOfGroup(group, about)] : group.map((job) => lineOfJob(job, about)),
    );
    const rest = more[kind] ?? 0;
    return [...lines, ...(rest > 0 ? [`${rest} more, not listed here`] : [])].map((line) => `- ${prefix}${line}`);
  });
}

/** What the lines of a message have in common. */
interface About extends Pick<Received, 'to' | 'time'> {
  isEmergency: boolean;
}

function lineOfJob(job: MessageJob, { to, time, isEmergency }: About): string {
  const name = job.name === null ? '' : ` "${plain(job.name)}"`;
  const owner = to === 'operators' && job.owner !== null ? ` of ${plain(job.owner)}` : '';
  const error = to === 'operators' && job.error !== null ? ` (${plain(job.error)})` : '';
  return `job ${plain(job.jobId)}${name}${owner}${placeOf(job)}${limitOf(job, { isEmergency })}${whenOf(job, time, '')}${repeatsOf(job, '')}${error}`;
}

function lineOfGroup(jobs: readonly MessageJob[], { to, time, isEmergency }: About): string {
  const [first] = jobs;
  if (first === undefined) return '';
  const longest = jobs.reduce((a, b) => ((b.readingMs ?? 0) > (a.readingMs ?? 0) ? b : a), first);
  const soonest = jobs.reduce((a, b) => ((b.at ?? '') < (a.at ?? '') ? b : a), first);
  const owners = to === 'operators' ? [...new Set(jobs.flatMap(({ owner }) => owner ?? []))] : [];
  const of = owners.length === 0 ? '' : ` of ${someOf(owners)}`;
  const when = whenOf(soonest, time, 'the first ');
  const repeats = repeatsOf(first, 'of each, ');
  return `${jobs.length} jobs${of}${placeOf(first)}${limitOf(longest, { isEmergency, which: 'the longest ', them: 'them' })}${when}${repeats}; ids: ${someOf(jobs.map(({ jobId }) => jobId))}`;
}

function someOf(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  const shown = names.slice(0, MOST_NAMED).map(plain).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

const placeOf = ({ queue }: MessageJob): string => (queue === null ? '' : ` on queue ${plain(queue)}`);

/** Such as `: 3h5m running, and rule adhoc-2h allows 2h`. A sweep does not know who ended a job that it did not cancel. */
function limitOf(
  { kind, clock, limitMs, readingMs, rule }: MessageJob,
  { isEmergency, which = '', them = 'it' }: { isEmergency: boolean; which?: string; them?: 'it' | 'them' },
): string {
  if (kind === 'ended') return `; no sweep of the schedule cancelled ${them}`;
  const reading =
    readingMs === null || clock === null ? [] : [`${which}${inMinutes(readingMs)} ${clockOf(clock).word}`];
  // The rule of an emergency is made for it, so its name says nothing.
  const whose = isEmergency
    ? 'the emergency is for jobs over'
    : rule === null
      ? 'the limit is'
      : `rule ${plain(rule)} allows`;
  const limit = limitMs === null ? [] : [`${whose} ${formatDuration(limitMs)}`];
  const parts = [...reading, ...limit];
  return parts.length === 0 ? '' : `: ${parts.join(', and ')}`;
}

/** Seconds are noise beside hours. */
const inMinutes = (ms: number): string => formatDuration(ms >= 60_000 ? ms - (ms % 60_000) : ms);

/** Such as `; may be cancelled from 14:05 UTC on`. */
function whenOf({ kind, at, keptBy }: MessageJob, time: string | null, which: string): string {
  const when = timeOf(at, time);
  if (kind === 'may-be-cancelled') return when === undefined ? '' : `; ${which}may be cancelled from ${when} on`;
  if (kind !== 'kept') return '';
  const until = when === undefined ? '' : ` until ${when}`;
  const by = keptBy === null ? '' : ` by exemption ${plain(keptBy.exemption)} (${plain(keptBy.owner)})`;
  return `; kept${until}${by}`;
}

function repeatsOf({ kind, engine, repeats }: MessageJob, which: string): string {
  if (kind !== 'cancelled' || repeats === null || repeats === 0) return '';
  const times = repeats === 1 ? 'once more' : `${repeats} more times`;
  return `; ${which}a ${engine === 'sql' ? 'query' : 'job'} like it was cancelled ${times} in the 24 hours before`;
}
