/**
 * The meaning of an error answer. The code decides it and not the HTTP status: DLI sends server trouble, missing
 * permission and missing objects all as 400. A row here is a row of the vendor's tables ("Status Codes" and "Error Codes"
 * of the DLI API reference; "Error Codes" of API Gateway), and the tests hold the same rows again.
 */
export type ErrorKind =
  /** The service or the network is in trouble; the same call may succeed later. */
  | 'transient'
  /** The gateway refused the call for too many calls. */
  | 'throttled'
  /** The credential is wrong, expired or locked. Never repeated blindly: five failures lock the key for everyone who uses it. */
  | 'authentication'
  | 'permission'
  /** The job, queue or other object does not exist. */
  | 'not-found'
  /** Wrong host, path, project or protocol: a human has to change a setting. */
  | 'configuration'
  /** DLI understood and declined; repeating will not help. */
  | 'rejected';

const DLI_CODES: Record<ErrorKind, readonly string[]> = {
  // Seen under 400 and under 500. DLI.0999 is also "backend too old or queue busy".
  transient: ['0012', '0019', '0999'],
  throttled: [],
  // 0015 is "Token info for token is null", documented under 400 and under 401.
  authentication: ['0013', '0014', '0015'],
  permission: ['0003', '0016'],
  'not-found': ['0002', '0023', '13007', '16001', '17001'],
  configuration: [],
  rejected: [
    '0001',
    '0004',
    '0005',
    '0006',
    '0007',
    '0008',
    '0009',
    '0011',
    '0018',
    '0100',
    '1028',
    '11032',
    '13005',
    '13017',
    '14001',
    '15002',
    '18005',
    '18006',
    '19005',
    '23001',
  ],
};

const GATEWAY_CODES: Record<ErrorKind, readonly string[]> = {
  transient: [
    '0202',
    '0203',
    '0601',
    '0605',
    '0606',
    '0608',
    '0609',
    '0610',
    '0611',
    '0612',
    '0613',
    '0615',
    '0616',
    '0617',
    '0705',
  ],
  throttled: ['0308'],
  authentication: ['0301', '0303', '0305', '0307', '0311', '0312', '0313', '0314'],
  permission: ['0302', '0304', '0306', '0401', '0402', '0404', '0405', '0501', '0502', '0802'],
  'not-found': [],
  // 0101 is "API not found": with DLI's fixed paths that is a wrong host or a wrong version, never a missing job.
  configuration: ['0101', '0106', '0204', '0205', '0310'],
  rejected: ['0602', '0607'],
};

const KIND_BY_CODE = new Map(
  [
    { prefix: 'DLI', codes: DLI_CODES },
    { prefix: 'APIG', codes: GATEWAY_CODES },
  ].flatMap(({ prefix, codes }) =>
    Object.entries(codes).flatMap(([kind, numbers]) =>
      numbers.map((number): [string, ErrorKind] => [`${prefix}.${number}`, kind as ErrorKind]),
    ),
  ),
);

/**
 * Returns what an error answer means.
 *
 * @param status HTTP status; it decides only if the code does not.
 * @param code `DLI.xxxx`, `APIG.xxxx` or `APIGW.xxxx`; undefined if the body holds none.
 * @param isJson whether the body is JSON. The services always send JSON; IAM's policy denials have no code in it.
 */
export function classify(status: number, code: string | undefined, isJson = true): ErrorKind {
  // The shared gateway in front of cloud services numbers its codes alike under another prefix.
  const byCode = code === undefined ? undefined : KIND_BY_CODE.get(code.replace(/^APIGW\./, 'APIG.'));
  // Every 401 counts towards the lock, whatever its code: it is never repeated as it was.
  if (status === 401 && (byCode === 'transient' || byCode === 'throttled')) return 'authentication';
  if (byCode !== undefined) return byCode;

  if (status === 429) return 'throttled';
  if (status === 408 || status >= 500) return 'transient';
  if (status === 401) return 'authentication';
  if (status === 403 && isJson) return 'permission';
  // Without a code of DLI, a proxy, another service or a login page answered, so it says nothing about the job.
  const isForeign = status === 403 || status === 404 || status === 405 || status === 407;
  if (isForeign || (status >= 300 && status < 400)) return 'configuration';
  return 'rejected';
}

/**
 * Whether the gateway may have passed the call on although no answer came back.
 *
 * @see dli 504 "backend timeout": a DELETE may have been executed.
 */
export function mayHaveBeenExecuted(status: number): boolean {
  return status === 408 || status >= 500;
}
