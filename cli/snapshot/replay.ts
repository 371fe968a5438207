import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration } from '../../lib/base/duration.ts';
import { compareText } from '../../lib/base/text.ts';
import { type Death as Killed, type Remark, tryPolicy } from '../../lib/history/trial.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { type Ceilings, readCeilings } from '../../lib/settings/ceilings.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { StoredLook } from '../../lib/sweep/look/look.ts';
import type { JobReport } from '../../lib/sweep/record/report.ts';
import { EXIT_PARTIAL } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { type Column, formatTable } from '../screen/table.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';
import { readPolicyFile } from '../source/policy-file.ts';
import { readSnapshot } from './document.ts';

export interface ReplayFlags {
  policy: string;
  snapshots: string;
  /** File of today's policy. */
  against?: string;
  json?: boolean;
}

/** A job that a policy would have cancelled, with the first time that it would have. */
export interface Death {
  at: string;
  target: string;
  job: Pick<JobReport, 'jobId' | 'engine' | 'queue' | 'owner' | 'jobType' | 'rule' | 'totalTimeMs'>;
}

export interface Difference extends Death {
  /** Which policy would have cancelled it; `changed` if both would, at different times. */
  by: 'both' | 'new' | 'old' | 'changed';
}

/** A sweep that a cap would have stopped. */
export interface Capped {
  at: string;
  target: string;
  reason: string;
  /** Whose cap it is. */
  by: 'new' | 'old';
}

/** Shows which jobs a policy would have cancelled, and the difference to today's. @returns 4 if a snapshot is incomplete. */
export async function runReplay(flags: ReplayFlags, terminal: Terminal): Promise<number> {
  const worlds = readSnapshots(flags.snapshots);
  // A plan without a stage uses the ceilings of this terminal.
  const ceilings = readCeilings(terminal.env, 'terminal');
  const replayFile = (path: string) => replay(worlds, readPolicyFile(path).policy, ceilings);
  const candidate = await replayFile(flags.policy);
  const today = flags.against === undefined ? undefined : await replayFile(flags.against);
  const differences = compare(candidate.deaths, today?.deaths);
  const capped: Capped[] = [
    ...candidate.capped.map((one) => ({ ...one, by: 'new' as const })),
    ...(today?.capped ?? []).map((one) => ({ ...one, by: 'old' as const })),
  ];
  // A gap for either policy leaves the difference in doubt. A gap for both is shown once.
  const gaps = [...candidate.incomplete, ...(today?.incomplete ?? [])];
  const incomplete = [...new Map(gaps.map((gap) => [Object.values(gap).join('\n'), gap])).values()];
  const findings = {
    snapshots: worlds.length,
    from: isoOf(worlds[0]),
    to: isoOf(worlds.at(-1)),
    capped,
    incomplete,
    deaths: differences,
  };
  terminal.out(flags.json ? toJson('replay', findings) : format(findings, today !== undefined, terminal));
  return incomplete.length > 0 ? EXIT_PARTIAL : 0;
}

const isoOf = (seen: StoredLook | undefined) => new Date(seen?.now ?? 0).toISOString();

/** Reads all snapshots of a folder, oldest first. @throws {SettingsError} if there are none, or one cannot be read. */
function readSnapshots(folder: string): StoredLook[] {
  let files: string[];
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  } catch (error) {
    throw new SettingsError('--snapshots', `${folder} cannot be read as a folder`, { cause: error });
  }
  if (files.length === 0) throw new SettingsError('--snapshots', `${folder} holds no .json file`);
  return files.map((file) => readSnapshot(join(folder, file))).sort((a, b) => a.now - b.now);
}

/** Applies a policy to each snapshot as if it were live. A job dies once, and the caps apply. */
async function replay(worlds: readonly StoredLook[], policy: Policy, ceilings: Ceilings) {
  const { deaths, capped, incomplete } = await tryPolicy(worlds, policy, { ceilings });
  const isoTime = ({ at, target, reason }: Remark) => ({ at: new Date(at).toISOString(), target, reason });
  return { deaths: deaths.map(toDeath), capped: capped.map(isoTime), incomplete: incomplete.map(isoTime) };
}

function toDeath({ at, target, job, rule, totalTimeMs }: Killed): Death {
  const { id: jobId, engine, queue = null, owner = null, type: jobType = null } = job;
  const words = { jobId, engine, queue, owner, jobType, rule, totalTimeMs };
  return { at: new Date(at).toISOString(), target, job: words };
}

/** Identifies a job. Two targets may have jobs of the same id. */
function keyOf({ target, job: { engine, jobId } }: { target: string; job: { engine: string; jobId: string } }): string {
  return `${target} ${engine} ${jobId}`;
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

/** Shows one job as a line, for a screen too narrow for the table. */
function toLine({ at, target, by, job: { jobId, queue, owner } }: Difference, isCompared: boolean): string {
  const words = isCompared ? `, ${WORDS[by]}` : '';
  return cleanText(`${at} ${jobId} of ${target}, on ${queue ?? '?'} by ${owner ?? '?'}${words}`);
}

interface Findings {
  snapshots: number;
  from: string;
  to: string;
  capped: readonly Capped[];
  incomplete: readonly Omit<Capped, 'by'>[];
  deaths: readonly Difference[];
}

function format(findings: Findings, isCompared: boolean, { columns }: Terminal): string {
  const { snapshots, from, to, capped, incomplete, deaths } = findings;
  const table = formatTable(columnsFor(isCompared), deaths, { columns });
  const count = (...by: Difference['by'][]) => deaths.filter((one) => by.includes(one.by)).length;
  const died = `${counted(count('both', 'new', 'changed'), 'job')} would have been cancelled`;
  const changes = isCompared ? `, ${count('new')} more and ${count('old')} fewer than today` : '';
  return [
    ...(deaths.length === 0 ? [] : [table ?? deaths.map((one) => toLine(one, isCompared)).join('\n')]),
    `${counted(snapshots, 'snapshot')} from ${from} to ${to}: ${died}${changes}.`,
    ...incomplete.map(({ at, target, reason }) => {
      // A gap in one engine does not hold back victims of another, or victims without a percentage cap.
      const isCounted = deaths.some((one) => one.at === at && one.target === target);
      const what = isCounted ? 'so other jobs may have been cancelled' : 'so no job is counted';
      return cleanText(`! ${target} at ${at}: incomplete, ${what}: ${reason}`);
    }),
    ...capped.map(({ at, target, reason, by }) => {
      const cap = by === 'old' ? 'a cap of today’s policy' : 'a cap';
      return `! ${cleanText(target)} at ${at}: ${cap} would have stopped the sweep, ${reason}`;
    }),
    '',
  ].join('\n');
}

function columnsFor(isCompared: boolean): Column<Difference>[] {
  return [
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
  ];
}
