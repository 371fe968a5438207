import type { Command } from 'commander';
import type { AnnounceFlags } from '../notices/announce.ts';
import type { SendTestFlags } from '../notices/send-test.ts';
import type { ShowFlags } from '../notices/show.ts';
import { collect, recipient } from './arguments.ts';
import { KEYS_HELP, ONE_JSON_DOCUMENT, withTarget } from './options.ts';
import { PlaceOption } from './place.ts';
import { ACCOUNT, EXIT_CODES_HELP, examples, STAGE_EXIT_CODES_HELP, type Verbs } from './program.ts';

const SHOW_EXIT_CODES_HELP = `
Exit codes:
  0  success
  1  wrong usage, configuration, credentials or permissions
  4  a line is a message that this version cannot send`;

/** Adds the verbs for messages to owners and operators. */
export function addNoticesVerbs(verbs: Verbs): void {
  const notices = verbs
    .add('stage', 'notices', 'show, test or announce the messages to owners and operators')
    .addHelpText(
      'after',
      examples('notices --from lines.jsonl', 'notices test --stage prod --to owner:ana', 'notices announce --help'),
    );
  addShow(notices, verbs);
  addTest(notices, verbs);
  addAnnounce(notices, verbs);
}

function addShow(notices: Command, { terminal, exitWith }: Verbs): void {
  notices
    .command('show', { isDefault: true })
    .description('show the messages that the lines of a log become; sends nothing. The word show can be left out')
    .requiredOption('--from <file>', 'lines of a log; - is stdin; may be given several times', collect)
    // A file needs no stage, so none is taken from the environment.
    .addOption(new PlaceOption('stage', 'say which route of this stage would take each message', 'acts'))
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', SHOW_EXIT_CODES_HELP)
    .addHelpText('after', examples('notices show --from lines.jsonl', 'notices show --from - --stage prod'))
    .action((flags: ShowFlags) => exitWith(async () => (await import('../notices/show.ts')).runShow(flags, terminal)));
}

function addTest(notices: Command, { terminal, exitWith }: Verbs): void {
  notices
    .command('test')
    .description('send a test through the deployed function, and say by which route it went')
    .addOption(new PlaceOption('stage', 'the stage, by its name below /dli-reaper/', 'acts').makeOptionMandatory())
    .requiredOption('--to <recipient>', 'operators, or owner: and a name, such as owner:ana', recipient)
    .option('--queue <name>', 'the queue of the example, for routes that ask for one')
    .option('--target <name>', 'the target of the example, for routes that ask for one', 'test')
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', STAGE_EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples('notices test --stage prod --to operators', 'notices test --stage prod --to owner:ana --queue bi_1'),
    )
    .action((flags: SendTestFlags) =>
      exitWith(async () => (await import('../notices/send-test.ts')).runSendTest(flags, terminal)),
    );
}

function addAnnounce(notices: Command, { terminal, exitWith }: Verbs): void {
  withTarget(
    notices.command('announce').description('write to each owner what a policy would cancel now; sends nothing'),
    'looks',
  )
    .option('--live-at <when>', 'from when it is live: a day such as 2027-02-01, a time with its zone, or 7d')
    .option('--history <file>', 'also past jobs that it would have cancelled, from a file of backtest or suggest')
    .option('--ask <text>', 'whom owners can ask, such as "#data-platform in Slack"')
    .option('--json', ONE_JSON_DOCUMENT)
    .option('-q, --quiet', 'show no progress on stderr')
    .addHelpText('after', KEYS_HELP + EXIT_CODES_HELP)
    .addHelpText(
      'after',
      examples(
        `notices announce --policy policy.yml ${ACCOUNT} --live-at 2027-02-01`,
        'notices announce --stage prod --target lake --ask "#data-platform in Slack"',
      ),
    )
    .action((flags: AnnounceFlags) =>
      exitWith(async () => (await import('../notices/announce.ts')).runAnnounce(flags, terminal)),
    );
}
