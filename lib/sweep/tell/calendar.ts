import { exemptionNotices, isExemptionInForce, MARKS_MS } from '../../policy/exemptions.ts';
import { endedNotices, type FreezeSpan, spansOf } from '../../policy/freezes.ts';
import type { Exemption } from '../../policy/schema.ts';
import type { DecideOptions, Decision } from '../judge/decide.ts';
import type { Judgement } from '../judge/judge.ts';

/** The time in which an exemption or freeze must come to a mark to be announced: epoch ms, `after` exclusive. */
export interface AnnouncedSince {
  after: number;
  upTo: number;
}

/**
 * Says which exemptions and freezes hold, begin, end and are over, one sentence each.
 *
 * @param announced for a sweep of the schedule, which must not say the same all week. It then names exemptions that spared a job
 *   and have come to a mark in this time, and freezes that spared a job. By default all are named.
 */
export function calendarNotices(
  decisions: readonly Decision[],
  { policy, exemptions, now }: DecideOptions,
  announced?: AnnouncedSince,
): string[] {
  const all = [...policy.exemptions, ...exemptions];
  const spans = spansOf(policy.freezes, now);
  const isAnnounced = announced && isAtMark(decisions, announced, now);
  return [
    ...exemptionNotices(all, now, isAnnounced),
    ...(announced === undefined ? notBegun(all, now) : []),
    ...endedNotices(spans, now),
    ...spans.flatMap((span) => inForce(span, decisions, { isQuiet: announced !== undefined })),
    ...(announced === undefined ? nextToBegin(spans, now) : []),
  ];
}

/** An exemption that ends soon, and whether `exempt` wrote it: one of the policy ends where the policy says so. */
export interface Ending {
  exemption: Exemption;
  isInPolicy: boolean;
}

/** Returns the exemptions that have come to a mark before their end, and that spared a job over its limit. */
export function endingExemptions(
  { decisions, context: { policy, exemptions, now } }: Pick<Judgement, 'decisions' | 'context'>,
  announced: AnnouncedSince,
): Ending[] {
  const isAnnounced = isAtMark(decisions, announced, now);
  return [
    ...policy.exemptions.map((exemption) => ({ exemption, isInPolicy: true })),
    ...exemptions.map((exemption) => ({ exemption, isInPolicy: false })),
  ].filter(({ exemption }) => isExemptionInForce(exemption, now) && isAnnounced(exemption));
}

const DAY_MS = 86_400_000;

/**
 * Returns whether an exemption spared a job over a limit, so that its end matters, and has come to a mark. In the day after a mark
 * it is announced as well if it spares a job that has come over its limit since: a job of the night was not there at the mark.
 */
function isAtMark(
  decisions: readonly Decision[],
  { after, upTo }: AnnouncedSince,
  now: number,
): (exemption: Exemption) => boolean {
  /** By the exemption's id: the shortest time that a job it spares has been over its limit. */
  const newestMs = new Map<string, number>();
  for (const { verdict, rules } of decisions) {
    const overMs = Math.max(...rules.map((result) => (result.action === 'keep' ? 0 : result.overLimitMs)));
    if (verdict.reason !== 'exempt' || verdict.rule === undefined || overMs <= 0) continue;
    newestMs.set(verdict.rule, Math.min(newestMs.get(verdict.rule) ?? overMs, overMs));
  }
  return ({ id, until }) => {
    const overMs = newestMs.get(id);
    if (overMs === undefined) return false;
    // A job exactly at its limit is not over it yet.
    const isNew = now - overMs >= after;
    return MARKS_MS.some((beforeMs) => {
      const mark = until - beforeMs;
      return mark <= upTo && (after < mark || (isNew && upTo < mark + DAY_MS));
    });
  };
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

const notBegun = (exemptions: readonly Exemption[], now: number): string[] =>
  exemptions.flatMap((exemption) => {
    const { id, owner, from, until } = exemption;
    if (from === undefined || now >= until || isExemptionInForce(exemption, now)) return [];
    return [`exemption ${id} (owner ${owner}) begins at ${timeOf(from)}; until then it protects nothing`];
  });

function inForce(
  { freeze: { id, reason }, isInForce, until }: FreezeSpan,
  decisions: readonly Decision[],
  { isQuiet }: { isQuiet: boolean },
): string[] {
  if (!isInForce) return [];
  const count = decisions.filter(({ verdict }) => verdict.reason === 'frozen' && verdict.rule === id).length;
  if (isQuiet && count === 0) return [];
  const jobs = count === 1 ? '1 job over its limit is' : `${count === 0 ? 'no' : count} jobs over their limit are`;
  return [`freeze ${id} (${reason}) holds until ${timeOf(until)}: ${jobs} spared`];
}

function nextToBegin(spans: readonly FreezeSpan[], now: number): string[] {
  const [next] = spans
    .filter(({ isInForce, from = 0 }) => !isInForce && from > now)
    .toSorted((a, b) => (a.from ?? 0) - (b.from ?? 0));
  if (next === undefined) return [];
  const { freeze, from = 0, until } = next;
  return [`freeze ${freeze.id} (${freeze.reason}) begins next, at ${timeOf(from)}, and holds until ${timeOf(until)}`];
}
