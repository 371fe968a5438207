import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';

export interface Column<Row> {
  head: string;
  cell: (row: Row) => string;
  /** Where the screen is too narrow, the column with the least number goes first; one without it stays. */
  dropped?: number;
}

/**
 * A table that is straight whatever is in it: wide characters count as two, and what would move the cursor is left out.
 *
 * @param width columns of the screen; undefined for as wide as it gets.
 * @returns undefined if it does not fit even without the columns that can be spared.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width = Number.POSITIVE_INFINITY,
): string | undefined {
  const droppable = columns.flatMap(({ dropped }) => dropped ?? []).sort((a, b) => a - b);
  for (const least of [0, ...droppable]) {
    const table = render(
      columns.filter(({ dropped = Number.POSITIVE_INFINITY }) => dropped > least),
      rows,
    );
    if (table.width <= width) return table.text;
  }
  return undefined;
}

function render<Row>(columns: readonly Column<Row>[], rows: readonly Row[]) {
  const table = new Table({
    head: columns.map(({ head }) => head),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(columns.map(({ cell }) => cleanCell(cell(row))));
  const text = table.toString();
  // The line above the heads, which holds nothing that is wide.
  return { text, width: text.indexOf('\n') };
}

/** Names come from whoever submits a job: they must not be able to write elsewhere on the screen. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}|\p{Cf}/gu, '�');
}

/** Colours are ours; everything else that is not a character goes. */
function cleanCell(text: string): string {
  const [, before = '', inner = text, after = ''] = COLOURED.exec(text) ?? [];
  return before + cleanText(inner) + after;
}

// biome needs the escape spelt out to be sure that it is meant.
const COLOURED = new RegExp(`^(${'\\x1b'}\\[\\d+m)(.*)(${'\\x1b'}\\[\\d+m)$`, 's');
