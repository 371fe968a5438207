import { SSMClient } from '@aws-sdk/client-ssm';
import { isAwsSilence } from '../../lib/base/error-words.ts';
import type { SweepRequest } from '../../lib/request/request.ts';
import type { Ceilings } from '../../lib/settings/ceilings.ts';
import { environment } from '../../lib/settings/environment.ts';
import { assertStage } from '../../lib/settings/names.ts';
import {
  AWS_CLIENT_OPTIONS,
  createParameterReader,
  createPathReader,
  parameterNames,
} from '../../lib/settings/parameter-store.ts';
import { claimsIn, clashOf, type Problem } from '../../lib/settings/project-claims.ts';
import type { Settings } from '../../lib/settings/settings.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { loadSsmSettings, loadSsmTarget } from '../../lib/settings/stage.ts';
import { isSwitchOn, readSwitchFrom } from '../../lib/settings/switch.ts';
import { createRecordReaderOf } from '../../lib/sweep/past/read-record.ts';
import { createParameterStore } from './parameter-store.ts';

/** Flags of the verbs that look at a stage, or change it. */
export interface StageFlags {
  stage: string;
  json?: boolean;
  confirm?: string;
}

/** A stage, with one connection to Parameter Store. A verb opens it once and passes it on. */
export type Stage = ReturnType<typeof openStage>;

/** Names the Parameter Store that was asked. The stage may be in another region or account. */
async function placeOf(client: SSMClient): Promise<string> {
  const region = await client.config.region();
  const { AWS_PROFILE: profile, AWS_ACCESS_KEY_ID: key } = environment;
  const account = profile ? `profile ${profile}` : key ? 'the account of AWS_ACCESS_KEY_ID' : 'the default profile';
  return `in region ${region} of ${account}; see AWS_REGION and AWS_PROFILE`;
}

/** The connection to a stage that the functions below share. */
interface Connected {
  name: string;
  names: ReturnType<typeof parameterNames>;
  client: SSMClient;
  read: ReturnType<typeof createParameterReader>;
  readPath: ReturnType<typeof createPathReader>;
}

/**
 * Keeps a mistyped name from looking like a healthy stage.
 *
 * @throws {SettingsError} if there is certainly no such stage, or Parameter Store gives no answer. A caller who may not read
 * passes, since he may still write.
 */
async function assertExists({ name, names, client, read, readPath }: Connected): Promise<void> {
  const [switchValue, targets] = await Promise.allSettled([read([names.switch]), readPath(names.targets)]);
  for (const result of [switchValue, targets]) {
    // A write would wait as long, and fail too.
    if (result.status === 'rejected' && isAwsSilence(result.reason)) throw result.reason;
  }
  const isEmpty =
    switchValue.status === 'fulfilled' &&
    targets.status === 'fulfilled' &&
    !switchValue.value.has(names.switch) &&
    targets.value.size === 0;
  if (!isEmpty) return;
  const where = await placeOf(client);
  const problem = `there is no stage ${name}: neither a switch nor a target is stored under /dli-reaper/${name}/ ${where}`;
  throw new SettingsError('--stage', `${problem}; nothing was changed`);
}

async function targetNames({ names, readPath }: Connected): Promise<string[]> {
  const targets = await readPath(names.targets);
  return [...targets.keys()].map((parameter) => parameter.slice(names.targets.length)).sort();
}

/** Loads something of a target. If there is no such target, the error lists the targets of the stage. */
async function loadOf<T>(target: string, connected: Connected, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const parameter = connected.names.target(target);
    const isMissing = error instanceof SettingsError && error.setting === parameter && error.cause === undefined;
    if (!isMissing) throw error;
    await assertExists(connected);
    const held = await targetNames(connected);
    if (held.includes(target)) throw error;
    const problem = `there is no target ${target} in ${connected.name}; there are ${held.join(', ') || 'none'}`;
    throw new SettingsError('--target', problem, { cause: error });
  }
}

/** Opens a stage in Parameter Store. @throws {SettingsError} for a name that no stage can have. */
export function openStage(name: string) {
  assertStage(name);
  const client = new SSMClient(AWS_CLIENT_OPTIONS);
  const read = createParameterReader(client);
  const readPath = createPathReader(client);
  const names = parameterNames(name);
  const connected = { name, names, client, read, readPath };

  const readClaims = async () => claimsIn(await readPath(names.targets), names.targets);
  let ceilings: Promise<Ceilings> | undefined;

  return {
    name,
    names,
    /** Returns the AWS region of the stage; undefined where none is set. */
    region: (): Promise<string | undefined> => client.config.region().catch(() => undefined),
    read,
    readPath,
    /** Returns the project that each target claims. @throws {SettingsError} */
    readClaims,
    /** Returns the problem of each target that shares its project with another. @throws {SettingsError} */
    readClashes: async (): Promise<Map<string, Problem>> => {
      const claims = await readClaims();
      return new Map(
        claims.flatMap((own): [string, Problem][] => {
          const clash = clashOf(own, claims);
          return clash === undefined ? [] : [[own.target, clash]];
        }),
      );
    },
    /** Returns the deployed ceilings, and reads them once. @throws {SettingsError} if they cannot be read. */
    loadCeilings: (): Promise<Ceilings> => {
      ceilings ??= import('./ceilings.ts').then(({ readStageCeilings }) => readStageCeilings(name));
      return ceilings;
    },
    /** Reads what earlier sweeps of the deployed functions did. */
    readRecord: createRecordReaderOf(name),
    /** Reads and writes single parameters. */
    store: createParameterStore(client),
    /** @throws {SettingsError} if there is certainly no such stage, or Parameter Store gives no answer. */
    assertExists: () => assertExists(connected),
    /** Returns the names of the targets, in alphabetical order. @throws {SettingsError} if there are none. */
    listTargets: async (): Promise<string[]> => {
      const targets = await targetNames(connected);
      if (targets.length === 0) throw new SettingsError(names.targets, 'holds no target');
      return targets;
    },
    /** Rejects if the switch cannot be read. */
    isSwitchedOn: async () => isSwitchOn(await readSwitchFrom(read, name)),
    loadSettings: async (request: Pick<SweepRequest, 'target' | 'emergency'>): Promise<Settings> => {
      const readers = { stage: name, read, readPath, readSwitch: () => readSwitchFrom(read, name) };
      return loadOf(request.target, connected, () => loadSsmSettings(request, readers));
    },
    /** Loads a target and its key, without a policy. */
    loadTarget: (target: string) => loadOf(target, connected, () => loadSsmTarget(target, { stage: name, read })),
  };
}

/** Returns the ceilings of a stage; undefined if the caller may not read them. */
export async function ceilingsOrNot({ loadCeilings }: Stage): Promise<Ceilings | undefined> {
  try {
    return await loadCeilings();
  } catch (error) {
    if (error instanceof SettingsError) return undefined;
    throw error;
  }
}
