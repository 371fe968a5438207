import { type Backtest, backtest } from '../../lib/history/backtest.ts';
import type { History } from '../../lib/history/read.ts';
import type { Policy } from '../../lib/policy/schema.ts';
import { needsStatements } from '../../lib/policy/scope.ts';
import { type Ceilings, readCeilings } from '../../lib/settings/ceilings.ts';
import { type Settings, SettingsError } from '../../lib/settings/settings.ts';
import { EXIT_FAILED, EXIT_PARTIAL } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { counted } from '../screen/text.ts';
import { readDeployed } from '../source/ceilings.ts';
import { type SettingsFlags, settingsSource } from '../source/load-settings.ts';
import { readPolicyFile } from '../source/policy-file.ts';
import { formatBacktest, toBacktestJson } from './backtest-screen.ts';
import { type HistoryFlags, obtainHistory } from './obtain.ts';

export interface BacktestFlags extends SettingsFlags, HistoryFlags {
  /** File of today's policy. */
  against?: string;
  /** Time between two sweeps, ms. */
  every?: number;
  all?: boolean;
}

/** What a backtest found, with what it was made from. */
export interface Tried {
  history: History;
  result: Backtest;
  /** Undefined without `--against`. */
  today: Backtest | undefined;
  /** Why more jobs may have been cancelled than were counted. */
  shortfall: string[];
}

/** The default of serverless.yml. */
const USUAL_PERIOD_MS = 15 * 60_000;

/**
 * Tries a policy on what DLI remembers.
 *
 * @returns 3 if it would have cancelled a job that finished well, 4 if the past was not read to its end.
 * @throws {SettingsError} and {DliError}
 */
export async function runBacktest(flags: BacktestFlags, terminal: Terminal): Promise<number> {
  const tried = await tryOnPast(flags, terminal);
  terminal.out(flags.json ? toJson('backtest', toBacktestJson(tried)) : formatBacktest(tried, flags, terminal));
  if (tried.result.wrongKills.length > 0) return EXIT_FAILED;
  return tried.shortfall.length > 0 ? EXIT_PARTIAL : 0;
}

/** Tries the policy that the flags name, and that of `--against`. @throws {SettingsError} and {DliError} */
export async function tryOnPast(flags: BacktestFlags, terminal: Terminal): Promise<Tried> {
  const { stage, target, policy: path } = flags;
  if (stage === undefined && path === undefined) throw new SettingsError('--policy', 'missing; name the policy to try');
  const load = () => settingsSource(flags, terminal.env)({ target: target ?? 'cli', emergency: undefined });
  const settings = stage === undefined ? undefined : await load();
  const policy = settings?.policy ?? readPolicyFile(path ?? '').policy;
  const against = flags.against === undefined ? undefined : readPolicyFile(flags.against).policy;
  const { ceilings, periodMs } = await readBounds(stage, terminal);

  const withStatements = [policy, ...(against === undefined ? [] : [against])].some(needsStatements);
  const { history, shortfall } = await obtainHistory(flags, terminal, {
    load: async () => settings ?? (await load()),
    withStatements,
  });
  const tryOne = (one: Policy) =>
    backtest(history, one, { ...exceptionsOf(settings), ceilings, periodMs: flags.every ?? periodMs });
  const result = await tryOne(policy);
  const today = against === undefined ? undefined : await tryOne(against);
  return {
    history,
    result,
    today,
    shortfall: [
      ...shortfall,
      ...missingStatements(history, withStatements),
      ...untried(result),
      ...(today === undefined ? [] : untried(today).map((why) => `today's policy: ${why}`)),
    ],
  };
}

/** Says why nothing was tried at all, which must not look like a good result. */
function untried({ jobs, rules }: Backtest): string[] {
  if (jobs === 0) return ['the past holds no job with a readable start and end, so nothing was tried'];
  return rules.length === 0 ? ['the past can answer no rule of this policy, so nothing was tried'] : [];
}

/** Reads what a deploy, or the environment of this terminal, sets. */
async function readBounds(
  stage: string | undefined,
  { env }: Terminal,
): Promise<{ ceilings: Ceilings; periodMs: number }> {
  if (stage === undefined) return { ceilings: readCeilings(env, 'terminal'), periodMs: USUAL_PERIOD_MS };
  const { ceilings, periodMinutes } = await readDeployed(stage);
  return { ceilings, periodMs: periodMinutes === undefined ? USUAL_PERIOD_MS : periodMinutes * 60_000 };
}

/** The exemptions and freezes of a stage, which hold beside those of the policy. */
const exceptionsOf = ({ exemptions = [], freezes = [] }: Partial<Settings> = {}) => ({ exemptions, freezes });

function missingStatements({ jobs }: History, areNeeded: boolean): string[] {
  const count = areNeeded ? jobs.filter(({ job }) => job.statement === undefined).length : 0;
  if (count === 0) return [];
  return [
    `${counted(count, 'job')} without SQL, for which the policy asks: rules that ask for it do not cancel such jobs. A file of the past holds no SQL, and long texts are not kept`,
  ];
}
