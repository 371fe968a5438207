import { randomUUID } from 'node:crypto';
import { messageAndAdviceOf } from '../lib/error-words.ts';
import type { SweepReport } from '../lib/report.ts';
import { type EmergencyPayload, parseRequest } from '../lib/request.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import { worstExitCode } from './exit-code.ts';
import { performSweep, type SweepFlags } from './perform-sweep.ts';
import { exitCodeFor, type Swept, showSwept } from './swept.ts';
import type { Terminal } from './terminal.ts';

export interface EmergencyFlags extends SweepFlags {
  olderThan?: string;
  jobId?: string[];
  queue?: string[];
  owner?: string[];
  engine?: string[];
  type?: string[];
  allTargets?: boolean;
  confirm?: string;
  includeExempt?: boolean;
  savepoint?: boolean;
  remote?: boolean;
}

/** Sweeps each target. `jobIds`, by target, narrows it down to what somebody has seen and agreed to. */
export type SweepTargets = (payload: EmergencyPayload, jobIds?: ReadonlyMap<string, string[]>) => Promise<Swept>;

/**
 * Shows the plan, has the name of the target typed, and then cancels what was shown and nothing else. With --confirm there
 * is nobody to show it to.
 *
 * @returns the exit code. @throws {SettingsError} and {RequestError} before anything is sent.
 */
export async function runEmergency(flags: EmergencyFlags, terminal: Terminal): Promise<number> {
  if (flags.reason === undefined) throw new SettingsError('--reason', 'missing; say why, for the record');
  if (flags.dryRun !== true && flags.confirm === undefined && terminal.ask === undefined) {
    throw new SettingsError(
      '--confirm',
      'missing, and stdin is no terminal to ask on; give --confirm NAME, or --dry-run to see the plan',
    );
  }
  const { name, payload, sweepTargets } = await prepare(flags, terminal);
  // Every mistake in the flags shows before the first call.
  if (payload.target !== undefined) {
    parseRequest({ ...payload, dryRun: flags.dryRun ?? false, confirm: flags.confirm ?? name });
  }
  if (flags.confirm !== undefined && flags.confirm !== name) {
    throw new SettingsError('--confirm', `expected ${name}; nothing was cancelled`);
  }

  if (flags.dryRun || flags.confirm === undefined) {
    const plan = await sweepTargets({ ...payload, dryRun: true });
    // What is asked about belongs on the screen; stdout is for what was done.
    const isAsking = flags.dryRun !== true;
    showSwept(plan, flags, isAsking ? { ...terminal, out: terminal.err } : terminal, isAsking && flags.json);
    const victims = plan.reports.reduce((sum, { caps }) => sum + caps.victims, 0);
    const isCapped = plan.reports.some(({ caps }) => caps.exceeded !== null);
    if (!isAsking || plan.failures.length > 0 || victims === 0) return exitCodeFor(plan);
    // Agreeing would come to nothing.
    if (isCapped) return worstExitCode(plan.reports.map((report) => ({ ...report, dryRun: false })));

    const jobs = victims === 1 ? 'this job' : `these ${victims} jobs`;
    const typed = await terminal.ask?.(`Type ${name} to cancel ${jobs}:`);
    if (typed?.trim() !== name) {
      terminal.err('Not confirmed; nothing was cancelled.\n');
      return 1;
    }
    const shown = new Map(plan.reports.map((report) => [report.target, victimsOf(report)]));
    return finish(await sweepTargets({ ...payload, dryRun: false }, shown), flags, terminal);
  }
  return finish(await sweepTargets({ ...payload, dryRun: false }), flags, terminal);
}

function finish(swept: Swept, flags: EmergencyFlags, terminal: Terminal): number {
  showSwept(swept, flags, terminal);
  return exitCodeFor(swept);
}

const victimsOf = ({ jobs }: SweepReport) =>
  jobs.filter(({ decision }) => decision === 'cancel').map(({ jobId }) => jobId);

/** What has to be typed, what is asked for, and by which way. */
async function prepare(flags: EmergencyFlags, terminal: Terminal) {
  const { stage, target, allTargets = false, remote = false } = flags;
  if (allTargets && (stage === undefined || target !== undefined)) {
    throw new SettingsError('--all-targets', 'goes with --stage and without --target');
  }
  if (remote) {
    if (stage === undefined) throw new SettingsError('--remote', 'goes with --stage, whose functions it uses');
    const { prepareRemote } = await import('./remote-emergency.ts');
    return prepareRemote({ ...flags, stage }, payloadOf(flags), terminal);
  }
  if (!allTargets) {
    // With flags there is no name that anybody knows the target by but its project's.
    const name = stage === undefined ? flags.projectId : target;
    if (name === undefined) {
      throw stage === undefined
        ? new SettingsError('--project-id', 'missing; give the id of the project, or --stage and --target')
        : new SettingsError('--target', 'missing; --stage needs the name of a target, or --all-targets');
    }
    return {
      name,
      payload: { ...payloadOf(flags), target: name },
      sweepTargets: (asked: EmergencyPayload, shown?: ReadonlyMap<string, string[]>) =>
        sweepLocally([name], flags, asked, terminal, shown),
    };
  }
  const names = await (await import('./stage-targets.ts')).listTargets(stage ?? '');
  return {
    name: `${stage} ${names.length}`,
    payload: payloadOf(flags),
    sweepTargets: (asked: EmergencyPayload, shown?: ReadonlyMap<string, string[]>) =>
      sweepLocally(names, flags, asked, terminal, shown),
  };
}

function payloadOf(flags: EmergencyFlags): EmergencyPayload {
  const { olderThan, jobId, queue, owner, engine, type, maxKills, reason, includeExempt, savepoint, verifyFor } = flags;
  return {
    kind: 'emergency',
    ...{ olderThan, jobIds: jobId, queue, owner, engine, jobType: type?.map((one) => one.toUpperCase()) },
    ...{ maxKills, reason, includeExempt, savepoint, verifyFor },
  };
}

/** One after the other, since they may share a credential. A target that cannot be swept does not keep the next waiting. */
async function sweepLocally(
  names: readonly string[],
  flags: EmergencyFlags,
  payload: EmergencyPayload,
  terminal: Terminal,
  shown: ReadonlyMap<string, string[]> | undefined,
): Promise<Swept> {
  const swept: Swept = { reports: [], failures: [] };
  for (const name of names) {
    const jobIds = shown?.get(name);
    // Nothing was shown of it, so nothing was agreed to.
    if (shown !== undefined && (jobIds === undefined || jobIds.length === 0)) continue;
    const request = parseRequest(
      { ...payload, target: name, ...(jobIds && { jobIds }), ...(payload.dryRun === false && { confirm: name }) },
      randomUUID,
    );
    try {
      const target = flags.stage === undefined ? {} : { target: name };
      swept.reports.push(await performSweep({ ...flags, ...target }, terminal, { request }));
    } catch (error) {
      if (names.length === 1) throw error;
      swept.failures.push(`${name}: ${messageAndAdviceOf(error)}`);
    }
  }
  return swept;
}
