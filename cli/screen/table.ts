import Table from 'cli-table3';
import { type Colour, type Paint, plain, type Terminal } from './terminal.ts';
import { cleanText } from './text.ts';

export interface Column<Row> {
  head: string;
  cell: (row: Row) => string;
  /** What is in a cell is never trusted with colours of its own. */
  colour?: (row: Row) => Colour;
  /** Where the screen is too narrow, the column with the least number goes first; one without it stays. */
  dropped?: number;
}

/**
 * A table that is straight whatever is in it: wide characters count as two, and what would move the cursor is left out.
 *
 * @param screen without a width it may get as wide as it needs.
 * @returns undefined if it does not fit even without the columns that can be spared.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  screen: Pick<Terminal, 'columns' | 'paint'> = {},
): string | undefined {
  const { columns: width = Number.POSITIVE_INFINITY, paint = plain } = screen;
  const droppable = columns.flatMap(({ dropped }) => dropped ?? []).sort((a, b) => a - b);
  for (const least of [0, ...droppable]) {
    const table = render(
      columns.filter(({ dropped = Number.POSITIVE_INFINITY }) => dropped > least),
      rows,
      paint,
    );
    if (table.width <= width) return table.text;
  }
  return undefined;
}

function render<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint) {
  const table = new Table({
    head: columns.map(({ head }) => head),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    table.push(
      columns.map(({ cell, colour }) => {
        const text = cleanText(cell(row));
        return colour === undefined ? text : paint(colour(row), text);
      }),
    );
  }
  const text = table.toString();
  // The line above the heads, which holds nothing that is wide.
  return { text, width: text.indexOf('\n') };
}
