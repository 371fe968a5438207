/**
 * Questions that no document answers, with every likely answer. The first answer is the likeliest, and the default.
 * `dli-reaper doctor --probe` asks a real DLI.
 */
export const ASSUMPTION_VALUES = {
  /** Cancel of a SQL job that is FINISHED or FAILED: refused with this code (HTTP 400), or accepted without effect. */
  sqlCancelOfEnded: ['DLI.0007', 'DLI.0001', 'accepted'],
  /** Cancel of a SQL job that is CANCELLED: the same answers. */
  sqlCancelOfCancelled: ['DLI.0007', 'DLI.0001', 'accepted'],
  /** Well-formed id of no SQL job or batch: 400 DLI.0002, or 404 DLI.0023. */
  unknownId: ['DLI.0002', 'DLI.0023'],
  /** Job for a queue that is not in the list of queues: accepted, or refused. The code changed in 2021. */
  unknownQueue: ['accepted', 'DLI.0002', 'DLI.0008'],
  /** Cancel on a queue without CANCEL_JOB: 400 by the error table, 403 by newer pages. */
  deniedStatus: [400, 403],
  /** Details of a job that neither imports nor exports: required fields blank, or refused. */
  sqlDetailOfOthers: ['blank', 'DLI.0007'],
  /** DELETE of a batch that is over: refused, accepted without effect, or accepted and gone from all lists. */
  sparkCancelOfEnded: ['DLI.0007', 'accepted', 'erased'],
  /** Page whose query parameters the list of batches knows. It ignores the others. */
  sparkFilters: ['all', 'otc', 'oas'],
  /** Order of the list of batches if the request names none. */
  sparkDefaultOrder: ['CREATE_TIME_DESC', 'CREATE_TIME_ASC'],
  /** Spelling of the state in `GET …/state`. The documented example has "Success". */
  sparkStateSpelling: ['lower', 'capitalised'],
  /** Form of `appId`: a text today, null in an example, a list in 2021. */
  sparkAppId: ['text', 'null', 'list'],
  /** What `job_name` and `name` match: the whole name, or any part of it. */
  nameFilter: ['whole', 'part'],
  /** Stop or deletion that succeeds for all jobs: a verdict each, one for all (as in the examples), or one without a list. */
  flinkVerdicts: ['each', 'one', 'object'],
  /** HTTP status if the verdicts differ. */
  flinkMixedStatus: [400, 200],
  /** Id of no job in a stop or a run. Only documented for run. */
  flinkUnknownInBatch: ['DLI.13007', 'DLI.15002'],
  /**
   * Status of a job after a stop. Terraform waits for either: `checkFlinkJobStopResult` in
   * resource_huaweicloud_dli_flinksql_job.go.
   */
  flinkStopped: ['job_cancel_success', 'job_init'],
  /**
   * Form of `is_success`: the examples have texts, the tables say Boolean. golangsdk reads texts only (`,string`), and its
   * live acceptance runs in Terraform pass.
   */
  flinkSuccess: ['text', 'boolean'],
  /**
   * Form of `is_success` and `is_restarting` in the list of queues. They are Boolean in an answer that golangsdk captured
   * (openstack/dli/v1/queues/testing/fixtures.go), and both Go SDKs read nothing else. The documented example has texts.
   */
  queueFlags: ['boolean', 'text'],
  /** Result of a SQL job that has none, or none yet: refused with this code (HTTP 400). DLI.0100 is "result expired". */
  sqlResultOfOthers: ['DLI.0007', 'DLI.0100'],
  /** Deletion of a queue with live jobs, which "cannot be deleted": refused with this code (HTTP 400). */
  busyQueue: ['DLI.0007', 'DLI.0009'],
} as const;

export type AssumptionName = keyof typeof ASSUMPTION_VALUES;

/** One answer to each question. */
export type Assumptions = { [Name in AssumptionName]: (typeof ASSUMPTION_VALUES)[Name][number] };

export const ASSUMPTION_NAMES = Object.keys(ASSUMPTION_VALUES) as AssumptionName[];

/**
 * Reads one answer, which may be the text of it.
 *
 * @throws {Error} for an unknown question or answer; it names those that there are.
 */
export function parseAssumption(name: string, answer: unknown): Partial<Assumptions> {
  const question = ASSUMPTION_NAMES.find((one) => one === name);
  if (question === undefined) throw new Error(`${name}: unknown question; there are ${ASSUMPTION_NAMES.join(', ')}`);
  const answers: readonly (string | number)[] = ASSUMPTION_VALUES[question];
  const known = answers.find((one) => one === answer || String(one) === answer);
  if (known === undefined) throw new Error(`${name}: expected one of ${answers.join(', ')}`);
  return { [question]: known };
}

export const DEFAULT_ASSUMPTIONS: Assumptions = Object.fromEntries(
  Object.entries(ASSUMPTION_VALUES).map(([name, [likeliest]]) => [name, likeliest]),
) as Assumptions;
