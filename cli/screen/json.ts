import { jsonOf } from '../../lib/base/json-text.ts';

/** What documents there are; docs/report.schema.json describes each. */
export type DocumentKind =
  | 'sweep'
  | 'sweeps'
  | 'explanation'
  | 'status'
  | 'switch'
  | 'exemption'
  | 'freeze'
  | 'policy'
  | 'policy-diff'
  | 'validation'
  | 'replay'
  | 'snapshot'
  | 'doctor'
  | 'probe'
  | 'init';

/** Every verb that reports prints one such document with --json, and says in `kind` which it is. */
export function toJson(kind: DocumentKind, document: object): string {
  return `${jsonOf({ kind, ...document }, 2)}\n`;
}
