import { systemClock } from '../../lib/base/clock.ts';
import { dliReaper } from '../../lib/base/command-line.ts';
import { lintPolicy } from '../../lib/policy/lint.ts';
import { assertTargetName } from '../../lib/request/request.ts';
import { isSecretReference } from '../../lib/settings/secret-reference.ts';
import { type Settings, SettingsError } from '../../lib/settings/settings.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { shellWord } from '../screen/shell-lines.ts';
import { withSpinner } from '../screen/spinner.ts';
import { plain, type Terminal } from '../screen/terminal.ts';
import { cleanText, counted, oneLine } from '../screen/text.ts';
import { settingsSource } from '../source/load-settings.ts';
import type { Stage } from '../source/open-stage.ts';
import { PolicyFileError } from '../source/policy-file.ts';
import { dliFindings } from './dli-checks.ts';
import { type Finding, green, red, yellow } from './finding.ts';
import type { ProbeFlags } from './probe/probe.ts';

export interface DoctorFlags extends ProbeFlags {
  /** Whether to find out how this DLI behaves, in place of the checks. */
  probe?: boolean;
}

/** Runs all checks, which change nothing. With --probe it may submit one job. @returns 1 if a finding is red. */
export async function runDoctor(flags: DoctorFlags, terminal: Terminal): Promise<number> {
  if (flags.probe) return (await import('./probe/probe.ts')).runProbe(flags, terminal);
  assertNoProbe(flags);
  const findings = await withSpinner('Checking', flags, terminal, () => examine(flags, terminal));
  terminal.out(flags.json ? toJson('doctor', { findings }) : format(findings, terminal));
  return findings.some(({ light }) => light === 'red') ? EXIT_CONFIGURATION : 0;
}

function assertNoProbe({ probeQueue, probeFile, confirm }: DoctorFlags): void {
  const flags = { '--probe-queue': probeQueue, '--probe-file': probeFile, '--confirm': confirm };
  for (const [flag, value] of Object.entries(flags)) {
    if (value !== undefined) throw new SettingsError(flag, 'goes with --probe');
  }
}

async function examine(flags: DoctorFlags, terminal: Terminal): Promise<Finding[]> {
  const { target } = flags;
  if (flags.stage === undefined) return targetFindings(flags, { target: 'cli', stage: undefined }, terminal);

  // Loaded only here, since the AWS SDK is slow to load.
  const { openStage } = await import('../source/open-stage.ts');
  const stage = openStage(flags.stage);
  const { stageFindings, targetsOf } = await import('./stage-checks.ts');
  const { endsOf, lastSweepFindings } = await import('./log-checks.ts');
  const { noticeFindings } = await import('./notice-checks.ts');
  const [ofStage, targets, log, notices] = await Promise.all([
    stageFindings(stage),
    target === undefined ? targetsOf(stage) : { names: [target], findings: [] },
    endsOf(stage),
    noticeFindings(stage),
  ]);
  const findings = [...ofStage.findings, ...targets.findings, ...log.findings, ...notices];
  // If Parameter Store did not answer for the switch, each target would wait in vain too.
  const names = ofStage.isSilent ? [] : targets.names;
  for (const name of names) {
    const examined = await targetFindings({ ...flags, target: name }, { target: name, stage }, terminal);
    // With several targets each finding names its own.
    const mark = (finding: Finding) =>
      names.length === 1 ? finding : { ...finding, check: `${name}: ${finding.check}` };
    findings.push(...[...examined, ...lastSweepFindings(stage.name, name, log.ends)].map(mark));
  }
  return findings;
}

async function targetFindings(
  flags: DoctorFlags,
  { target, stage }: { target: string; stage: Stage | undefined },
  { env }: Terminal,
): Promise<Finding[]> {
  let settings: Settings;
  try {
    assertTargetName(target);
    settings = await settingsSource(flags, env, stage)({ target });
  } catch (error) {
    return [red('settings', error, fixForSettings(error))];
  }
  const { target: found } = settings;
  return [
    green('settings', `target ${found.name} at ${found.endpoint.host}`),
    ...policyFindings(settings),
    ...(stage === undefined ? [] : await storedFindings(stage, settings)),
    ...(await dliFindings(settings, env)),
  ];
}

/** The fix for a secret that cannot be read; docs/deploy.md lists the same permissions. */
const SECRET_FIX =
  'correct the secret or its name, or grant ssm:GetParameters and secretsmanager:GetSecretValue on it; see docs/deploy.md';

function fixForSettings(error: unknown): string {
  const setting = error instanceof SettingsError ? error.setting : '';
  const [, stage = '', kind = '', name = ''] = /^\/dli-reaper\/([^/]+)\/([^/]+)\/(.+)$/.exec(setting) ?? [];
  if (kind === 'exemptions') return `${dliReaper(`unexempt ${name} --stage ${stage}`)}, and exempt again`;
  if (kind === 'freezes') return `${dliReaper(`unfreeze ${name} --stage ${stage}`)}, and freeze again`;
  if (kind === 'policies')
    return `${dliReaper(`policy rollback --stage ${stage} --name ${name}`)}, or push a valid one`;
  if (isSecretReference(setting)) return SECRET_FIX;
  if (setting.startsWith('/dli-reaper/')) return 'correct that parameter; docs/deploy.md shows its form';
  if (setting === '--target' || setting === '--stage') return 'correct the name';
  if (setting.startsWith('--')) return 'give that flag, or --stage to read everything from Parameter Store';
  if (setting === 'HTTPS_PROXY' || setting === 'https_proxy') return 'correct that variable';
  if (/^[A-Z_]+( or [A-Z_]+)?$/.test(setting))
    return 'set that variable, or give --stage to read the key from Parameter Store';
  return error instanceof PolicyFileError
    ? dliReaper(`validate ${shellWord(setting)}`)
    : 'correct what the message names';
}

async function storedFindings(stage: Stage, settings: Settings): Promise<Finding[]> {
  return (await import('./stage-checks.ts')).storedFindings(stage, settings);
}

function policyFindings({ policy, exemptions, freezes }: Settings): Finding[] {
  const all = {
    ...policy,
    exemptions: [...policy.exemptions, ...exemptions],
    freezes: [...policy.freezes, ...freezes],
  };
  const warnings = lintPolicy(all, systemClock.now());
  return [
    policy.mode === 'live'
      ? green('policy', `live, ${counted(policy.rules.length, 'rule')}`)
      : yellow('policy', 'valid, in mode dry-run', 'set mode: live once its plans are right'),
    ...warnings.map(({ message }) => yellow('policy', message, 'see docs/policy.md')),
  ];
}

const SIGNS: Record<Finding['light'], string> = { green: '✓', yellow: '!', red: '✗' };

function format(findings: readonly Finding[], { paint = plain }: Terminal): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, light, found, fix }) => [
    `${paint(light, SIGNS[light])} ${check.padEnd(width)}  ${cleanText(oneLine(found))}`,
    ...(fix === null ? [] : [`  ${' '.repeat(width)}  → ${fix}`]),
  ]);
  return `${lines.join('\n')}\n`;
}
