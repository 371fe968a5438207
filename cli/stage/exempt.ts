import { lintSelector } from '../../lib/policy/lint.ts';
import { PolicyError, parseExemption, parseFreeze } from '../../lib/policy/parse.ts';
import type { Exemption, Freeze } from '../../lib/policy/schema.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { confirm } from '../screen/confirm.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';
import { instantText } from '../source/flag-values.ts';
import { assertJobId } from '../source/job-id.ts';
import { openStage, type Stage, type StageFlags } from '../source/open-stage.ts';
import { MAX_STANDARD_BYTES } from '../source/parameter-store.ts';

interface ProtectionFlags extends StageFlags {
  reason: string;
  /** A day, a time, or how long from now. */
  from?: string;
  jobId?: string[];
  queue?: string[];
  owner?: string[];
  tag?: string[];
  replace?: boolean;
}

export interface ExemptFlags extends ProtectionFlags {
  contact: string;
  until: string;
}

export interface FreezeFlags extends ProtectionFlags {
  until?: string;
  /** Every job. */
  all?: boolean;
  days?: number[];
  months?: number[];
  timeZone?: string;
}

/** Writes one exemption, as the policy's own schema wants it. @returns the exit code. @throws {SettingsError} */
export async function runExempt(id: string, flags: ExemptFlags, terminal: Terminal, now: number): Promise<number> {
  const document = {
    id,
    reason: flags.reason,
    owner: flags.contact,
    ...(flags.from !== undefined && { from: instantText(flags.from, now) }),
    until: instantText(flags.until, now),
    match: matchOf(flags),
  };
  const { match, from, until } = checked('exemption', parseExemption, document);
  if (until <= now) throw new SettingsError('--until', 'is over already; such an exemption protects nothing');
  const begins = from === undefined || from <= now ? '' : ` from ${timeOf(from)}`;
  const when = `${begins} until ${timeOf(until)}${begins === '' ? ', from the next sweep on' : ''}`;
  return write('exemption', { id, document, match, when }, flags, terminal);
}

/** Writes one freeze, likewise. @returns the exit code. @throws {SettingsError} */
export async function runFreeze(id: string, flags: FreezeFlags, terminal: Terminal, now: number): Promise<number> {
  const { from, until, days, months, timeZone, all = false } = flags;
  const selectors = matchOf(flags);
  if (all && Object.keys(selectors).length > 0) {
    throw new SettingsError('--all', 'means every job; leave it out, or --job-id, --queue, --owner and --tag');
  }
  if (!all && Object.keys(selectors).length === 0) {
    throw new SettingsError('--queue', 'missing; say which jobs by --job-id, --queue, --owner or --tag, or --all');
  }
  const isRecurring = days !== undefined || months !== undefined || timeZone !== undefined;
  const document = {
    id,
    reason: flags.reason,
    match: all ? 'all' : selectors,
    ...(from !== undefined && { from: instantText(from, now) }),
    ...(until !== undefined && { until: instantText(until, now) }),
    ...(isRecurring && {
      recurring: {
        ...(days !== undefined && { days }),
        ...(months !== undefined && { months }),
        ...(timeZone !== undefined && { timeZone }),
      },
    }),
  };
  const freeze = checked('freeze', parseFreeze, document);
  if (freeze.until !== undefined && freeze.until <= now) {
    throw new SettingsError('--until', 'is over already; such a freeze holds nothing');
  }
  const [start, end] = spanOf(freeze, now);
  const when =
    start <= now ? ` until ${timeOf(end)}, from the next sweep on` : ` from ${timeOf(start)} until ${timeOf(end)}`;
  const again = freeze.recurring === undefined ? '' : ', and then again and again';
  return write('freeze', { id, document, match: freeze.match, when: when + again }, flags, terminal);
}

/** When it holds first, from now on. */
function spanOf({ from = 0, until = 0, recurring }: Freeze, now: number): [number, number] {
  if (recurring === undefined) return [from, until];
  const start = recurring.holdsAt(now) ? now : recurring.nextAfter(now);
  return [start, recurring.endOf(start)];
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

/** Takes it away, and its jobs may be cancelled again. @returns the exit code. @throws {SettingsError} */
export const runUnexempt = (id: string, flags: StageFlags, terminal: Terminal): Promise<number> =>
  remove('exemption', id, flags, terminal);

/** Likewise. @returns the exit code. @throws {SettingsError} */
export const runUnfreeze = (id: string, flags: StageFlags, terminal: Terminal): Promise<number> =>
  remove('freeze', id, flags, terminal);

type Kind = 'exemption' | 'freeze';

const pathOf = ({ names }: Stage, kind: Kind): string => (kind === 'exemption' ? names.exemptions : names.freezes);

function matchOf({ jobId, queue, owner, tag }: ProtectionFlags): object {
  for (const one of jobId ?? []) assertJobId('--job-id', one);
  const match = { jobId, queue, owner, tag };
  return Object.fromEntries(Object.entries(match).filter(([, values]) => values !== undefined));
}

async function write(
  kind: Kind,
  {
    id,
    document,
    match,
    when,
  }: { id: string; document: object; match: Freeze['match'] | Exemption['match']; when: string },
  { stage: stageName, json, replace = false }: ProtectionFlags,
  terminal: Terminal,
): Promise<number> {
  const stage = openStage(stageName);
  const { store } = stage;
  const name = `${pathOf(stage, kind)}${id}`;
  const value = JSON.stringify(document);
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_STANDARD_BYTES) {
    throw new SettingsError(kind, `${bytes} bytes as JSON; a parameter holds ${MAX_STANDARD_BYTES}: make two of it`);
  }
  await stage.assertExists();
  if (!replace && (await store.get(name)) !== undefined) {
    throw new SettingsError(name, 'is there already; --replace overwrites it');
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

async function remove(kind: Kind, id: string, flags: StageFlags, terminal: Terminal): Promise<number> {
  const stage = openStage(flags.stage);
  const path = pathOf(stage, kind);
  const name = `${path}${id}`;
  const before = await stage.store.get(name);
  if (before === undefined) {
    const held = [...(await stage.readPath(path)).keys()].map((one) => one.slice(path.length)).sort();
    throw new SettingsError(
      name,
      `no such parameter; there ${held.length === 0 ? 'is none' : `are ${held.join(', ')}`}`,
    );
  }
  if (!(await confirm({ name: id, what: `take away this ${kind}`, given: flags.confirm }, terminal)))
    return EXIT_CONFIGURATION;
  await stage.store.remove(name);
  terminal.out(
    flags.json
      ? toJson(kind, { stage: flags.stage, [kind]: null, parameter: name, version: before.version })
      : `${name} is gone; what it protected may be cancelled from the next sweep on.\n`,
  );
  return 0;
}

function checked<T>(kind: Kind, parse: (document: unknown) => T, document: unknown): T {
  try {
    return parse(document);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new SettingsError(kind, error.message, { cause: error });
  }
}
