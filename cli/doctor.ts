import { systemClock } from '../lib/clock.ts';
import { createDliReader, type DliReader } from '../lib/dli/client.ts';
import { createSharedStates } from '../lib/dli/connection.ts';
import { ENGINES } from '../lib/dli/engines.ts';
import { DliError } from '../lib/dli/errors.ts';
import type { Engine, Job } from '../lib/dli/job.ts';
import { listQueueCus } from '../lib/dli/queues.ts';
import { formatDuration } from '../lib/duration.ts';
import { messageOf } from '../lib/error-words.ts';
import { lintPolicy } from '../lib/policy/lint.ts';
import { parseRequest } from '../lib/request.ts';
import { createReaders } from '../lib/scan.ts';
import type { Settings } from '../lib/settings/settings.ts';
import { cleanText } from './clean-text.ts';
import { counted } from './counted.ts';
import { toJson } from './json.ts';
import { type SettingsFlags, settingsSource } from './settings-source.ts';
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
  const findings = await examine(flags, terminal);
  terminal.out(flags.json ? toJson('doctor', { findings }) : format(findings, terminal));
  return findings.some(({ light }) => light === 'red') ? 1 : 0;
}

async function examine(flags: DoctorFlags, { env }: Terminal): Promise<Finding[]> {
  const target = flags.stage === undefined ? 'cli' : flags.target;
  let settings: Settings;
  try {
    settings = await settingsSource(flags, env)(parseRequest({ ...(target !== undefined && { target }) }));
  } catch (error) {
    return [
      red('settings', error, 'correct what is named, or give the flag; a stage is made by dli-reaper init --stage'),
    ];
  }
  const { stage } = flags;
  return [
    green('settings', `target ${settings.target.name} at ${settings.target.endpoint.host}`),
    ...policyFindings(settings),
    ...(stage === undefined ? credentialsOfEnvironment() : await stageFindings(stage, settings)),
    ...(await dliFindings(settings)),
  ];
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

async function stageFindings(stage: string, { isSwitchedOn, credentials, target }: Settings): Promise<Finding[]> {
  const [{ openStage }, { createParameterStore }] = await Promise.all([
    import('./stage.ts'),
    import('./parameter-store.ts'),
  ]);
  const { client, names } = openStage(stage);
  const store = createParameterStore(client);
  const findings = [
    isSwitchedOn
      ? green('switch', 'run')
      : yellow('switch', 'not run, so no job is cancelled', `dli-reaper resume --stage ${stage}`),
    target.mode === 'live'
      ? green('target', 'live')
      : yellow('target', 'a dry run', 'set "mode": "live" in its parameter when its plans prove right'),
  ];
  const key = await store.get(credentials.name);
  const ageMs = key?.changedAt == null ? undefined : systemClock.now() - Date.parse(key.changedAt);
  if (ageMs === undefined) findings.push(yellow('credentials', 'of unknown age', 'see when the key was made'));
  else if (ageMs > OLD_KEY_MS) {
    findings.push(
      yellow('credentials', `${formatDuration(ageMs)} old`, `make a new key, and put it in ${credentials.name}`),
    );
  } else findings.push(green('credentials', `changed ${formatDuration(ageMs)} ago`));
  const refusal = await store.refusalToWrite(names.switch, 'stop');
  findings.push(
    refusal === undefined
      ? green('stopping', 'you may write the switch')
      : yellow(
          'stopping',
          `dli-reaper stop would be refused (${refusal})`,
          `grant ssm:PutParameter on ${names.switch}`,
        ),
  );
  return [...findings, ...(await invocationFindings(stage)), ...(await logFindings(stage, target.name))];
}

async function invocationFindings(stage: string): Promise<Finding[]> {
  const { refusalToInvoke } = await import('./remote.ts');
  const findings: Finding[] = [];
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

async function logFindings(stage: string, target: string): Promise<Finding[]> {
  const { findEnds, judgeSchedule, lastSweepOf } = await import('./last-sweeps.ts');
  const now = systemClock.now();
  try {
    const own = (await findEnds(stage, now - 86_400_000)).filter(({ fields }) => fields.target === target);
    const { lastTickAt, isAlive } = judgeSchedule(own, now);
    const last = lastSweepOf(target, own);
    const success = own.findLast(({ fields }) => fields.status === 'ok');
    const deploy = `npx serverless deploy --stage ${stage}; then the schedule in the console of EventBridge`;
    return [
      isAlive
        ? green('schedule', `last sweep at ${lastTickAt}`)
        : red(
            'schedule',
            lastTickAt === null ? 'no scheduled sweep in 24h' : `late, last sweep at ${lastTickAt}`,
            deploy,
          ),
      ...(last === null || last.error === null ? [] : [red('last sweep', last.error, 'see docs/runbook.md')]),
      success === undefined
        ? yellow('last success', 'none in 24h', `dli-reaper status --stage ${stage}`)
        : green('last success', new Date(success.at).toISOString()),
    ];
  } catch (error) {
    return [yellow('log', messageOf(error), 'grant logs:FilterLogEvents on it')];
  }
}

/** The gateway refuses signatures that are off by more. */
const WORRYING_SKEW_MS = 60_000;
const MAX_SKEW_MS = 5 * 60_000;

/** Each listing is a harmless call that shows its permission. That of cancelling cannot be shown without a victim. */
async function dliFindings({ target, credentials, policy }: Settings): Promise<Finding[]> {
  const dli = createDliReader({
    ...{ endpoint: target.endpoint, projectId: target.projectId, credentials },
    ...{ clock: systemClock, random: Math.random, shared: createSharedStates(systemClock)('doctor') },
  });
  const findings: Finding[] = [];
  try {
    for (const [engine, reads] of createReaders(policy, dli)) {
      const { jobs } = ENGINES[engine].facts;
      try {
        findings.push(green(`listing ${jobs}`, `${await reads.countLive()} alive`));
        findings.push(await readingFinding(`reading ${jobs}`, () => reads.show(NOBODYS_ID[engine])));
      } catch (error) {
        if (!(error instanceof DliError)) throw error;
        findings.push(red(`listing ${jobs}`, error, FIXES[error.kind] ?? 'try again later'));
        // A credential that is refused again and again is locked for everyone.
        if (error.kind === 'authentication') break;
      }
    }
    if (findings.every(({ light }) => light === 'green')) findings.push(await queuesFinding(dli));
    const reading = dli.clockReading();
    if (reading !== undefined) findings.push(clockFinding(Math.abs(reading.serviceAt - reading.localAt)));
    else if (findings.some(({ light }) => light === 'green')) {
      const fix = 'see what stands between here and DLI, such as a proxy; without the time no sweep acts';
      findings.push(red('clocks', 'DLI does not tell the time', fix));
    }
    return findings;
  } finally {
    dli.close();
  }
}

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
    if (error.kind !== 'not-found') return red(check, error, FIXES[error.kind] ?? 'try again later');
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

function clockFinding(skewMs: number): Finding {
  const found = `${formatDuration(skewMs)} apart`;
  const fix = "correct this machine's clock; beyond 5m no sweep acts";
  if (skewMs > MAX_SKEW_MS) return { check: 'clocks', light: 'red', found, fix };
  return skewMs > WORRYING_SKEW_MS ? yellow('clocks', found, fix) : green('clocks', found);
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
