/** What may stand in an element. Nothing that is null. */
export type Content = Node | string | number | null | readonly Content[];

/** Attributes by name; null leaves one out, true sets it without a value. */
type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Makes an element. Everything on the page is made by it, so no text can become markup: text is set as text, with what cannot be
 * seen replaced.
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...contents: Content[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    element.setAttribute(name, value === true ? '' : clean(String(value)));
  }
  append(element, contents);
  return element;
}

export function append(element: Element, contents: readonly Content[]): void {
  for (const content of contents) {
    if (content === null) continue;
    if (typeof content === 'string' || typeof content === 'number') element.append(clean(String(content)));
    else if (content instanceof Node) element.append(content);
    else append(element, content);
  }
}

/** A name could otherwise turn the text around it, or hide in it. As cleanText of the command line, but for ends of lines. */
export const clean = (text: string): string => text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');

export interface Column<Row> {
  head: string;
  cell: (row: Row) => Content;
  isNumber?: boolean;
  /** Text that needs room; other cells stay on one line. */
  isWide?: boolean;
}

/** A table. The first column names its row. It scrolls inside its frame, which can have the focus so that keys scroll it. */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): HTMLElement {
  const kindOf = ({ isNumber, isWide }: Column<Row>) => (isNumber ? 'number' : isWide ? 'wide' : null);
  const head = columns.map((column) => h('th', { scope: 'col', class: kindOf(column) }, column.head));
  const body = rows.map((row) =>
    h(
      'tr',
      {},
      columns.map((column, i) =>
        i === 0 ? h('th', { scope: 'row' }, column.cell(row)) : h('td', { class: kindOf(column) }, column.cell(row)),
      ),
    ),
  );
  return h(
    'div',
    { class: 'frame', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, head)), h('tbody', {}, body)),
  );
}

/** The table of a chart: the same numbers as words, folded away on a screen and open on paper. */
export const numbersOf = (element: HTMLElement): HTMLElement =>
  h('details', { class: 'numbers' }, h('summary', {}, 'The numbers as a table'), element);

/** A section with its heading; the heading names it. */
export function section(id: string, heading: string, ...contents: Content[]): HTMLElement {
  return h('section', { id, 'aria-labelledby': `${id}-heading` }, h('h2', { id: `${id}-heading` }, heading), contents);
}
