import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseDocument } from 'yaml';

const require = createRequire(import.meta.url);

/** Reads YAML, and ignores tags of CloudFormation such as `!Ref`. */
function readYaml(path: string): unknown {
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  return parseDocument(text, { logLevel: 'silent' }).toJS();
}

type ResolveVariable = (name: string) => Promise<unknown>;

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

const DEFAULTS = (readYaml('serverless.yml') as { params: { default: Record<string, string | number | boolean> } })
  .params.default;

/** The resources of a part of the template, evaluated as the Serverless Framework does, for the stage `dev`. */
export async function resourcesOf(
  part: 'alarms' | 'dashboard' | 'queries',
  params: Record<string, string> = {},
): Promise<Record<string, Resource>> {
  return ((await evaluate(part, params)) as { Resources: Record<string, Resource> }).Resources;
}

/** The values that deploy/options.cjs makes of the params. @throws {Error} for a stage or a param that it refuses. */
export async function optionsOf(params: Record<string, string> = {}, stage = 'dev'): Promise<Record<string, unknown>> {
  return (await evaluate('options', params, stage)) as Record<string, unknown>;
}

function evaluate(part: string, params: Record<string, string>, stage = 'dev'): Promise<unknown> {
  const make = require(`../../deploy/${part}.cjs`) as (options: {
    resolveVariable: ResolveVariable;
  }) => Promise<object>;
  return make({ resolveVariable: (name) => resolve(name, params, stage) });
}

async function resolve(name: string, params: Record<string, string>, stage: string): Promise<unknown> {
  if (name === 'self:provider.stage') return stage;
  if (name === 'self:service') return 'dli-job-reaper';
  if (name === 'file(./deploy/options.cjs)') return await evaluate('options', params, stage);
  const [, file] = /^file\(\.\/(.+\.yml)\)$/.exec(name) ?? [];
  if (file !== undefined) return readYaml(file);
  const [, param = ''] = /^param:(\w+)$/.exec(name) ?? [];
  const value = params[param] ?? DEFAULTS[param];
  if (value === undefined) throw new Error(`${name}: no such variable`);
  return typeof value !== 'string'
    ? value
    : value.replace(/\$\{param:(\w+)\}/g, (_, inner: string) => String(params[inner] ?? DEFAULTS[inner]));
}
