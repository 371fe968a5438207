import { describe, expect, it } from 'vitest';
import { dryRunReasons } from '../../../lib/sweep/clearance.ts';

describe('dryRunReasons', () => {
  it.each([
    { policy: 'live', target: 'live', requestsDryRun: false, reasons: [] },
    { policy: 'live', target: 'live', requestsDryRun: true, reasons: ['request'] },
    { policy: 'live', target: 'dry-run', requestsDryRun: false, reasons: ['target'] },
    { policy: 'live', target: 'dry-run', requestsDryRun: true, reasons: ['target', 'request'] },
    { policy: 'live', target: undefined, requestsDryRun: false, reasons: [] },
    { policy: 'live', target: undefined, requestsDryRun: true, reasons: ['request'] },
    { policy: 'dry-run', target: 'live', requestsDryRun: false, reasons: ['policy'] },
    { policy: 'dry-run', target: 'live', requestsDryRun: true, reasons: ['policy', 'request'] },
    { policy: 'dry-run', target: 'dry-run', requestsDryRun: false, reasons: ['policy', 'target'] },
    { policy: 'dry-run', target: 'dry-run', requestsDryRun: true, reasons: ['policy', 'target', 'request'] },
    { policy: 'dry-run', target: undefined, requestsDryRun: false, reasons: ['policy'] },
    { policy: 'dry-run', target: undefined, requestsDryRun: true, reasons: ['policy', 'request'] },
  ] as const)(
    'with policy $policy, target $target and a request for a dry run $requestsDryRun, $reasons object',
    ({ reasons, ...mode }) => {
      expect(dryRunReasons(mode)).toEqual(reasons);
    },
  );
});
