import { SSMClient } from '@aws-sdk/client-ssm';
import type { SweepRequest } from '../lib/request.ts';
import type { Settings } from '../lib/settings/settings.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import {
  AWS_CLIENT_OPTIONS,
  assertStage,
  createParameterReader,
  createPathReader,
  isSwitchOn,
  loadSsmSettings,
  parameterNames,
  readSwitchFrom,
} from '../lib/settings/ssm.ts';

/** Of the verbs that look at a stage, or change it. */
export interface StageFlags {
  stage: string;
  json?: boolean;
  confirm?: string;
}

/** A stage's settings in Parameter Store, as a sweep reads them. @throws {SettingsError} for a name that is none. */
export function openStage(stage: string) {
  assertStage(stage);
  const client = new SSMClient(AWS_CLIENT_OPTIONS);
  const read = createParameterReader(client);
  const readPath = createPathReader(client);
  const names = parameterNames(stage);

  /**
   * A name that is mistyped must not look like a stage where all is well.
   *
   * @throws {SettingsError} if it is certain that there is no such stage; who may not read may still write.
   */
  async function assertExists(): Promise<void> {
    const isEmpty = await Promise.all([read([names.switch]), readPath(names.targets)]).then(
      ([switchValue, targets]) => !switchValue.has(names.switch) && targets.size === 0,
      () => false,
    );
    if (!isEmpty) return;
    const problem = `there is no stage ${stage}: neither a switch nor a target is stored under /dli-reaper/${stage}/`;
    throw new SettingsError('--stage', `${problem}; nothing was changed`);
  }

  /** @throws {SettingsError} that names those there are, unless it is there and something else is wrong with it. */
  async function assertTarget(target: string, cause: unknown): Promise<void> {
    await assertExists();
    const held = [...(await readPath(names.targets)).keys()].map((name) => name.slice(names.targets.length)).sort();
    if (held.includes(target)) return;
    const problem = `there is no target ${target} in ${stage}; there are ${held.join(', ') || 'none'}`;
    throw new SettingsError('--target', problem, { cause });
  }

  return {
    names,
    client,
    read,
    readPath,
    assertExists,
    /** Rejects if it cannot be read. */
    isSwitchedOn: async () => isSwitchOn(await readSwitchFrom(read, stage)),
    loadSettings: async (request: Pick<SweepRequest, 'target' | 'emergency'>): Promise<Settings> => {
      const readers = { ...{ stage, read, readPath }, readSwitch: () => readSwitchFrom(read, stage) };
      try {
        return await loadSsmSettings(request, readers);
      } catch (error) {
        const isMissing = error instanceof SettingsError && error.setting === names.target(request.target);
        if (isMissing) await assertTarget(request.target, error);
        throw error;
      }
    },
  };
}
