import { existsSync } from 'node:fs';
import { dliReaper } from '../../lib/base/command-line.ts';
import { assertTargetName } from '../../lib/request/request.ts';
import { clashOf, inWords } from '../../lib/settings/project-claims.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { toJson } from '../screen/json.ts';
import { deployLine, inRegion, shellWord } from '../screen/shell-lines.ts';
import type { Terminal } from '../screen/terminal.ts';
import { withVersionLine, writeText } from '../source/files.ts';
import type { Stage } from '../source/open-stage.ts';
import { readPolicyText } from '../source/policy-file.ts';

export interface InitFlags {
  policy: string;
  stage?: string;
  target: string;
  region?: string;
  projectId?: string;
  projectName?: string;
  json?: boolean;
}

/** Valid, and harmless three times over: a dry run, of a rule that only logs, for a queue that nobody has. */
export const STARTER_POLICY = `# Which DLI jobs may run for how long. Every key is explained in docs/policy.md; check with: dli-reaper validate
version: 1
mode: dry-run          # live lets sweeps cancel jobs; change it last
maxKills: 20           # more victims than this, and none is cancelled
maxKillsPercent: 50    # the same, in percent of all live jobs

rules:
  - id: watch-long-queries
    match:
      queue: name_of_a_queue   # or a pattern such as adhoc_*, or a list
      jobType: QUERY           # writes are touched only where they are named
    maxRunTime: 4h             # also maxQueueTime and maxTotalTime
    action: log                # then warn, then cancel

# exemptions:
#   - id: backfill
#     match: {owner: orders}
#     reason: backfill of last year
#     owner: orders-team       # whom to ask
#     until: 2099-12-31

# freezes:                     # days on which no job of these is cancelled
#   - id: month-end
#     match: {queue: finance_*}
#     reason: the books are closed
#     recurring: {days: [-2, -1, 1, 2, 3, 4, 5], timeZone: Europe/Berlin}
`;

const CREDENTIALS = 'reaper';
const POLICY = 'base';

/** Overwrites nothing. @returns the exit code. @throws {SettingsError} */
export async function runInit(flags: InitFlags, terminal: Terminal): Promise<number> {
  const { policy: path, json } = flags;
  const created: string[] = [];
  const kept: string[] = [];
  // The AWS SDK takes longer to load than all the rest.
  const stage =
    flags.stage === undefined ? undefined : (await import('../source/open-stage.ts')).openStage(flags.stage);
  if (stage !== undefined) await assertTarget(stage, flags);
  if (existsSync(path)) {
    if (stage === undefined) throw new SettingsError(path, 'is there already, and is not overwritten');
    kept.push(path);
  } else {
    writeText(path, STARTER_POLICY);
    created.push(path);
  }
  if (stage !== undefined) await initStage(stage, flags, created, kept);

  const hints = stage === undefined ? [dliReaper(`validate ${shellWord(path)}`)] : await hintsFor(stage, flags);
  terminal.out(
    json
      ? toJson('init', { created, kept, next: hints })
      : [
          ...created.map((name) => `created ${name}`),
          ...kept.map((name) => `kept    ${name}, which was there`),
          'Next:',
          ...hints.map((hint) => `  ${hint}`),
          '',
        ].join('\n'),
  );
  return 0;
}

async function initStage({ names, store }: Stage, flags: InitFlags, created: string[], kept: string[]): Promise<void> {
  const { target, region, projectId, policy } = flags;
  const { document } = readPolicyText(STARTER_POLICY, 'the starter policy');
  const wanted: [name: string, value: string][] = [
    // First, so that nothing that follows can turn anything on.
    [names.switch, 'stop'],
    [names.policy(POLICY), JSON.stringify(document)],
  ];
  if (region !== undefined && projectId !== undefined) {
    wanted.push([names.target(target), JSON.stringify(targetFields(flags))]);
  }
  for (const [name, value] of wanted) {
    const there = await store.get(name);
    const isOther = name === names.target(target) && there !== undefined && there.value !== value;
    if (there !== undefined) kept.push(isOther ? `${name} (it holds something else)` : name);
    else {
      const version = await store.put(name, value, { overwrite: false });
      // It can then be changed and pushed.
      if (name === names.policy(POLICY) && created.includes(policy)) {
        writeText(policy, withVersionLine(STARTER_POLICY, name, version));
      }
      created.push(name);
    }
  }
}

const targetFields = ({ region, projectId, projectName }: Pick<InitFlags, 'region' | 'projectId' | 'projectName'>) => ({
  region,
  projectId,
  projectName,
  policy: POLICY,
  mode: 'dry-run',
  credentials: CREDENTIALS,
});

/** @throws {SettingsError} for a target that no sweep would take, before anything is written. */
async function assertTarget({ names, readClaims }: Stage, flags: InitFlags): Promise<void> {
  const { target, region, projectId } = flags;
  const { parseTarget } = await import('../../lib/settings/ssm.ts');
  assertTargetName(target);
  if (region === undefined || projectId === undefined) return;
  const name = names.target(target);
  parseTarget(name, new Map([[name, JSON.stringify(targetFields(flags))]]));
  const clash = clashOf({ target, projectId, shared: false }, await readClaims());
  if (clash !== undefined) throw new SettingsError('--project-id', `${inWords(clash)}; nothing was written`);
}

/** A secret never goes through an argument of ours, so the command that takes it from a file is shown. */
async function hintsFor(stage: Stage, { target, region, projectId, projectName }: InitFlags): Promise<string[]> {
  const { name } = stage;
  const again = region === undefined || projectId === undefined;
  return [
    ...(again
      ? [
          `${dliReaper(`init --stage ${name} --target ${target}`)} --region … --project-id … --project-name …    # the target`,
        ]
      : []),
    ...(!again && projectName === undefined
      ? [`put "projectName" into ${stage.names.target(target)}    # before it is live; doctor tells what IAM says`]
      : []),
    `${await deployLine(stage)}: the functions, and the key that protects credentials`,
    `aws ssm put-parameter${inRegion(await stage.region())} --type SecureString --name ${stage.names.credentials(CREDENTIALS)} --key-id alias/dli-reaper-${name}-credentials --value file://key.json`,
    dliReaper(`doctor --stage ${name} --target ${target}`),
  ];
}
