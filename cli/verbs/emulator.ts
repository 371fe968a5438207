import { Option } from 'commander';
import type { EmulatorFlags } from '../emulator/emulator.ts';
import { duration, port, share, speed, wholeNumber } from './arguments.ts';
import { examples, type Verbs } from './program.ts';

export function addEmulatorVerbs({ program, terminal, exitWith }: Verbs): void {
  program
    .command('emulator')
    .description('a DLI on this machine, until SIGTERM; its first line says how to reach it')
    .option('--port <n>', 'port; 0 takes a free one', port, 0)
    .option('--seed <n>', 'the same seed gives the same jobs', wholeNumber, 1)
    .option('--world <name>', 'what is in it: busy-morning, lake, orphans, storm, ten-thousand, empty', 'busy-morning')
    .option('--jobs <n>', 'so many live jobs, in place of a world', wholeNumber)
    .option('--overdue <share>', 'how many of them are queries that run for hours, 0 to 1', share, 0.1)
    .option('--faults <file>', 'trouble on order, YAML or JSON')
    .option('--assume-from <file>', 'do what a real DLI was found to do, as doctor --probe wrote it')
    .option('--state <file>', 'begin with this file, if there is one, and write it at the end')
    .option('--speed <n>', 'how fast its clock runs; 0 stands still', speed, 1)
    .addOption(
      new Option('--cancel-delay <duration>', 'from an accepted cancel to CANCELLED')
        .argParser(duration)
        .default(1_000, '1s'),
    )
    .addHelpText(
      'after',
      examples(
        'emulator --port 8080 --jobs 200 --overdue 0.1',
        'emulator --world storm --faults faults.yml --state lake.json',
        'emulator --assume-from dli-probe-2026-12-01.json',
      ),
    )
    .action((flags: EmulatorFlags) =>
      exitWith(async () => (await import('../emulator/emulator.ts')).runEmulator(flags, terminal)),
    );

  program
    .command('demo')
    .description('plan, sweep and proof against an emulator of its own; no account, no network')
    .option('--json', 'one JSON document on stdout and nothing else')
    .addHelpText('after', examples('demo'))
    .action((flags: { json?: boolean }) =>
      exitWith(async () => (await import('../emulator/demo.ts')).runDemo(flags, terminal)),
    );
}
