import { writeFileSync } from 'node:fs';
import * as v from 'valibot';
import {
  ASSUMPTION_NAMES,
  ASSUMPTION_VALUES,
  type AssumptionName,
  type Assumptions,
} from '../../../emulator/base/assumptions.ts';
import { dliReaper } from '../../../lib/base/command-line.ts';
import { codeOf } from '../../../lib/base/error-words.ts';
import { issueWords } from '../../../lib/base/issue-words.ts';
import { parseJson } from '../../../lib/dli/wire.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';
import { toJson } from '../../screen/json.ts';

export const VERDICTS = ['holds', 'does not', 'could not be told'] as const;

/** The possible ends of the job that a probe submits. */
export const OWN_JOB_ENDS = ['not submitted', 'ended', 'not seen to end', 'unknown'] as const;

const text = v.string('expected a text');
const number = v.number('expected a number');

function findingOf<Name extends AssumptionName>(name: Name) {
  const values = ASSUMPTION_VALUES[name];
  const value = v.picklist<(typeof ASSUMPTION_VALUES)[Name], string>(values, `expected one of ${values.join(', ')}`);
  return v.strictObject({
    verdict: v.picklist(VERDICTS, `expected one of ${VERDICTS.join(', ')}`),
    assumed: value,
    found: v.nullable(value),
    note: v.nullable(text),
  });
}

const findings = Object.fromEntries(ASSUMPTION_NAMES.map((name) => [name, findingOf(name)])) as unknown as {
  [Name in AssumptionName]: ReturnType<typeof findingOf<Name>>;
};

const recording = v.strictObject({
  call: text,
  request: text,
  afterMs: number,
  status: v.nullable(number),
  errorCode: v.nullable(text),
  body: v.unknown(),
});

/** One answer of DLI, without anything that identifies a project. */
export type Recording = v.InferOutput<typeof recording>;

const kind = v.literal('probe', `expected probe, as ${dliReaper('doctor --probe')} writes it`);

/** The fields of the document, apart from its kind. */
export const PROBE_ENTRIES = {
  version: v.literal(1, 'expected 1; probe again with this version of dli-reaper'),
  /** ISO 8601, UTC. */
  date: text,
  /** Version of dli-reaper. */
  reaper: text,
  /** The region in the address of DLI; null for any other address. */
  region: v.nullable(text),
  ownJob: v.picklist(OWN_JOB_ENDS, `expected one of ${OWN_JOB_ENDS.join(', ')}`),
  assumptions: v.strictObject(findings),
  recordings: v.array(recording, 'expected a list'),
};

const probe = v.strictObject({ kind, ...PROBE_ENTRIES });

/** What a probe found out about a DLI. It is safe to publish. */
export type Probe = Omit<v.InferOutput<typeof probe>, 'kind'>;

/** What a probe found out about one question. */
export type AssumptionFinding<Name extends AssumptionName = AssumptionName> = Probe['assumptions'][Name];

/**
 * Writes a probe to a new file that only its owner may read.
 *
 * @throws {SettingsError} that names the file.
 */
export function writeProbe(path: string, document: Probe): void {
  try {
    writeFileSync(path, toJson('probe', document), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new SettingsError(path, `cannot be written (${codeOf(error)})`, { cause: error });
  }
}

/** Reads what {@link writeProbe} wrote. @throws {Error} that names each wrong field and what was expected. */
export function parseProbe(written: string): Probe {
  const document = parseJson(written);
  if (document === undefined) throw new Error(`is not JSON; give a file that ${dliReaper('doctor --probe')} wrote`);
  const result = v.safeParse(probe, document);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => issueWords(issue, { whole: 'expected an object' }));
  throw new Error(
    `${problems.slice(0, 5).join('; ')}; give an unchanged file that ${dliReaper('doctor --probe')} wrote`,
  );
}

/** Returns the answers that the probe found. Questions without a known answer are left out. */
export function assumptionsIn({ assumptions }: Probe): Partial<Assumptions> {
  return Object.fromEntries(
    ASSUMPTION_NAMES.flatMap((name) => (assumptions[name].found === null ? [] : [[name, assumptions[name].found]])),
  );
}
