import { Option } from 'commander';
import type { DrillFlags } from '../drill/drill.ts';
import type { EmulatorFlags } from '../emulator/emulator.ts';
import {
  assumption,
  duration,
  durationText,
  emulatedUser,
  hostName,
  listenAddress,
  port,
  positiveNumber,
  share,
  speed,
  wholeNumber,
} from './arguments.ts';
import { ONE_JSON_DOCUMENT } from './options.ts';
import { examples, type Verbs } from './program.ts';

export function addEmulatorVerbs(verbs: Verbs): void {
  const { add, terminal, exitWith } = verbs;
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
    .option('--calls-per-minute <n>', 'calls that the gateway lets through; default: any number', positiveNumber)
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

  addDrill(verbs);
  add('try', 'demo', 'run plan, sweep and proof against an emulator; needs no account and no network')
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', examples('demo'))
    .action((flags: { json?: boolean }) =>
      exitWith(async () => (await import('../emulator/demo.ts')).runDemo(flags, terminal)),
    );
}

const DRILL_HELP = `
Exit codes:
  0  every runaway has ended, no other job was stopped, and the log of the stage says what the emulator says
  1  wrong usage or configuration
  3  a job was stopped that was no runaway, or the log says what is not so
  4  a runaway is left`;

function addDrill({ add, terminal, exitWith }: Verbs): void {
  add('try', 'drill', 'play a bad night on the stage rehearsal, and say what the response to it was worth')
    .option('--unattended', 'respond without a person: the scheduled sweep, then an emergency')
    .option('--jobs <n>', 'number of live jobs (default: 500)', wholeNumber)
    .option('--overdue <share>', 'share of them that are runaways, 0 to 1 (default: 0.6)', share)
    .option('--seed <n>', 'the same seed gives the same jobs (default: 1)', wholeNumber)
    .option('--calls-per-minute <n>', 'calls that the gateway lets through', positiveNumber, 60)
    .option('--snapshot <file>', 'the jobs of a snapshot, in place of --jobs')
    .option('--policy <file>', 'policy of the stage, with --snapshot (default: that of the demo)')
    .option(
      '--older-than <duration>',
      'age of the emergency; older jobs of a snapshot are runaways',
      durationText,
      '2h',
    )
    .option('--max-kills <n>', 'cap of the emergency (default: the number of runaways, at most 300)', wholeNumber)
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', DRILL_HELP)
    .addHelpText(
      'after',
      examples('drill', 'drill --unattended --json', 'drill --snapshot lake.json --policy policy.yml --older-than 4h'),
    )
    .action((flags: DrillFlags) => exitWith(async () => (await import('../drill/drill.ts')).runDrill(flags, terminal)));
}
