import type { RuleEffect } from '../../lib/sweep/record/report.ts';
import { type Part, rowsPart, type Space } from './fit.ts';
import type { Column } from './table.ts';
import { cleanText, counted } from './text.ts';

/** So many rules are shown on a screen. */
const MOST_RULES = 12;
const MOST_LINES = 17;

/** Shows what each rule found: a rule that is for no job says so. The last rules are counted if they do not fit. */
export function rulesPart(rules: readonly RuleEffect[], screen: Space): Part {
  const look = { columns: COLUMNS, toText: inOneLine, more: wordsForMore };
  return rowsPart(rules, look, screen, { rank: 6, mostRows: MOST_RULES, mostLines: MOST_LINES });
}

const wordsForMore = (left: readonly RuleEffect[]) => `and ${counted(left.length, 'more rule')}: see --all or --json`;

const COLUMNS: readonly Column<RuleEffect>[] = [
  { head: 'rule', cell: ({ rule }) => rule },
  { head: 'action', cell: ({ action }) => action, dropped: 1 },
  { head: 'old jobs it is for', cell: ({ matched }) => (matched === 0 ? 'none' : String(matched)) },
  { head: 'over its limit', cell: ({ overLimit }) => String(overLimit) },
  { head: 'spared', cell: sparedWords },
];

function sparedWords({ spared }: RuleEffect): string {
  return Object.entries(spared)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(', ');
}

function inOneLine(effect: RuleEffect): string {
  const { rule, matched, overLimit } = effect;
  const spared = sparedWords(effect);
  return cleanText(
    `${rule}: for ${matched || 'none'} of the old jobs, ${overLimit} over its limit${spared === '' ? '' : `; spared: ${spared}`}`,
  );
}
