import { createPacer, type Pacer, type PacerOptions, type Turn } from '../http/pacer.ts';
import type { RateHint } from '../http/rate-law.ts';

/** What a call is for. */
export type Priority = (typeof ORDER)[number];

/** Cancels come first: they free what is being paid for. Then what finds more of them, then what only proves. */
const ORDER = ['cancel', 'list', 'status'] as const;

export type DliPacer = Pacer<Priority>;

export type DliTurn = Turn<Priority>;

/** A pacer for calls of DLI. */
export function createDliPacer({ clock, maxConcurrent }: Omit<PacerOptions<Priority>, 'order'>): DliPacer {
  return createPacer({ clock, maxConcurrent, order: ORDER });
}

/**
 * Reads the limit that the gateway names in a refusal: `…policy user over ratelimit,limit:60,time:1 minute`. It is only a
 * hint: the text is not documented to stay, and without it the pacer measures.
 */
export function parseRateHint(text: string): RateHint | undefined {
  const match = /limit:\s*(\d{1,7}),\s*time:\s*(\d{1,4})\s*(second|minute)/.exec(text);
  if (!match) return undefined;
  const calls = Number(match[1]);
  const windowMs = Number(match[2]) * (match[3] === 'minute' ? 60_000 : 1_000);
  return calls > 0 && windowMs > 0 && windowMs <= MAX_WINDOW_MS ? { calls, windowMs } : undefined;
}

/** A quota for hours or days is no pace: spaced over a day, a sweep would make a handful of calls. */
const MAX_WINDOW_MS = 60_000;
