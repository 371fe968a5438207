import type { LoggedExplanation } from '../sweep/record/explanation.ts';
import type { Aggregates, Case } from './aggregates.ts';
import type { Collected } from './collect.ts';

/*
 * Takes people out of a report, for readers who must not see them. Names of jobs, queues and rules stay.
 */

/** Returns the report with a number in place of each owner, wherever the name stands, and without who swept by hand. */
export function hideOwners({ aggregates, cases, whys }: Collected): Collected {
  const owners = new Set(cases.toReversed().flatMap(({ owner }) => owner ?? []));
  for (const { owner } of aggregates.repeats.chains) owners.add(owner);
  const clean = cleaner(new Map([...owners].map((owner, i) => [owner, `owner ${i + 1}`])));
  return {
    aggregates: hideInAggregates(aggregates, clean),
    cases: cases.map((one) => hideInCase(one, clean)),
    whys: whys.map(({ index, why }) => ({ index, why: hideInWhy(why, clean) })),
  };
}

/** Takes people out of a text; null stays null. */
type Clean = <T extends string | null>(text: T) => T;

function hideInAggregates(aggregates: Aggregates, clean: Clean): Aggregates {
  const { unread, states, needs, repeats } = aggregates;
  return {
    ...aggregates,
    unread: unread.map((one) => ({ ...one, why: clean(one.why) })),
    states: states.map((one) => ({ ...one, why: clean(one.why) })),
    needs: needs.map((one) => ({ ...one, what: clean(one.what) })),
    repeats: {
      ...repeats,
      chains: repeats.chains.map((one) => ({ ...one, owner: clean(one.owner), name: clean(one.name) })),
    },
  };
}

const hideInCase = (one: Case, clean: Clean): Case => ({
  ...one,
  owner: clean(one.owner),
  name: clean(one.name),
  error: clean(one.error),
  recordedBy: one.recordedBy === null ? null : 'a person',
});

/** The keys of a selector whose values may be people. */
const ABOUT_PEOPLE: ReadonlySet<string> = new Set(['owner', 'tag']);

type Tried = LoggedExplanation['rules'][number]['ignore'];

function hideInWhy(why: LoggedExplanation, clean: Clean): LoggedExplanation {
  const hide = (tried: Tried): Tried =>
    tried.map((one) => {
      const isAbout = ABOUT_PEOPLE.has(one.key);
      const wanted = one.wanted.map((text) => (isAbout ? 'hidden' : clean(text)));
      return { ...one, wanted, found: isAbout && one.found !== null ? 'hidden' : clean(one.found) };
    });
  const hideMatch = (match: Tried | 'all') => (match === 'all' ? match : hide(match));
  const { verdict } = why;
  return {
    ...why,
    owner: clean(why.owner),
    rules: why.rules.map((one) => ({ ...one, match: hideMatch(one.match), ignore: hide(one.ignore) })),
    exemptions: why.exemptions.map((one) => ({ ...one, predicates: hide(one.predicates) })),
    freezes: why.freezes.map((one) => ({ ...one, predicates: hideMatch(one.predicates) })),
    verdict:
      verdict.action === 'keep' && verdict.because !== undefined
        ? { ...verdict, because: clean(verdict.because) }
        : verdict,
  };
}

/** Names count as whole words only. */
function cleaner(aliases: ReadonlyMap<string, string>): Clean {
  const names = [...aliases.keys()].filter((name) => name !== '').sort((a, b) => b.length - a.length);
  const anyName = names.map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|');
  const isName =
    names.length === 0 ? undefined : new RegExp(`(?<![\\p{L}\\p{N}_])(?:${anyName})(?![\\p{L}\\p{N}_])`, 'gu');
  const cleanText = (text: string): string => {
    const plain = text
      .replaceAll(/\barn:aws[\w-]*:(?:iam|sts):\S*/g, 'a person')
      // The words of lib/policy/exemptions.ts and lib/sweep/tell/calendar.ts.
      .replaceAll(/\b(exemption \S+) \(owner .*?\)(?= (?:ends|expired|begins) )/g, '$1')
      .replaceAll(/\b(freeze \S+) \(.*?\)(?= (?:holds|begins) )/g, '$1');
    return isName === undefined ? plain : plain.replaceAll(isName, (name) => aliases.get(name) ?? name);
  };
  return ((text: string | null) => (text === null ? null : (aliases.get(text) ?? cleanText(text)))) as Clean;
}
