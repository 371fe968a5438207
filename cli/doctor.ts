import { systemClock } from '../lib/clock.ts';
import { enginesOf } from '../lib/decide.ts';
import { createDliReader, type DliReader } from '../lib/dli/client.ts';
import { type ClockReading, createSharedStates } from '../lib/dli/connection.ts';
import { ENGINES } from '../lib/dli/engines.ts';
import { adviceOn, DliError } from '../lib/dli/errors.ts';
import { ENGINE_NAMES, type Engine, type Job } from '../lib/dli/job.ts';
import { listQueueCus } from '../lib/dli/queues.ts';
import { formatDuration } from '../lib/duration.ts';
import { messageOf } from '../lib/error-words.ts';
import { lintPolicy } from '../lib/policy/lint.ts';
import { parseRequest } from '../lib/request.ts';
import { type Settings, SettingsError } from '../lib/settings/settings.ts';
import { MAX_CLOCK_SKEW_MS } from '../lib/sweep.ts';
import { cleanText } from './clean-text.ts';
import { counted } from './counted.ts';
import { toJson } from './json.ts';
import { judgeSchedule, lastSweepOf } from './last-sweeps.ts';
import { PolicyFileError } from './policy-file.ts';
import { type SettingsFlags, settingsSource } from './settings-source.ts';
import { withSpinner } from './spinner.ts';
import type { LogLine } from './sweep-log.ts';
import { plain, type Terminal } from './terminal.ts';

export interface DoctorFlags extends SettingsFlags {
  json?: boolean;
}

/** One thing that has to be right for sweeps to work. */
export interface Finding {
  check: string;
  light: 'green' | 'yellow' | 'red';
  found: string;
  /** What to do about it; null if nothing. */
  fix: string | null;
}

/** Changes nothing. @returns 1 if anything is red. */
export async function runDoctor(flags: DoctorFlags, terminal: Terminal): Promise<number> {
  const findings = await withSpinner('Looking at it', flags, terminal, () => examine(flags, terminal));
  terminal.out(flags.json ? toJson('doctor', { findings }) : format(findings, terminal));
  return findings.some(({ light }) => light === 'red') ? 1 : 0;
}

async function examine(flags: DoctorFlags, terminal: Terminal): Promise<Finding[]> {
  const { stage, target } = flags;
  if (stage === undefined) return (await targetFindings(flags, 'cli', terminal)).findings;

  const findings = await stageFindings(stage);
  const names = target === undefined ? await targetsOf(stage, findings) : [target];
  const ends = await endsOf(stage, findings);
  for (const name of names) {
    const examined = await targetFindings({ ...flags, target: name }, name, terminal);
    // Of several it has to be told which.
    const mark = (finding: Finding) =>
      names.length === 1 ? finding : { ...finding, check: `${name}: ${finding.check}` };
    findings.push(...[...examined.findings, ...lastSweepFindings(stage, name, ends)].map(mark));
  }
  return findings;
}

async function targetsOf(stage: string, findings: Finding[]): Promise<string[]> {
  try {
    return await (await import('./stage-targets.ts')).listTargets(stage);
  } catch (error) {
    findings.push(red('targets', error, `dli-reaper init --stage ${stage} --target … makes one`));
    return [];
  }
}

async function targetFindings(flags: DoctorFlags, target: string, { env }: Terminal): Promise<{ findings: Finding[] }> {
  let settings: Settings;
  try {
    settings = await settingsSource(flags, env)(parseRequest({ target }));
  } catch (error) {
    return { findings: [red('settings', error, fixForSettings(error))] };
  }
  const { target: found } = settings;
  return {
    findings: [
      green('settings', `target ${found.name} at ${found.endpoint.host}`),
      ...policyFindings(settings),
      ...(flags.stage === undefined ? credentialsOfEnvironment() : await storedFindings(flags.stage, settings)),
      ...(await dliFindings(settings)),
    ],
  };
}

function fixForSettings(error: unknown): string {
  const setting = error instanceof SettingsError ? error.setting : '';
  if (setting.startsWith('/dli-reaper/')) return 'correct that parameter; docs/deploy.md shows its form';
  if (setting.startsWith('--')) return 'give that flag, or --stage to take all of it from Parameter Store';
  if (/^[A-Z_]+$/.test(setting)) return 'set that variable, or give --stage to take the key from Parameter Store';
  return error instanceof PolicyFileError ? `dli-reaper validate ${setting}` : 'correct what is named';
}

function policyFindings({ policy, exemptions }: Settings): Finding[] {
  const warnings = lintPolicy({ ...policy, exemptions: [...policy.exemptions, ...exemptions] }, systemClock.now());
  return [
    policy.mode === 'live'
      ? green('policy', `live, ${counted(policy.rules.length, 'rule')}`)
      : yellow('policy', 'valid, and a dry run', 'set mode: live when its plans prove right'),
    ...warnings.map(({ message }) => yellow('policy', message, 'see docs/policy.md')),
  ];
}

const credentialsOfEnvironment = (): Finding[] => [
  yellow('credentials', 'from the environment, of unknown age', 'see in IAM, My Credentials, when the key was made'),
];

const OLD_KEY_MS = 90 * 86_400_000;

async function storedFindings(stage: string, { credentials, target }: Settings): Promise<Finding[]> {
  const { openStage } = await import('./stage.ts');
  const { createParameterStore } = await import('./parameter-store.ts');
  const mode =
    target.mode === 'live'
      ? green('target', 'live')
      : yellow('target', 'a dry run', 'set "mode": "live" in its parameter when its plans prove right');
  const key = await createParameterStore(openStage(stage).client).get(credentials.name);
  const ageMs = key?.changedAt == null ? undefined : systemClock.now() - Date.parse(key.changedAt);
  if (ageMs === undefined) return [mode, yellow('credentials', 'of unknown age', 'see when the key was made')];
  if (ageMs <= OLD_KEY_MS) return [mode, green('credentials', `changed ${formatDuration(ageMs)} ago`)];
  const fix = `make a new key, and put it in ${credentials.name}`;
  return [mode, yellow('credentials', `${formatDuration(ageMs)} old`, fix)];
}

/** What is the same for all targets: the switch, and what somebody needs on a bad night. */
async function stageFindings(stage: string): Promise<Finding[]> {
  const [{ openStage }, { createParameterStore }, { refusalToInvoke }] = await Promise.all([
    import('./stage.ts'),
    import('./parameter-store.ts'),
    import('./remote.ts'),
  ]);
  const { client, names, isSwitchedOn } = openStage(stage);
  const findings: Finding[] = [];
  try {
    findings.push(
      (await isSwitchedOn())
        ? green('switch', 'run')
        : yellow('switch', 'not run, so no job is cancelled', `dli-reaper resume --stage ${stage}`),
    );
  } catch (error) {
    findings.push(red('switch', error, `grant ssm:GetParameters on ${names.switch}; unread it means stop`));
  }
  const cannotStop = await createParameterStore(client).refusalToWrite(names.switch, 'stop');
  findings.push(
    cannotStop === undefined
      ? green('stopping', 'you may write the switch')
      : yellow(
          'stopping',
          `dli-reaper stop would be refused (${cannotStop})`,
          `grant ssm:PutParameter on ${names.switch}`,
        ),
  );
  for (const name of ['sweep', 'dispatch'] as const) {
    const refusal = await refusalToInvoke(stage, name);
    const check = `invoking ${name}`;
    if (refusal === undefined) findings.push(green(check, 'you may'));
    else if (refusal === 'ResourceNotFoundException') {
      findings.push(red(check, 'there is no such function', `npx serverless deploy --stage ${stage}`));
    } else {
      findings.push(yellow(check, `--remote would be refused (${refusal})`, 'grant lambda:InvokeFunction on it'));
    }
  }
  return findings;
}

const DAY_MS = 86_400_000;

/** The ends of all sweeps of a day; undefined, and a finding, if the log cannot be read. */
async function endsOf(stage: string, findings: Finding[]): Promise<LogLine[] | undefined> {
  const { findEnds } = await import('./sweep-log.ts');
  const now = systemClock.now();
  try {
    const ends = await findEnds(stage, now - DAY_MS);
    const { lastTickAt, isAlive } = judgeSchedule(ends, now);
    const console = 'see the schedule in the console of EventBridge';
    if (isAlive) findings.push(green('schedule', `last sweep at ${lastTickAt}`));
    else if (lastTickAt === null) findings.push(red('schedule', 'no scheduled sweep in 24h', `${console}, or deploy`));
    else findings.push(yellow('schedule', `quiet since ${lastTickAt}`, `if it should have ticked since, ${console}`));
    return ends;
  } catch (error) {
    const isMissing = messageOf(error).includes('ResourceNotFoundException');
    const fix = isMissing ? `npx serverless deploy --stage ${stage}` : 'grant logs:FilterLogEvents on it';
    findings.push(yellow('log', messageOf(error), fix));
    return undefined;
  }
}

function lastSweepFindings(stage: string, target: string, ends: readonly LogLine[] | undefined): Finding[] {
  if (ends === undefined) return [];
  const own = ends.filter(({ fields }) => fields.target === target);
  const last = lastSweepOf(target, own);
  const success = own.findLast(({ fields }) => fields.status === 'ok');
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
  return findings;
}

const WORRYING_SKEW_MS = 60_000;

/** Each listing is a harmless call that shows its permission. That of cancelling cannot be shown without a victim. */
async function dliFindings({ target, credentials, policy }: Settings): Promise<Finding[]> {
  const dli = createDliReader({
    ...{ endpoint: target.endpoint, projectId: target.projectId, credentials },
    ...{ clock: systemClock, random: Math.random, shared: createSharedStates(systemClock)('doctor') },
  });
  const findings: Finding[] = [];
  try {
    for (const engine of ENGINE_NAMES) {
      // The policy can do without the others; an emergency could not.
      const isNeeded = enginesOf(policy).includes(engine);
      const { jobs } = ENGINES[engine].facts;
      const reads = ENGINES[engine].createReads(dli);
      try {
        findings.push(green(`listing ${jobs}`, `${await reads.countLive()} alive`));
        findings.push(await readingFinding(`reading ${jobs}`, () => reads.show(NOBODYS_ID[engine])));
      } catch (error) {
        if (!(error instanceof DliError)) throw error;
        findings.push({ ...red(`listing ${jobs}`, error, fixFor(error)), light: isNeeded ? 'red' : 'yellow' });
        // A credential that is refused again and again is locked for everyone.
        if (error.kind === 'authentication') break;
      }
      // Nothing is answered, or without the time: the other engines would tell no more.
      if (dli.clockReading() === undefined) break;
    }
    if (findings.every(({ light }) => light === 'green')) findings.push(await queuesFinding(dli));
    return [...findings, ...clockFindings(dli.clockReading(), findings)];
  } finally {
    dli.close();
  }
}

const fixFor = (error: DliError): string => FIXES[error.kind] ?? adviceOn(error) ?? 'try again later';

/** Of no job that there is: to be told so shows that one may ask. */
const NOBODYS_ID: Record<Engine, string> = {
  sql: '00000000-0000-0000-0000-000000000000',
  spark: '00000000-0000-0000-0000-000000000000',
  flink: '1',
};

async function readingFinding(check: string, read: () => Promise<Job>): Promise<Finding> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof DliError)) throw error;
    if (error.kind !== 'not-found') return red(check, error, fixFor(error));
  }
  return green(check, 'you may');
}

/** Sweeps do without. */
async function queuesFinding(dli: DliReader): Promise<Finding> {
  try {
    return green('listing queues', `${(await listQueueCus(dli)).size} in the project`);
  } catch (error) {
    if (!(error instanceof DliError)) throw error;
    return yellow('listing queues', error.message, 'grant it; without it no sweep can tell what it freed');
  }
}

function clockFindings(reading: ClockReading | undefined, others: readonly Finding[]): Finding[] {
  if (reading === undefined) {
    // Where nothing answers that is told already.
    if (others.every(({ light }) => light !== 'green')) return [];
    const fix = 'see what stands between here and DLI, such as a proxy; without the time no sweep acts';
    return [red('clocks', 'DLI does not tell the time', fix)];
  }
  const skewMs = Math.abs(reading.serviceAt - reading.localAt);
  const found = `${formatDuration(skewMs)} apart`;
  const fix = "correct this machine's clock; beyond 5m no sweep acts";
  if (skewMs > MAX_CLOCK_SKEW_MS) return [{ check: 'clocks', light: 'red', found, fix }];
  return [skewMs > WORRYING_SKEW_MS ? yellow('clocks', found, fix) : green('clocks', found)];
}

const FIXES: Partial<Record<DliError['kind'], string>> = {
  authentication: 'correct the key or the password; five failures lock it',
  permission: 'grant the permission to list jobs in this project; cancelling takes CANCEL_JOB on each queue besides',
  configuration: 'correct region, endpoint or project id',
  throttled: 'the rate limit is used up by somebody; try again in a minute',
};

const green = (check: string, found: string): Finding => ({ check, light: 'green', found, fix: null });
const yellow = (check: string, found: string, fix: string): Finding => ({ check, light: 'yellow', found, fix });
const red = (check: string, error: unknown, fix: string): Finding => ({
  ...{ check, light: 'red', fix },
  found: messageOf(error),
});

const SIGNS: Record<Finding['light'], string> = { green: '✓', yellow: '!', red: '✗' };

function format(findings: readonly Finding[], { paint = plain }: Terminal): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, light, found, fix }) => [
    `${paint(light, SIGNS[light])} ${check.padEnd(width)}  ${cleanText(found.replaceAll(/\s*\n\s*/g, '; '))}`,
    ...(fix === null ? [] : [`  ${' '.repeat(width)}  → ${fix}`]),
  ]);
  return `${lines.join('\n')}\n`;
}
