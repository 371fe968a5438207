import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../lib/base/clock.ts';
import { describeError } from '../../lib/dli/errors.ts';
import { EMERGENCY_TYPES } from '../../lib/request/emergency.ts';
import { type EmergencyPayload, expiresAtOf, parseRequest } from '../../lib/request/request.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { confirm } from '../screen/confirm.ts';
import { counted } from '../screen/counted.ts';
import { EXIT_CONFIGURATION, EXIT_FAILED } from '../screen/exit-code.ts';
import { projectWords } from '../screen/project-words.ts';
import { interrupted } from '../screen/signals.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { assertRemote } from '../source/load-settings.ts';
import type { Stage } from '../source/open-stage.ts';
import { performSweep, type SweepFlags } from '../sweep/perform.ts';
import { exitCodeFor, type Swept, showDocument, showFailures, showSwept, showTables } from '../sweep/results.ts';

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
export async function runEmergency(
  flags: EmergencyFlags,
  terminal: Terminal,
  clock: Clock = systemClock,
): Promise<number> {
  if (flags.reason === undefined) throw new SettingsError('--reason', 'missing; say why, for the record');
  if (flags.dryRun !== true && flags.confirm === undefined && terminal.ask === undefined) {
    throw new SettingsError(
      '--confirm',
      'missing, and nobody can be asked, since stdin or stderr is no terminal; give --confirm NAME, or --dry-run to see the plan',
    );
  }
  const { name, payload, sweepTargets } = await prepare(flags, terminal, clock);
  const askedAt = timeOf(clock);
  // Every mistake in the flags shows before the first call.
  if (payload.target === undefined) parseRequest({ ...payload, dryRun: true });
  else parseRequest({ ...payload, dryRun: flags.dryRun ?? false, confirm: flags.confirm ?? name, askedAt });
  if (flags.confirm !== undefined && flags.confirm !== name) {
    throw new SettingsError('--confirm', `expected ${name}; nothing was changed`);
  }

  if (flags.confirm !== undefined && !flags.dryRun) {
    return finish(await sweepTargets({ ...payload, dryRun: false, askedAt }), flags, terminal);
  }
  for (;;) {
    const plan = await sweepTargets({ ...payload, dryRun: true, askedAt: timeOf(clock) });
    if (flags.dryRun) return finish(plan, flags, terminal);
    const exitCode = await actOn(plan, { name, payload, sweepTargets }, flags, terminal, clock);
    if (exitCode !== 'too late') return exitCode;
  }
}

/** As a payload says it. */
const timeOf = (clock: Clock): string => new Date(clock.now()).toISOString();

/** Has the name typed for what the plan shows, and cancels that; nothing if the plan is too old by then. */
async function actOn(
  plan: Swept,
  { name, payload, sweepTargets }: { name: string; payload: EmergencyPayload; sweepTargets: SweepTargets },
  flags: EmergencyFlags,
  terminal: Terminal,
  clock: Clock,
): Promise<number | 'too late'> {
  // What is asked for is what is on the screen, from the moment that it is there.
  const shownAt = clock.now();
  // What is asked about belongs on the screen; stdout is for what was done.
  showFailures(plan, terminal);
  showTables(plan, flags, { ...terminal, out: terminal.err });
  const capped = plan.reports.filter(({ caps }) => caps.exceeded !== null);
  const others = plan.reports.filter(({ caps }) => caps.exceeded === null);
  const unmet = [...plan.reports.flatMap((report) => report.unmet), ...nowhereFound(plan, flags)];
  const shown = new Map(others.map((report) => [report.target, victimsOf(report)]));
  const victims = [...shown.values()].flat().length;
  const jobs = victims === 1 ? 'this job' : `these ${victims} jobs`;
  const among = capped.length + plan.failures.length === 0 ? [] : [counted(others.length, 'target')];
  const places = [...among, ...placeOf(others)];
  const where = places.length === 0 ? '' : ` of ${places.join(', ')}`;
  const isAgreed =
    victims > 0 &&
    !interrupted.aborted &&
    (await confirm({ name, what: `cancel ${jobs}${where}`, given: undefined }, terminal));
  if (!isAgreed) {
    // The plan is all there is to tell.
    if (flags.json) showDocument(plan, flags, terminal);
    if (victims > 0) return EXIT_CONFIGURATION;
    for (const text of nowhereFound(plan, flags)) terminal.err(`dli-reaper: ${cleanText(text)}\n`);
    // It was to be live, so that a cap that stands in the way is no success.
    const asLive = plan.reports.map((report) => ({ ...report, dryRun: false }));
    return exitCodeFor({ ...plan, reports: asLive }) || codeForUnmet(unmet);
  }

  if (isExpired(shownAt, clock)) {
    terminal.err('The plan is older than 10m, and other jobs may run by now. Nothing was cancelled; listing again.\n');
    return 'too late';
  }
  const askedAt = new Date(shownAt).toISOString();
  const swept = await sweepTargets({ ...payload, dryRun: false, askedAt }, shown);
  // What could not be planned was not swept: told again, at the end.
  const failures = [...plan.failures, ...swept.failures];
  showSwept({ ...swept, failures }, flags, terminal);
  const leftOut = capped.map(({ target, caps }) => `${target}: nothing was cancelled there, ${caps.exceeded}`);
  // Jobs that the plan could not list or judge are not among those that were cancelled.
  const partial = plan.reports.filter(({ status }) => status === 'partial');
  const unseen = partial.flatMap(({ target, problems }) => problems.map((text) => `${target}: ${text}`));
  for (const text of [...leftOut, ...unseen, ...unmet]) terminal.err(`dli-reaper: ${cleanText(text)}\n`);
  const ofCapped = capped.map((report) => ({ ...report, dryRun: false }));
  return exitCodeFor({ failures, reports: [...ofCapped, ...partial, ...swept.reports] }) || codeForUnmet(unmet);
}

/** Where the victims are; of several projects the tables above tell. */
function placeOf(reports: readonly SweepReport[]): string[] {
  const places = reports.flatMap((report) => (victimsOf(report).length > 0 ? (report.project ?? []) : []));
  const words = [...new Set(places.map(projectWords))];
  return words.length === 1 ? words : [];
}

const isExpired = (askedAt: number, clock: Clock): boolean =>
  clock.now() > expiresAtOf({ trigger: 'emergency', askedAt }, 0);

const codeForUnmet = (unmet: readonly string[]) => (unmet.length > 0 ? EXIT_FAILED : 0);

function finish(swept: Swept, flags: EmergencyFlags, terminal: Terminal): number {
  showSwept(swept, flags, terminal);
  const nowhere = nowhereFound(swept, flags);
  for (const text of nowhere) terminal.err(`dli-reaper: ${cleanText(text)}\n`);
  return exitCodeFor(swept) || (flags.dryRun ? 0 : codeForUnmet(nowhere));
}

/** Jobs that were named for all targets, and that none of their reports tells of. One sentence each. */
function nowhereFound({ reports }: Swept, { allTargets = false, jobId: named = [] }: EmergencyFlags): string[] {
  if (!allTargets || reports.length === 0) return [];
  const isThere =
    (id: string) =>
    ({ jobs, unmet }: SweepReport) =>
      jobs.some(({ jobId }) => jobId.toLowerCase() === id.toLowerCase()) || unmet.some((text) => text.includes(id));
  return named
    .filter((id) => !reports.some(isThere(id)))
    .map(
      (id) => `job ${id} is on none of the targets that could be looked at; if it should be, check stage and project`,
    );
}

const victimsOf = ({ jobs }: SweepReport) =>
  jobs.filter(({ decision }) => decision === 'cancel').map(({ jobId }) => jobId);

/** What has to be typed, what is asked for, and by which way. */
async function prepare(flags: EmergencyFlags, terminal: Terminal, clock: Clock) {
  const { stage, target, allTargets = false, remote = false } = flags;
  if (allTargets && (stage === undefined || target !== undefined)) {
    throw new SettingsError('--all-targets', 'goes with --stage and without --target');
  }
  if (remote) {
    if (stage === undefined) throw new SettingsError('--remote', 'goes with --stage, whose functions it uses');
    assertRemote(flags);
    const { prepareRemote } = await import('./remotely.ts');
    return prepareRemote({ ...flags, stage }, payloadOf(flags), terminal);
  }
  const sweepTargets =
    (names: readonly string[], opened?: Stage): SweepTargets =>
    (asked, shown) =>
      sweepLocally({ names, stage: opened }, flags, asked, { terminal, clock }, shown);
  if (stage === undefined) {
    // With flags there is no name that anybody knows the target by but its project's.
    const name = flags.projectId;
    if (name === undefined) {
      throw new SettingsError('--project-id', 'missing; give the id of the project, or --stage and --target');
    }
    return { name, payload: { ...payloadOf(flags), target: name }, sweepTargets: sweepTargets([name]) };
  }
  if (!allTargets && target === undefined) {
    throw new SettingsError('--target', 'missing; --stage needs the name of a target, or --all-targets');
  }
  // The AWS SDK takes longer to load than all the rest.
  const opened = (await import('../source/open-stage.ts')).openStage(stage);
  if (target !== undefined) {
    return {
      name: target,
      payload: { ...payloadOf(flags), target },
      sweepTargets: sweepTargets([target], opened),
    };
  }
  const names = await opened.listTargets();
  return { name: `${stage} ${names.length}`, payload: payloadOf(flags), sweepTargets: sweepTargets(names, opened) };
}

function payloadOf(flags: EmergencyFlags): EmergencyPayload {
  const { olderThan, jobId, queue, owner, engine, type, maxKills, reason, includeExempt, savepoint, verifyFor } = flags;
  return {
    kind: 'emergency',
    olderThan,
    jobIds: jobId,
    queue,
    owner,
    engine: engine?.map((one) => one.toLowerCase()),
    jobType: type?.map(asType),
    maxKills,
    reason,
    includeExempt,
    savepoint,
    verifyFor,
  };
}

/** Nobody should have to remember which engine spells its types in which case. */
const asType = (text: string) => EMERGENCY_TYPES.find((one) => one.toLowerCase() === text.toLowerCase()) ?? text;

/** One after the other, since they may share a credential. A target that cannot be swept does not keep the next waiting. */
async function sweepLocally(
  { names, stage }: { names: readonly string[]; stage: Stage | undefined },
  flags: EmergencyFlags,
  payload: EmergencyPayload,
  { terminal, clock }: { terminal: Terminal; clock: Clock },
  shown: ReadonlyMap<string, string[]> | undefined,
): Promise<Swept> {
  const swept: Swept = { reports: [], failures: [] };
  for (const name of names) {
    const jobIds = shown?.get(name);
    // Nothing was shown of it, so nothing was agreed to.
    if (shown !== undefined && (jobIds === undefined || jobIds.length === 0)) continue;
    if (interrupted.aborted) {
      swept.failures.push(`${name}: not swept, the operator interrupted it`);
      continue;
    }
    try {
      // A stage may hold a target of a name that no sweep takes.
      const request = {
        ...parseRequest(
          { ...payload, target: name, ...(jobIds && { jobIds }), ...(payload.dryRun === false && { confirm: name }) },
          randomUUID,
        ),
        jobsMayBeElsewhere: names.length > 1 && jobIds === undefined,
      };
      if (!request.dryRun && isExpired(request.askedAt ?? clock.now(), clock)) {
        swept.failures.push(`${name}: not swept, it was asked for more than 10m ago; ask again if it is still wanted`);
        continue;
      }
      const target = flags.stage === undefined ? {} : { target: name };
      swept.reports.push(await performSweep({ ...flags, ...target }, terminal, { request, stage }));
    } catch (error) {
      if (names.length === 1) throw error;
      swept.failures.push(`${name}: ${describeError(error)}`);
    }
  }
  return swept;
}
