import { SSMClient } from '@aws-sdk/client-ssm';
import type { SweepRequest } from '../lib/request.ts';
import type { Settings } from '../lib/settings/settings.ts';
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
    /** Rejects if it cannot be read. */
    isSwitchedOn: async () => isSwitchOn(await readSwitchFrom(read, stage)),
    loadSettings: (request: Pick<SweepRequest, 'target' | 'emergency'>): Promise<Settings> =>
      loadSsmSettings(request, {
        ...{ stage, read, readPath },
        readSwitch: () => readSwitchFrom(read, stage),
      }),
  };
}
