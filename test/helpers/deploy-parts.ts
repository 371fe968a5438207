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

interface Template {
  Resources: Record<string, Resource>;
}

interface FunctionPart {
  memorySize: number;
}

const SERVICE = readYaml('serverless.yml') as {
  params: { default: Record<string, string | number | boolean> };
  functions: Record<string, FunctionPart>;
  resources: string[];
};
const DEFAULTS = SERVICE.params.default;

/** The resources of a part of the template, evaluated as the Serverless Framework does, for the stage `dev`. */
export async function resourcesOf(
  part: 'alarms' | 'dashboard' | 'queries',
  params: Record<string, string> = {},
): Promise<Record<string, Resource>> {
  return ((await evaluate(part, params)) as { Resources: Record<string, Resource> }).Resources;
}

/** All resources that the files of deploy/ make, without those that the Serverless Framework adds. */
export async function templateOf(params: Record<string, string> = {}): Promise<Record<string, Resource>> {
  const fixed = [...SERVICE.resources.join(' ').matchAll(/file\(\.\/(deploy\/\w+\.yml)\)/g)].map(
    ([, path = '']) => (readYaml(path) as Template).Resources,
  );
  const { resources } = (await optionsOf(params)) as { resources: Template };
  const made = await Promise.all(
    (['alarms', 'dashboard', 'queries'] as const).map((part) => resourcesOf(part, params)),
  );
  return Object.assign({}, ...fixed, resources.Resources, ...made) as Record<string, Resource>;
}

/** The memory of each function that is deployed, in MB. */
export async function functionsOf(params: Record<string, string> = {}): Promise<Record<string, number>> {
  const { notifyFunction } = await optionsOf(params);
  const all = { ...SERVICE.functions, notify: notifyFunction as FunctionPart | null };
  return Object.fromEntries(Object.entries(all).map(([name, part]) => [name, part?.memorySize ?? 0]));
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
