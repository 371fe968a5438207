import { parseDuration } from '../lib/duration.ts';
import { lintSelector } from '../lib/policy/lint.ts';
import { PolicyError, parseExemption } from '../lib/policy/parse.ts';
import { SettingsError } from '../lib/settings/settings.ts';
import { assertJobId } from './arguments.ts';
import { cleanText } from './clean-text.ts';
import { confirm } from './confirm.ts';
import { EXIT_CONFIGURATION } from './exit-code.ts';
import { toJson } from './json.ts';
import { MAX_STANDARD_BYTES } from './parameter-store.ts';
import { openStage, type StageFlags } from './stage.ts';
import type { Terminal } from './terminal.ts';

export interface ExemptFlags extends StageFlags {
  reason: string;
  contact: string;
  /** A day, a time, or how long from now. */
  until: string;
  jobId?: string[];
  queue?: string[];
  owner?: string[];
  tag?: string[];
  replace?: boolean;
}

/** Writes one exemption, as the policy's own schema wants it. @returns the exit code. @throws {SettingsError} */
export async function runExempt(id: string, flags: ExemptFlags, terminal: Terminal, now: number): Promise<number> {
  const { stage, reason, contact, jobId, queue, owner, tag, json, replace = false } = flags;
  const { names, store, assertExists } = openStage(stage);
  for (const one of jobId ?? []) assertJobId('--job-id', one);
  const match = { jobId, queue, owner, tag };
  const document = {
    ...{ id, reason, owner: contact, until: untilText(flags.until, now) },
    match: Object.fromEntries(Object.entries(match).filter(([, values]) => values !== undefined)),
  };
  const { until, match: selector } = checked(document);
  if (until <= now) throw new SettingsError('--until', 'is over already; such an exemption protects nothing');

  const name = `${names.exemptions}${id}`;
  const value = JSON.stringify(document);
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_STANDARD_BYTES) {
    throw new SettingsError(
      'exemption',
      `${bytes} bytes as JSON; a parameter holds ${MAX_STANDARD_BYTES}: make two of it`,
    );
  }
  await assertExists();
  if (!replace && (await store.get(name)) !== undefined) {
    throw new SettingsError(name, 'is there already; --replace overwrites it');
  }
  const version = await store.put(name, value, { overwrite: replace });
  for (const { keys, message } of lintSelector(selector)) {
    terminal.err(`dli-reaper: warning: --${keys[0]} ${cleanText(message)}\n`);
  }
  terminal.out(
    json
      ? toJson('exemption', { stage, exemption: document, parameter: name, version })
      : `${name} holds for all targets of ${stage} until ${new Date(until).toISOString()}, from the next sweep on.\n`,
  );
  return 0;
}

/** Takes it away, and its jobs may be cancelled again. @returns the exit code. @throws {SettingsError} */
export async function runUnexempt(id: string, flags: StageFlags, terminal: Terminal): Promise<number> {
  const { names, store, readPath } = openStage(flags.stage);
  const name = `${names.exemptions}${id}`;
  const before = await store.get(name);
  if (before === undefined) {
    const held = [...(await readPath(names.exemptions)).keys()].map((one) => one.slice(names.exemptions.length)).sort();
    throw new SettingsError(
      name,
      `no such parameter; there ${held.length === 0 ? 'is none' : `are ${held.join(', ')}`}`,
    );
  }
  if (!(await confirm({ name: id, what: 'take away this exemption', given: flags.confirm }, terminal)))
    return EXIT_CONFIGURATION;
  await store.remove(name);
  terminal.out(
    flags.json
      ? toJson('exemption', { stage: flags.stage, exemption: null, parameter: name, version: before.version })
      : `${name} is gone; what it protected may be cancelled from the next sweep on.\n`,
  );
  return 0;
}

/** `7d` is a week from now; anything else is left to the schema. */
function untilText(text: string, now: number): string {
  try {
    return new Date(now + parseDuration(text)).toISOString();
  } catch {
    return text;
  }
}

function checked(document: unknown) {
  try {
    return parseExemption(document);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new SettingsError('exemption', error.message, { cause: error });
  }
}
