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
  return {
    names,
    client,
    read,
    readPath,
    /**
     * A name that is mistyped must not look like a stage where all is well.
     *
     * @throws {SettingsError} if it is certain that there is no such stage; who may not read may still write.
     */
    assertExists: async () => {
      const isEmpty = await Promise.all([read([names.switch]), readPath(names.targets)]).then(
        ([switchValue, targets]) => !switchValue.has(names.switch) && targets.size === 0,
        () => false,
      );
      if (!isEmpty) return;
      const problem = `there is no stage ${stage}: neither a switch nor a target is stored under /dli-reaper/${stage}/`;
      throw new SettingsError('--stage', `${problem}; nothing was changed`);
    },
    /** Rejects if it cannot be read. */
    isSwitchedOn: async () => isSwitchOn(await readSwitchFrom(read, stage)),
    loadSettings: (request: Pick<SweepRequest, 'target' | 'emergency'>): Promise<Settings> =>
      loadSsmSettings(request, {
        ...{ stage, read, readPath },
        readSwitch: () => readSwitchFrom(read, stage),
      }),
  };
}
