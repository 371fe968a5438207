import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration } from '../lib/duration.ts';
import type { Policy } from '../lib/policy/schema.ts';
import type { JobReport } from '../lib/report.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import { counted } from './counted.ts';
import { readSnapshot } from './from-snapshot.ts';
import { toJson } from './json.ts';
import { judge } from './judge.ts';
import { readPolicyFile } from './policy-file.ts';
import { formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import type { World } from './world.ts';

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

/** Who would have died under a policy, and how that differs from today's. @returns the exit code. */
export async function runReplay(flags: ReplayFlags, terminal: Terminal): Promise<number> {
  const worlds = readSnapshots(flags.snapshots);
  const candidate = await replay(worlds, readPolicyFile(flags.policy).policy);
  const today = flags.against === undefined ? undefined : await replay(worlds, readPolicyFile(flags.against).policy);
  const differences = compare(candidate.deaths, today?.deaths);
  const capped = candidate.capped.map((at) => new Date(at).toISOString());
  const span = { snapshots: worlds.length, from: isoOf(worlds[0]), to: isoOf(worlds.at(-1)) };
  terminal.out(
    flags.json
      ? toJson('replay', { ...span, capped, deaths: differences })
      : format(differences, { ...span, capped, isCompared: today !== undefined }, terminal),
  );
  return 0;
}

const isoOf = (world: World | undefined) => new Date(world?.takenAt ?? 0).toISOString();

/** @throws {SettingsError} if there is none, or one cannot be read. */
function readSnapshots(folder: string): World[] {
  let files: string[];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  } catch (error) {
    throw new SettingsError('--snapshots', `${folder} is no folder that can be read`, { cause: error });
  }
  if (files.length === 0) throw new SettingsError('--snapshots', `${folder} holds no .json file`);
  return files.map((file) => readSnapshot(join(folder, file))).sort((a, b) => a.takenAt - b.takenAt);
}

/** A job dies once; where a cap is exceeded nobody does. Modes do not matter: it is asked what would be if it were live. */
async function replay(worlds: readonly World[], policy: Policy): Promise<{ deaths: Death[]; capped: number[] }> {
  const deaths = new Map<string, Death>();
  const capped: number[] = [];
  for (const world of worlds) {
    // Whoever has died by then is no victim any more.
    const jobs = world.jobs.filter(({ id }) => !deaths.has(id));
    const { report } = await judge({ ...world, jobs }, policy);
    if (report.caps.exceeded !== null) {
      capped.push(world.takenAt);
      continue;
    }
    for (const { decision, ...job } of report.jobs) {
      if (decision === 'cancel') deaths.set(job.jobId, { at: isoOf(world), target: world.target, job: pick(job) });
    }
  }
  return { deaths: [...deaths.values()], capped };
}

function pick({ jobId, engine, queue, owner, jobType, rule, totalTimeMs }: Omit<JobReport, 'decision'>): Death['job'] {
  return { jobId, engine, queue, owner, jobType, rule, totalTimeMs };
}

function compare(candidate: readonly Death[], today: readonly Death[] | undefined): Difference[] {
  const before = new Map(today?.map((death) => [death.job.jobId, death]));
  const after = new Set(candidate.map(({ job }) => job.jobId));
  const whenOf = (death: Death): Difference['by'] => {
    const old = before.get(death.job.jobId);
    if (today === undefined || old === undefined) return 'new';
    return old.at === death.at ? 'both' : 'changed';
  };
  return [
    ...candidate.map((death): Difference => ({ ...death, by: whenOf(death) })),
    ...(today ?? []).filter(({ job }) => !after.has(job.jobId)).map((death): Difference => ({ ...death, by: 'old' })),
  ].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.job.jobId < b.job.jobId ? -1 : 1));
}

const WORDS: Record<Difference['by'], string> = {
  both: 'as today',
  new: '+ only by the new policy',
  old: '- only by today’s policy',
  changed: '~ at another time than today',
};

function format(
  differences: readonly Difference[],
  facts: { snapshots: number; from: string; to: string; capped: string[]; isCompared: boolean },
  { columns }: Terminal,
): string {
  const { snapshots, from, to, capped, isCompared } = facts;
  const table = formatTable<Difference>(
    [
      { head: 'when', cell: ({ at }) => at },
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
    columns,
  );
  const count = (...by: Difference['by'][]) => differences.filter((one) => by.includes(one.by)).length;
  const died = `${counted(count('both', 'new', 'changed'), 'job')} would have been cancelled`;
  const changes = isCompared ? `, ${count('new')} more and ${count('old')} fewer than today` : '';
  return [
    ...(differences.length === 0 ? [] : [table ?? differences.map(({ at, job }) => `${at} ${job.jobId}`).join('\n')]),
    `${counted(snapshots, 'snapshot')} from ${from} to ${to}: ${died}${changes}.`,
    ...capped.map((at) => `! at ${at} a cap would have stopped the sweep`),
    '',
  ].join('\n');
}
