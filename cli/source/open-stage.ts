import { SSMClient } from '@aws-sdk/client-ssm';
import { isAwsSilence } from '../../lib/base/error-words.ts';
import type { SweepRequest } from '../../lib/request/request.ts';
import type { Ceilings } from '../../lib/settings/ceilings.ts';
import { environment } from '../../lib/settings/environment.ts';
import { claimsIn, clashOf, type Problem } from '../../lib/settings/project-claims.ts';
import type { Settings } from '../../lib/settings/settings.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import {
  AWS_CLIENT_OPTIONS,
  assertStage,
  createParameterReader,
  createPathReader,
  isSwitchOn,
  loadSsmSettings,
  loadSsmTarget,
  parameterNames,
  readSwitchFrom,
} from '../../lib/settings/ssm.ts';
import { createRecordReaderOf } from '../../lib/sweep/record/read-record.ts';
import { createParameterStore } from './parameter-store.ts';

/** Of the verbs that look at a stage, or change it. */
export interface StageFlags {
  stage: string;
  json?: boolean;
  confirm?: string;
}

/** What a verb needs of its stage: one connection to Parameter Store, opened once and handed on. */
export type Stage = ReturnType<typeof openStage>;

/** Which Parameter Store was asked: the one of another region or account may hold the stage. */
async function placeOf(client: SSMClient): Promise<string> {
  const region = await client.config.region();
  const { AWS_PROFILE: profile, AWS_ACCESS_KEY_ID: key } = environment;
  const account = profile ? `profile ${profile}` : key ? 'the account of AWS_ACCESS_KEY_ID' : 'the default profile';
  return `in region ${region} of ${account}; see AWS_REGION and AWS_PROFILE`;
}

/** A stage's settings in Parameter Store, as a sweep reads them. @throws {SettingsError} for a name that is none. */
export function openStage(name: string) {
  assertStage(name);
  const client = new SSMClient(AWS_CLIENT_OPTIONS);
  const read = createParameterReader(client);
  const readPath = createPathReader(client);
  const names = parameterNames(name);

  /**
   * A name that is mistyped must not look like a stage where all is well.
   *
   * @throws {SettingsError} if it is certain that there is no such stage, or if Parameter Store gives no answer; who may not
   * read may still write.
   */
  async function assertExists(): Promise<void> {
    const [switchValue, targets] = await Promise.allSettled([read([names.switch]), readPath(names.targets)]);
    for (const result of [switchValue, targets]) {
      // The write would take as long, and for nothing.
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

  const heldTargets = async (): Promise<string[]> =>
    [...(await readPath(names.targets)).keys()].map((parameter) => parameter.slice(names.targets.length)).sort();

  /** @throws {SettingsError} that names those there are, unless it is there and something else is wrong with it. */
  async function assertTarget(target: string, cause: unknown): Promise<void> {
    await assertExists();
    const held = await heldTargets();
    if (held.includes(target)) return;
    const problem = `there is no target ${target} in ${name}; there are ${held.join(', ') || 'none'}`;
    throw new SettingsError('--target', problem, { cause });
  }

  /** Where a target is missing, says which there are. */
  async function withTarget<T>(target: string, load: () => Promise<T>): Promise<T> {
    try {
      return await load();
    } catch (error) {
      const isMissing =
        error instanceof SettingsError && error.setting === names.target(target) && error.cause === undefined;
      if (isMissing) await assertTarget(target, error);
      throw error;
    }
  }

  const readClaims = async () => claimsIn(await readPath(names.targets), names.targets);
  let ceilings: Promise<Ceilings> | undefined;

  return {
    name,
    names,
    /** Returns the AWS region of the stage; undefined where none is set. */
    region: (): Promise<string | undefined> => client.config.region().catch(() => undefined),
    read,
    readPath,
    /** What all targets say of their projects. @throws {SettingsError} */
    readClaims,
    /** For each target that is on the project of another: what is wrong with that. @throws {SettingsError} */
    readClashes: async (): Promise<Map<string, Problem>> => {
      const claims = await readClaims();
      return new Map(
        claims.flatMap((own): [string, Problem][] => {
          const clash = clashOf(own, claims);
          return clash === undefined ? [] : [[own.target, clash]];
        }),
      );
    },
    /** Returns what was deployed, asked for once. @throws {SettingsError} if it cannot be read. */
    loadCeilings: (): Promise<Ceilings> => {
      ceilings ??= import('./ceilings.ts').then(({ readStageCeilings }) => readStageCeilings(name));
      return ceilings;
    },
    /** Reads what the deployed sweeps have done before. */
    readRecord: createRecordReaderOf(name),
    /** Reads and writes single parameters. */
    store: createParameterStore(client),
    assertExists,
    /** Returns the names of the targets, in alphabetical order. @throws {SettingsError} if there are none. */
    listTargets: async (): Promise<string[]> => {
      const targets = await heldTargets();
      if (targets.length === 0) throw new SettingsError(names.targets, 'holds no target');
      return targets;
    },
    /** Rejects if it cannot be read. */
    isSwitchedOn: async () => isSwitchOn(await readSwitchFrom(read, name)),
    loadSettings: async (request: Pick<SweepRequest, 'target' | 'emergency'>): Promise<Settings> => {
      const readers = { stage: name, read, readPath, readSwitch: () => readSwitchFrom(read, name) };
      return withTarget(request.target, () => loadSsmSettings(request, readers));
    },
    /** A target and its key alone. */
    loadTarget: (target: string) => withTarget(target, () => loadSsmTarget(target, { stage: name, read })),
  };
}
