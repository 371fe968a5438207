import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compareText } from '../../lib/base/compare-text.ts';
import { formatDuration } from '../../lib/base/duration.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { type Ceilings, readCeilings } from '../../lib/settings/ceilings.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { isBlind } from '../../lib/sweep/judge/undetermined.ts';
import type { StoredLook } from '../../lib/sweep/look/look.ts';
import type { JobReport } from '../../lib/sweep/record/report.ts';
import { planFrom } from '../../lib/sweep/sweep.ts';
import { counted } from '../screen/counted.ts';
import { EXIT_PARTIAL } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { formatTable } from '../screen/table.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { readPolicyFile } from '../source/policy-file.ts';
import { readSnapshot } from './judge.ts';

export interface ReplayFlags {
  policy: string;
  snapshots: string;
  /** Today's policy. */
  against?: string;
  json?: boolean;
}

/** One job that a policy would have cancelled, at the first moment that it would have. */
export interface Death {
  at: string;
  target: string;
  job: Pick<JobReport, 'jobId' | 'engine' | 'queue' | 'owner' | 'jobType' | 'rule' | 'totalTimeMs'>;
}

export interface Difference extends Death {
  /** Which of the two policies; `changed` if both, but at different times. */
  by: 'both' | 'new' | 'old' | 'changed';
}

/** A sweep that a cap would have stopped. */
export interface Capped {
  at: string;
  target: string;
  reason: string;
  /** Of which policy. */
  by: 'new' | 'old';
}

/** Who would have died under a policy, and how that differs from today's. @returns 4 if a snapshot is incomplete. */
export async function runReplay(flags: ReplayFlags, terminal: Terminal): Promise<number> {
  const worlds = readSnapshots(flags.snapshots);
  // As a plan without a stage.
  const ceilings = readCeilings(terminal.env, 'terminal');
  const replayFile = (path: string) => replay(worlds, readPolicyFile(path).policy, ceilings);
  const candidate = await replayFile(flags.policy);
  const today = flags.against === undefined ? undefined : await replayFile(flags.against);
  const differences = compare(candidate.deaths, today?.deaths);
  const capped: Capped[] = [
    ...candidate.capped.map((one) => ({ ...one, by: 'new' as const })),
    ...(today?.capped ?? []).map((one) => ({ ...one, by: 'old' as const })),
  ];
  // A snapshot that only today's policy cannot judge leaves the difference as open. What both lack is told once.
  const gaps = [...candidate.incomplete, ...(today?.incomplete ?? [])];
  const incomplete = [...new Map(gaps.map((gap) => [Object.values(gap).join('\n'), gap])).values()];
  const span = { snapshots: worlds.length, from: isoOf(worlds[0]), to: isoOf(worlds.at(-1)) };
  terminal.out(
    flags.json
      ? toJson('replay', { ...span, capped, incomplete, deaths: differences })
      : format(differences, { ...span, capped, incomplete, isCompared: today !== undefined }, terminal),
  );
  return incomplete.length > 0 ? EXIT_PARTIAL : 0;
}

const isoOf = (seen: StoredLook | undefined) => new Date(seen?.now ?? 0).toISOString();

/** @throws {SettingsError} if there is none, or one cannot be read. */
function readSnapshots(folder: string): StoredLook[] {
  let files: string[];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  } catch (error) {
    throw new SettingsError('--snapshots', `${folder} is no folder that can be read`, { cause: error });
  }
  if (files.length === 0) throw new SettingsError('--snapshots', `${folder} holds no .json file`);
  return files.map((file) => readSnapshot(join(folder, file))).sort((a, b) => a.now - b.now);
}

/** A job dies once, as far as the caps let it. Modes do not matter: it is asked what would be if the policy were live. */
async function replay(worlds: readonly StoredLook[], policy: Policy, ceilings: Ceilings) {
  const deaths = new Map<string, Death>();
  const capped: Omit<Capped, 'by'>[] = [];
  const incomplete: Omit<Capped, 'by'>[] = [];
  for (const world of worlds) {
    const { target } = world;
    const at = isoOf(world);
    // Whoever has died by then is no victim any more.
    const jobs = world.jobs.filter(({ engine, id }) => !deaths.has(keyOf({ target, job: { engine, jobId: id } })));
    const { report, sight, judgement } = await planFrom({ ...world, jobs }, policy, { ceilings });
    const { exceeded, drain } = report.caps;
    if (exceeded !== null && !drain) capped.push({ at, target, reason: exceeded });
    // One that has died was judged.
    const isUnjudged = jobs.length === world.jobs.length && isBlind(judgement.decisions);
    // Who else would have died is in doubt.
    const doubts = [
      ...(sight.clockProblem === undefined ? [] : [sight.clockProblem]),
      ...sight.gaps.map(({ what }) => what),
      ...(isUnjudged ? ['no job could be judged'] : []),
    ];
    for (const reason of doubts) incomplete.push({ at, target, reason });
    for (const { decision, reason, ...job } of report.jobs) {
      const isChosen = decision === 'cancel' && reason === 'dry-run';
      if (isChosen) deaths.set(keyOf({ target, job }), { at, target, job: pick(job) });
    }
  }
  return { deaths: [...deaths.values()], capped, incomplete };
}

/** Two targets may have a job of the same id. */
function keyOf({ target, job: { engine, jobId } }: { target: string; job: { engine: string; jobId: string } }): string {
  return `${target} ${engine} ${jobId}`;
}

function pick({ jobId, engine, queue, owner, jobType, rule, totalTimeMs }: Death['job']): Death['job'] {
  return { jobId, engine, queue, owner, jobType, rule, totalTimeMs };
}

function compare(candidate: readonly Death[], today: readonly Death[] | undefined): Difference[] {
  const before = new Map(today?.map((death) => [keyOf(death), death]));
  const after = new Set(candidate.map(keyOf));
  const whenOf = (death: Death): Difference['by'] => {
    const old = before.get(keyOf(death));
    if (today === undefined || old === undefined) return 'new';
    return old.at === death.at ? 'both' : 'changed';
  };
  return [
    ...candidate.map((death): Difference => ({ ...death, by: whenOf(death) })),
    ...(today ?? []).filter((death) => !after.has(keyOf(death))).map((death): Difference => ({ ...death, by: 'old' })),
  ].sort((a, b) => compareText(a.at, b.at) || compareText(a.job.jobId, b.job.jobId));
}

const WORDS: Record<Difference['by'], string> = {
  both: 'as today',
  new: '+ only by the new policy',
  old: '- only by today’s policy',
  changed: '~ at another time than today',
};

/** Where no table fits. */
function toLine({ at, target, by, job: { jobId, queue, owner } }: Difference, isCompared: boolean): string {
  const words = isCompared ? `, ${WORDS[by]}` : '';
  return cleanText(`${at} ${jobId} of ${target}, on ${queue ?? '?'} by ${owner ?? '?'}${words}`);
}

function format(
  differences: readonly Difference[],
  facts: {
    snapshots: number;
    from: string;
    to: string;
    capped: readonly Capped[];
    incomplete: readonly Omit<Capped, 'by'>[];
    isCompared: boolean;
  },
  { columns }: Terminal,
): string {
  const { snapshots, from, to, capped, incomplete, isCompared } = facts;
  const table = formatTable<Difference>(
    [
      { head: 'when', cell: ({ at }) => at },
      { head: 'target', cell: ({ target }) => target, dropped: 3 },
      { head: 'job', cell: ({ job }) => job.jobId },
      { head: 'engine', cell: ({ job }) => job.engine, dropped: 1 },
      { head: 'queue', cell: ({ job }) => job.queue ?? '?' },
      { head: 'owner', cell: ({ job }) => job.owner ?? '?' },
      {
        head: 'age',
        cell: ({ job }) => (job.totalTimeMs === null ? '?' : formatDuration(job.totalTimeMs)),
        dropped: 2,
      },
      { head: 'rule', cell: ({ job }) => job.rule ?? '–' },
      ...(isCompared ? [{ head: 'difference', cell: ({ by }: Difference) => WORDS[by] }] : []),
    ],
    differences,
    { columns },
  );
  const count = (...by: Difference['by'][]) => differences.filter((one) => by.includes(one.by)).length;
  const died = `${counted(count('both', 'new', 'changed'), 'job')} would have been cancelled`;
  const changes = isCompared ? `, ${count('new')} more and ${count('old')} fewer than today` : '';
  return [
    ...(differences.length === 0 ? [] : [table ?? differences.map((one) => toLine(one, isCompared)).join('\n')]),
    `${counted(snapshots, 'snapshot')} from ${from} to ${to}: ${died}${changes}.`,
    ...incomplete.map(({ at, target, reason }) => {
      // A gap of one engine holds back no victim of another, nor does any where no share of the live jobs is a cap.
      const isCounted = differences.some((one) => one.at === at && one.target === target);
      const what = isCounted ? 'so other jobs may have been cancelled' : 'so no job is counted';
      return cleanText(`! ${target} at ${at}: incomplete, ${what}: ${reason}`);
    }),
    ...capped.map(
      ({ at, target, reason, by }) =>
        `! ${cleanText(target)} at ${at}: a cap${by === 'old' ? ' of today’s policy' : ''} would have stopped the sweep, ${reason}`,
    ),
    '',
  ].join('\n');
}
