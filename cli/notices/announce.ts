import { systemClock } from '../../lib/base/clock.ts';
import { type Rendered, render } from '../../lib/notify/render.ts';
import { clockOf } from '../../lib/policy/clocks.ts';
import { parseInstant } from '../../lib/policy/instant.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { MESSAGE_VERSION, type MessageJob } from '../../lib/sweep/record/message.ts';
import type { JobReport, SweepReport } from '../../lib/sweep/record/report.ts';
import { exitCodeOf } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { projectLine } from '../screen/project-words.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted, indented } from '../screen/text.ts';
import { instantText } from '../source/flag-values.ts';
import type { SettingsFlags } from '../source/load-settings.ts';
import { performSweep } from '../sweep/perform.ts';

export interface AnnounceFlags extends SettingsFlags {
  /** A day, a time, or a duration from now. */
  liveAt?: string;
  /** Whom owners can ask. */
  ask?: string;
  json?: boolean;
  quiet?: boolean;
}

/** What one owner is to know before the policy is live. */
interface Announcement extends Rendered {
  owner: string;
  jobIds: string[];
}

/**
 * Writes a message to each owner of a job that the policy would cancel now. Sends nothing and cancels nothing.
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
  const announcements = [...byOwner].flatMap(([owner, jobs]): Announcement[] =>
    owner === null
      ? []
      : [{ owner, jobIds: jobs.map(({ jobId }) => jobId), ...announce(owner, jobs, report, { ...flags, liveAt }) }],
  );
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

/** @returns epoch ms; of a day its beginning. @throws {SettingsError} for any other text, and for a time in the past. */
function readLiveAt(text: string, now: number): number {
  const at = parseInstant(instantText(text, now), 'beginning');
  const forms = 'a day such as 2027-02-01, a time with its zone, or a duration such as 7d';
  if (at === undefined) throw new SettingsError('--live-at', `expected ${forms}`);
  if (at <= now) throw new SettingsError('--live-at', 'is in the past; name a later day or time');
  return at;
}

const WEEK_MS = 7 * 24 * 3_600_000;

function announce(
  owner: string,
  jobs: readonly JobReport[],
  { target, project, sweepId }: SweepReport,
  { stage = 'STAGE', ask, liveAt }: { stage?: string; ask?: string; liveAt: number | undefined },
): Rendered {
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
  const begins =
    liveAt === undefined
      ? 'A program called dli-reaper is going to cancel such jobs.'
      : `From ${inWords(liveAt)} on, a program called dli-reaper cancels such jobs.`;
  return { title, text: `${title}\n${begins}${text.slice(title.length)}` };
}

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
  for (const { owner, jobIds, text } of announcements) {
    out(`\nTo owner ${cleanText(owner)}, about ${counted(jobIds.length, 'job')}:\n${indented(text)}\n`);
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
