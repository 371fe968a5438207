import { GetParametersCommand, type Parameter, paginateGetParametersByPath, type SSMClient } from '@aws-sdk/client-ssm';
import * as v from 'valibot';
import { dliReaper } from '../command-line.ts';
import { compareText } from '../compare-text.ts';
import type { CredentialSource, Credentials } from '../dli/auth.ts';
import { emergencyPolicy } from '../emergency.ts';
import { nameOf } from '../error-words.ts';
import { agentOptionsFor } from '../http/proxy.ts';
import { issueWords, keyProblem } from '../issue-words.ts';
import { isProjectId, isProjectName } from '../job.ts';
import { PolicyError, parseExemption, parseFreeze, parsePolicy } from '../policy/parse.ts';
import { salvageExemptions } from '../policy/salvage.ts';
import type { Policy } from '../policy/schema.ts';
import type { SweepRequest } from '../request.ts';
import { isOverdue, parseStop } from '../stop-order.ts';
import { parseJsonText, TextError, withoutMark } from '../text.ts';
import { problemOfKey, problemOfName, problemOfPassword } from './credential-text.ts';
import { environment } from './environment.ts';
import { claimsIn } from './project-claims.ts';
import { readProxy } from './proxy.ts';
import { isSecretReference, isValidReference, REFERENCE_EXAMPLE } from './secret-reference.ts';
import {
  defaultEndpoint,
  parseEndpoint,
  parseIamEndpoint,
  type Settings,
  SettingsError,
  type Target,
} from './settings.ts';

/** Values by name. */
export class ParameterValues extends Map<string, string> {
  /** By the same names. */
  readonly versions = new Map<string, number>();

  add({ Name, Value, Version }: Parameter): void {
    if (Name === undefined) return;
    this.set(Name, Value ?? '');
    // A secret of Secrets Manager has none, which Parameter Store tells as 0.
    if (Version) this.versions.set(Name, Version);
  }

  versionOf(name: string): number | null {
    return this.versions.get(name) ?? null;
  }
}

/**
 * Those that exist.
 *
 * @throws {SettingsError} if Parameter Store cannot be asked.
 */
export type ReadParameters = (names: readonly string[]) => Promise<ParameterValues>;

/**
 * Every parameter below a path that ends in a slash.
 *
 * @throws {SettingsError} if Parameter Store cannot be asked.
 */
export type ReadPath = (path: string) => Promise<ParameterValues>;

/** The switch as it was read; null as its version if it is not there or could not be read. */
export interface SwitchReading {
  value: unknown;
  version: number | null;
}

export const AWS_CLIENT_OPTIONS = {
  maxAttempts: 3,
  /** Made for each client, since a proxy that cannot be used is told by the verb that needs it. @throws {SettingsError} */
  get requestHandler() {
    return {
      // A hung Parameter Store or queue must not hang us: without these the SDK waits for ever. Three attempts, with the
      // pauses between them, end within 15 seconds.
      connectionTimeout: 2_000,
      requestTimeout: 4_500,
      throwOnRequestTimeout: true,
      // Credentials come in the answers, so NODE_TLS_REJECT_UNAUTHORIZED is not obeyed here either.
      httpsAgent: { ...agentOptionsFor(readProxy(environment)), rejectUnauthorized: true },
    };
  },
};

export function createParameterReader(client: SSMClient): ReadParameters {
  return async (names) => {
    try {
      const { Parameters = [] } = await client.send(
        new GetParametersCommand({ Names: [...names], WithDecryption: true }),
      );
      const [name, ...others] = names;
      // A secret of Secrets Manager may come by its own name, without the path.
      const isSecret = name !== undefined && others.length === 0 && isSecretReference(name);
      return collect(isSecret ? Parameters.map((one) => ({ ...one, Name: name })) : Parameters);
    } catch (error) {
      const what = nameOf(error);
      throw new SettingsError(names.join(', '), `cannot be read from Parameter Store (${what})`, { cause: error });
    }
  };
}

/**
 * Up to ten parameters come with each answer.
 *
 * @param WithDecryption false for a caller that may not: a SecureString then comes as it is stored, which is no JSON.
 */
export function createPathReader(client: SSMClient, { WithDecryption = true } = {}): ReadPath {
  return async (path) => {
    try {
      const parameters: Parameter[] = [];
      const pages = paginateGetParametersByPath({ client }, { Path: path, Recursive: true, WithDecryption });
      for await (const { Parameters = [] } of pages) parameters.push(...Parameters);
      return collect(parameters);
    } catch (error) {
      const what = nameOf(error);
      throw new SettingsError(path, `cannot be read from Parameter Store (${what})`, { cause: error });
    }
  };
}

function collect(parameters: readonly Parameter[]): ParameterValues {
  const values = new ParameterValues();
  for (const parameter of parameters) values.add(parameter);
  return values;
}

/** @returns undefined, and no version, for a switch that is not there. @throws {SettingsError} if it cannot be read. */
export async function readSwitchFrom(read: ReadParameters, stage: string): Promise<SwitchReading> {
  const name = parameterNames(stage).switch;
  const values = await read([name]);
  return { value: values.get(name), version: values.versionOf(name) };
}

/** Only this one word lets a job be cancelled. */
export const isSwitchOn = ({ value }: Pick<SwitchReading, 'value'>): boolean => value === 'run';

/**
 * Anything else stops as well, but only this says that somebody wants it so, and that its time is not over.
 *
 * @param now epoch ms.
 */
export function isSetToStop({ value }: Pick<SwitchReading, 'value'>, now: number): boolean {
  const order = parseStop(value);
  return order !== undefined && !isOverdue(order, now);
}

/** All parameters of a stage live under one prefix; IAM grants refer to it. */
export const parameterNames = (stage: string) => ({
  switch: `/dli-reaper/${stage}/switch`,
  targets: `/dli-reaper/${stage}/targets/`,
  target: (name: string) => `/dli-reaper/${stage}/targets/${name}`,
  policy: (name: string) => `/dli-reaper/${stage}/policies/${name}`,
  /** A secret of Secrets Manager has the name by which Parameter Store passes it on. */
  credentials: (name: string) => (isSecretReference(name) ? name : `/dli-reaper/${stage}/credentials/${name}`),
  /** Each exemption is a parameter of its own below this, so that a team can be allowed to write its own. */
  exemptions: `/dli-reaper/${stage}/exemptions/`,
  /** Likewise. */
  freezes: `/dli-reaper/${stage}/freezes/`,
});

/** @see serverless.yml, name of the function */
export const functionName = (stage: string, name: 'sweep' | 'dispatch') => `dli-job-reaper-${stage}-${name}`;

/** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const LONGEST_FUNCTION_NAME = 64;
const LONGEST_STAGE = LONGEST_FUNCTION_NAME - functionName('', 'dispatch').length;

/** @throws {SettingsError} for a stage that no deploy takes; deploy/options.cjs has the same, and a test compares them. */
export function assertStage(stage: string | undefined): asserts stage is string {
  const isName = stage !== undefined && /^[A-Za-z0-9][A-Za-z0-9-]*$/.test(stage);
  if (isName && stage.length <= LONGEST_STAGE) return;
  const form = `at most ${LONGEST_STAGE} letters, digits and hyphens, and no hyphen first, such as dev`;
  throw new SettingsError('stage', `expected ${form}`);
}

interface SsmReaders {
  stage: string;
  read: ReadParameters;
  readPath: ReadPath;
  /** Every target of the stage; by default they are read when they are asked for. */
  readTargets?: (() => Promise<ParameterValues>) | undefined;
  readSwitch: () => Promise<SwitchReading>;
  /** Called once the target has been read, before the rest, which may be missing or wrong. */
  onTarget?: ((target: Target) => void) | undefined;
}

/**
 * A target, and then the policy and the credentials it names and all exemptions and freezes, side by side.
 *
 * @param readSwitch a value of undefined if it is missing or unreadable, which means stop.
 * @throws {SettingsError} naming the parameter that is missing, unreadable or invalid.
 */
export async function loadSsmSettings(
  request: Pick<SweepRequest, 'target' | 'emergency'>,
  { stage, read, readPath, readSwitch, ...readers }: SsmReaders,
): Promise<Settings> {
  const names = parameterNames(stage);
  const { readTargets = () => readPath(names.targets), onTarget } = readers;
  const targetName = names.target(request.target);
  const first = await read([targetName]);
  const fields = parseTarget(targetName, first);
  const target = toTarget(request.target, targetName, fields);
  onTarget?.(target);

  const policyName = names.policy(fields.policy);
  const credentialsName = names.credentials(fields.credentials);
  // Whoever takes exempt jobs too is not held up by an exemption or a freeze that cannot be read.
  const includesExempt = request.emergency?.includeExempt === true;
  const [values, exemptions, freezes, reading] = await Promise.all([
    readTogether(read, policyName, credentialsName),
    includesExempt ? new ParameterValues() : readPath(names.exemptions),
    includesExempt ? new ParameterValues() : readPath(names.freezes),
    readSwitch(),
  ]);

  return {
    target,
    ...policyFor(request, policyName, values),
    exemptions: parseEach(exemptions, parseExemption, (id) => `unexempt ${id} --stage ${stage}`),
    freezes: parseEach(freezes, parseFreeze, (id) => `unfreeze ${id} --stage ${stage}`),
    credentials: createCredentialSource(credentialsName, parseCredentials(credentialsName, values), read),
    isSwitchedOn: isSwitchOn(reading),
    stopOrder: parseStop(reading.value),
    stage: {
      name: stage,
      parameter: targetName,
      shared: fields.shared,
      readClaims: async () => claimsIn(await readTargets(), names.targets),
    },
    parameterVersions: {
      switch: reading.version,
      target: first.versionOf(targetName),
      policy: values.versionOf(policyName),
      credentials: values.versionOf(credentialsName),
      exemptions: versionsIn(exemptions),
      freezes: versionsIn(freezes),
    },
    documents: {
      target: first.get(targetName) ?? '',
      policy: values.get(policyName) ?? '',
      ...Object.fromEntries([...exemptions, ...freezes]),
    },
  };
}

/** In one call; but a secret that is not there, or may not be read, fails its whole call, and would be told of both. */
async function readTogether(read: ReadParameters, policy: string, credentials: string): Promise<ParameterValues> {
  if (!isSecretReference(credentials)) return read([policy, credentials]);
  const [values, secrets] = await Promise.all([read([policy]), read([credentials])]);
  for (const [name, value] of secrets) values.set(name, value);
  return values;
}

/**
 * A target and its key alone.
 *
 * @throws {SettingsError} naming the parameter that is missing, unreadable or invalid.
 */
export async function loadSsmTarget(
  target: string,
  { stage, read }: Pick<SsmReaders, 'stage' | 'read'>,
): Promise<Pick<Settings, 'target' | 'credentials'>> {
  const names = parameterNames(stage);
  const targetName = names.target(target);
  const fields = parseTarget(targetName, await read([targetName]));
  const credentialsName = names.credentials(fields.credentials);
  const credentials = parseCredentials(credentialsName, await read([credentialsName]));
  return {
    target: toTarget(target, targetName, fields),
    credentials: createCredentialSource(credentialsName, credentials, read),
  };
}

const versionsIn = ({ versions }: ParameterValues) =>
  Object.fromEntries([...versions].sort(([a], [b]) => compareText(a, b)));

const PARAMETER_PART = /^[A-Za-z0-9_.-]+$/;

const parameterPart = v.pipe(
  v.string('expected a name'),
  v.regex(PARAMETER_PART, 'expected letters, digits and _ . -'),
);

const credentialsPart = v.pipe(
  v.string('expected a name'),
  v.check(
    (name) => PARAMETER_PART.test(name) || isValidReference(name),
    `expected letters, digits and _ . -, or a secret such as ${REFERENCE_EXAMPLE}`,
  ),
);

const targetSchema = v.strictObject({
  region: parameterPart,
  projectId: v.pipe(v.string('expected an id'), v.check(isProjectId, 'expected up to 64 letters and digits')),
  projectName: v.optional(
    v.pipe(
      v.string('expected a name'),
      v.check(isProjectName, 'expected up to 64 characters, such as eu-west-101_lake'),
    ),
  ),
  shared: v.optional(v.boolean('expected true or false'), false),
  endpoint: v.optional(v.string('expected a URL')),
  policy: parameterPart,
  mode: v.optional(v.picklist(['dry-run', 'live'], 'expected dry-run or live'), 'dry-run'),
  credentials: credentialsPart,
});

/** A text of a credential. @param problemOf what is wrong with it, in words that do not show it. */
const credentialText = (problemOf: (text: string) => string | undefined) =>
  v.pipe(
    v.string('expected a text'),
    v.check(
      (text) => problemOf(text) === undefined,
      ({ input }) => problemOf(input) ?? '',
    ),
  );

const filled = (problemOf: (text: string) => string | undefined) =>
  v.pipe(v.string('expected a text'), v.nonEmpty('is empty'), credentialText(problemOf));

const accessKeySchema = v.strictObject({
  accessKeyId: filled(problemOfKey),
  secretAccessKey: filled(problemOfKey),
  securityToken: v.optional(
    v.pipe(
      credentialText(problemOfKey),
      v.transform((text) => text || undefined),
    ),
  ),
});

const passwordSchema = v.strictObject({
  userName: filled(problemOfName),
  password: filled(problemOfPassword),
  domainName: filled(problemOfName),
  iamEndpoint: filled(problemOfName),
});

export function parseTarget(name: string, values: ReadonlyMap<string, string>): v.InferOutput<typeof targetSchema> {
  return parseWith(targetSchema, name, parseJson(name, values));
}

function parseCredentials(name: string, values: ReadonlyMap<string, string>): Credentials {
  const document = parseJson(name, values);
  const isPassword = typeof document === 'object' && document !== null && 'password' in document;
  if (!isPassword) return parseWith(accessKeySchema, name, document, credentialIssueWords);
  const fields = parseWith(passwordSchema, name, document, credentialIssueWords);
  return { ...fields, iamEndpoint: parseIamEndpoint(`${name}: iamEndpoint`, fields.iamEndpoint) };
}

const CREDENTIAL_KEYS = [...Object.keys(accessKeySchema.entries), ...Object.keys(passwordSchema.entries)];

/** An unknown key may be a secret in the place of a key, so it is not shown. */
function credentialIssueWords(issue: v.BaseIssue<unknown>): string {
  const isShown = CREDENTIAL_KEYS.includes(v.getDotPath(issue) ?? '') || keyProblem(issue) !== 'unknown key';
  return isShown
    ? documentIssueWords(issue)
    : `holds an unknown key, not shown here; allowed: ${CREDENTIAL_KEYS.join(', ')}`;
}

export function toTarget(
  name: string,
  parameter: string,
  { region, endpoint, projectId, projectName, mode }: v.InferOutput<typeof targetSchema>,
): Target {
  return {
    name,
    region,
    projectId,
    projectName,
    mode,
    endpoint: parseEndpoint(`${parameter}: endpoint`, endpoint ?? defaultEndpoint(region)),
  };
}

/** An emergency does not need the policy to be valid, but for its exemptions and freezes; and not even these if it includes exempt jobs. */
function policyFor(
  { emergency }: Pick<SweepRequest, 'emergency'>,
  name: string,
  values: ReadonlyMap<string, string>,
): Pick<Settings, 'policy' | 'notices'> {
  if (emergency === undefined) return { policy: parsePolicyParameter(name, values) };
  if (emergency.includeExempt) return { policy: emergencyPolicy(emergency) };
  const { notices, ...kept } = salvageExemptions(name, parseJsonIfAny(values.get(name)));
  return { policy: emergencyPolicy(emergency, kept), notices };
}

function parsePolicyParameter(name: string, values: ReadonlyMap<string, string>): Policy {
  try {
    return parsePolicy(parseJson(name, values));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new SettingsError(name, error.message, { cause: error });
  }
}

/**
 * One that cannot be read stops the sweep: what it would have protected is unknown.
 *
 * @param remedy the line that takes it away.
 */
function parseEach<T>(
  values: ReadonlyMap<string, string>,
  parse: (document: unknown) => T,
  remedy: (id: string) => string,
): T[] {
  return [...values.keys()].sort().map((name) => {
    try {
      return parse(parseJson(name, values));
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      // No job is cancelled while it stands, so the way out is told as well.
      throw new SettingsError(name, `${error.message}\n  ${dliReaper(remedy(idOf(name)))} takes it away`, {
        cause: error,
      });
    }
  });
}

/** The last part of the name of its parameter. */
const idOf = (parameter: string): string => parameter.slice(parameter.lastIndexOf('/') + 1);

/** Gives out what was read with the other settings first, and reads anew from then on. */
function createCredentialSource(name: string, first: Credentials, read: ReadParameters): CredentialSource {
  let unused: Credentials | undefined = first;
  return {
    name,
    known: () => first,
    read: async () => {
      const credentials = unused ?? parseCredentials(name, await read([name]));
      unused = undefined;
      return credentials;
    },
  };
}

function parseJson(name: string, values: ReadonlyMap<string, string>): unknown {
  const text = values.get(name);
  if (text === undefined) {
    const what = isSecretReference(name) ? 'secret in Secrets Manager' : 'parameter';
    throw new SettingsError(name, `no such ${what}; create it, or correct the name`);
  }
  try {
    return parseJsonText(withoutMark(text));
  } catch (error) {
    if (error instanceof TextError) throw new SettingsError(name, error.message);
    // The parser's own message quotes the text, and the text may be a secret.
    throw new SettingsError(name, 'not JSON; parameters hold JSON only');
  }
}

function parseJsonIfAny(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseJsonText(withoutMark(text));
  } catch {
    return undefined;
  }
}

const documentIssueWords = (issue: v.BaseIssue<unknown>) => issueWords(issue, { whole: 'expected an object' });

/** Messages name fields and never values: one of the documents is a credential. */
function parseWith<T extends v.GenericSchema>(
  schema: T,
  name: string,
  document: unknown,
  inWords = documentIssueWords,
): v.InferOutput<T> {
  const result = v.safeParse(schema, document);
  if (result.success) return result.output;
  throw new SettingsError(name, result.issues.map(inWords).join('; '));
}
