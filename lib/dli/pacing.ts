import { createPacer, type Pacer, type PacerOptions, type Turn } from '../http/pacer.ts';

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
