import { lintPolicy } from '../lib/policy/lint.ts';
import { readAsset } from './assets.ts';
import { counted } from './counted.ts';
import { readPolicyFile } from './policy-file.ts';
import type { Terminal } from './terminal.ts';

/** Every error at once; warnings do not count as such. @returns the exit code. @throws {PolicyFileError} */
export function runValidate(path: string, { out }: Terminal, now: number): number {
  const { policy, locate } = readPolicyFile(path);
  for (const { keys, message } of lintPolicy(policy, now)) out(`${locate(keys)}: warning: ${message}\n`);
  const { rules, exemptions, mode } = policy;
  out(`${path} is valid: mode ${mode}, ${counted(rules.length, 'rule')}, ${counted(exemptions.length, 'exemption')}\n`);
  return 0;
}

/** The JSON Schema of a policy, for editors. @returns the exit code. */
export function runSchema({ out }: Terminal): number {
  out(readAsset('policy.schema.json'));
  return 0;
}
