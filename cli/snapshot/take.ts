import { ENGINE_NAMES, type Engine } from '../../lib/base/job.ts';
import { toJson } from '../screen/json.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import type { SettingsFlags } from '../source/load-settings.ts';
import { observe, sayDoubts } from '../sweep/observe.ts';
import { toSnapshot } from './document.ts';

export interface SnapshotFlags extends SettingsFlags {
  withStatements?: boolean;
  engine?: Engine[];
}

/** Prints every live job as JSON. @returns 1 if the clocks disagree, 4 if some jobs could not be listed. */
export async function runSnapshot(
  { withStatements = false, engine, ...flags }: SnapshotFlags,
  terminal: Terminal,
): Promise<number> {
  // DLI is always asked for the statements, since the fingerprints are made from them.
  const { seen } = await withSpinner('Listing every live job', {}, terminal, () =>
    observe(flags, terminal, { engines: engine ?? ENGINE_NAMES }),
  );
  const exitCode = sayDoubts(seen, terminal);
  terminal.out(toJson('snapshot', toSnapshot(seen, { withStatements })));
  return exitCode;
}
