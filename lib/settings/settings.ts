import type { CredentialSource } from '../dli/credentials.ts';
import { assertEndpoint } from '../http/endpoint.ts';
import type { Exemption, Freeze, Mode, Policy } from '../policy/schema.ts';
import type { ProjectClaim } from './project-claims.ts';
import type { StopOrder } from './stop-order.ts';

/** Everything that a sweep needs to know, read anew for each sweep. */
export interface Settings {
  target: Target;
  policy: Policy;
  /** Exemptions of the stage, in addition to those in the policy. */
  exemptions: readonly Exemption[];
  /** Freezes of the stage, in addition to those in the policy. */
  freezes: readonly Freeze[];
  /**
   * Reads the exemptions and freezes of the stage again, and returns those that are new or changed: a team may have written one
   * while the jobs were listed. Undefined if none comes from Parameter Store, or if the sweep does not heed them.
   *
   * @throws {SettingsError}
   */
  readNewExceptions?: (() => Promise<Exceptions>) | undefined;
  credentials: CredentialSource;
  /** Whether the switch is set to `run`; otherwise no job is cancelled. */
  isSwitchedOn: boolean;
  /** The stop that the switch is set to, if it is one. */
  stopOrder?: StopOrder | undefined;
  /** One sentence for each part that could not be read although the sweep can go on. */
  notices?: readonly string[] | undefined;
  /** Undefined if no setting comes from Parameter Store. */
  parameterVersions?: ParameterVersions | undefined;
  /**
   * The texts that decide which jobs are cancelled, by their names within the stage: the target, the policy, the exemptions
   * and the freezes. Undefined if no setting comes from Parameter Store, since there is no record of such a sweep.
   */
  documents?: Readonly<Record<string, string>> | undefined;
  /** Undefined for a target given on the command line. */
  stage?: TargetInStage | undefined;
}

/** Exemptions and freezes of a stage. */
export type Exceptions = Pick<Settings, 'exemptions' | 'freezes'>;

/** What a target has because it belongs to a stage. */
export interface TargetInStage {
  /** Name of the stage. */
  name: string;
  /** The parameter that holds it. */
  parameter: string;
  /** Whether other targets may use the same project. */
  shared: boolean;
  /** Reads what all targets of the stage say about their projects. @throws {SettingsError} */
  readClaims: () => Promise<ProjectClaim[]>;
}

/** The version of each parameter that a sweep used; null if the setting is missing or comes from elsewhere. */
export interface ParameterVersions {
  switch: number | null;
  target: number | null;
  policy: number | null;
  credentials: number | null;
  /** By the names of the parameters. */
  exemptions: Record<string, number>;
  freezes: Record<string, number>;
}

export interface Target {
  /** Its name in reports. */
  name: string;
  endpoint: URL;
  /** Undefined if neither a setting nor the endpoint names it. */
  region?: string | undefined;
  projectId: string;
  /** The name in the settings; a live sweep checks it with IAM. */
  projectName?: string | undefined;
  /** Undefined for a target given on the command line. */
  mode: Mode | undefined;
}

/** A setting is missing, unreadable or wrong. The message names it and never shows a secret. */
export class SettingsError extends Error {
  override name = 'SettingsError';
  /** The name of the parameter, file, flag or variable. */
  readonly setting: string;
  constructor(setting: string, problem: string, options?: ErrorOptions) {
    super(`${setting}: ${problem}`, options);
    this.setting = setting;
  }
}

/**
 * Returns DLI's address in a region.
 *
 * @see "Regions and Endpoints"; Dublin is the one region under .eu
 */
export function defaultEndpoint(region: string): string {
  const domain = region === 'eu-west-101' ? 'myhuaweicloud.eu' : 'myhuaweicloud.com';
  return `https://dli.${region}.${domain}`;
}

/** Returns the region in an address of DLI; undefined if the address has none. @see {@link defaultEndpoint} */
export function regionOf({ hostname }: URL): string | undefined {
  return /^dli\.([a-z]+-[a-z0-9-]+)\./.exec(hostname)?.[1];
}

/** Reads the address of a service. @param setting its name, for the error. @throws {SettingsError} */
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

/** Reads the address of IAM. It may end in `/v3`, which other tools require. @throws {SettingsError} */
export function parseIamEndpoint(setting: string, text: string): URL {
  return parseEndpoint(setting, text.replace(/\/v3\/?$/, ''));
}
