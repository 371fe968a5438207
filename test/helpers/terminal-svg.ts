import type { Part } from './run-terminal.ts';

const [CELL, LINE, MARGIN] = [7.8, 17, 14];
const [PAPER, INK] = ['#1e2430', '#d5dbe6'];
/** The colours of the palette that the command line uses. */
const COLOURS: Record<number, string> = {
  1: '#ff7b72',
  2: '#7ee787',
  3: '#e3b341',
  4: '#79b8ff',
  5: '#d2a8ff',
  6: '#76e3ea',
  8: '#8b95a7',
};

/** With blanks that do not collapse. */
const toXml = (text: string) =>
  text.replaceAll('  ', '\u00a0 ').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * Draws lines of a terminal as an SVG, for a page that shows them. Each part has its place and length, so the columns stay in
 * line in any font.
 *
 * @param title what the picture shows, for a person who cannot see it.
 */
export function terminalSvg(lines: readonly Part[][], columns: number, title: string): string {
  const width = Math.ceil(columns * CELL + 2 * MARGIN);
  const height = lines.length * LINE + 2 * MARGIN;
  const rows = lines.map((parts, row) => {
    let column = 0;
    const spans = parts.map(({ text, colour, isBold, isDim }) => {
      // Blanks at the beginning would collapse.
      const shown = text.trimStart();
      const x = (MARGIN + (column + text.length - shown.length) * CELL).toFixed(1);
      column += text.length;
      if (shown === '') return '';
      const fill = colour === undefined ? '' : ` fill="${COLOURS[colour] ?? INK}"`;
      const look = `${fill}${isBold ? ' font-weight="bold"' : ''}${isDim ? ' opacity="0.65"' : ''}`;
      return `<tspan x="${x}" textLength="${(shown.length * CELL).toFixed(1)}"${look}>${toXml(shown)}</tspan>`;
    });
    return `<text y="${MARGIN + row * LINE + 12}">${spans.join('')}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${toXml(title)}</title>
<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="${INK}">
${rows.join('\n')}
</g>
</svg>
`;
}
