import { lintPolicy } from '../../lib/policy/lint.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';
import { readAsset } from '../source/assets.ts';
import { PolicyFileError, readPolicyFile } from '../source/policy-file.ts';

/**
 * Checks a policy file and shows all errors at once. Warnings do not make it fail.
 *
 * @returns the exit code.
 * @throws {SettingsError} if the file cannot be read. @throws {PolicyFileError} if it is not valid, and `json` is not set.
 */
export function runValidate(path: string, { json }: { json?: boolean }, { out }: Terminal, now: number): number {
  if (json) return validateForMachines(path, out, now);
  const { policy, locate } = readPolicyFile(path);
  for (const { keys, message } of lintPolicy(policy, now)) out(`${locate(keys)}: warning: ${cleanText(message)}\n`);
  const { rules, exemptions, freezes, mode } = policy;
  const parts = [
    `mode ${mode}`,
    counted(rules.length, 'rule'),
    counted(exemptions.length, 'exemption'),
    ...(freezes.length === 0 ? [] : [counted(freezes.length, 'freeze')]),
  ];
  out(`${path} is valid: ${parts.join(', ')}\n`);
  return 0;
}

function validateForMachines(path: string, out: Terminal['out'], now: number): number {
  try {
    const { policy, locate } = readPolicyFile(path);
    const warnings = lintPolicy(policy, now).map(({ keys, message }) => ({ at: locate(keys), message }));
    const { rules, exemptions, mode } = policy;
    const facts = { mode, rules: rules.length, exemptions: exemptions.length };
    out(toJson('validation', { file: path, isValid: true, ...facts, warnings, problems: [] }));
    return 0;
  } catch (error) {
    if (!(error instanceof PolicyFileError)) throw error;
    const facts = { mode: null, rules: null, exemptions: null };
    out(toJson('validation', { file: path, isValid: false, ...facts, warnings: [], problems: error.problems }));
    return EXIT_CONFIGURATION;
  }
}

/** Prints the JSON Schema of a policy, for editors. @returns the exit code. */
export function runSchema({ out }: Terminal): number {
  out(readAsset('policy.schema.json'));
  return 0;
}
