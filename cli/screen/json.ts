import { jsonOf } from '../../lib/base/json-text.ts';

/** The kinds of JSON documents; docs/report.schema.json describes each. */
export type DocumentKind =
  | 'sweep'
  | 'sweeps'
  | 'why'
  | 'was-reaped'
  | 'status'
  | 'report'
  | 'switch'
  | 'exemption'
  | 'freeze'
  | 'policy'
  | 'policy-diff'
  | 'validation'
  | 'policy-test'
  | 'replay'
  | 'backtest'
  | 'suggestion'
  | 'snapshot'
  | 'jobs'
  | 'doctor'
  | 'notices'
  | 'notice-test'
  | 'announcement'
  | 'drill'
  | 'probe'
  | 'init'
  | 'error';

/** Formats the one document that a verb prints with --json. Its `kind` says which document it is. */
export function toJson(kind: DocumentKind, document: object): string {
  return `${jsonOf({ kind, ...document }, 2)}\n`;
}
