import { systemClock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { awsErrorOf, messageOf } from '../lib/error-words.ts';
import { findClash } from '../lib/identity.ts';
import type { Settings } from '../lib/settings/settings.ts';
import { askToResume, describeStop, hasWords, isOverdue, parseStop } from '../lib/stop-order.ts';
import { type EndLine, findSweeps } from '../lib/sweep-log.ts';
import { counted } from './counted.ts';
import { type Finding, green, OLD_KEY_MS, red, yellow } from './finding.ts';
import { judgeSchedule, lastSweepOf } from './last-sweeps.ts';
import { refusalToInvoke } from './remote.ts';
import type { Stage } from './stage.ts';

const READING = 'grant ssm:GetParameters and ssm:GetParametersByPath on it';

/** SSM and Lambda have a name of their own for it. */
const DENIALS = ['AccessDeniedException', 'AccessDenied'];

/** A right helps only where AWS knows who asks. @param awsError by its name. @param grant the right that is missing. */
const fixForAws = (awsError: string | undefined, grant: string): string =>
  DENIALS.includes(awsError ?? '') ? grant : 'see AWS_REGION and AWS_PROFILE, and whether AWS can be reached from here';

export async function targetsOf(stage: Stage, findings: Finding[]): Promise<string[]> {
  try {
    return await stage.listTargets();
  } catch (error) {
    const awsError = awsErrorOf(error);
    // Where AWS has answered, there is no target.
    const fix =
      awsError === undefined
        ? `dli-reaper init --stage ${stage.name} --target … makes one`
        : fixForAws(awsError, READING);
    findings.push(red('targets', error, fix));
    return [];
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
  const key = await store.get(credentials.name);
  const ageMs = key?.changedAt == null ? undefined : systemClock.now() - Date.parse(key.changedAt);
  if (ageMs === undefined) return [mode];
  if (ageMs <= OLD_KEY_MS) return [mode, green('credentials', `changed ${formatDuration(ageMs)} ago`)];
  const fix = `make a new key, and put it in ${credentials.name}`;
  return [mode, yellow('credentials', `${formatDuration(ageMs)} old`, fix)];
}

/** Tried only where there is a switch: a write that is refused either way must not make one. */
async function stoppingFinding(value: string | undefined, { store, names }: Stage): Promise<Finding> {
  if (value === undefined) return yellow('stopping', 'not tried without a switch that can be read', 'see the switch');
  const refusal = await store.refusalToWrite(names.switch, 'stop');
  if (refusal === undefined) return green('stopping', 'you may write the switch');
  const fix = fixForAws(refusal, `grant ssm:PutParameter on ${names.switch}`);
  return yellow('stopping', `dli-reaper stop would be refused (${refusal})`, fix);
}

function whyNoneIsCancelled(value: string, stage: string): string {
  const order = parseStop(value);
  if (order === undefined || !hasWords(order)) return 'not run, so no job is cancelled';
  if (isOverdue(order, systemClock.now())) return askToResume(order, stage);
  return `${describeStop(order)}, so no job is cancelled`;
}

/** What is the same for all targets: the switch, and what somebody needs on a bad night. */
export async function stageFindings(stage: Stage): Promise<Finding[]> {
  const { names, read } = stage;
  const findings: Finding[] = [];
  let value: string | undefined;
  try {
    value = (await read([names.switch])).get(names.switch);
    if (value === undefined) {
      findings.push(red('switch', 'there is none, which means stop', `dli-reaper init --stage ${stage.name}`));
    } else if (value === 'run') findings.push(green('switch', 'run'));
    else
      findings.push(yellow('switch', whyNoneIsCancelled(value, stage.name), `dli-reaper resume --stage ${stage.name}`));
  } catch (error) {
    findings.push(red('switch', error, fixForAws(awsErrorOf(error), `${READING}; unread it means stop`)));
  }
  findings.push(await stoppingFinding(value, stage));
  for (const name of ['sweep', 'dispatch'] as const) {
    const refusal = await refusalToInvoke(stage.name, name);
    const check = `invoking ${name}`;
    if (refusal === undefined) findings.push(green(check, 'you may'));
    else if (refusal === 'ResourceNotFoundException') {
      findings.push(red(check, 'there is no such function', `npx serverless deploy --stage ${stage.name}`));
    } else {
      const fix = fixForAws(refusal, 'grant lambda:InvokeFunction on it');
      findings.push(yellow(check, `--remote would be refused (${refusal})`, fix));
    }
  }
  findings.push(await ceilingsFinding(stage));
  return findings;
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
        ? `npx serverless deploy --stage ${stage.name}`
        : fixForAws(awsError, 'grant lambda:GetFunctionConfiguration on it');
    return yellow('ceilings', messageOf(error), `${fix}; until then no sweep from here is live`);
  }
}

const DAY_MS = 86_400_000;

/** The ends of all sweeps of a day; undefined, and a finding, if the log cannot be read. */
export async function endsOf(stage: string, findings: Finding[]): Promise<EndLine[] | undefined> {
  const now = systemClock.now();
  try {
    const { ends } = await findSweeps(stage, now - DAY_MS);
    const { lastTickAt, isAlive } = judgeSchedule(ends, now);
    const console = 'see the schedule in the console of EventBridge';
    if (isAlive) findings.push(green('schedule', `last sweep at ${lastTickAt}`));
    else if (lastTickAt === null) findings.push(red('schedule', 'no scheduled sweep in 24h', `${console}, or deploy`));
    else findings.push(yellow('schedule', `quiet since ${lastTickAt}`, `if it should have ticked since, ${console}`));
    return ends;
  } catch (error) {
    const awsError = awsErrorOf(error);
    const fix =
      awsError === 'ResourceNotFoundException'
        ? `npx serverless deploy --stage ${stage}`
        : fixForAws(awsError, 'grant logs:FilterLogEvents on it');
    findings.push(yellow('log', messageOf(error), fix));
    return undefined;
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
      ? yellow('last success', 'none in 24h', `dli-reaper status --stage ${stage}`)
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
