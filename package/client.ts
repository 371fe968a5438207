export { type Clock, systemClock } from '../lib/base/clock.ts';
export type { Job } from '../lib/base/job.ts';
export {
  createDliClient,
  createDliReader,
  type DliClient,
  type DliClientOptions,
  type DliReader,
} from '../lib/dli/client.ts';
export { DliError } from '../lib/dli/errors.ts';
export type { CancelResult } from '../lib/dli/order.ts';
