import { ENGINE_NAMES } from '../../lib/base/job.ts';
import type { ReplayFlags } from '../snapshot/replay.ts';
import type { SnapshotFlags } from '../snapshot/take.ts';
import type { JobsFlags } from '../sweep/jobs.ts';
import { collect, collectOf } from './arguments.ts';
import { KEYS_HELP, ONE_JSON_DOCUMENT, withTarget } from './options.ts';
import { ACCOUNT, examples, type Verbs } from './program.ts';

export function addJobsVerb({ add, terminal, exitWith }: Verbs): void {
  withTarget(add('look', 'jobs', 'show who uses the queues now; needs no policy'), 'looks')
    .option('--queue <pattern>', 'only jobs of this queue; may be given several times', collect)
    .option('--owner <pattern>', "only this user's jobs; may be given several times", collect)
    .option(
      '--engine <name>',
      'only jobs of this engine (default: all engines); may be given several times',
      collectOf(ENGINE_NAMES),
    )
    .option('--all', 'show every line, however many there are')
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', KEYS_HELP)
    .addHelpText('after', examples('jobs --stage prod --target lake', `jobs ${ACCOUNT} --queue adhoc`))
    .action((flags: JobsFlags) => exitWith(async () => (await import('../sweep/jobs.ts')).runJobs(flags, terminal)));
}

export function addSnapshotVerbs({ add, terminal, exitWith }: Verbs): void {
  withTarget(add('policy', 'snapshot', 'save every live job as JSON, for plan --from, why --from and replay'), 'looks')
    .option(
      '--engine <name>',
      'only jobs of this engine (default: all engines); may be given several times',
      collectOf(ENGINE_NAMES),
    )
    .option('--json', 'no effect: the output is always one JSON document')
    .option('--with-statements', 'also save the SQL, for policies that select by statement; keep such a file secret')
    .addHelpText('after', KEYS_HELP)
    .addHelpText(
      'after',
      examples('snapshot --stage prod --target lake > world.json', `snapshot ${ACCOUNT} > world.json`),
    )
    .action((flags: SnapshotFlags) =>
      exitWith(async () => (await import('../snapshot/take.ts')).runSnapshot(flags, terminal)),
    );

  add('policy', 'replay', 'apply a policy to saved snapshots: who would have been cancelled, and when')
    .requiredOption('--policy <file>', 'the policy to try')
    .requiredOption('--snapshots <folder>', 'folder of .json files, as the verb snapshot prints them')
    .option('--against <file>', "today's policy, to show the difference")
    .option('--json', ONE_JSON_DOCUMENT)
    .addHelpText('after', examples('replay --policy new.yml --snapshots snapshots/ --against policy.yml'))
    .action((flags: ReplayFlags) =>
      exitWith(async () => (await import('../snapshot/replay.ts')).runReplay(flags, terminal)),
    );
}
