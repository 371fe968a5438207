import { SSMClient } from '@aws-sdk/client-ssm';
import { systemClock } from '../lib/clock.ts';
import { createSharedStates } from '../lib/dli/connection.ts';
import { isProjectId } from '../lib/dli/job.ts';
import { createJsonLinesLog, silentLog } from '../lib/log.ts';
import type { SweepReport } from '../lib/report.ts';
import { type ManualPayload, parseRequest } from '../lib/request.ts';
import { type Environment, readCredentials } from '../lib/settings/environment.ts';
import { defaultEndpoint, parseEndpoint, type Settings, SettingsError } from '../lib/settings/settings.ts';
import {
  AWS_CLIENT_OPTIONS,
  assertStage,
  createParameterReader,
  createPathReader,
  loadSsmSettings,
  readSwitchFrom,
} from '../lib/settings/ssm.ts';
import { type SweepDeps, sweep } from '../lib/sweep.ts';
import { exitCodeOf } from './exit-code.ts';
import { readPolicyFile } from './policy-file.ts';
import { formatReport } from './print.ts';

/** What both verbs take, as commander hands it over. */
export interface SweepFlags {
  policy?: string;
  endpoint?: string;
  projectId?: string;
  region?: string;
  stage?: string;
  target?: string;
  verifyFor?: string;
  maxKills?: number;
  reason?: string;
  /** Of `sweep` only; `plan` has no such flag. */
  dryRun?: boolean;
  /** Show the jobs that were spared as well. */
  spared?: boolean;
  json?: boolean;
  verbose?: boolean;
}

export interface Terminal {
  env: Environment;
  out: (text: string) => void;
  err: (text: string) => void;
}

/** An operator who waits that long has left; a Lambda would be over too. */
const DEADLINE_MS = 15 * 60_000;

/** @returns the exit code. @throws {SettingsError} and whatever else keeps the sweep from reporting. */
export async function runSweep(flags: SweepFlags, terminal: Terminal): Promise<number> {
  const report = await performSweep(flags, terminal);
  terminal.out(
    flags.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report, { spared: flags.spared ?? false }),
  );
  return exitCodeOf(report);
}

/** The same path as the Lambda's, with flags and files in place of event and parameters. */
export async function performSweep(
  flags: SweepFlags,
  { env, err }: Terminal,
  onDecided?: SweepDeps['onDecided'],
): Promise<SweepReport> {
  const loadSettings = settingsSource(flags, env);
  const payload: ManualPayload = {
    target: flags.stage === undefined ? 'cli' : flags.target,
    dryRun: flags.dryRun,
    maxKills: flags.maxKills,
    verifyFor: flags.verifyFor,
    reason: flags.reason,
  };
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  try {
    return await sweep(parseRequest(payload), {
      clock: systemClock,
      random: Math.random,
      log: flags.verbose ? createJsonLinesLog(err, systemClock.now) : silentLog,
      loadSettings,
      sharedFor: createSharedStates(systemClock),
      deadlineAt: systemClock.now() + DEADLINE_MS,
      stop: interrupted.signal,
      onDecided,
    });
  } finally {
    process.off('SIGINT', interrupt);
  }
}

function settingsSource(flags: SweepFlags, env: Environment): SweepDeps['loadSettings'] {
  const { stage, policy: policyPath } = flags;
  if (stage === undefined) {
    const settings = settingsFromFlags(flags, env);
    return async () => settings;
  }

  if (flags.endpoint !== undefined || flags.projectId !== undefined || flags.region !== undefined) {
    throw new SettingsError(
      '--stage',
      'names a target in Parameter Store; leave out --endpoint, --project-id and --region',
    );
  }
  assertStage(stage);
  if (flags.target === undefined) throw new SettingsError('--target', 'missing; --stage needs the name of a target');
  const policy = policyPath === undefined ? undefined : readPolicyFile(policyPath).policy;
  const client = new SSMClient(AWS_CLIENT_OPTIONS);
  const read = createParameterReader(client);
  return async (request) => {
    const settings = await loadSsmSettings(request, {
      stage,
      read,
      readPath: createPathReader(client),
      readSwitch: () => readSwitchFrom(read, stage),
    });
    if (policy === undefined) return settings;
    const { parameterVersions: versions } = settings;
    return { ...settings, policy, parameterVersions: versions && { ...versions, policy: null } };
  };
}

function settingsFromFlags({ policy, endpoint, projectId, region, target }: SweepFlags, env: Environment): Settings {
  if (target !== undefined)
    throw new SettingsError('--target', 'is the name of a target in Parameter Store; give --stage too');
  if (policy === undefined) throw new SettingsError('--policy', 'missing; name the policy file');
  if (projectId === undefined)
    throw new SettingsError('--project-id', 'missing; give the id of the project in its region');
  if (!isProjectId(projectId)) throw new SettingsError('--project-id', 'expected up to 64 letters and digits');
  if (region !== undefined && !/^[a-z0-9-]+$/.test(region))
    throw new SettingsError('--region', 'expected the name of a region, such as eu-west-101');
  const url = endpoint ?? (region && defaultEndpoint(region));
  if (!url) throw new SettingsError('--endpoint', 'missing; give a URL, or --region, or --stage and --target');
  const credentials = readCredentials(env);
  return {
    target: { name: 'cli', endpoint: parseEndpoint('--endpoint', url), projectId, mode: undefined },
    policy: readPolicyFile(policy).policy,
    exemptions: [],
    credentials: { name: 'environment', read: () => Promise.resolve(credentials) },
    // The switch belongs to a stage; here the person who types is the switch.
    isSwitchedOn: true,
  };
}
