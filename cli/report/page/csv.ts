import type { PageCase } from '../packed.ts';

const FIELDS = [
  'result',
  'reason',
  'jobId',
  'name',
  'engine',
  'jobType',
  'queue',
  'owner',
  'stage',
  'target',
  'rule',
  'clock',
  'limitMs',
  'readingMs',
  'resultAt',
  'firstAt',
  'lastAt',
  'sweeps',
  'status',
  'evidence',
  'endedBy',
  'repeats',
  'cus',
  'error',
  'sweepId',
  'trigger',
  'recordedBy',
] as const satisfies readonly (keyof PageCase)[];

/** Fields that can name a person. */
const PEOPLE: readonly string[] = ['owner', 'recordedBy'];

const INSTANTS: readonly string[] = ['resultAt', 'firstAt', 'lastAt'];

/** The cases as CSV (RFC 4180). What is not known is empty; instants are ISO 8601 in UTC. */
export function csvOf(cases: readonly PageCase[], ownersHidden: boolean): string {
  const fields = FIELDS.filter((field) => !ownersHidden || !PEOPLE.includes(field));
  const rows = cases.map((one) =>
    fields.map((field) => {
      const value = one[field];
      return cell(value !== null && INSTANTS.includes(field) ? new Date(value).toISOString() : String(value ?? ''));
    }),
  );
  return [fields, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

/** A spreadsheet takes a text that begins like this for a formula, and would run it. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
