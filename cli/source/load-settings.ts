import { isProjectId, isProjectName } from '../../lib/base/job.ts';
import { emergencyPolicy } from '../../lib/policy/emergency.ts';
import { exemptionsOfBrokenPolicy } from '../../lib/policy/exemptions-of-broken-policy.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import type { SweepRequest } from '../../lib/request/request.ts';
import { credentialVariables, type Environment, readCredentials } from '../../lib/settings/environment.ts';
import { defaultEndpoint, parseEndpoint, regionOf, type Settings, SettingsError } from '../../lib/settings/settings.ts';
import type { Stage } from './open-stage.ts';
import { readPolicyDocument, readPolicyFile, readPolicyText } from './policy-file.ts';

/** Flags that name a target: in flags and environment, or in Parameter Store. */
export interface SettingsFlags {
  policy?: string;
  /** Text of the policy, in place of a file. */
  policyText?: string;
  endpoint?: string;
  projectId?: string;
  projectName?: string;
  region?: string;
  stage?: string;
  target?: string;
}

type LoadSettings = (request: Pick<SweepRequest, 'target' | 'emergency'>) => Promise<Settings>;

/**
 * Returns the loader of the settings that the flags name.
 *
 * @param opened the stage of the flags; by default the loader opens it.
 * @throws {SettingsError} for flags that are missing or exclude each other, before anything is read.
 */
export function settingsSource(flags: SettingsFlags, env: Environment, opened?: Stage): LoadSettings {
  const { stage, policy: policyPath } = flags;
  if (stage === undefined) return async (request) => settingsFromFlags(flags, env, request);

  targetOfStage(flags);
  return async (request) => {
    const policy = policyPath === undefined ? undefined : policyFor(request, { policy: policyPath });
    // Loaded only here, since the AWS SDK is slow to load.
    const { loadSettings } = opened ?? (await import('./open-stage.ts')).openStage(stage);
    const settings = await loadSettings(request);
    if (policy === undefined) return settings;
    // A named policy adds exemptions and removes none.
    if (request.emergency !== undefined) return withMoreExemptions(settings, policy);
    const { parameterVersions: versions, documents } = settings;
    return {
      ...settings,
      policy: policy.policy,
      parameterVersions: versions && { ...versions, policy: null },
      documents: documents && { ...documents, policy: policy.written ?? '' },
    };
  };
}

/** Returns the name of the target in a stage. @throws {SettingsError} for flags that exclude a stage. */
function targetOfStage({ endpoint, projectId, projectName, region, target }: SettingsFlags): string {
  if ([endpoint, projectId, projectName, region].some((flag) => flag !== undefined)) {
    throw new SettingsError(
      '--stage',
      'names a target in Parameter Store; leave out --endpoint, --project-id, --project-name and --region',
    );
  }
  if (target === undefined) throw new SettingsError('--target', 'missing; --stage needs the name of a target');
  return target;
}

function withMoreExemptions(settings: Settings, { policy: more, notices = [] }: PolicyPart): Settings {
  const { policy } = settings;
  return {
    ...settings,
    policy: {
      ...policy,
      exemptions: [...policy.exemptions, ...more.exemptions],
      freezes: [...policy.freezes, ...more.freezes],
      tagExemptions: wider(policy.tagExemptions, more.tagExemptions),
      doubts: [...(policy.doubts ?? []), ...(more.doubts ?? [])],
    },
    notices: [...(settings.notices ?? []), ...notices],
  };
}

/** Returns the setting that lets jobs exempt themselves up to a greater age. */
function wider(one: Policy['tagExemptions'], other: Policy['tagExemptions']): Policy['tagExemptions'] {
  return (one?.ceiling ?? 0) >= (other?.ceiling ?? 0) ? one : other;
}

interface PolicyPart extends Pick<Settings, 'policy' | 'notices'> {
  /** The document as JSON, if the policy must be valid. */
  written?: string;
}

/** @throws {SettingsError} for flags that a deployed function ignores, since it reads its own parameters. */
export function assertRemote({ policy, endpoint, projectId, projectName, region }: SettingsFlags): void {
  const flags = {
    '--policy': policy,
    '--endpoint': endpoint,
    '--project-id': projectId,
    '--project-name': projectName,
    '--region': region,
  };
  for (const [flag, value] of Object.entries(flags)) {
    if (value !== undefined) throw new SettingsError(flag, 'goes without --remote; the function uses its own setting');
  }
}

/** Reads the policy of a sweep. An emergency takes at most its exemptions and freezes. */
function policyFor(
  { emergency }: Pick<SweepRequest, 'emergency'>,
  { policy: path, policyText }: Pick<SettingsFlags, 'policy' | 'policyText'>,
): PolicyPart {
  if (policyText !== undefined) return { policy: readPolicyText(policyText, 'the policy').policy };
  if (emergency === undefined) {
    if (path === undefined) throw new SettingsError('--policy', 'missing; name the policy file');
    const { policy, document } = readPolicyFile(path);
    return { policy, written: JSON.stringify(document) };
  }
  if (path === undefined || emergency.includeExempt) return { policy: emergencyPolicy(emergency) };
  const { notices, ...kept } = exemptionsOfBrokenPolicy(path, readPolicyDocument(path));
  return { policy: emergencyPolicy(emergency, kept), notices };
}

/**
 * Returns the loader of a target and its key, without a policy.
 *
 * @throws {SettingsError} like {@link settingsSource}.
 */
export function targetSource(
  flags: SettingsFlags,
  env: Environment,
): () => Promise<Pick<Settings, 'target' | 'credentials'>> {
  const { stage } = flags;
  if (stage === undefined) return async () => targetFromFlags(flags, env, 'cli');
  const name = targetOfStage(flags);
  return async () => (await import('./open-stage.ts')).openStage(stage).loadTarget(name);
}

function settingsFromFlags(flags: SettingsFlags, env: Environment, request: Parameters<LoadSettings>[0]): Settings {
  const { policy, notices } = policyFor(request, flags);
  return {
    ...targetFromFlags(flags, env, request.target),
    policy,
    notices,
    exemptions: [],
    freezes: [],
    // Only a stage has a switch. Here the person at the terminal decides.
    isSwitchedOn: true,
  };
}

function targetFromFlags(
  flags: SettingsFlags,
  env: Environment,
  name: string,
): Pick<Settings, 'target' | 'credentials'> {
  const { endpoint, projectId, projectName, region, target } = flags;
  if (target !== undefined)
    throw new SettingsError('--target', 'is the name of a target in Parameter Store; give --stage too');
  if (projectId === undefined)
    throw new SettingsError('--project-id', 'missing; give the id of the project, or --stage and --target');
  if (!isProjectId(projectId)) throw new SettingsError('--project-id', 'expected up to 64 letters and digits');
  if (projectName !== undefined && !isProjectName(projectName))
    throw new SettingsError('--project-name', 'expected up to 64 characters, such as eu-west-101_lake');
  if (region !== undefined && !/^[a-z0-9-]+$/.test(region))
    throw new SettingsError('--region', 'expected the name of a region, such as eu-west-101');
  const url = endpoint ?? (region && defaultEndpoint(region));
  if (!url) throw new SettingsError('--endpoint', 'missing; give a URL, or --region, or --stage and --target');
  const credentials = readCredentials(env);
  const address = parseEndpoint('--endpoint', url);
  return {
    target: {
      name,
      endpoint: address,
      region: region ?? regionOf(address),
      projectId,
      projectName,
      mode: undefined,
    },
    credentials: { name: credentialVariables(credentials), read: () => Promise.resolve(credentials) },
  };
}
