import { ENGINE_NAMES, isJobId } from '../../lib/base/job.ts';
import { SettingsError } from '../../lib/settings/settings.ts';

/** @throws {SettingsError} for what is the id of no engine's jobs. */
export function assertJobId(name: string, id: string): void {
  if (ENGINE_NAMES.some((engine) => isJobId(id, engine))) return;
  throw new SettingsError(name, "expected 8-4-4-4-12 hexadecimal digits, or a Flink job's number");
}
