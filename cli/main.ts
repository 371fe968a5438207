#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import { environment } from '../lib/settings/environment.ts';
import type { EmulatorFlags } from './emulator.ts';
import { EXIT_CONFIGURATION } from './exit-code.ts';
import type { SweepFlags, Terminal } from './sweep.ts';

// Each verb loads what it needs when it is called: the AWS SDK alone takes longer than an emulator to start.
const terminal: Terminal = {
  env: environment,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
};

const EXIT_CODES = `
Exit codes:
  0  all well
  1  usage, configuration or credentials; or the switch or the clock stopped the sweep
  3  some job failed, or was not seen to stop
  4  partial: the listing is incomplete, or the deadline came first
  5  a cap stopped the sweep`;

const program = new Command('dli-reaper')
  .description(
    'Finds Huawei Cloud DLI jobs that exceed a runtime policy, cancels them, and proves what became of each.',
  )
  .showHelpAfterError('(--help tells more)');

const sweepVerb = (name: string, description: string) =>
  program
    .command(name)
    .description(description)
    .option('--policy <file>', 'the runtime policy, YAML or JSON')
    .option('--endpoint <url>', 'address of DLI; https, or http to this machine')
    .option('--project-id <id>', 'project, 32 hexadecimal digits')
    .option('--region <region>', 'region, for the default endpoint')
    .option('--stage <stage>', 'take target, credentials and policy from Parameter Store')
    .option('--target <name>', 'name of the target there')
    .option('--max-kills <n>', "in place of the policy's maxKills", wholeNumber)
    .option('--spared', 'show the jobs that a rule, an exemption or a protection spares as well')
    .option('--json', 'one JSON document on stdout and nothing else')
    .option('--verbose', 'the log on stderr, JSON lines')
    .addHelpText(
      'after',
      `
The keys are taken from HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK and HUAWEICLOUD_SDK_SECURITY_TOKEN, or with --stage
from Parameter Store.
${EXIT_CODES}`,
    );

sweepVerb('plan', 'show what a sweep would do; never cancels')
  .addHelpText(
    'after',
    '\nExamples:\n  dli-reaper plan --policy policy.yml --region eu-west-101 --project-id 0123456789abcdef0123456789abcdef',
  )
  .action((flags: SweepFlags) =>
    exitWith(async () => (await import('./sweep.ts')).runSweep({ ...flags, dryRun: true }, terminal)),
  );

sweepVerb('sweep', 'cancel overdue jobs and prove what became of each; a dry run unless --no-dry-run')
  .option('--no-dry-run', 'cancel for real, if the mode of policy and target is live')
  .option('--verify-for <duration>', 'how long to wait for cancelled jobs to stop', durationText, '60s')
  .option('--reason <text>', 'why, for the record')
  .addHelpText(
    'after',
    '\nExamples:\n  dli-reaper sweep --policy policy.yml --region eu-west-101 --project-id 0123456789abcdef0123456789abcdef --no-dry-run' +
      '\n  dli-reaper sweep --stage prod --target lake --json',
  )
  .action((flags: SweepFlags) => exitWith(async () => (await import('./sweep.ts')).runSweep(flags, terminal)));

sweepVerb('explain <job-id>', 'why a job would be cancelled or spared: every rule and exemption that is tried')
  .addHelpText(
    'after',
    '\nExamples:\n  dli-reaper explain 5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa --stage prod --target lake',
  )
  .action((jobId: string, flags: SweepFlags) =>
    exitWith(async () => (await import('./explain.ts')).runExplain(jobId, flags, terminal)),
  );

program
  .command('validate <file>')
  .description('check a policy: every error at once, each with its line; warnings do not fail')
  .addHelpText('after', '\nExamples:\n  dli-reaper validate policy.yml')
  .action((file: string) =>
    exitWith(async () => (await import('./validate.ts')).runValidate(file, terminal, systemClock.now())),
  );

program
  .command('schema')
  .description('print the JSON Schema of a policy, for editors')
  .addHelpText('after', '\nExamples:\n  dli-reaper schema > policy.schema.json')
  .action(() => exitWith(async () => (await import('./validate.ts')).runSchema(terminal)));

program
  .command('emulator')
  .description('a DLI on this machine, until SIGTERM; its first line says how to reach it')
  .option('--port <n>', 'port; 0 takes a free one', wholeNumber, 0)
  .option('--seed <n>', 'the same seed gives the same jobs', wholeNumber, 1)
  .option('--world <name>', 'what is in it: busy-morning, lake, orphans, storm, ten-thousand, empty', 'busy-morning')
  .option('--jobs <n>', 'so many live jobs, in place of a world', wholeNumber)
  .option('--overdue <share>', 'how many of them are queries that run for hours, 0 to 1', share, 0.1)
  .option('--faults <file>', 'trouble on order, YAML or JSON')
  .option('--state <file>', 'begin with this file, if there is one, and write it at the end')
  .option('--speed <n>', 'how fast its clock runs; 0 stands still', speed, 1)
  .option('--cancel-delay <duration>', 'from an accepted cancel to CANCELLED', duration, 1_000)
  .addHelpText(
    'after',
    '\nExamples:\n  dli-reaper emulator --port 8080 --jobs 200 --overdue 0.1\n  dli-reaper emulator --world storm --faults faults.yml --state lake.json',
  )
  .action((flags: EmulatorFlags) => exitWith(async () => (await import('./emulator.ts')).runEmulator(flags, terminal)));

program
  .command('demo')
  .description('plan, sweep and proof against an emulator of its own; no account, no network')
  .option('--json', 'one JSON document on stdout and nothing else')
  .addHelpText('after', '\nExamples:\n  dli-reaper demo')
  .action((flags: { json?: boolean }) => exitWith(async () => (await import('./demo.ts')).runDemo(flags, terminal)));

await program.parseAsync();

/** What stops a verb is told in one line; a stack helps only where the error is ours. */
async function exitWith(run: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await run();
  } catch (error) {
    // An error of the system, such as a port that is taken, has a code and needs no stack.
    const isSystem = error instanceof Error && 'syscall' in error;
    const isOurs = !isSystem && (!(error instanceof Error) || error.name === 'Error' || error instanceof TypeError);
    const message = error instanceof Error ? error.message : String(error);
    terminal.err(`dli-reaper: ${isOurs && error instanceof Error ? error.stack : message}\n`);
    process.exitCode = EXIT_CONFIGURATION;
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

function speed(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100_000)) throw new InvalidArgumentError('Expected 0 or more.');
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return value;
}

/** As it was written: the request reads it. */
function durationText(text: string): string {
  duration(text);
  return text;
}

function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
