import * as Plot from '@observablehq/plot';
import { clean, h } from './dom.ts';

/**
 * A chart that is drawn to the width of its place, and drawn again if that changes. Colours are variables of the style sheet, so
 * a change to dark or to paper needs no drawing.
 *
 * @param label what a screen reader says of it; its table has the numbers.
 */
export function chart(label: string, draw: (width: number) => Plot.PlotOptions[]): HTMLElement {
  const place = h('div', { class: 'chart', role: 'img', 'aria-label': label });
  let drawnWidth = 0;
  const redraw = () => {
    const width = Math.floor(place.clientWidth);
    if (width === 0 || width === drawnWidth) return;
    drawnWidth = width;
    place.replaceChildren(...draw(width).map((options) => plotted(options, width)));
  };
  new ResizeObserver(redraw).observe(place);
  return place;
}

function plotted(options: Plot.PlotOptions, width: number): Element {
  const svg = Plot.plot({ ...options, width, style: { background: 'none', color: 'currentColor' } });
  // The page allows only the style sheet whose hash it names. That one has these rules, too.
  for (const style of svg.querySelectorAll('style')) style.remove();
  // The place has the label. Names inside it would be read as well, or not at all.
  for (const element of [svg, ...svg.querySelectorAll('[aria-label]')]) element.removeAttribute('aria-label');
  // Plot sets text as text; what cannot be seen is in it still.
  const texts = document.createTreeWalker(svg, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.nodeValue = clean(texts.currentNode.nodeValue ?? '');
  return svg;
}

const SVG = 'http://www.w3.org/2000/svg';

/** Stripes in the colour of what was cancelled, for what would have been. */
export function stripes(id: string, colour: string): Plot.Markish {
  return () => {
    const defs = document.createElementNS(SVG, 'defs');
    const pattern = document.createElementNS(SVG, 'pattern');
    const attributes = { id, width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' };
    for (const [name, value] of Object.entries(attributes)) pattern.setAttribute(name, String(value));
    const stripe = document.createElementNS(SVG, 'rect');
    for (const [name, value] of Object.entries({ width: 2.5, height: 5, fill: colour }))
      stripe.setAttribute(name, String(value));
    pattern.append(stripe);
    defs.append(pattern);
    return defs;
  };
}

/** One sign of a legend, with its word. */
export const legend = (signs: readonly { sign: string; word: string }[]): HTMLElement =>
  h(
    'ul',
    { class: 'legend' },
    signs.map(({ sign, word }) => h('li', {}, h('span', { class: `sign ${sign}`, 'aria-hidden': 'true' }), word)),
  );

/** A picture: its finding as a sentence, the chart, what its signs mean, and its numbers. */
export const figure = (caption: string, ...parts: (HTMLElement | null)[]): HTMLElement =>
  h('figure', {}, h('figcaption', {}, caption), parts);

/** Few enough rows to read; the table has all. */
export const MOST_ROWS = 12;

/** The ticks of a time axis that have room: some of the days, in the words of the time zone. */
export function spread<T>(items: readonly T[], room: number): T[] {
  const step = Math.max(1, Math.ceil(items.length / Math.max(1, room)));
  return items.filter((_, i) => i % step === 0);
}
