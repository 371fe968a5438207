import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import { ACCOUNT_ID } from '../../emulator/aws/server.ts';
import { type FunctionName, startStage } from '../../emulator/aws/stage.ts';
import type { Emulator } from '../../emulator/server.ts';
import { systemClock } from '../../lib/base/clock.ts';
import { dliReaper } from '../../lib/base/command-line.ts';
import { functionName, logGroupOf } from '../../lib/settings/names.ts';
import { parameterNames } from '../../lib/settings/parameter-store.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanLines, indented } from '../screen/text.ts';
import { readAsset } from '../source/assets.ts';
import { announceRehearsal, REHEARSAL_KEYS, REHEARSAL_STAGE } from '../source/rehearsal.ts';

const run = promisify(execFile);

/** Name of the one target. */
export const REHEARSAL_TARGET = 'lake';

/** @throws {SettingsError} for any other stage, so that a real one cannot be meant. */
export function assertRehearsal(stage: string): void {
  if (stage !== REHEARSAL_STAGE)
    throw new SettingsError('--stage', `the emulator plays the stage ${REHEARSAL_STAGE} only`);
}

/** What to type in another terminal. */
export const howToRehearse = (): string =>
  `In another terminal:\n  eval "$(${dliReaper('emulator env')})"\n` +
  `  ${dliReaper(`status --stage ${REHEARSAL_STAGE}`)}\n`;

export interface RehearsalOptions {
  /** The document of its policy. Default: that of the demo. */
  policy?: unknown;
  /** Whether messages are shown. Default: true. */
  showsMessages?: boolean;
}

/** A stage that is being played. */
export type Rehearsal = Awaited<ReturnType<typeof startRehearsal>>;

/** Plays a stage whose one target is this emulator, and says where. */
export async function startRehearsal(
  emulator: Emulator,
  { err }: Pick<Terminal, 'err'>,
  { policy = parse(readAsset('examples/demo-policy.yml')), showsMessages = true }: RehearsalOptions = {},
) {
  const { connection } = emulator;
  const functions = await findFunctions();
  const bundleOf = (name: FunctionName) => ({
    name: functionName(REHEARSAL_STAGE, name),
    bundle: join(functions.folder, name, 'index.mjs'),
  });
  const parameters = {
    ...stageParameters(REHEARSAL_STAGE, connection, policy, REHEARSAL_TARGET),
    ...routesIn(connection.region),
  };
  const aws = await startStage({
    stage: REHEARSAL_STAGE,
    region: connection.region,
    parameters,
    keys: REHEARSAL_KEYS,
    logGroups: [logGroupOf(REHEARSAL_STAGE, 'by-hand')],
    functions: { dispatch: bundleOf('dispatch'), sweep: bundleOf('sweep'), notify: bundleOf('notify') },
    now: systemClock.now,
    onPublish: ({ topic, text }) => {
      if (showsMessages) err(`\nA message, to topic ${topic}:\n${indented(cleanLines(text))}\n`);
    },
    onFailure: (sentence) => err(`${sentence}\n`),
  });
  await playPast(aws, emulator);
  aws.subscribe();
  const takeBack = announceRehearsal({ pid: process.pid, port: aws.port });
  return {
    port: aws.port,
    /** Plays one tick of the schedule, until its sweeps have ended. */
    tick: aws.tick,
    /** All lines of its logs so far. */
    logLines: aws.logs.lines,
    end: async () => {
      takeBack();
      await aws.close();
      functions.remove();
    },
  };
}

/** Routes to a topic for owners and one for operators. What is published there is shown on the screen of the emulator. */
function routesIn(region: string): Record<string, string> {
  const { routes } = parameterNames(REHEARSAL_STAGE);
  const topic = `arn:aws:sns:${region}:${ACCOUNT_ID}:`;
  return {
    [`${routes}owners`]: JSON.stringify({ to: 'owner', topic: `${topic}owners` }),
    [`${routes}operators`]: JSON.stringify({ to: 'operators', topic: `${topic}operators`, fallback: true }),
  };
}

/** Plays a tick of the schedule as a dry run, so that the log has a last sweep. The faults on order are for later. */
async function playPast({ store, tick }: Awaited<ReturnType<typeof startStage>>, { faults }: Emulator): Promise<void> {
  const name = parameterNames(REHEARSAL_STAGE).target(REHEARSAL_TARGET);
  const live = store.parameters[name] ?? '';
  const ordered = faults.all();
  faults.clear();
  store.parameters[name] = JSON.stringify({ ...(JSON.parse(live) as object), mode: 'dry-run' });
  await tick();
  store.parameters[name] = live;
  faults.add(...ordered);
}

/** Returns the folder of the bundled functions. The package has them beside the command line; a clone builds them. @throws {SettingsError} */
async function findFunctions(): Promise<{ folder: string; remove: () => void }> {
  const isClone = import.meta.url.endsWith('.ts');
  if (!isClone) {
    const folder = fileURLToPath(new URL('../functions', import.meta.url));
    if (existsSync(folder)) return { folder, remove: () => {} };
    throw new SettingsError('--stage', `needs the functions in ${folder}; use the package, or a clone`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-functions-'));
  await run(process.execPath, [fileURLToPath(new URL('../../scripts/build.ts', import.meta.url)), folder]);
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
