import { systemClock } from '../../lib/base/clock.ts';
import { formatDuration } from '../../lib/base/duration.ts';
import type { PastVictim } from '../../lib/history/backtest.ts';
import { lengthOf } from '../../lib/history/life.ts';
import { type Rendered, render } from '../../lib/notify/render.ts';
import { clockOf } from '../../lib/policy/clocks.ts';
import { parseInstant } from '../../lib/policy/instant.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { MESSAGE_VERSION, type MessageJob } from '../../lib/sweep/record/message.ts';
import type { JobReport, SweepReport } from '../../lib/sweep/record/report.ts';
import { tryOnPast } from '../history/backtest.ts';
import { exitCodeOf } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { projectLine } from '../screen/project-words.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanLines, cleanText, counted, indented } from '../screen/text.ts';
import { instantText } from '../source/flag-values.ts';
import type { SettingsFlags } from '../source/load-settings.ts';
import { performSweep } from '../sweep/perform.ts';

export interface AnnounceFlags extends SettingsFlags {
  /** A day, a time, or a duration from now. */
  liveAt?: string;
  /** Whom owners can ask. */
  ask?: string;
  /** File of past jobs, as backtest and suggest keep it. */
  history?: string;
  json?: boolean;
  quiet?: boolean;
}

/** What one owner is to know before the policy is live. */
interface Announcement extends Rendered {
  owner: string;
  /** Jobs that the policy would cancel now. */
  jobIds: string[];
  /** Past jobs that it would have cancelled. */
  pastJobIds: string[];
}

/**
 * Writes a message to each owner of a job that the policy would cancel now, or would have cancelled in the past. Sends nothing and
 * cancels nothing.
 *
 * @returns the exit code of the plan. @throws {SettingsError} and any other error that keeps a plan from reporting.
 */
export async function runAnnounce(flags: AnnounceFlags, terminal: Terminal): Promise<number> {
  const liveAt = flags.liveAt === undefined ? undefined : readLiveAt(flags.liveAt, systemClock.now());
  const report = await performSweep({ ...flags, dryRun: true }, terminal);
  const hit = report.jobs
    .filter(({ decision }) => decision === 'cancel')
    .sort((a, b) => (b.overLimitMs ?? 0) - (a.overLimitMs ?? 0));
  const byOwner = Map.groupBy(hit, ({ owner }) => owner);
  const past = flags.history === undefined ? undefined : await findPastVictims(flags.history, flags, terminal);
  const owners = new Set([...byOwner.keys(), ...(past?.byOwner.keys() ?? [])]);
  const announcements = [...owners].flatMap((owner): Announcement[] => {
    if (owner === null) return [];
    const jobs = byOwner.get(owner) ?? [];
    const pastJobs = past?.byOwner.get(owner) ?? [];
    const known = past === undefined || pastJobs.length === 0 ? undefined : pastLine(pastJobs, past.days);
    const words =
      jobs.length > 0
        ? announce(owner, jobs, report, { ...flags, liveAt })
        : { title: `Your DLI jobs in project ${nameOf(report)}: none would be cancelled now`, lines: lastLines(flags) };
    const text = [words.title, beginsLine(liveAt), ...(known === undefined ? [] : [known]), ...words.lines].join('\n');
    const [jobIds, pastJobIds] = [jobs.map(({ jobId }) => jobId), pastJobs.map(({ life }) => life.job.id)];
    return [{ owner, jobIds, pastJobIds, title: words.title, text }];
  });
  const withoutOwner = (byOwner.get(null) ?? []).map(({ jobId, queue, rule }) => ({ jobId, queue, rule }));
  const { target, project, problems } = report;
  if (flags.json) {
    const from = liveAt === undefined ? null : new Date(liveAt).toISOString();
    terminal.out(toJson('announcement', { target, project, liveAt: from, announcements, withoutOwner, problems }));
  } else {
    show(report, announcements, withoutOwner, terminal);
  }
  return exitCodeOf(report);
}

interface PastVictims {
  byOwner: ReadonlyMap<string, PastVictim[]>;
  days: number;
}

/** Tries the policy on a file of past jobs. A job without an owner cannot be announced. */
async function findPastVictims(path: string, flags: AnnounceFlags, terminal: Terminal): Promise<PastVictims> {
  const { result } = await tryOnPast({ ...flags, history: path }, terminal);
  const { from, until } = result.window;
  const owned = result.victims.filter(({ life }) => life.job.owner !== undefined);
  const byOwner = Map.groupBy(owned, ({ life }) => life.job.owner ?? '');
  return { byOwner, days: Math.ceil((until - from) / DAY_MS) };
}

/** Says what the policy would have done to the past jobs of an owner, with the one that was furthest over. */
function pastLine(victims: readonly PastVictim[], days: number): string {
  const [worst] = victims.toSorted((a, b) => lengthOf(b.life) - b.limitMs - (lengthOf(a.life) - a.limitMs));
  if (worst === undefined) return '';
  const { life, rule, limitMs } = worst;
  const well = victims.filter((victim) => victim.life.ending === 'finished').length;
  return (
    `In the last ${counted(days, 'day')} it would have cancelled ${counted(victims.length, 'job')} of yours, of which ${well} finished well. ` +
    `The longest over its limit was job ${life.job.id} on queue ${life.job.queue ?? '?'}: ${formatDuration(lengthOf(life))} in all, and rule ${rule} allows ${formatDuration(limitMs)}.`
  );
}

/** @returns epoch ms; of a day its beginning. @throws {SettingsError} for any other text, and for a time in the past. */
function readLiveAt(text: string, now: number): number {
  const at = parseInstant(instantText(text, now), 'beginning');
  const forms = 'a day such as 2027-02-01, a time with its zone, or a duration such as 7d';
  if (at === undefined) throw new SettingsError('--live-at', `expected ${forms}`);
  if (at <= now) throw new SettingsError('--live-at', 'is in the past; name a later day or time');
  return at;
}

const DAY_MS = 24 * 3_600_000;
const WEEK_MS = 7 * DAY_MS;

function announce(
  owner: string,
  jobs: readonly JobReport[],
  { target, project, sweepId }: SweepReport,
  { stage = 'STAGE', ask, liveAt }: { stage?: string; ask?: string; liveAt: number | undefined },
): { title: string; lines: string[] } {
  const message = {
    isTest: false,
    version: MESSAGE_VERSION,
    to: 'owner',
    owner,
    dryRun: true,
    requestReason: null,
    status: null,
    problems: [],
    jobs: jobs.map(toMessageJob),
    more: {},
    exemptions: [],
    routes: [],
    target,
    region: project?.region ?? null,
    projectName: project?.name ?? project?.id ?? null,
    projectId: project?.id ?? null,
    trigger: null,
    recordedBy: null,
    sweepId,
    time: null,
  } as const;
  // A week from now may end before the policy is live.
  const keepUntil = liveAt === undefined ? undefined : `${new Date(liveAt + WEEK_MS).toISOString().slice(0, 19)}Z`;
  const { title, text } = render(message, { stage, ask, keepUntil });
  return { title, lines: text.split('\n').slice(1) };
}

const nameOf = ({ project, target }: SweepReport): string => project?.name ?? project?.id ?? target;

const beginsLine = (liveAt: number | undefined): string =>
  liveAt === undefined
    ? 'A program called dli-reaper is going to cancel such jobs.'
    : `From ${inWords(liveAt)} on, a program called dli-reaper cancels such jobs.`;

/** The end of a message without present jobs. */
const lastLines = ({ ask = 'the operators of the DLI job reaper' }: AnnounceFlags): string[] => [
  `If yours need more time, ask now. Whom to ask: ${ask}`,
  'What the DLI job reaper is, and how to keep a job: docs/owners.md of dli-job-reaper',
];

/** A day in UTC, with the time if it is not midnight. */
function inWords(at: number): string {
  const [day = '', time = ''] = new Date(at).toISOString().split('T');
  return time.startsWith('00:00:00') ? day : `${day} ${time.slice(0, 5)} UTC`;
}

function toMessageJob(job: JobReport): MessageJob {
  const { jobId, name, engine, queue, owner, rule, clock, limitMs } = job;
  const readingMs = clock === null ? null : job[clockOf(clock).reading];
  return {
    kind: 'would-be-cancelled',
    jobId,
    name,
    engine,
    queue,
    owner,
    rule,
    clock,
    limitMs,
    readingMs,
    at: null,
    keptBy: null,
    repeats: null,
    error: null,
  };
}

function show(
  { project, problems }: SweepReport,
  announcements: readonly Announcement[],
  withoutOwner: readonly Pick<JobReport, 'jobId' | 'queue' | 'rule'>[],
  { out, err }: Terminal,
): void {
  if (project !== null) out(`${projectLine(project)}\n`);
  for (const { owner, jobIds, pastJobIds, text } of announcements) {
    const about = [
      counted(jobIds.length, 'job'),
      ...(pastJobIds.length > 0 ? [counted(pastJobIds.length, 'past job')] : []),
    ];
    out(`\nTo owner ${cleanText(owner)}, about ${about.join(' and ')}:\n${indented(cleanLines(text))}\n`);
  }
  if (withoutOwner.length > 0) {
    out(`\nWithout an owner, ${counted(withoutOwner.length, 'job')}:\n`);
    for (const { jobId, queue, rule } of withoutOwner) {
      out(`  ${cleanText(`${jobId} on queue ${queue ?? '?'}, by rule ${rule ?? '?'}`)}\n`);
    }
  }
  if (announcements.length + withoutOwner.length === 0)
    out('There is nothing to announce: the policy cancels no job now.\n');
  for (const problem of problems) err(`! ${cleanText(problem)}\n`);
}
