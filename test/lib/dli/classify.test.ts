import { describe, expect, it } from 'vitest';
import { classify, type ErrorKind, mayHaveBeenExecuted } from '../../../lib/dli/classify.ts';

type Row = [status: number, code: string, kind: ErrorKind];

/** "Error Codes" of the DLI API reference, row by row; Flink's from the pages of its calls. */
const DLI: Row[] = [
  [400, '0001', 'rejected'],
  [400, '0002', 'not-found'],
  [404, '0002', 'not-found'],
  [400, '0003', 'permission'],
  [403, '0003', 'permission'],
  [400, '0004', 'rejected'],
  [400, '0005', 'rejected'],
  [400, '0006', 'rejected'],
  [400, '0007', 'rejected'],
  [400, '0008', 'rejected'],
  [400, '0009', 'rejected'],
  [400, '0011', 'rejected'],
  [400, '0012', 'transient'],
  [401, '0013', 'authentication'],
  [401, '0014', 'authentication'],
  [400, '0015', 'authentication'],
  [401, '0015', 'authentication'],
  [400, '0016', 'permission'],
  [400, '0018', 'rejected'],
  [400, '0019', 'transient'],
  [404, '0023', 'not-found'],
  [400, '0023', 'not-found'],
  [400, '0100', 'rejected'],
  [400, '0999', 'transient'],
  [500, '0999', 'transient'],
  [400, '1028', 'rejected'],
  [400, '11032', 'rejected'],
  [400, '13005', 'rejected'],
  [400, '13007', 'not-found'],
  [400, '13017', 'rejected'],
  [400, '14001', 'rejected'],
  [400, '15002', 'rejected'],
  [400, '16001', 'not-found'],
  [400, '17001', 'not-found'],
  [400, '18005', 'rejected'],
  [400, '18006', 'rejected'],
  [400, '19005', 'rejected'],
  [400, '23001', 'rejected'],
];

/** "Error Codes" of API Gateway, row by row. One code may stand under several statuses. */
const GATEWAY: Row[] = [
  [404, '0101', 'configuration'],
  [500, '0103', 'transient'],
  [500, '0104', 'transient'],
  [500, '0105', 'transient'],
  [400, '0106', 'configuration'],
  [500, '0107', 'transient'],
  [400, '0201', 'rejected'],
  [413, '0201', 'rejected'],
  [414, '0201', 'rejected'],
  [494, '0201', 'rejected'],
  [500, '0201', 'transient'],
  [502, '0201', 'transient'],
  [504, '0201', 'transient'],
  [502, '0202', 'transient'],
  [504, '0203', 'transient'],
  [400, '0204', 'configuration'],
  [400, '0205', 'configuration'],
  [401, '0301', 'authentication'],
  [403, '0302', 'permission'],
  [401, '0303', 'authentication'],
  [403, '0304', 'permission'],
  [401, '0305', 'authentication'],
  [403, '0306', 'permission'],
  [401, '0307', 'authentication'],
  [429, '0308', 'throttled'],
  [403, '0310', 'configuration'],
  [401, '0311', 'authentication'],
  [401, '0312', 'authentication'],
  [401, '0313', 'authentication'],
  [401, '0314', 'authentication'],
  [403, '0311', 'authentication'],
  [403, '0312', 'authentication'],
  [403, '0313', 'authentication'],
  [403, '0314', 'authentication'],
  [403, '0401', 'permission'],
  [403, '0402', 'permission'],
  [403, '0404', 'permission'],
  [403, '0405', 'permission'],
  [405, '0501', 'permission'],
  [405, '0502', 'permission'],
  [500, '0601', 'transient'],
  [400, '0602', 'rejected'],
  [500, '0605', 'transient'],
  [500, '0606', 'transient'],
  [400, '0607', 'rejected'],
  [500, '0608', 'transient'],
  [500, '0609', 'transient'],
  [502, '0610', 'transient'],
  [500, '0611', 'transient'],
  [500, '0612', 'transient'],
  [503, '0613', 'transient'],
  [500, '0615', 'transient'],
  [500, '0616', 'transient'],
  [500, '0617', 'transient'],
  [500, '0705', 'transient'],
  [403, '0802', 'permission'],
];

const BARE: [status: number, kind: ErrorKind][] = [
  [200, 'rejected'],
  [301, 'configuration'],
  [302, 'configuration'],
  [307, 'configuration'],
  [400, 'rejected'],
  [401, 'authentication'],
  [403, 'permission'],
  [404, 'configuration'],
  [405, 'configuration'],
  [408, 'transient'],
  [409, 'rejected'],
  [413, 'rejected'],
  [414, 'rejected'],
  [429, 'throttled'],
  [500, 'transient'],
  [502, 'transient'],
  [503, 'transient'],
  [504, 'transient'],
  [599, 'transient'],
];

describe('classify', () => {
  it.each(DLI)('takes %i DLI.%s for %s', (status, number, kind) => {
    expect(classify(status, `DLI.${number}`)).toBe(kind);
  });

  it.each(GATEWAY)('takes %i APIG.%s for %s, and APIGW alike', (status, number, kind) => {
    expect(classify(status, `APIG.${number}`)).toBe(kind);
    expect(classify(status, `APIGW.${number}`)).toBe(kind);
  });

  it('goes by the code and not by the status, for every code that means one thing', () => {
    const byStatus = ['0103', '0104', '0105', '0107', '0201'];
    for (const [, number, kind] of GATEWAY.filter(([, one]) => !byStatus.includes(one))) {
      expect([number, classify(418, `APIG.${number}`)]).toEqual([number, kind]);
    }
    for (const [, number, kind] of DLI) expect([number, classify(418, `DLI.${number}`)]).toEqual([number, kind]);
  });

  it.each(['DLI.0999', 'DLI.0012', 'DLI.0019', 'APIG.0308', 'APIGW.0613'])(
    'takes a 401 for a refused credential although %s would be worth repeating: five of them lock the key',
    (code) => {
      expect(classify(401, code)).toBe('authentication');
    },
  );

  it.each(BARE)('takes %i without a code, or with one it does not know, for %s', (status, kind) => {
    expect(classify(status, undefined)).toBe(kind);
    expect(classify(status, 'DLI.9999')).toBe(kind);
    expect(classify(status, 'IAM.0001')).toBe(kind);
  });

  it.each(['dli.0999', 'DLI.999', 'DLI.00999', 'XDLI.0999', 'DLI.0999 ', 'DLIW.0999', 'constructor'])(
    'does not take %j for a code that it resembles',
    (code) => {
      expect(classify(400, code)).toBe('rejected');
    },
  );
});

describe('mayHaveBeenExecuted', () => {
  it.each([
    [200, false],
    [302, false],
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [429, false],
    [500, true],
    [502, true],
    [503, true],
    [504, true],
  ])('after %i: %s', (status, may) => {
    expect(mayHaveBeenExecuted(status)).toBe(may);
  });
});
