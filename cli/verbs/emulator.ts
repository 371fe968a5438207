import { Option } from 'commander';
import type { EmulatorFlags } from '../emulator/emulator.ts';
import {
  assumption,
  duration,
  emulatedUser,
  hostName,
  listenAddress,
  port,
  share,
  speed,
  wholeNumber,
} from './arguments.ts';
import { ONE_JSON_DOCUMENT } from './options.ts';
import { examples, type Verbs } from './program.ts';

export function addEmulatorVerbs({ add, terminal, exitWith }: Verbs): void {
  const emulator = add(
    'try',
    'emulator',
    'run a DLI on this machine until SIGTERM; the first line says how to reach it',
  )
    .option('--port <n>', 'port to listen on; 0 picks a free port', port, 0)
    .option('--host <address>', 'address to listen on (default: 127.0.0.1, this machine only)', listenAddress)
    .option('--allow-host <name>', 'also answer /_emulator under this name; may be given several times', hostName)
    .option(
      '--user <name:password>',
      'a user who gets tokens, also name:password:account; may be given several times',
      emulatedUser,
    )
    .option('--seed <n>', 'the same seed gives the same jobs', wholeNumber, 1)
    .option(
      '--world <name>',
      'jobs to start with: busy-morning, lake, orphans, storm, ten-thousand, month, empty',
      'busy-morning',
    )
    .option('--jobs <n>', 'number of live jobs, in place of a world; or of the jobs of the world month', wholeNumber)
    .option('--overdue <share>', 'share of --jobs that are queries running for hours, 0 to 1', share, 0.1)
    .option('--world-file <file>', 'the jobs to start with, in place of a world: a list in JSON or YAML')
    .option('--faults <file>', 'faults to inject, YAML or JSON')
    .option('--assume-from <file>', 'behave like a real DLI, by a file of doctor --probe')
    .option('--assume <name=answer>', 'answer a question as a real DLI might; may be given several times', assumption)
    .option('--state <state-file>', 'load this file at the start, if it exists, and write it at the end')
    .option('--stage <stage>', 'also play the stage rehearsal, with its functions, for the verbs with --stage')
    .option('--speed <n>', 'speed of its clock; 0 stops it', speed, 1)
    .addOption(
      new Option('--cancel-delay <duration>', 'time from an accepted cancel to CANCELLED')
        .argParser(duration)
        .default(1_000, '1s'),
    )
    .addHelpText(
      'after',
      examples(
        'emulator --port 8080 --jobs 200 --overdue 0.1',
        'emulator --world storm --faults faults.yml --state lake.json',
        'emulator --world-file examples/etl/world.json --port 8080',
        'emulator --world month --jobs 50000',
        'emulator --host 0.0.0.0 --port 8080 --allow-host dli',
        'emulator --assume unknownId=DLI.0023 --user ana:secret',
        'emulator --assume-from dli-probe-2026-12-01.json',
        'emulator --stage rehearsal --jobs 500 --overdue 0.6',
      ),
    )
    .action((flags: EmulatorFlags) =>
      exitWith(async () => (await import('../emulator/emulator.ts')).runEmulator(flags, terminal)),
    );
  emulator
    .command('env')
    .description('print the lines that point a shell at the running rehearsal, for eval')
    .addHelpText('after', examples('emulator env'))
    .action(() => exitWith(async () => (await import('../emulator/env.ts')).runEnv(terminal)));

  add('try', 'demo', 'run plan, sweep and proof against an emulator; needs no account and no network')
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', examples('demo'))
    .action((flags: { json?: boolean }) =>
      exitWith(async () => (await import('../emulator/demo.ts')).runDemo(flags, terminal)),
    );
}
