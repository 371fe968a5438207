import Table from 'cli-table3';
import { type Colour, type Paint, plain, type Terminal } from './terminal.ts';
import { cleanText } from './text.ts';

export interface Column<Row> {
  head: string;
  cell: (row: Row) => string;
  /** The colour of the whole cell. The text in a cell cannot set its own. */
  colour?: (row: Row) => Colour;
  /** Order in which columns are dropped on a narrow screen: the lowest number first. A column without one stays. */
  dropped?: number;
}

/** Rows that show whether a table is too wide. */
const SAMPLE = 20;

/**
 * Draws a table that stays straight with any text: a wide character counts as two, and control characters are replaced.
 *
 * @param screen sets the width; without one the table may be as wide as it needs.
 * @returns undefined if the table does not fit even without the columns that may be dropped.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  screen: Pick<Terminal, 'columns' | 'paint'> = {},
): string | undefined {
  const { columns: width = Number.POSITIVE_INFINITY, paint = plain } = screen;
  const droppable = columns.flatMap(({ dropped }) => dropped ?? []).sort((a, b) => a - b);
  for (const least of [0, ...droppable]) {
    const kept = columns.filter(({ dropped = Number.POSITIVE_INFINITY }) => dropped > least);
    // More rows only make a table wider, and thousands of them take seconds to draw.
    if (render(kept, rows.slice(0, SAMPLE), paint).width > width) continue;
    const table = render(kept, rows, paint);
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
  // The top border has no wide characters, so its length is the width.
  return { text, width: text.indexOf('\n') };
}
