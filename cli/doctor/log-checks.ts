import { systemClock } from '../../lib/base/clock.ts';
import { dliReaper } from '../../lib/base/command-line.ts';
import { awsErrorOf, messageOf } from '../../lib/base/error-words.ts';
import { type EndLine, findSweeps } from '../../lib/sweep/past/cloudwatch-log.ts';
import { judgeSchedule, lastSweepOf } from '../remote/last-sweeps.ts';
import { deployLine } from '../screen/shell-lines.ts';
import { counted } from '../screen/text.ts';
import type { Stage } from '../source/open-stage.ts';
import { type Finding, green, red, yellow } from './finding.ts';
import { fixForAws } from './stage-checks.ts';

const DAY_MS = 86_400_000;

/** Reads the ends of all sweeps of a day, and checks the schedule by them. The ends are undefined if the log cannot be read. */
export async function endsOf(stage: Stage): Promise<{ ends: EndLine[] | undefined; findings: Finding[] }> {
  const now = systemClock.now();
  try {
    const { ends, byHandProblem } = await findSweeps(stage.name, now - DAY_MS);
    const { lastTickAt, isAlive } = judgeSchedule(ends, now);
    const console = 'see the schedule in the console of EventBridge';
    const finding = isAlive
      ? green('schedule', `last sweep at ${lastTickAt}`)
      : lastTickAt === null
        ? red('schedule', 'no scheduled sweep in 24h', `${console}, or deploy`)
        : yellow('schedule', `quiet since ${lastTickAt}`, `if a sweep was due since then, ${console}`);
    return { ends, findings: [finding, await byHandFinding(byHandProblem, stage)] };
  } catch (error) {
    const awsError = awsErrorOf(error);
    const fix =
      awsError === 'ResourceNotFoundException'
        ? await deployLine(stage)
        : fixForAws(awsError, 'grant logs:FilterLogEvents on it');
    return { ends: undefined, findings: [yellow('log', messageOf(error), fix)] };
  }
}

/** Checks the record of sweeps by hand. Whether this caller may write it shows only when he does. */
async function byHandFinding(problem: string | null, stage: Stage): Promise<Finding> {
  if (problem === null) return green('record by hand', 'there, and can be read');
  const fix = problem.includes('ResourceNotFoundException')
    ? await deployLine(stage)
    : 'grant logs:FilterLogEvents on it';
  return yellow('record by hand', problem, fix);
}

/** Checks the last sweep of a target, and its last success. */
export function lastSweepFindings(stage: string, target: string, ends: readonly EndLine[] | undefined): Finding[] {
  if (ends === undefined) return [];
  const own = ends.filter(({ fields }) => fields.target === target);
  const last = lastSweepOf(target, own);
  const success = own.findLast((line) => line.msg === 'sweep finished' && line.fields.status === 'ok');
  const findings: Finding[] = [];
  if (last !== null && last.error !== null) findings.push(red('last sweep', last.error, 'see docs/runbook.md'));
  else if (last !== null && last.status !== 'ok') {
    findings.push(
      yellow(
        'last sweep',
        `${last.status} at ${last.at}`,
        'see its log, which has a line for each job, and docs/runbook.md',
      ),
    );
  }
  findings.push(
    success === undefined
      ? yellow('last success', 'none in 24h', dliReaper(`status --stage ${stage}`))
      : green('last success', new Date(success.at).toISOString()),
  );
  return [...findings, ...secondReaperFindings(target, own)];
}

/** One such sweep may be due to a person at the console. */
const SUSPICIOUS_SWEEPS = 2;

/** Checks whether someone else keeps cancelling jobs just before us. */
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
  const found = `in ${sweeps.length} sweeps of ${target} within 24h someone else cancelled ${jobs} just before us`;
  const fix =
    'look for another stage, AWS account or tool that cancels jobs of this project; the log lines ' +
    '"job already terminal" with endedBy "others" name the jobs: ask their owners';
  return [yellow('second reaper', found, fix)];
}
