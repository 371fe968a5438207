import type { Assumptions } from '../base/assumptions.ts';
import { stageAt } from '../base/life.ts';
import { type EmulatedBatch, isBatchOver } from './jobs.ts';

/** Returns the session object that all answers have. Only the list adds `duration` to it. */
export function toSession(batch: EmulatedBatch, now: number, assumptions: Assumptions): Record<string, unknown> {
  const { from: updatedAt, state } = stageAt(batch.life, now);
  const appId = state === 'starting' ? '' : `batch-session-${batch.id}:31309`;
  const session: Record<string, unknown> = {
    id: batch.id,
    state: batch.shownState ?? state,
    appId: { text: appId, null: null, list: [appId] }[assumptions.sparkAppId],
    name: batch.name,
    owner: batch.owner,
    proxyUser: batch.proxyUser ?? '',
    kind: '',
    log: ['stdout: ', 'stderr: ', 'YARN Diagnostics: '],
    sc_type: batch.scType ?? 'A',
    cluster_name: batch.queue,
    queue: batch.queue,
    create_time: batch.life[0].from,
    update_time: updatedAt,
    req_body: JSON.stringify(batch.request ?? {}),
    ...(batch.image !== undefined && { image: batch.image }),
  };
  for (const field of batch.hiddenFields ?? []) delete session[field];
  return session;
}

/** Returns the time since a batch first ran, in ms; 0 before that. */
export function durationOf({ life }: EmulatedBatch, now: number): number {
  const ranFrom = life.find(({ state }) => state === 'running')?.from ?? Infinity;
  const { from, state } = stageAt(life, now);
  return Math.max((isBatchOver(state) ? from : now) - ranFrom, 0);
}
