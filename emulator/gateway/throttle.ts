import { type Answer, gatewayError } from '../base/answer.ts';

/** How many calls the gateway lets through. DLI publishes no numbers; its sibling services allow 60 a minute per user. */
export interface RateLimit {
  /** Number of calls that become available in each window, spread evenly over it. */
  calls: number;
  windowMs: number;
  /** Number of calls that can be made at once. Default: `calls`. */
  burst?: number;
  /** Whether the refusal names the limit. Default: true. */
  isNamed?: boolean;
  /** Seconds in a Retry-After header. Default: no header, as in the gateway's own list of headers. */
  retryAfterS?: number;
}

/** @returns the refusal; undefined if the call may pass. */
export type Throttle = (user: string, requestId: string) => Answer | undefined;

/** Keeps a token bucket for each user. */
export function createThrottle(limitAt: (now: number) => RateLimit | undefined, now: () => number): Throttle {
  const buckets = new Map<string, { tokens: number; filledAt: number }>();

  return function refuse(user, requestId) {
    const at = now();
    const limit = limitAt(at);
    if (limit === undefined) return undefined;
    const capacity = limit.burst ?? limit.calls;
    const bucket = buckets.get(user) ?? { tokens: capacity, filledAt: at };
    buckets.set(user, bucket);
    bucket.tokens = Math.min(capacity, bucket.tokens + ((at - bucket.filledAt) / limit.windowMs) * limit.calls);
    bucket.filledAt = at;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return undefined;
    }
    const named = limit.isNamed === false ? '' : `: policy user over ratelimit,limit:${limit.calls},${window(limit)}`;
    return {
      ...gatewayError(429, 'APIG.0308', `The throttling threshold has been reached${named}`, requestId),
      ...(limit.retryAfterS !== undefined && { headers: { 'retry-after': String(limit.retryAfterS) } }),
    };
  };
}

function window({ windowMs }: RateLimit): string {
  return windowMs % 60_000 === 0 ? `time:${windowMs / 60_000} minute` : `time:${windowMs / 1_000} second`;
}
