import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Environment that keeps Node's compiled code between processes, so that each starts in half the time. */
export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), 'dli-reaper-compile-cache') };
