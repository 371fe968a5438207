import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/error-words.ts';
import { TimeoutError } from '../../http/errors.ts';
import { within } from '../../http/timeout.ts';
import { type Exceptions, type Settings, SettingsError } from '../../settings/settings.ts';
import type { Stopped } from '../record/report.ts';
import { createDecide, type Decision } from './decide.ts';
import type { Judgement } from './judge.ts';

/** Two short calls of Parameter Store. */
const EXCEPTIONS_WITHIN_MS = 30_000;

/** A judgement after the exemptions and freezes were read again. */
export interface LastLook {
  judgement: Judgement;
  /** Set if no job may be cancelled, since they could not be read. */
  stopped: Stopped | undefined;
}

/**
 * Reads exemptions and freezes again, right before the first cancel: listing the jobs may have taken minutes, in which a team wrote
 * one. It only ever spares jobs. An exemption that was removed meanwhile holds for this sweep.
 *
 * @param startedAt epoch ms, our clock.
 */
export async function lookOnceMore(
  judgement: Judgement,
  { settings, startedAt }: { settings: Pick<Settings, 'readNewExceptions'>; startedAt: number },
  { clock, deadlineAt }: { clock: Clock; deadlineAt: number },
): Promise<LastLook> {
  const { readNewExceptions } = settings;
  if (readNewExceptions === undefined || judgement.chosen.length === 0 || judgement.obstacle !== undefined) {
    return { judgement, stopped: undefined };
  }
  try {
    const timeoutMs = Math.min(EXCEPTIONS_WITHIN_MS, (deadlineAt - clock.now()) / 4);
    const added = await within(readNewExceptions(), timeoutMs);
    const isSame = added.exemptions.length + added.freezes.length === 0;
    const elapsedMs = Math.max(0, clock.now() - startedAt);
    return { judgement: isSame ? judgement : spareProtected(judgement, added, elapsedMs), stopped: undefined };
  } catch (error) {
    if (!(error instanceof SettingsError) && !(error instanceof TimeoutError)) throw error;
    const because = `exemptions and freezes could not be read again before the first cancel, so no job was cancelled: ${messageOf(error)}`;
    return { judgement: { ...judgement, obstacle: 'stopped' }, stopped: { by: 'exemptions', because } };
  }
}

/**
 * Spares the victims that the policy does not want cancelled with these further exemptions and freezes. Pure.
 *
 * @param elapsedMs since the judgement: an exemption may have begun meanwhile.
 */
export function spareProtected(
  judgement: Judgement,
  { exemptions, freezes }: Exceptions,
  elapsedMs: number,
): Judgement {
  const { decisions, context, overdue, chosen, spared } = judgement;
  const policy = { ...context.policy, freezes: [...context.policy.freezes, ...freezes] };
  const all = [...context.exemptions, ...exemptions];
  const now = context.now + elapsedMs;
  const anew = createDecide({ policy, exemptions: all })(
    decisions.map(({ job }) => job),
    now,
  );
  const wanted = new Set(overdue.map(({ job }) => job.id));
  const keptNow = new Map<string, Decision>();
  for (const decision of anew) {
    if (wanted.has(decision.job.id) && decision.verdict.action !== 'cancel') keptNow.set(decision.job.id, decision);
  }
  const isLeft = ({ job }: { job: { id: string } }) => !keptNow.has(job.id);
  return {
    ...judgement,
    decisions: decisions.map((decision) => keptNow.get(decision.job.id) ?? decision),
    context: { ...context, policy, exemptions: all },
    overdue: overdue.filter(isLeft),
    chosen: chosen.filter(isLeft),
    spared: new Map([...spared].filter(([id]) => !keptNow.has(id))),
  };
}
