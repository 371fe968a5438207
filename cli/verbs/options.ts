import type { Command } from 'commander';
import { positiveNumber, wholeNumber } from './arguments.ts';
import { type Effect, PlaceOption } from './place.ts';

export const ONE_JSON_DOCUMENT = 'print one JSON document on stdout and nothing else';

export const KEYS_HELP = `
The access key comes from HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK and HUAWEICLOUD_SDK_SECURITY_TOKEN, or a password from
OS_USERNAME, OS_PASSWORD, OS_DOMAIN_NAME and OS_AUTH_URL. With --stage both come from Parameter Store.
`;

/** Adds the flags that name a target, and a policy. */
export const withTarget = (command: Command, effect: Effect): Command =>
  withProject(command.option('--policy <file>', 'the runtime policy, YAML or JSON; - is stdin'), effect);

/** Adds the flags that name a target. */
export const withProject = (command: Command, effect: Effect): Command =>
  command
    .option('--endpoint <url>', 'address of DLI; https, or http to this machine')
    .option('--project-id <id>', 'id of the project in that region')
    .option('--project-name <name>', 'its name, such as eu-west-101_lake; a live sweep asks IAM to confirm it')
    .option('--region <region>', 'region, for the default endpoint')
    .addOption(new PlaceOption('stage', 'read target, credentials and policy from Parameter Store', effect))
    .addOption(new PlaceOption('target', 'name of the target in the stage', effect));

/** Adds the flags of a verb that is for a stage only. */
export const withStage = (command: Command, effect: Effect): Command =>
  command
    .addOption(new PlaceOption('stage', 'the stage, by its name below /dli-reaper/', effect).makeOptionMandatory())
    .option('--json', ONE_JSON_DOCUMENT);

/** Adds the flags of a verb that reads the past. */
export const withPast = (command: Command): Command =>
  command
    .option('--days <n>', 'only jobs submitted in the last n days (default: all that DLI remembers)', positiveNumber)
    .option('--max-calls <n>', 'most calls to DLI (default: 600, for 59,000 jobs)', positiveNumber)
    .option('--history <file>', 'keep what was read in this file, without SQL, and go on from there')
    .option('--json', ONE_JSON_DOCUMENT)
    .option('-q, --quiet', 'show no progress on stderr');

/** Adds the flags of a verb that prints a report. */
export const withReport = (command: Command): Command =>
  command
    .option('--spared', 'also show jobs that a rule, an exemption or a protection spares')
    .option('--all', 'show every job, however many lines that takes')
    .option('--json', ONE_JSON_DOCUMENT)
    .option('-v, --verbose', 'write the log to stderr as JSON lines')
    .option('-q, --quiet', 'show no progress on stderr');

/** Adds the flag that sets how many jobs a sweep may cancel. */
export const withMaxKills = (command: Command): Command =>
  command.option('--max-kills <n>', "use this in place of the policy's maxKills", wholeNumber);
