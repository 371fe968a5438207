import { systemClock } from '../../lib/base/clock.ts';
import { awsProfile, dliReaper } from '../../lib/base/command-line.ts';
import { formatDuration } from '../../lib/base/duration.ts';
import { awsErrorOf, isAwsSilence, messageOf } from '../../lib/base/error-words.ts';
import { isSecretReference } from '../../lib/settings/secret-reference.ts';
import type { Settings } from '../../lib/settings/settings.ts';
import { askToResume, describeStop, hasWords, isOverdue, parseStop } from '../../lib/settings/stop-order.ts';
import { findClash } from '../../lib/sweep/look/identity.ts';
import { type EndLine, findSweeps } from '../../lib/sweep/record/sweep-log.ts';
import { refusalToInvoke } from '../remote/follow.ts';
import { judgeSchedule, lastSweepOf } from '../remote/last-sweeps.ts';
import { counted } from '../screen/counted.ts';
import { deployLine } from '../screen/shell-lines.ts';
import type { Stage } from '../source/open-stage.ts';
import { type Finding, green, OLD_KEY_MS, red, yellow } from './finding.ts';

const READING = 'grant ssm:GetParameters and ssm:GetParametersByPath on it';

/** SSM and Lambda have a name of their own for it. */
const DENIALS = ['AccessDeniedException', 'AccessDenied'];

/** A right helps only where AWS knows who asks. @param awsError by its name. @param grant the right that is missing. */
function fixForAws(awsError: string | undefined, grant: string): string {
  if (DENIALS.includes(awsError ?? '')) return grant;
  if (awsError?.includes('aws sso login')) return `aws sso login --profile ${awsProfile() ?? 'default'}`;
  return 'see AWS_REGION and AWS_PROFILE, and whether AWS can be reached from here';
}

/** The names of the targets; none, and a finding, if they cannot be read. */
export async function targetsOf(stage: Stage): Promise<{ names: string[]; findings: Finding[] }> {
  try {
    return { names: await stage.listTargets(), findings: [] };
  } catch (error) {
    const awsError = awsErrorOf(error);
    // Where AWS has answered, there is no target.
    const fix =
      awsError === undefined
        ? `${dliReaper(`init --stage ${stage.name}`)} --target … makes one`
        : fixForAws(awsError, READING);
    return { names: [], findings: [red('targets', error, fix)] };
  }
}

/** Two targets on one project go by two policies, and one cancels what the other exempts. */
async function sharingFindings({ target, stage }: Settings): Promise<Finding[]> {
  const clash = stage && (await findClash(target, stage));
  return clash === undefined ? [] : [{ check: 'other targets', light: 'red', ...clash }];
}

export async function storedFindings(stage: Stage, settings: Settings): Promise<Finding[]> {
  return [...(await settingsFindings(stage, settings)), ...(await sharingFindings(settings))];
}

async function settingsFindings({ store }: Stage, { credentials, target }: Settings): Promise<Finding[]> {
  const mode =
    target.mode === 'live'
      ? green('target', 'live')
      : yellow('target', 'a dry run', 'set "mode": "live" in its parameter when its plans prove right');
  // Parameter Store tells neither its age nor how it is kept.
  if (isSecretReference(credentials.name))
    return [mode, green('credentials', `in Secrets Manager, ${credentials.name}`)];
  const key = await store.get(credentials.name);
  if (key !== undefined && !key.isEncrypted) return [mode, yellow('credentials', PLAIN, makeSecure(credentials.name))];
  const ageMs = key?.changedAt == null ? undefined : systemClock.now() - Date.parse(key.changedAt);
  if (ageMs === undefined) return [mode];
  if (ageMs <= OLD_KEY_MS) return [mode, green('credentials', `changed ${formatDuration(ageMs)} ago`)];
  const fix = `make a new key, and put it in ${credentials.name}`;
  return [mode, yellow('credentials', `${formatDuration(ageMs)} old`, fix)];
}

const PLAIN = 'stored as a plain String, so that whoever may read parameters can read the key';

/** Parameter Store changes the type of no parameter. */
const makeSecure = (name: string) =>
  `make a new key, delete ${name}, and put the key there as a SecureString; docs/deploy.md has the line`;

/** Tried only where there is a switch: a write that is refused either way must not make one. */
async function stoppingFinding(value: string | undefined, { store, names }: Stage): Promise<Finding> {
  if (value === undefined) return yellow('stopping', 'not tried without a switch that can be read', 'see the switch');
  const refusal = await store.refusalToWrite(names.switch, 'stop');
  if (refusal === undefined) return green('stopping', 'you may write the switch');
  const fix = fixForAws(refusal, `grant ssm:PutParameter on ${names.switch}`);
  return yellow('stopping', `${dliReaper('stop')} would be refused (${refusal})`, fix);
}

function whyNoneIsCancelled(value: string, stage: string): string {
  const order = parseStop(value);
  if (order === undefined || !hasWords(order)) return 'not run, so no job is cancelled';
  if (isOverdue(order, systemClock.now())) return askToResume(order, stage);
  return `${describeStop(order)}, so no job is cancelled`;
}

/**
 * What is the same for all targets: the switch, and what somebody needs on a bad night. All of it is asked at once.
 *
 * @returns with whether Parameter Store gave no answer at all.
 */
export async function stageFindings(stage: Stage): Promise<{ findings: Finding[]; isSilent: boolean }> {
  const [{ findings, isSilent }, ...others] = await Promise.all([
    switchFindings(stage),
    invokeFinding(stage, 'sweep'),
    invokeFinding(stage, 'dispatch'),
    ceilingsFinding(stage),
  ]);
  return { findings: [...findings, ...others], isSilent };
}

async function switchFindings(stage: Stage): Promise<{ findings: Finding[]; isSilent: boolean }> {
  const { names, read } = stage;
  const findings: Finding[] = [];
  let isSilent = false;
  let value: string | undefined;
  try {
    value = (await read([names.switch])).get(names.switch);
    if (value === undefined) {
      findings.push(red('switch', 'there is none, which means stop', dliReaper(`init --stage ${stage.name}`)));
    } else if (value === 'run') findings.push(green('switch', 'run'));
    else
      findings.push(yellow('switch', whyNoneIsCancelled(value, stage.name), dliReaper(`resume --stage ${stage.name}`)));
  } catch (error) {
    isSilent = isAwsSilence(error);
    findings.push(red('switch', error, fixForAws(awsErrorOf(error), `${READING}; unread it means stop`)));
  }
  return { findings: [...findings, await stoppingFinding(value, stage)], isSilent };
}

async function invokeFinding(stage: Stage, name: 'sweep' | 'dispatch'): Promise<Finding> {
  const refusal = await refusalToInvoke(stage.name, name);
  const check = `invoking ${name}`;
  if (refusal === undefined) return green(check, 'you may');
  if (refusal === 'ResourceNotFoundException') {
    return red(check, 'there is no such function', await deployLine(stage));
  }
  return yellow(
    check,
    `--remote would be refused (${refusal})`,
    fixForAws(refusal, 'grant lambda:InvokeFunction on it'),
  );
}

/** What no policy of the stage can loosen. Without them no sweep from here is live. */
async function ceilingsFinding(stage: Stage): Promise<Finding> {
  try {
    const { killsPerSweep, killsPerDay, shortestLimitMs, allMayCancel } = await stage.loadCeilings();
    return green(
      'ceilings',
      `${killsPerSweep} kills a sweep, ${killsPerDay} a day and target, no limit below ${formatDuration(shortestLimitMs)}, ` +
        `a rule for all jobs ${allMayCancel ? 'may' : 'may not'} cancel`,
    );
  } catch (error) {
    const awsError = awsErrorOf(error);
    const fix =
      awsError === 'ResourceNotFoundException'
        ? await deployLine(stage)
        : fixForAws(awsError, 'grant lambda:GetFunctionConfiguration on it');
    return yellow('ceilings', `${messageOf(error)}; until they can be read no sweep from here is live`, fix);
  }
}

const DAY_MS = 86_400_000;

/** The ends of all sweeps of a day, with what they tell of the schedule; undefined if the log cannot be read. */
export async function endsOf(stage: Stage): Promise<{ ends: EndLine[] | undefined; findings: Finding[] }> {
  const now = systemClock.now();
  try {
    const { ends } = await findSweeps(stage.name, now - DAY_MS);
    const { lastTickAt, isAlive } = judgeSchedule(ends, now);
    const console = 'see the schedule in the console of EventBridge';
    const finding = isAlive
      ? green('schedule', `last sweep at ${lastTickAt}`)
      : lastTickAt === null
        ? red('schedule', 'no scheduled sweep in 24h', `${console}, or deploy`)
        : yellow('schedule', `quiet since ${lastTickAt}`, `if it should have ticked since, ${console}`);
    return { ends, findings: [finding] };
  } catch (error) {
    const awsError = awsErrorOf(error);
    const fix =
      awsError === 'ResourceNotFoundException'
        ? await deployLine(stage)
        : fixForAws(awsError, 'grant logs:FilterLogEvents on it');
    return { ends: undefined, findings: [yellow('log', messageOf(error), fix)] };
  }
}

export function lastSweepFindings(stage: string, target: string, ends: readonly EndLine[] | undefined): Finding[] {
  if (ends === undefined) return [];
  const own = ends.filter(({ fields }) => fields.target === target);
  const last = lastSweepOf(target, own);
  const success = own.findLast((line) => line.msg === 'sweep finished' && line.fields.status === 'ok');
  const findings: Finding[] = [];
  if (last !== null && last.error !== null) findings.push(red('last sweep', last.error, 'see docs/runbook.md'));
  else if (last !== null && last.status !== 'ok') {
    findings.push(
      yellow('last sweep', `${last.status} at ${last.at}`, 'its log tells of each job; see docs/runbook.md'),
    );
  }
  findings.push(
    success === undefined
      ? yellow('last success', 'none in 24h', dliReaper(`status --stage ${stage}`))
      : green('last success', new Date(success.at).toISOString()),
  );
  return [...findings, ...secondReaperFindings(target, own)];
}

/** Once may be a person at the console. */
const SUSPICIOUS_SWEEPS = 2;

/** Whether somebody keeps cancelling jobs right before us. */
function secondReaperFindings(target: string, ends: readonly EndLine[]): Finding[] {
  const counts = ends.flatMap((line) =>
    line.msg === 'sweep finished' ? (line.fields.counts?.cancelledByOthers ?? 0) : [],
  );
  const sweeps = counts.filter((count) => count > 0);
  if (sweeps.length < SUSPICIOUS_SWEEPS) return [];
  const jobs = counted(
    sweeps.reduce((sum, count) => sum + count, 0),
    'job',
  );
  const found = `in ${sweeps.length} sweeps of ${target} within 24h somebody else cancelled ${jobs} right before us`;
  const fix =
    'look for another stage, another AWS account or another tool that cancels jobs of this project; the log lines ' +
    '"job already terminal" with endedBy "others" name the jobs, and their owners may know';
  return [yellow('second reaper', found, fix)];
}
