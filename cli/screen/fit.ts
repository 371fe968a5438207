import { stripVTControlCharacters } from 'node:util';
import { type Column, formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Characters that take two columns. Those beyond 16 bits are not here, since each has a length of two. */
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;

/** Columns that a line takes, or a few more. */
const widthOf = (line: string): number => line.length + (line.match(WIDE)?.length ?? 0);

/** Lines that a text takes on a screen, where a long line goes on in the next. */
export function linesOf(text: string, columns: number): number {
  return stripVTControlCharacters(text)
    .split('\n')
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / usable(line, columns))), 0);
}

/** A wide character that would be half in the last column goes to the next line. */
const usable = (line: string, columns: number): number =>
  line.search(WIDE) < 0 && !/[\ud800-\udbff]/.test(line) ? columns : columns - 1;

/** Cuts a text to so many lines. */
export function clip(text: string, maxLines: number, columns: number): string {
  if (linesOf(text, columns) <= maxLines) return text;
  const kept: string[] = [];
  let left = maxLines;
  for (const line of text.split('\n')) {
    const lines = linesOf(line, columns);
    if (lines > left) {
      if (left > 0) kept.push(`${startOf(stripVTControlCharacters(line), left * (columns - 1) - 1)}…`);
      break;
    }
    kept.push(line);
    left -= lines;
  }
  return kept.join('\n');
}

function startOf(line: string, width: number): string {
  let start = '';
  let used = 0;
  for (const character of line) {
    used += widthOf(character);
    if (used > width) break;
    start += character;
  }
  return start;
}

/** How many lines there are, and how long they are; by default without an end. */
export interface Space extends Pick<Terminal, 'columns' | 'paint'> {
  maxLines?: number | undefined;
}

/**
 * Returns the texts of the first items that fit, and a line that counts the others. If not even the first one fits, it is
 * cut.
 */
export function fitTexts<Item>(
  items: readonly Item[],
  { toText, more }: { toText: (item: Item) => string; more: (left: readonly Item[]) => string },
  { maxLines = Number.POSITIVE_INFINITY, columns = Number.POSITIVE_INFINITY }: Space,
): string[] {
  const texts: string[] = [];
  /** Lines up to each text. */
  const ends: number[] = [];
  for (const item of items) {
    const text = toText(item);
    texts.push(text);
    ends.push((ends.at(-1) ?? 0) + linesOf(text, columns));
    if ((ends.at(-1) ?? 0) > maxLines) break;
  }
  if ((ends.at(-1) ?? 0) <= maxLines) return texts;
  const room = maxLines - linesOf(more(items), columns);
  const shown = texts.slice(0, ends.filter((end) => end <= room).length);
  const [first] = texts;
  if (shown.length === 0 && room > 0 && first !== undefined) shown.push(clip(first, room, columns));
  return [...shown, more(items.slice(shown.length))];
}

/** Lines of a table that are no row: its border and its head. */
const TABLE_FRAME = 4;

/** Shows rows as a table, or as texts if no table is narrow enough. A line counts the rows for which there is no room. */
export function fitRows<Row>(
  rows: readonly Row[],
  { columns, ...texts }: { columns: readonly Column<Row>[] } & Parameters<typeof fitTexts<Row>>[1],
  space: Space,
): string {
  const { maxLines = Number.POSITIVE_INFINITY } = space;
  const isWhole = rows.length + TABLE_FRAME <= maxLines;
  const inTable = isWhole ? rows : rows.slice(0, Math.max(0, maxLines - TABLE_FRAME - 1));
  const table = inTable.length === 0 ? undefined : formatTable(columns, inTable, space);
  if (table === undefined) return fitTexts(rows, texts, space).join('\n');
  return isWhole ? table : `${table}\n${texts.more(rows.slice(inTable.length))}`;
}

/** A part of a screen. */
export interface Part {
  /** Place in the order in which parts get more lines than they need: the lowest first. */
  rank: number;
  /** Lines that it needs, and lines that it fills. */
  least: number;
  most: number;
  /** Lines that it gets before the parts after it in the order; more only if they leave some. Default: `most`. */
  share?: number;
  /** @param maxLines is not below `least`; it may be without bound. */
  render: (maxLines: number) => string;
}

/** Shows parts one below the other, in so many lines if each has what it needs. */
export function fitParts(parts: readonly Part[], maxLines: number): string[] {
  const lines = new Map(parts.map((part) => [part, Math.min(part.least, part.most)]));
  let left = maxLines - [...lines.values()].reduce((a, b) => a + b, 0);
  const give = (part: Part, most: number) => {
    const given = lines.get(part) ?? 0;
    const more = Math.max(0, Math.min(most - given, left));
    lines.set(part, given + more);
    left -= more;
  };
  const inOrder = parts.toSorted((a, b) => a.rank - b.rank);
  for (const part of inOrder) give(part, Math.min(part.share ?? part.most, part.most));
  for (const part of inOrder) give(part, part.most);
  return parts.map((part) => part.render(lines.get(part) ?? 0));
}

/** Makes a part of rows. It asks for the lines of its first rows, with a line that counts the others. */
export function rowsPart<Row>(
  rows: readonly Row[],
  look: Parameters<typeof fitRows<Row>>[1],
  screen: Space,
  { rank, mostRows, mostLines }: { rank: number; mostRows: number; mostLines: number },
): Part {
  const { columns = Number.POSITIVE_INFINITY } = screen;
  const first = linesOf(fitRows(rows.slice(0, mostRows), look, { ...screen, maxLines: undefined }), columns);
  return {
    rank,
    least: 3,
    most: Math.min(first + (rows.length > mostRows ? 1 : 0), mostLines),
    render: (maxLines) => fitRows(rows, look, { ...screen, maxLines }),
  };
}
