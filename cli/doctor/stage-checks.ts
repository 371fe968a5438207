import { systemClock } from '../../lib/base/clock.ts';
import { awsProfile, dliReaper } from '../../lib/base/command-line.ts';
import { formatDuration } from '../../lib/base/duration.ts';
import { awsErrorOf, isAwsSilence, messageOf } from '../../lib/base/error-words.ts';
import { isSecretReference } from '../../lib/settings/secret-reference.ts';
import type { Settings } from '../../lib/settings/settings.ts';
import { askToResume, describeStop, hasWords, isOverdue, parseStop } from '../../lib/settings/stop-order.ts';
import { findClash } from '../../lib/sweep/look/identity.ts';
import { refusalToInvoke } from '../remote/invoke.ts';
import { deployLine } from '../screen/shell-lines.ts';
import type { Stage } from '../source/open-stage.ts';
import { type Finding, green, OLD_KEY_MS, red, yellow } from './finding.ts';

const GRANT_READING = 'grant ssm:GetParameters and ssm:GetParametersByPath on it';

/** Names of a denied call: SSM and Lambda each have their own. */
const DENIALS = ['AccessDeniedException', 'AccessDenied'];

/** Returns the fix for an error of AWS. @param awsError its name. @param grant the fix if a permission is missing. */
export function fixForAws(awsError: string | undefined, grant: string): string {
  if (DENIALS.includes(awsError ?? '')) return grant;
  if (awsError?.includes('aws sso login')) return `aws sso login --profile ${awsProfile() ?? 'default'}`;
  return 'check AWS_REGION and AWS_PROFILE, and whether this machine can reach AWS';
}

/** Returns the names of the targets; if they cannot be read, a finding and no names. */
export async function targetsOf(stage: Stage): Promise<{ names: string[]; findings: Finding[] }> {
  try {
    return { names: await stage.listTargets(), findings: [] };
  } catch (error) {
    const awsError = awsErrorOf(error);
    // Without an error of AWS, the stage has no target.
    const fix =
      awsError === undefined
        ? `${dliReaper(`init --stage ${stage.name}`)} --target … creates one`
        : fixForAws(awsError, GRANT_READING);
    return { names: [], findings: [red('targets', error, fix)] };
  }
}

/** Checks for a second target on the same project: one policy would cancel what the other exempts. */
async function sharingFindings({ target, stage }: Settings): Promise<Finding[]> {
  const clash = stage && (await findClash(target, stage));
  return clash === undefined ? [] : [{ check: 'other targets', light: 'red', ...clash }];
}

/** Checks the parameters of a target. */
export async function storedFindings(stage: Stage, settings: Settings): Promise<Finding[]> {
  return [...(await settingsFindings(stage, settings)), ...(await sharingFindings(settings))];
}

async function settingsFindings({ store }: Stage, { credentials, target }: Settings): Promise<Finding[]> {
  const mode =
    target.mode === 'live'
      ? green('target', 'live')
      : yellow('target', 'in mode dry-run', 'set "mode": "live" in its parameter once its plans are right');
  // Parameter Store shows neither the age nor the type of such a secret.
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

const PLAIN = 'stored as a plain String: everyone who may read parameters can read the key';

/** The fix for a plain String. Parameter Store cannot change the type of a parameter. */
const makeSecure = (name: string) =>
  `make a new key, delete ${name}, and put the key there as a SecureString; see docs/deploy.md`;

/** Checks whether this caller may stop the stage. It tries only if there is a switch, so that the try cannot create one. */
async function stoppingFinding(value: string | undefined, { store, names }: Stage): Promise<Finding> {
  if (value === undefined)
    return yellow('stopping', 'not tried, since the switch cannot be read', 'fix the switch first');
  const refusal = await store.refusalToWrite(names.switch, 'stop');
  if (refusal === undefined) return green('stopping', 'allowed to write the switch');
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
 * Checks what all targets share: the switch, and the permissions for an emergency.
 *
 * @returns the findings; `isSilent` if Parameter Store gave no answer.
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
      findings.push(red('switch', 'missing, which means stop', dliReaper(`init --stage ${stage.name}`)));
    } else if (value === 'run') findings.push(green('switch', 'run'));
    else
      findings.push(yellow('switch', whyNoneIsCancelled(value, stage.name), dliReaper(`resume --stage ${stage.name}`)));
  } catch (error) {
    isSilent = isAwsSilence(error);
    findings.push(red('switch', error, fixForAws(awsErrorOf(error), `${GRANT_READING}; until then it means stop`)));
  }
  return { findings: [...findings, await stoppingFinding(value, stage)], isSilent };
}

async function invokeFinding(stage: Stage, name: 'sweep' | 'dispatch'): Promise<Finding> {
  const refusal = await refusalToInvoke(stage.name, name);
  const check = `invoking ${name}`;
  if (refusal === undefined) return green(check, 'allowed');
  if (refusal === 'ResourceNotFoundException') {
    return red(check, 'no such function', await deployLine(stage));
  }
  return yellow(
    check,
    `--remote would be refused (${refusal})`,
    fixForAws(refusal, 'grant lambda:InvokeFunction on it'),
  );
}

/** Checks the ceilings of the stage. No sweep from here is live until they can be read. */
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
    return yellow('ceilings', `${messageOf(error)}; no sweep from here is live until they can be read`, fix);
  }
}
