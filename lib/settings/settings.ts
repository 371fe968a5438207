import type { CredentialSource } from '../dli/auth.ts';
import { assertEndpoint } from '../http/transport.ts';
import type { Exemption, Freeze, Mode, Policy } from '../policy/schema.ts';
import type { ProjectClaim } from './project-claims.ts';
import type { StopOrder } from './stop-order.ts';

/** Everything a sweep needs to know, read fresh for it. */
export interface Settings {
  target: Target;
  policy: Policy;
  /** Beside those that the policy itself holds. */
  exemptions: readonly Exemption[];
  /** Likewise. */
  freezes: readonly Freeze[];
  credentials: CredentialSource;
  /** Only `run` lets a job be cancelled. */
  isSwitchedOn: boolean;
  /** What somebody set the switch to who wants it to stop. */
  stopOrder?: StopOrder | undefined;
  /** What could not be read and does not keep the sweep from its work; one sentence each. */
  notices?: readonly string[] | undefined;
  /** Undefined where nothing of it comes from Parameter Store. */
  parameterVersions?: ParameterVersions | undefined;
  /**
   * What decides who is cancelled, as it is written, by its name within the stage: the target, the policy, and all that can
   * exempt. Undefined where nothing of it comes from Parameter Store, since no record is kept of such a sweep.
   */
  documents?: Readonly<Record<string, string>> | undefined;
  /** Undefined for a target given on the command line. */
  stage?: TargetInStage | undefined;
}

/** What there is to know of a target because it belongs to a stage. */
export interface TargetInStage {
  /** Name of the stage. */
  name: string;
  /** The parameter that holds it. */
  parameter: string;
  /** Whether another target may be on the same project. */
  shared: boolean;
  /** What all targets of the stage say of their projects. @throws {SettingsError} */
  readClaims: () => Promise<ProjectClaim[]>;
}

/** By which version of each parameter a sweep went; null for what came from elsewhere, or is not there. */
export interface ParameterVersions {
  switch: number | null;
  target: number | null;
  policy: number | null;
  credentials: number | null;
  /** By the parameter's name. */
  exemptions: Record<string, number>;
  freezes: Record<string, number>;
}

export interface Target {
  /** For reports. */
  name: string;
  endpoint: URL;
  /** Undefined where neither a setting nor the endpoint tells it. */
  region?: string | undefined;
  projectId: string;
  /** As the settings have it; a live sweep asks IAM whether that is right. */
  projectName?: string | undefined;
  /** Undefined for a target given on the command line. */
  mode: Mode | undefined;
}

/** A setting is missing, unreadable or wrong. The message names it and never shows a secret. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  /** The parameter, file, flag or variable. */
  readonly setting: string;
  constructor(setting: string, problem: string, options?: ErrorOptions) {
    super(`${setting}: ${problem}`, options);
    this.setting = setting;
  }
}

/**
 * DLI's address in a region.
 *
 * @see "Regions and Endpoints"; Dublin is the one region under .eu
 */
export function defaultEndpoint(region: string): string {
  const domain = region === 'eu-west-101' ? 'myhuaweicloud.eu' : 'myhuaweicloud.com';
  return `https://dli.${region}.${domain}`;
}

/** The region in an address of DLI; undefined for an address that does not tell. @see {@link defaultEndpoint} */
export function regionOf({ hostname }: URL): string | undefined {
  return /^dli\.([a-z]+-[a-z0-9-]+)\./.exec(hostname)?.[1];
}

/** @throws {SettingsError} */
export function parseEndpoint(setting: string, text: string): URL {
  if (!URL.canParse(text))
    throw new SettingsError(setting, 'expected a URL such as https://dli.eu-west-101.myhuaweicloud.eu');
  const endpoint = new URL(text);
  try {
    assertEndpoint(endpoint);
  } catch (error) {
    throw new SettingsError(setting, error instanceof Error ? error.message : 'not allowed', { cause: error });
  }
  return endpoint;
}

/** As {@link parseEndpoint}; the version in the path, which other tools want there, may stay. @throws {SettingsError} */
export function parseIamEndpoint(setting: string, text: string): URL {
  return parseEndpoint(setting, text.replace(/\/v3\/?$/, ''));
}
