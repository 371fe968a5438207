import { systemClock } from '../../lib/base/clock.ts';
import { formatDuration } from '../../lib/base/duration.ts';
import { ENGINE_NAMES, type Engine, type Job } from '../../lib/base/job.ts';
import { iamEndpointBeside, readKeyCreation } from '../../lib/dli/access-key.ts';
import { adviceOn } from '../../lib/dli/advice.ts';
import { createDliReader, type DliReader } from '../../lib/dli/client.ts';
import { DliError, DliResponseError } from '../../lib/dli/errors.ts';
import { listQueueCus } from '../../lib/dli/queues.ts';
import type { ClockReading } from '../../lib/dli/service-time.ts';
import type { SharedState } from '../../lib/dli/shared-state.ts';
import { ENGINES } from '../../lib/engines/engines.ts';
import { ENGINE_FACTS } from '../../lib/policy/facts.ts';
import { enginesOf } from '../../lib/policy/scope.ts';
import type { Environment } from '../../lib/settings/environment.ts';
import { type Settings, SettingsError } from '../../lib/settings/settings.ts';
import { sharedKey } from '../../lib/sweep/connection.ts';
import { askIam, nameProblem } from '../../lib/sweep/look/identity.ts';
import { MAX_CLOCK_SKEW_MS } from '../../lib/sweep/look/look.ts';
import { sharedIn } from '../source/network.ts';
import { type Finding, green, OLD_KEY_MS, red, yellow } from './finding.ts';

const WORRYING_SKEW_MS = 60_000;

/** Checks DLI. Each listing proves its permission. The permission to cancel cannot be proved without cancelling a job. */
export async function dliFindings(settings: Settings, env: Environment): Promise<Finding[]> {
  const { target, credentials, policy } = settings;
  const shared = sharedIn(env)(sharedKey(target, credentials));
  const dli = createDliReader({
    endpoint: target.endpoint,
    projectId: target.projectId,
    credentials,
    clock: systemClock,
    random: Math.random,
    shared,
  });
  const findings: Finding[] = [];
  try {
    for (const engine of ENGINE_NAMES) {
      // Only an emergency needs the other engines.
      const isNeeded = enginesOf(policy).includes(engine);
      const { jobs } = ENGINE_FACTS[engine];
      const reads = ENGINES[engine].createReads(dli, { withStatements: false });
      try {
        const count = await reads.countLive();
        findings.push(green(`listing ${jobs}`, `${count} alive`));
        findings.push(await readingFinding(`reading ${jobs}`, () => reads.show(NO_JOB_ID[engine])));
      } catch (error) {
        if (!(error instanceof DliError)) throw error;
        findings.push({ ...red(`listing ${jobs}`, error, fixFor(error)), light: isNeeded ? 'red' : 'yellow' });
        // Further refusals would lock the credential for everyone.
        if (error.kind === 'authentication') break;
      }
      // There was no answer, or none with a time: the other engines would show no more.
      if (dli.clockReading() === undefined) break;
    }
    if (findings.every(({ light }) => light === 'green')) findings.push(await queuesFinding(dli));
    // Only now is the signature known to be good. Bad signatures lock a key.
    if (findings.some(({ light }) => light === 'green')) {
      findings.push(await projectFinding(settings, shared));
      findings.push(...(await keyFindings(settings, shared)));
    }
    return [...findings, ...clockFindings(dli.clockReading(), findings)];
  } finally {
    dli.close();
  }
}

function fixFor(error: DliError): string {
  const advice = adviceOn(error);
  // The advice says who answered, and what was refused.
  const fix = FIXES[error.kind];
  if (error.kind === 'authentication' && advice !== undefined) return `${fix}: ${advice}`;
  const isForeign = error instanceof DliResponseError && error.errorCode === undefined;
  return (isForeign ? advice : undefined) ?? fix ?? advice ?? 'try again later';
}

/** Ids that no job has: a "not found" proves the permission. */
const NO_JOB_ID: Record<Engine, string> = {
  sql: '00000000-0000-0000-0000-000000000000',
  spark: '00000000-0000-0000-0000-000000000000',
  flink: '1',
};

async function readingFinding(check: string, read: () => Promise<Job>): Promise<Finding> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof DliError)) throw error;
    if (!isAnsweredByDli(error)) return red(check, error, fixFor(error));
  }
  return green(check, 'allowed');
}

/**
 * Whether DLI itself refused the id, so that the call was allowed. No document names the code for an unknown id: it is
 * DLI.0002 in the table of error codes, and DLI.0001 for some objects in the vendor's Terraform provider.
 */
function isAnsweredByDli(error: DliError): boolean {
  const { kind } = error;
  const isDecline = kind === 'not-found' || kind === 'rejected';
  return isDecline && error instanceof DliResponseError && error.errorCode?.startsWith('DLI.') === true;
}

/** Checks the permission to list queues, which sweeps do not need. */
async function queuesFinding(dli: DliReader): Promise<Finding> {
  try {
    return green('listing queues', `${(await listQueueCus(dli)).size} in the project`);
  } catch (error) {
    if (!(error instanceof DliError)) throw error;
    return yellow('listing queues', error.message, 'grant it; without it no report says what was freed');
  }
}

const ASKING_IAM_MS = 10_000;

/** Checks that IAM and the settings have the same name for the project. */
async function projectFinding({ target, credentials, stage }: Settings, shared: SharedState): Promise<Finding> {
  const answer = await askIam(target, credentials, {
    clock: systemClock,
    random: Math.random,
    deadlineAt: systemClock.now() + ASKING_IAM_MS,
    shared,
  });
  const problem = nameProblem(target, stage?.parameter, answer);
  if (problem !== undefined) {
    const isLive = target.mode === 'live' || stage === undefined;
    return { check: 'project', light: isLive ? 'red' : 'yellow', ...problem };
  }
  if (answer.name !== undefined) return green('project', `${target.projectId} is ${answer.name}, as IAM says`);
  const fix = 'check that this is the right project; with --project-name a live sweep asks IAM to confirm it';
  return yellow('project', `the name of ${target.projectId} is not known: ${answer.problem}`, fix);
}

/** Checks the age of the access key. A password has no known age, and a temporary key ends by itself. */
async function keyFindings({ credentials: source, target }: Settings, { network }: SharedState): Promise<Finding[]> {
  const unknown = (why: string) => [
    yellow('key', `of unknown age, ${why}`, 'look up its creation time in IAM, My Credentials'),
  ];
  const iamEndpoint = iamEndpointBeside(target.endpoint);
  try {
    const credentials = await source.read();
    if ('password' in credentials || credentials.securityToken !== undefined) return [];
    if (iamEndpoint === undefined) return unknown('since the address of IAM is not known for this endpoint');
    const createdAt = await readKeyCreation(credentials, {
      iamEndpoint,
      clock: systemClock,
      network,
      keptIn: source.name,
    });
    if (createdAt === undefined) return unknown('since IAM does not show it');
    const ageMs = systemClock.now() - createdAt;
    const found = `made ${formatDuration(Math.max(ageMs, 0))} ago`;
    return [ageMs > OLD_KEY_MS ? yellow('key', found, 'make a new one') : green('key', found)];
  } catch (error) {
    if (!(error instanceof DliError || error instanceof SettingsError)) throw error;
    return unknown(error.message);
  }
}

function clockFindings(reading: ClockReading | undefined, others: readonly Finding[]): Finding[] {
  if (reading === undefined) {
    // If nothing answered, the other findings say so.
    if (others.every(({ light }) => light !== 'green')) return [];
    const fix = 'look for something between here and DLI, such as a proxy; without the time no sweep acts';
    return [red('clocks', "DLI's answers carry no time", fix)];
  }
  const skewMs = Math.abs(reading.serviceAt - reading.localAt);
  const found = `${formatDuration(skewMs)} apart`;
  const fix = `correct this machine's clock; beyond ${formatDuration(MAX_CLOCK_SKEW_MS)} no sweep acts`;
  if (skewMs > MAX_CLOCK_SKEW_MS) return [{ check: 'clocks', light: 'red', found, fix }];
  return [skewMs > WORRYING_SKEW_MS ? yellow('clocks', found, fix) : green('clocks', found)];
}

const FIXES: Partial<Record<DliError['kind'], string>> = {
  authentication: 'correct the key or the password; five failures lock it',
  permission: 'grant the permission to list jobs in this project; to cancel, also grant CANCEL_JOB on each queue',
  configuration: 'correct region, endpoint or project id',
  throttled: 'someone has used up the rate limit; try again in a minute',
};
