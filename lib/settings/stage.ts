import * as v from 'valibot';
import { dliReaper } from '../base/command-line.ts';
import { issueWords, keyProblem } from '../base/issue-words.ts';
import { isProjectId, isProjectName } from '../base/job.ts';
import { compareText, parseJsonText, withoutMark } from '../base/text.ts';
import type { CredentialSource, Credentials } from '../dli/credentials.ts';
import { emergencyPolicy } from '../policy/emergency.ts';
import { exemptionsOfBrokenPolicy } from '../policy/exemptions-of-broken-policy.ts';
import { parseExemption, parseFreeze, parsePolicy } from '../policy/parse.ts';
import { PolicyError } from '../policy/policy-error.ts';
import type { Policy } from '../policy/schema.ts';
import type { SweepRequest } from '../request/request.ts';
import { problemOfKey, problemOfName, problemOfPassword } from './credential-text.ts';
import { ParameterValues, parameterNames, parseJson, type ReadParameters, type ReadPath } from './parameter-store.ts';
import { claimsIn } from './project-claims.ts';
import { isSecretReference, isValidReference, REFERENCE_EXAMPLE } from './secret-reference.ts';
import {
  defaultEndpoint,
  type Exceptions,
  parseEndpoint,
  parseIamEndpoint,
  type Settings,
  SettingsError,
  type Target,
} from './settings.ts';
import { parseStop } from './stop-order.ts';
import { isSwitchOn, type SwitchReading } from './switch.ts';

interface SsmReaders {
  stage: string;
  read: ReadParameters;
  readPath: ReadPath;
  /** Reads exemptions and freezes again, right before the first cancel; by default as `readPath`. */
  readAgain?: ReadPath | undefined;
  /** Reads every target of the stage, if they are needed; by default from Parameter Store. */
  readTargets?: (() => Promise<ParameterValues>) | undefined;
  /** The project of which it is known that no other target of the stage is on it by mistake. */
  checkedProjectId?: string | undefined;
  readSwitch: () => Promise<SwitchReading>;
  /** Called with the target before the other settings are read, which may be missing or wrong. */
  onTarget?: ((target: Target) => void) | undefined;
}

/**
 * Reads the settings of a target: first the target, then at once the policy and the credentials that it names, and all
 * exemptions and freezes.
 *
 * @param readSwitch returns undefined as the value if the switch is missing or cannot be read, which means stop.
 * @throws {SettingsError} naming the parameter that is missing, unreadable or invalid.
 */
export async function loadSsmSettings(
  request: Pick<SweepRequest, 'target' | 'emergency'>,
  { stage, read, readPath, readSwitch, ...readers }: SsmReaders,
): Promise<Settings> {
  const names = parameterNames(stage);
  const { readTargets = () => readPath(names.targets), readAgain = readPath, onTarget } = readers;
  const targetName = names.target(request.target);
  const first = await read([targetName]);
  const fields = parseTarget(targetName, first);
  const target = toTarget(request.target, targetName, fields);
  onTarget?.(target);

  const policyName = names.policy(fields.policy);
  const credentialsName = names.credentials(fields.credentials);
  // With exempt jobs included, an exemption or a freeze that cannot be read must not stop the sweep.
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
    ...toExceptions({ exemptions, freezes }, stage),
    readNewExceptions: includesExempt
      ? undefined
      : async () => {
          const [now, freezesNow] = await Promise.all([readAgain(names.exemptions), readAgain(names.freezes)]);
          return toExceptions({ exemptions: changed(now, exemptions), freezes: changed(freezesNow, freezes) }, stage);
        },
    credentials: createCredentialSource(credentialsName, parseCredentials(credentialsName, values), read),
    isSwitchedOn: isSwitchOn(reading),
    stopOrder: parseStop(reading.value),
    stage: {
      name: stage,
      parameter: targetName,
      shared: fields.shared,
      readClaims: async () =>
        fields.projectId === readers.checkedProjectId ? [] : claimsIn(await readTargets(), names.targets),
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

/** @throws {SettingsError} for one that cannot be read. */
const toExceptions = (
  { exemptions, freezes }: Record<'exemptions' | 'freezes', ReadonlyMap<string, string>>,
  stage: string,
): Exceptions => ({
  exemptions: parseEach(exemptions, parseExemption, (id) => `unexempt ${id} --stage ${stage}`),
  freezes: parseEach(freezes, parseFreeze, (id) => `unfreeze ${id} --stage ${stage}`),
});

/** Returns the parameters whose text was not there before. */
const changed = (now: ReadonlyMap<string, string>, before: ReadonlyMap<string, string>): Map<string, string> =>
  new Map([...now].filter(([name, text]) => before.get(name) !== text));

/** Reads both in one call. A secret is read by itself: if that fails, the whole call fails, and its error would name both. */
async function readTogether(read: ReadParameters, policy: string, credentials: string): Promise<ParameterValues> {
  if (!isSecretReference(credentials)) return read([policy, credentials]);
  const [values, secrets] = await Promise.all([read([policy]), read([credentials])]);
  for (const [name, value] of secrets) values.set(name, value);
  return values;
}

/**
 * Reads a target and its credentials, and nothing else.
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

/** A text of a credential. @param problemOf says what is wrong with it, without showing it. */
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

/** Reads the parameter of a target. @throws {SettingsError} if it is missing or invalid. */
export function parseTarget(name: string, values: ReadonlyMap<string, string>): v.InferOutput<typeof targetSchema> {
  return parseWith(targetSchema, name, parseJson(name, values));
}

/** Reads a credential. @throws {SettingsError} that never holds a part of it. */
export function parseCredentials(name: string, values: ReadonlyMap<string, string>): Credentials {
  const document = parseJson(name, values);
  const isPassword = typeof document === 'object' && document !== null && 'password' in document;
  if (!isPassword) return parseWith(accessKeySchema, name, document, credentialIssueWords);
  const fields = parseWith(passwordSchema, name, document, credentialIssueWords);
  return { ...fields, iamEndpoint: parseIamEndpoint(`${name}: iamEndpoint`, fields.iamEndpoint) };
}

const CREDENTIAL_KEYS = [...Object.keys(accessKeySchema.entries), ...Object.keys(passwordSchema.entries)];

/** Does not show an unknown key, since it may be a secret in the wrong place. */
function credentialIssueWords(issue: v.BaseIssue<unknown>): string {
  const isShown = CREDENTIAL_KEYS.includes(v.getDotPath(issue) ?? '') || keyProblem(issue) !== 'unknown key';
  return isShown
    ? documentIssueWords(issue)
    : `holds an unknown key, not shown here; allowed: ${CREDENTIAL_KEYS.join(', ')}`;
}

/** Makes a target from the fields of its parameter. @throws {SettingsError} if its endpoint is not allowed. */
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

/**
 * Returns the policy of a sweep. An emergency keeps only the exemptions and freezes of a policy, which may be invalid, and
 * keeps not even these if it includes exempt jobs.
 */
function policyFor(
  { emergency }: Pick<SweepRequest, 'emergency'>,
  name: string,
  values: ReadonlyMap<string, string>,
): Pick<Settings, 'policy' | 'notices'> {
  if (emergency === undefined) return { policy: parsePolicyParameter(name, values) };
  if (emergency.includeExempt) return { policy: emergencyPolicy(emergency) };
  const { notices, ...kept } = exemptionsOfBrokenPolicy(name, parseJsonIfAny(values.get(name)));
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
 * Reads each exemption or freeze. One that cannot be read stops the sweep, since the jobs that it protects are unknown.
 *
 * @param remedy the command that removes it.
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
      // No job is cancelled while it is there, so the message says how to remove it.
      throw new SettingsError(name, `${error.message}\n  ${dliReaper(remedy(idOf(name)))} removes it`, {
        cause: error,
      });
    }
  });
}

/** Returns the last part of the name of a parameter. */
const idOf = (parameter: string): string => parameter.slice(parameter.lastIndexOf('/') + 1);

/** Returns the credentials that were read with the other settings once, and reads them anew from then on. */
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

function parseJsonIfAny(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseJsonText(withoutMark(text));
  } catch {
    return undefined;
  }
}

const documentIssueWords = (issue: v.BaseIssue<unknown>) => issueWords(issue, { whole: 'expected an object' });

/** Checks a document. Messages name fields and never values, since a document may be a credential. */
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
