import { livesOf } from '../../lib/history/life.ts';
import type { History } from '../../lib/history/read.ts';
import { type Suggestion, type Suggestions, suggest, type WithoutSuggestion } from '../../lib/history/suggest.ts';
import { EXIT_PARTIAL } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';
import { type SettingsFlags, targetSource } from '../source/load-settings.ts';
import { type HistoryFlags, obtainHistory } from './obtain.ts';
import { ruleOf, suggestedPolicy, whyNone } from './suggested-policy.ts';

export interface SuggestFlags extends HistoryFlags, Omit<SettingsFlags, 'policy'> {}

/**
 * Prints a policy with limits that the jobs of the past suggest.
 *
 * If there is none, stdout stays empty and stderr says why. A policy needs a rule, so a file with comments only would look like
 * one and be refused later; an empty file is refused at once by every verb that reads a policy. The exit code is still 0: the
 * work is done, and this is its answer.
 *
 * @returns 4 if the history was not read to its end. @throws {SettingsError} and {DliError}
 */
export async function runSuggest(flags: SuggestFlags, terminal: Terminal): Promise<number> {
  const { history, shortfall } = await obtainHistory(flags, terminal, {
    load: () => targetSource(flags, terminal.env)(),
    withStatements: false,
  });
  for (const why of shortfall) terminal.err(`Not complete: ${cleanText(why)}\n`);
  const all = suggest(livesOf(history.jobs, history.until), history.until);
  if (flags.json) {
    terminal.out(toJson('suggestion', documentOf(all, history, shortfall)));
  } else if (all.suggestions.length === 0) {
    terminal.err(noneText(all));
  } else {
    terminal.out(suggestedPolicy(all, history, shortfall));
  }
  return shortfall.length === 0 ? 0 : EXIT_PARTIAL;
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

function noneText({ jobs, leftOut, withoutSuggestion }: Suggestions): string {
  const seen = `Nothing can be suggested from ${counted(jobs, 'job')}${leftOut === 0 ? '' : `, ${leftOut} of them of types for which there is no suggestion`}.\n`;
  return seen + withoutSuggestion.map((one) => `- ${cleanText(whyNone(one))}\n`).join('');
}

function documentOf(
  { window, suggestions, withoutSuggestion, ...numbers }: Suggestions,
  { target, project }: History,
  gaps: readonly string[],
): object {
  return {
    target,
    project,
    window: {
      from: window.from === undefined ? null : isoOf(window.from),
      until: isoOf(window.until),
      holdsMonthEnd: window.holdsMonthEnd,
    },
    ...numbers,
    gaps,
    suggestions: suggestions.map((one) => ({
      ...groupOf(one),
      id: one.id,
      otherOwners: one.otherOwners,
      owns: one.owns ?? null,
      usualMs: one.usualMs,
      longestMs: one.longestMs,
      limitMs: one.limitMs,
      check: { ...one.check, oneIn: one.check.oneIn ?? null, raised: one.check.raised ?? null },
      openEnded: one.openEnded,
      rule: ruleOf(one),
    })),
    withoutSuggestion: withoutSuggestion.map((one) => ({
      ...groupOf(one),
      reason: one.reason,
      longestMs: one.longestMs ?? null,
    })),
  };
}

const groupOf = ({ engine, queue, jobType, owner, from, holdsMonthEnd, jobs }: Suggestion | WithoutSuggestion) => ({
  engine,
  queue: queue ?? null,
  jobType,
  owner,
  from: isoOf(from),
  holdsMonthEnd,
  jobCounts: jobs,
});
