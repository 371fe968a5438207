import { existsSync } from 'node:fs';
import { dliReaper } from '../../lib/base/command-line.ts';
import { decodeText } from '../../lib/base/text.ts';
import { assertTargetName } from '../../lib/request/request.ts';
import { clashOf, inWords } from '../../lib/settings/project-claims.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { toJson } from '../screen/json.ts';
import { deployLine, shellWord } from '../screen/shell-lines.ts';
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
  /** Ask for the key of DLI, or read it from stdin. */
  credentials?: boolean;
  json?: boolean;
}

/** A valid policy that is harmless three times over: a dry run, a rule that only logs, and a queue that does not exist. */
export const STARTER_POLICY = `# Which DLI jobs may run for how long. Every key is explained in docs/policy.md; check with: dli-reaper validate
version: 1
mode: dry-run          # live lets sweeps cancel jobs; change it last
maxKills: 20           # if more jobs match, none is cancelled
maxKillsPercent: 50    # the same, as a share of all live jobs

rules:
  - id: watch-long-queries
    match:
      queue: name_of_a_queue   # or a pattern such as adhoc_*, or a list
      jobType: QUERY           # a write is cancelled only if its type is named here
    maxRunTime: 4h             # also maxQueueTime and maxTotalTime
    action: log                # then warn, then cancel

# exemptions:
#   - id: backfill
#     match: {owner: orders}
#     reason: backfill of last year
#     owner: orders-team       # whom to ask
#     until: 2099-12-31

# freezes:                     # days on which these jobs are not cancelled
#   - id: month-end
#     match: {queue: finance_*}
#     reason: the books are closed
#     recurring: {days: [-2, -1, 1, 2, 3, 4, 5], timeZone: Europe/Berlin}
`;

const CREDENTIALS = 'reaper';
const POLICY = 'base';

/** Names of what was created, and of what was there before. */
interface Made {
  created: string[];
  kept: string[];
}

/**
 * Writes a first policy, and with a stage what is missing of its parameters. It overwrites nothing.
 *
 * @returns the exit code. @throws {SettingsError}
 */
export async function runInit(flags: InitFlags, terminal: Terminal): Promise<number> {
  const { policy: path, json } = flags;
  // Loaded only here, since the AWS SDK is slow to load.
  const stage =
    flags.stage === undefined ? undefined : (await import('../source/open-stage.ts')).openStage(flags.stage);
  if (stage !== undefined) await assertTarget(stage, flags);
  if (stage === undefined && flags.credentials) throw new SettingsError('--credentials', 'needs --stage');
  const secret =
    stage !== undefined && flags.credentials
      ? await readCredential(stage.names.credentials(CREDENTIALS), terminal)
      : undefined;
  const isNewFile = !existsSync(path);
  if (!isNewFile && stage === undefined) throw new SettingsError(path, 'already exists, and is not overwritten');
  if (isNewFile) writeText(path, STARTER_POLICY);
  const parameters = stage === undefined ? { created: [], kept: [] } : await initStage(stage, flags, isNewFile);
  if (stage !== undefined && secret !== undefined) {
    const name = stage.names.credentials(CREDENTIALS);
    const isNew = await stage.store.putSecret(name, secret, keyOf(stage));
    (isNew ? parameters.created : parameters.kept).push(name);
  }
  const created = [...(isNewFile ? [path] : []), ...parameters.created];
  const kept = [...(isNewFile ? [] : [path]), ...parameters.kept];

  const hints = stage === undefined ? [dliReaper(`validate ${shellWord(path)}`)] : await hintsFor(stage, flags);
  terminal.out(
    json
      ? toJson('init', { created, kept, next: hints })
      : [
          ...created.map((name) => `created ${name}`),
          ...kept.map((name) => `kept    ${name}, which already exists`),
          'Next:',
          ...hints.map((hint) => `  ${hint}`),
          '',
        ].join('\n'),
  );
  return 0;
}

async function initStage({ names, store }: Stage, flags: InitFlags, isNewFile: boolean): Promise<Made> {
  const { target, region, projectId, policy } = flags;
  const { document } = readPolicyText(STARTER_POLICY, 'the starter policy');
  const wanted: [name: string, value: string][] = [
    // The switch comes first, so that no later parameter can start anything.
    [names.switch, 'stop'],
    [names.policy(POLICY), JSON.stringify(document)],
  ];
  if (region !== undefined && projectId !== undefined) {
    wanted.push([names.target(target), JSON.stringify(targetFields(flags))]);
  }
  const made: Made = { created: [], kept: [] };
  for (const [name, value] of wanted) {
    const existing = await store.get(name);
    if (existing !== undefined) {
      const isOther = name === names.target(target) && existing.value !== value;
      made.kept.push(isOther ? `${name} (with other contents)` : name);
      continue;
    }
    const version = await store.put(name, value, { overwrite: false });
    // With its version the file can be changed and pushed.
    if (name === names.policy(POLICY) && isNewFile) writeText(policy, withVersionLine(STARTER_POLICY, name, version));
    made.created.push(name);
  }
  return made;
}

const targetFields = ({ region, projectId, projectName }: Pick<InitFlags, 'region' | 'projectId' | 'projectName'>) => ({
  region,
  projectId,
  projectName,
  policy: POLICY,
  mode: 'dry-run',
  credentials: CREDENTIALS,
});

/** @throws {SettingsError} for a target that no sweep would accept, before anything is written. */
async function assertTarget({ names, readClaims }: Stage, flags: InitFlags): Promise<void> {
  const { target, region, projectId } = flags;
  const { parseTarget } = await import('../../lib/settings/stage.ts');
  assertTargetName(target);
  if (region === undefined || projectId === undefined) return;
  const name = names.target(target);
  parseTarget(name, new Map([[name, JSON.stringify(targetFields(flags))]]));
  const clash = clashOf({ target, projectId, shared: false }, await readClaims());
  if (clash !== undefined) throw new SettingsError('--project-id', `${inWords(clash)}; nothing was written`);
}

/** The key that a deploy makes for the credentials of a stage. */
const keyOf = ({ name }: Stage): string => `alias/dli-reaper-${name}-credentials`;

/**
 * Reads the key of DLI from the person at the terminal, or as JSON from stdin. Never from an argument, which other users of the
 * machine and the history of a shell can see.
 *
 * @returns its JSON. @throws {SettingsError} that holds no part of it, before anything is written.
 */
async function readCredential(name: string, terminal: Terminal): Promise<string> {
  const { parseCredentials } = await import('../../lib/settings/stage.ts');
  let text: string;
  if (terminal.ask === undefined) {
    const parts: Uint8Array[] = [];
    for await (const part of terminal.stdin?.() ?? []) parts.push(part);
    text = decodeText(Buffer.concat(parts)).trim();
  } else {
    const accessKeyId = (await terminal.ask('Access key of the user on the Huawei side:')).trim();
    const secretAccessKey = (await terminal.ask('Its secret, which is not shown:', { isHidden: true })).trim();
    text = JSON.stringify({ accessKeyId, secretAccessKey });
  }
  parseCredentials(name, new Map([[name, text]]));
  return text;
}

/** The next steps. No argument of any of them holds a secret. */
async function hintsFor(
  stage: Stage,
  { target, region, projectId, projectName, credentials, policy }: InitFlags,
): Promise<string[]> {
  const { name } = stage;
  const again = region === undefined || projectId === undefined;
  return [
    ...(again
      ? [
          `${dliReaper(`init --stage ${name} --target ${target}`)} --region … --project-id … --project-name …    # the target`,
        ]
      : []),
    ...(!again && projectName === undefined
      ? [
          `put "projectName" into ${stage.names.target(target)}    # needed before it is live; doctor shows the name that IAM has`,
        ]
      : []),
    ...(credentials
      ? []
      : [
          `${await deployLine(stage)}: the functions, and the key that protects credentials`,
          `${dliReaper(`init --stage ${name} --credentials`)}    # asks for the key of DLI, or reads it from stdin`,
        ]),
    `${dliReaper(`policy push ${shellWord(policy)} --stage ${name}`)}    # once it names your queues`,
    dliReaper(`doctor --stage ${name} --target ${target}`),
  ];
}
