import { basename } from 'node:path/posix';

/*
 * Makes one CloudFormation template of two that the Serverless Framework packaged: the full and the small profile of a stage with a
 * stand-in for its name. What is left to the person who deploys it becomes a parameter of the template.
 */

/** Takes the place of what a parameter gives. None of the two is part of any other text of the template. */
export const STAND_INS = { stage: 'stage-of-the-release', alarmTopic: 'arn:aws:sns:eu-central-1:000000000000:alarms' };

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

interface Resource extends JsonObject {
  Type: string;
  Properties: JsonObject;
}

export interface Template extends JsonObject {
  Resources: { [name: string]: Resource };
  Outputs: JsonObject;
}

/** The form of deploy/options.cjs. */
const STAGE_PATTERN = '^(?!rehearsal$)[A-Za-z0-9][A-Za-z0-9-]{0,39}$';
const DURATION_PATTERN = String.raw`^(?=\d)(\d{1,6}w)?(\d{1,6}d)?(\d{1,6}h)?(\d{1,6}m)?(\d{1,6}s)?$`;
const TOPIC_PATTERN = String.raw`^(arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?)?$`;
const KEY_PATTERN = String.raw`^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]{1,128})?$`;
const PAGE_PATTERN = String.raw`^(https://[^\s<>"]{1,500})?$`;
/** 100,000 at most. A text, since it becomes an environment variable. */
const KILLS_PATTERN = String.raw`^(\d{1,5}|100000)$`;

/** What the framework adds for its own deploys: a bucket for the code, and a version of each function. */
const OF_THE_FRAMEWORK = ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy', 'AWS::Lambda::Version'];

/** @throws {Error} if a part has a form that no parameter can be put into. */
export function plainTemplate(full: Template, small: Template, description: string): JsonObject {
  const kept = [full, small].map(withoutFramework);
  const [{ Resources, Outputs }, { Resources: smallResources }] = kept as [Template, Template];
  for (const [name, resource] of Object.entries(smallResources)) {
    Resources[name] = Resources[name]
      ? (either(Resources[name], resource) as Resource)
      : { ...resource, Condition: 'IsSmall' };
  }
  for (const [name, resource] of Object.entries(Resources)) {
    if (smallResources[name] === undefined) Resources[name] = { ...resource, Condition: 'IsFull' };
  }
  const own = ownParameters(Resources);
  const used = orKept(Resources);
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: description,
    Parameters: {
      Stage: {
        Type: 'String',
        Description:
          'Letters, digits and hyphens, such as prod. All settings are in Parameter Store below /dli-reaper/{stage}/.',
        AllowedPattern: STAGE_PATTERN,
      },
      Profile: {
        Type: 'String',
        Description: 'small is for one target: three alarms and no dashboard.',
        Default: 'full',
        AllowedValues: ['full', 'small'],
      },
      AlarmTopic: {
        Type: 'String',
        Description: 'ARN of an SNS topic to which every alarm sends; none if empty.',
        Default: '',
        AllowedPattern: TOPIC_PATTERN,
      },
      KeptKey: {
        Type: 'String',
        Description:
          'ARN of the key that a deleted stack of this stage left behind. The stack then makes neither key nor log groups, and uses those.',
        Default: '',
        AllowedPattern: KEY_PATTERN,
      },
      ...own,
    },
    Conditions: {
      IsSmall: { 'Fn::Equals': [{ Ref: 'Profile' }, 'small'] },
      IsFull: { 'Fn::Not': [{ Condition: 'IsSmall' }] },
      MakesRecord: { 'Fn::Equals': [{ Ref: 'KeptKey' }, ''] },
      HasAlarmTopic: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AlarmTopic' }, ''] }] },
    },
    Resources: withReferences(used),
    // CloudFormation refuses a section without a member.
    ...(Object.keys(Outputs).length > 0 && { Outputs: withReferences(Outputs) }),
  };
}

function withoutFramework({ Resources, Outputs }: Template): Template {
  const isOurs = ([, { Type }]: [string, Resource]) => !OF_THE_FRAMEWORK.includes(Type);
  const ours = Object.fromEntries(Object.entries(Resources).filter(isOurs));
  for (const { Type, Properties } of Object.values(ours)) {
    // `aws cloudformation package` uploads the file, and writes the place of it here.
    if (Type === 'AWS::Lambda::Function') Properties.Code = basename((Properties.Code as { S3Key: string }).S3Key);
  }
  const isKept = ([, output]: [string, Json]) =>
    [...JSON.stringify(output).matchAll(/"Ref":"(\w+)"/g)].every(([, name = '']) => name in ours);
  return { Resources: ours, Outputs: Object.fromEntries(Object.entries(Outputs ?? {}).filter(isKept)) };
}

/** Returns a value that is the one in the full profile, and the other in the small one. */
function either(full: Json, small: Json): Json {
  if (JSON.stringify(full) === JSON.stringify(small)) return full;
  if (isObject(full) && isObject(small) && Object.keys(full).join() === Object.keys(small).join()) {
    return Object.fromEntries(Object.entries(full).map(([key, value]) => [key, either(value, small[key] ?? null)]));
  }
  return { 'Fn::If': ['IsSmall', small, full] };
}

/** Puts parameters in the place of values that nothing else in the template depends on. @returns their definitions. */
function ownParameters(resources: Template['Resources']): JsonObject {
  const parameters: JsonObject = {};
  const replace = (holder: JsonObject, key: string, name: string, definition: JsonObject) => {
    parameters[name] = { ...definition, Default: holder[key] ?? '' };
    holder[key] = { Ref: name };
  };
  for (const { Type, Properties } of Object.values(resources)) {
    if (Type === 'AWS::Logs::LogGroup') replace(Properties, 'RetentionInDays', 'LogRetentionDays', { Type: 'Number' });
    if (Type === 'AWS::Lambda::EventSourceMapping') {
      const form = { Type: 'Number', MinValue: 2, MaxValue: 1_000 };
      replace(Properties.ScalingConfig as JsonObject, 'MaximumConcurrency', 'MaxConcurrency', form);
    }
    if (Type !== 'AWS::Lambda::Function') continue;
    const { Variables } = Properties.Environment as { Variables: Record<string, string> };
    for (const [name, value] of Object.entries(Variables)) {
      if (name === 'OWNERS_PAGE')
        replace(Variables, name, 'OwnersPage', { Type: 'String', AllowedPattern: PAGE_PATTERN });
      if (name.startsWith('REAPER_')) replace(Variables, name, inPascalCase(name.slice(7)), formOf(value));
    }
  }
  return parameters;
}

/** The form of a ceiling, by its default. */
function formOf(text: string): JsonObject {
  if (/^\d+$/.test(text)) return { Type: 'String', AllowedPattern: KILLS_PATTERN };
  if (text === 'true' || text === 'false') return { Type: 'String', AllowedValues: ['true', 'false'] };
  return { Type: 'String', AllowedPattern: DURATION_PATTERN };
}

const inPascalCase = (name: string): string =>
  name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** What a deleted stack leaves behind: the record, and the key of the stored credentials with its alias. */
const KEPT = ['AWS::Logs::LogGroup', 'AWS::KMS::Key', 'AWS::KMS::Alias'];

/**
 * Lets a stack use what an earlier one of the stage left behind, since CloudFormation cannot create a second one of the same name.
 *
 * @throws {Error} if a part that is kept has a condition of its own.
 */
function orKept(resources: Template['Resources']): JsonObject {
  const kept = Object.entries(resources).filter(([, { Type }]) => KEPT.includes(Type));
  for (const [name, resource] of kept) {
    if (resource.Condition !== undefined) throw new Error(`${name}: is kept, and has a condition`);
    resource.Condition = 'MakesRecord';
  }
  const nameOf = (name: string) => resources[name]?.Properties.LogGroupName as string;
  const isGroup = (name: unknown) => resources[String(name)]?.Type === 'AWS::Logs::LogGroup';
  // A function cannot depend on what may not be made. The reference makes the same order.
  for (const resource of Object.values(resources)) {
    const [group] = [resource.DependsOn ?? []].flat().filter(isGroup);
    if (group === undefined) continue;
    const { LoggingConfig = {} } = resource.Properties;
    resource.Properties.LoggingConfig = { ...(LoggingConfig as JsonObject), LogGroup: { Ref: group } };
    resource.DependsOn = [resource.DependsOn ?? []].flat().filter((name) => name !== group);
  }
  const groups = Object.keys(resources).filter(isGroup);
  const used = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(used);
    if (!isObject(value)) return value;
    const { Ref, 'Fn::GetAtt': got, 'Fn::Sub': text } = value;
    if (typeof text === 'string') {
      return { 'Fn::Sub': groups.reduce((all, name) => all.replaceAll(`$\{${name}}`, nameOf(name)), text) };
    }
    if (typeof Ref === 'string' && isGroup(Ref)) return { 'Fn::If': ['MakesRecord', value, nameOf(Ref)] };
    if (!Array.isArray(got)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, used(inner)]));
    const [name] = got as string[];
    if (resources[String(name)]?.Type === 'AWS::KMS::Key')
      return { 'Fn::If': ['MakesRecord', value, { Ref: 'KeptKey' }] };
    if (!isGroup(name)) return value;
    const arn = `arn:$\{AWS::Partition}:logs:$\{AWS::Region}:$\{AWS::AccountId}:log-group:${nameOf(String(name))}:*`;
    return { 'Fn::If': ['MakesRecord', value, { 'Fn::Sub': arn }] };
  };
  return used(resources) as JsonObject;
}

/** Puts references in the place of the stand-ins. */
function withReferences(value: Json): Json {
  if (typeof value === 'string') {
    if (!value.includes(STAND_INS.stage)) return value;
    return value === STAND_INS.stage ? { Ref: 'Stage' } : { 'Fn::Sub': withStage(value.replaceAll('${', '${!')) };
  }
  if (Array.isArray(value)) {
    if (value.length !== 1 || value[0] !== STAND_INS.alarmTopic) return value.map(withReferences);
    return { 'Fn::If': ['HasAlarmTopic', [{ Ref: 'AlarmTopic' }], { Ref: 'AWS::NoValue' }] };
  }
  if (!isObject(value)) return value;
  if (typeof value['Fn::Sub'] === 'string') return { 'Fn::Sub': withStage(value['Fn::Sub']) };
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key.includes(STAND_INS.stage)) throw new Error(`${key}: a key cannot hold the stage`);
      return [key, withReferences(inner)];
    }),
  );
}

const withStage = (text: string): string => text.replaceAll(STAND_INS.stage, `$\{Stage}`);

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
