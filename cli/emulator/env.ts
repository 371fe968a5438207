import { EMULATOR_KEY, EMULATOR_REGION } from '../../emulator/server.ts';
import type { Environment } from '../../lib/settings/environment.ts';
import type { Terminal } from '../screen/terminal.ts';
import { findRehearsal, REHEARSAL_KEYS, STRAY_VARIABLES } from '../source/rehearsal.ts';

/** Variables of another stage or account, which have no place in a rehearsal. */
const LEFT_OVER = [
  'AWS_CREDENTIAL_EXPIRATION',
  'HUAWEICLOUD_SDK_SECURITY_TOKEN',
  'DLI_REAPER_STAGE',
  'DLI_REAPER_TARGET',
];

/** Prints the lines with which a shell talks to the running rehearsal. It starts nothing. @returns the exit code. */
export function runEnv({ env, out }: Terminal): number {
  const { unset, variables } = shellOf(findRehearsal(), env);
  out(`unset ${unset.join(' ')}\n`);
  for (const [name, value] of Object.entries(variables)) out(`export ${name}=${value}\n`);
  return 0;
}

/** The variables of a shell that talks to the rehearsal at this port, and those that it must not have. */
export function shellOf(port: number, env: Environment): { unset: string[]; variables: Record<string, string> } {
  const variables = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: EMULATOR_REGION,
    AWS_ACCESS_KEY_ID: REHEARSAL_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: REHEARSAL_KEYS.secretAccessKey,
    // For verbs without a stage. A real key in this shell would be worse.
    HUAWEICLOUD_SDK_AK: EMULATOR_KEY.accessKeyId,
    HUAWEICLOUD_SDK_SK: EMULATOR_KEY.secretAccessKey,
  };
  const endpoints = Object.keys(env).filter((name) => /^AWS_ENDPOINT_URL_[A-Z0-9_]+$/.test(name));
  return { unset: [...STRAY_VARIABLES, ...LEFT_OVER, ...endpoints], variables };
}
