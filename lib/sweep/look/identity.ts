import type { Clock } from '../../base/clock.ts';
import { dliReaper } from '../../base/command-line.ts';
import { iamEndpointBeside } from '../../dli/access-key.ts';
import { describeError } from '../../dli/advice.ts';
import type { CredentialSource } from '../../dli/credentials.ts';
import { DliError } from '../../dli/errors.ts';
import { readProjectName } from '../../dli/project.ts';
import type { SharedState } from '../../dli/shared-state.ts';
import { within } from '../../http/timeout.ts';
import { clashOf, inWords, type Problem } from '../../settings/project-claims.ts';
import { defaultEndpoint, regionOf, type Settings, type Target, type TargetInStage } from '../../settings/settings.ts';
import type { SweptProject } from '../record/report.ts';

/** The project as the settings have it. Makes no call. */
export function projectOf({ projectId, projectName, region, endpoint }: Target): SweptProject {
  return {
    id: projectId,
    name: projectName ?? null,
    verified: false,
    region: region ?? null,
    endpoint: endpoint.host,
  };
}

export interface Identity {
  project: SweptProject;
  /** Why it is not certain that it is the project that is meant; undefined if it is. */
  doubt?: string | undefined;
}

interface IdentityDeps {
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  /** Epoch ms. */
  deadlineAt: number;
  shared: SharedState;
}

/**
 * Finds out whether the target of a sweep is the project that is meant: IAM has the same name for it as the settings, and no
 * other target of the stage is on it by mistake. What is not known counts like what is wrong.
 *
 * The person who types the id of a project on the command line is its authority. A name that is typed beside it is compared
 * with IAM's.
 *
 * @throws {DliError} if IAM refuses the credential: DLI would refuse it as well, and a few refusals lock a key.
 */
export async function identify(
  { target, credentials, stage }: Pick<Settings, 'target' | 'credentials' | 'stage'>,
  deps: IdentityDeps,
): Promise<Identity> {
  const asWritten = projectOf(target);
  if (stage === undefined && target.projectName === undefined) return { project: asWritten };
  const [answer, clash] = await Promise.all([
    askIam(target, credentials, deps),
    stage && findClash(target, stage, deps.deadlineAt - deps.clock.now()),
  ]);
  if (answer.name === undefined && answer.refusal !== undefined) throw answer.refusal;
  const problems = [
    nameProblem(target, stage?.parameter, answer),
    regionProblem(target, stage?.parameter),
    clash,
  ].filter((one) => one !== undefined);
  const project = answer.name === undefined ? asWritten : { ...asWritten, name: answer.name, verified: true };
  if (problems.length === 0) return { project };
  return {
    project,
    doubt: `it is not certain that this is the project that is meant: ${problems.map(inWords).join('; ')}`,
  };
}

/** IAM's name of the project, or why it is not known. */
export type IamAnswer = { name: string } | UnknownName;

interface UnknownName {
  name?: undefined;
  problem: string;
  /** Set if IAM refuses the credential. */
  refusal?: DliError | undefined;
}

export async function askIam(target: Target, credentials: CredentialSource, deps: IdentityDeps): Promise<IamAnswer> {
  const { projectId } = target;
  const iamEndpoint = iamEndpointOf(target);
  try {
    return { name: await readProjectName(credentials, { ...deps, projectId, iamEndpoint }) };
  } catch (error) {
    // Whatever went wrong, the name is not known.
    const isRefusal = error instanceof DliError && error.kind === 'authentication';
    return { problem: describeError(error), ...(isRefusal && { refusal: error }) };
  }
}

/** The IAM beside DLI; if DLI's address is not one of the cloud's, such as that of a proxy, the region's own. */
export function iamEndpointOf({ endpoint, region }: Pick<Target, 'endpoint' | 'region'>): URL | undefined {
  const beside = iamEndpointBeside(endpoint);
  if (beside !== undefined || region === undefined) return beside;
  return iamEndpointBeside(new URL(defaultEndpoint(region)));
}

/**
 * Says what is wrong with the name of a target's project.
 *
 * @param parameter the parameter of a target of a stage, which must have a name.
 * @returns undefined if IAM says the same, or there is no name and none is needed.
 */
export function nameProblem(
  { projectId, projectName }: Target,
  parameter: string | undefined,
  answer: IamAnswer,
): Problem | undefined {
  if (projectName === undefined) return parameter === undefined ? undefined : missingName(projectId, parameter, answer);
  const where = parameter ?? '--project-name';
  if (answer.name === undefined) {
    return {
      found: `${where}: whether project ${projectId} is ${projectName} is not known, since IAM gave no answer: ${answer.problem}`,
      fix: 'check that IAM can be reached from there; without its answer no sweep is live',
    };
  }
  if (answer.name === projectName) return undefined;
  return {
    found: `${where}: IAM says that project ${projectId} is ${answer.name}, and not ${projectName}`,
    fix: 'correct projectId or projectName, whichever is wrong',
  };
}

/** A report must not name one region and go to another. */
function regionProblem({ region, endpoint }: Target, parameter = '--region'): Problem | undefined {
  const there = regionOf(endpoint);
  if (region === undefined || there === undefined || region === there) return undefined;
  return {
    found: `${parameter}: region is ${region}, and endpoint is in ${there}`,
    fix: 'correct one of them, or leave endpoint out',
  };
}

function missingName(projectId: string, parameter: string, answer: IamAnswer): Problem {
  const missing = `${parameter}: projectName: missing, and a live sweep needs it`;
  return answer.name === undefined
    ? {
        found: `${missing}; IAM gave no name for project ${projectId}: ${answer.problem}`,
        fix: 'put it there; "My Credentials" in the console shows it beside the id',
      }
    : {
        found: `${missing}; IAM says that project ${projectId} is ${answer.name}`,
        fix: `put "projectName": "${answer.name}" there, if that is the project that is meant`,
      };
}

const CLAIMS_TIMEOUT_MS = 30_000;

/** Looks for another target on the same project. A list that cannot be read counts as a clash, since it may hold one. */
export async function findClash(
  { name, projectId }: Pick<Target, 'name' | 'projectId'>,
  { parameter, shared, readClaims }: TargetInStage,
  timeoutMs = CLAIMS_TIMEOUT_MS,
): Promise<Problem | undefined> {
  try {
    const clash = clashOf({ target: name, projectId, shared }, await within(readClaims(), timeoutMs));
    return clash && { ...clash, found: `${parameter}: ${clash.found}` };
  } catch (error) {
    return {
      found: `whether another target is on the same project is not known: ${describeError(error)}`,
      fix: 'grant ssm:GetParametersByPath on the targets of the stage',
    };
  }
}

/** Warns in a dry run of what would hold a live sweep. */
export function identityNotices({ target, stage }: Settings, { isMeantLive }: { isMeantLive: boolean }): string[] {
  if (stage === undefined || target.projectName !== undefined || !isMeantLive) return [];
  const doctor = dliReaper(`doctor --stage ${stage.name} --target ${target.name}`);
  return [`${stage.parameter} has no projectName, so a live sweep would cancel no job; ${doctor} shows the name`];
}
