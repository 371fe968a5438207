import type { Engine } from '../job.ts';
import type { Policy } from './schema.ts';

/** The engines whose jobs a policy is about. */
export function enginesOf({ rules }: Policy): Engine[] {
  return [...new Set(rules.flatMap(({ engines }) => engines))];
}

/** The youngest start, epoch ms exclusive, that any rule for the engine could call overdue: younger jobs need not be listed. */
export function youngestOverdueStart({ rules }: Policy, engine: Engine, now: number): number {
  const limits = rules.filter(({ engines }) => engines.includes(engine)).flatMap((rule) => rule.limits);
  return now - Math.min(...limits.map(({ limitMs }) => limitMs));
}
