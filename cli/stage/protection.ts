import { lintSelector } from '../../lib/policy/lint.ts';
import { PolicyError } from '../../lib/policy/policy-error.ts';
import type { Exemption, Freeze } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { confirm } from '../screen/confirm.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { assertJobId } from '../source/flag-values.ts';
import { openStage, type Stage, type StageFlags } from '../source/open-stage.ts';
import { MAX_STANDARD_BYTES } from '../source/parameter-store.ts';

type Kind = 'exemption' | 'freeze';

/** Flags that exemptions and freezes share. */
export interface ProtectionFlags extends StageFlags {
  reason: string;
  /** A day, a time, or a duration from now. */
  from?: string;
  jobId?: string[];
  queue?: string[];
  owner?: string[];
  tag?: string[];
  replace?: boolean;
}

/** An exemption or a freeze to write. */
export interface Protection {
  id: string;
  /** The fields of the policy schema. */
  document: object;
  match: Freeze['match'] | Exemption['match'];
  /** When it applies, as the end of a sentence. */
  when: string;
}

/** Returns the selectors of the flags. @throws {SettingsError} for an id that no job can have. */
export function matchOf({ jobId, queue, owner, tag }: ProtectionFlags): object {
  for (const one of jobId ?? []) assertJobId('--job-id', one);
  const match = { jobId, queue, owner, tag };
  return Object.fromEntries(Object.entries(match).filter(([, values]) => values !== undefined));
}

/** Parses a document by the policy schema. @throws {SettingsError} that names what is wrong. */
export function checked<T>(kind: Kind, parse: (document: unknown) => T, document: unknown): T {
  try {
    return parse(document);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new SettingsError(kind, error.message, { cause: error });
  }
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();

const pathOf = ({ names }: Stage, kind: Kind): string => (kind === 'exemption' ? names.exemptions : names.freezes);

/** Writes an exemption or a freeze to the stage. @returns the exit code. @throws {SettingsError} */
export async function writeProtection(
  kind: Kind,
  { id, document, match, when }: Protection,
  { stage: stageName, json, replace = false }: ProtectionFlags,
  terminal: Terminal,
): Promise<number> {
  const stage = openStage(stageName);
  const { store } = stage;
  const name = `${pathOf(stage, kind)}${id}`;
  const value = JSON.stringify(document);
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_STANDARD_BYTES) {
    throw new SettingsError(kind, `${bytes} bytes as JSON; a parameter holds ${MAX_STANDARD_BYTES}: split it in two`);
  }
  await stage.assertExists();
  if (!replace && (await store.get(name)) !== undefined) {
    throw new SettingsError(name, 'already exists; --replace overwrites it');
  }
  const version = await store.put(name, value, { overwrite: replace });
  for (const { keys, message } of lintSelector(match)) {
    terminal.err(`dli-reaper: warning: --${keys[0]} ${cleanText(message)}\n`);
  }
  terminal.out(
    json
      ? toJson(kind, { stage: stageName, [kind]: document, parameter: name, version })
      : `${name} holds for all targets of ${stageName}${when}.\n`,
  );
  return 0;
}

/** Removes an exemption or a freeze, once its id is typed. @returns the exit code. @throws {SettingsError} */
export async function removeProtection(kind: Kind, id: string, flags: StageFlags, terminal: Terminal): Promise<number> {
  const stage = openStage(flags.stage);
  const path = pathOf(stage, kind);
  const name = `${path}${id}`;
  const before = await stage.store.get(name);
  if (before === undefined) {
    const held = [...(await stage.readPath(path)).keys()].map((one) => one.slice(path.length)).sort();
    const others = held.length === 0 ? 'is none' : `are ${held.join(', ')}`;
    throw new SettingsError(name, `no such parameter; there ${others}`);
  }
  const isConfirmed = await confirm({ name: id, what: `remove this ${kind}`, given: flags.confirm }, terminal);
  if (!isConfirmed) return EXIT_CONFIGURATION;
  await stage.store.remove(name);
  terminal.out(
    flags.json
      ? toJson(kind, { stage: flags.stage, [kind]: null, parameter: name, version: before.version })
      : `${name} is removed; the next sweep may cancel the jobs that it protected.\n`,
  );
  return 0;
}
