import type { RuleEffect } from '../../lib/sweep/record/report.ts';
import { type Column, formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { cleanText } from './text.ts';

/** So many rules are shown on a screen. */
const MOST_RULES = 12;

/** Shows what each rule found: a rule that is for no job says so. @param options.isCut whether to show the first rules only. */
export function formatRules(
  rules: readonly RuleEffect[],
  { isCut, ...screen }: Pick<Terminal, 'columns' | 'paint'> & { isCut: boolean },
): string {
  const shown = isCut ? rules.slice(0, MOST_RULES) : rules;
  const left = rules.length - shown.length;
  const table = formatTable(COLUMNS, shown, screen) ?? shown.map(inOneLine).join('\n');
  return left === 0 ? table : `${table}\nand ${left} more rules: see --json`;
}

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
