/**
 * What no document says, and each client meets some day: every likely answer to each question. The first is the likeliest,
 * and the default. `dli-reaper doctor --probe` asks a real DLI.
 */
export const ASSUMPTION_VALUES = {
  /** A cancel of a SQL job that is FINISHED or FAILED: refused with this code (HTTP 400), or accepted without effect. */
  sqlCancelOfEnded: ['DLI.0007', 'DLI.0001', 'accepted'],
  /** The same for a job that is CANCELLED. */
  sqlCancelOfCancelled: ['DLI.0007', 'DLI.0001', 'accepted'],
  /** A well-formed id of no SQL job or batch: 400 DLI.0002, or 404 DLI.0023. */
  unknownId: ['DLI.0002', 'DLI.0023'],
  /** A job for a queue that is not in the list of queues: taken all the same, or refused (the code moved in 2021). */
  unknownQueue: ['accepted', 'DLI.0002', 'DLI.0008'],
  /** A cancel on a queue without CANCEL_JOB: 400, as the error table says, or 403, as newer pages do. */
  deniedStatus: [400, 403],
  /** The details of a job that neither imports nor exports: its required fields blank, or refused. */
  sqlDetailOfOthers: ['blank', 'DLI.0007'],
  /** A DELETE of a batch that is over: refused and kept, accepted and kept, or accepted and gone from all lists. */
  sparkCancelOfEnded: ['DLI.0007', 'accepted', 'erased'],
  /** Which page's query parameters the list of batches knows; it ignores the others. */
  sparkFilters: ['all', 'otc', 'oas'],
  /** When the request names no order. */
  sparkDefaultOrder: ['CREATE_TIME_DESC', 'CREATE_TIME_ASC'],
  /** What `GET …/state` makes of its word: the documented example is "Success". */
  sparkStateSpelling: ['lower', 'capitalised'],
  /** `appId`: a text today, null in an example, a list in 2021. */
  sparkAppId: ['text', 'null', 'list'],
  /** Whether `job_name` and `name` must be the whole name, or any part of it. */
  nameFilter: ['whole', 'part'],
  /** A stop or a deletion that all jobs take: a verdict for each, one for all as in the examples, or that one unwrapped. */
  flinkVerdicts: ['each', 'one', 'object'],
  /** The HTTP status of verdicts that differ. */
  flinkMixedStatus: [400, 200],
  /** An id of no job in a stop or a run; documented for run only. */
  flinkUnknownInBatch: ['DLI.13007', 'DLI.15002'],
  /** `is_success`: the examples show texts where the tables say Boolean. */
  flinkSuccess: ['text', 'boolean'],
  /** `is_success` and `is_restarting` in the list of queues: likewise. */
  queueFlags: ['text', 'boolean'],
} as const;

export type AssumptionName = keyof typeof ASSUMPTION_VALUES;

/** One answer to each question. */
export type Assumptions = { [Name in AssumptionName]: (typeof ASSUMPTION_VALUES)[Name][number] };

export const ASSUMPTION_NAMES = Object.keys(ASSUMPTION_VALUES) as AssumptionName[];

export const DEFAULT_ASSUMPTIONS: Assumptions = Object.fromEntries(
  Object.entries(ASSUMPTION_VALUES).map(([name, [likeliest]]) => [name, likeliest]),
) as Assumptions;
