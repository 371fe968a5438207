import * as Plot from '@observablehq/plot';
import { type Aggregates, type NearMiss, RATIO_EDGES, type RuleTotals } from '../../../lib/aggregate/aggregates.ts';
import type { PageCase } from '../packed.ts';
import { chart, figure, legend, MOST_ROWS } from './chart.ts';
import { h, numbersOf, section, table } from './dom.ts';
import { counted, duration, number, times, type Words } from './words.ts';

interface Mark {
  kind: 'kill' | 'miss' | 'tried';
  ratio: number;
  title: string;
}

interface Row {
  rule: string;
  place: string;
  kills: readonly number[];
  misses: readonly number[];
  marks: Mark[];
}

/** The last bin has no end; it is drawn to here. */
const END = 30;

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
const edge = (bin: number): number => RATIO_EDGES[bin] ?? END;

/** How far over their limit jobs were that were asked to stop, and how near others came. */
export function ratiosSection({ rules, tried }: Aggregates, cases: readonly PageCase[], words: Words): HTMLElement {
  const rows = rowsOf(
    rules,
    tried.flatMap(({ nearMisses }) => nearMisses),
    cases,
    words,
  );
  const drawn = rows.slice(0, MOST_ROWS);
  const heading = 'How far over the limit, rule by rule';
  const caption = captionOf(rows);
  if (drawn.length === 0) return section('ratios', heading, h('p', {}, caption));

  const left = rows.length - drawn.length;
  return section(
    'ratios',
    heading,
    figure(
      caption,
      chart(caption, (width) => [picture(drawn, words, width)]),
      legend(
        [
          {
            kind: 'kill',
            sign: 'result-cancelled',
            word: 'cancelled jobs; a dot is one of those that were least over the limit',
          },
          {
            kind: 'miss',
            sign: 'miss',
            word: 'jobs that came near the limit, as far as they are on record; a dot is one of the nearest',
          },
          { kind: 'tried', sign: 'tried', word: 'jobs that came near in a backtest' },
        ].filter(({ kind }) => drawn.some(({ marks }) => marks.some((mark) => mark.kind === kind))),
      ),
      h(
        'p',
        { class: 'note' },
        'Each row is a rule. Its highest bar is its largest count, so heights compare within a row only.',
        left > 0 ? ` ${counted(left, 'rule')} with fewer jobs ${left === 1 ? 'is' : 'are'} in the table only.` : null,
      ),
      numbersOf(
        table(
          'Jobs by their reading as a multiple of the limit',
          [
            { head: 'rule', cell: ({ rule }) => rule },
            { head: 'target', cell: ({ place }) => place },
            { head: 'cancelled', cell: ({ kills }) => number(sum(kills)), isNumber: true },
            { head: 'cancelled, by multiple of the limit', cell: ({ kills }) => binWords(kills), isWide: true },
            { head: 'came near', cell: ({ misses }) => number(sum(misses)), isNumber: true },
            { head: 'came near, by multiple of the limit', cell: ({ misses }) => binWords(misses), isWide: true },
          ],
          rows,
        ),
      ),
    ),
  );
}

function rowsOf(
  rules: readonly RuleTotals[],
  tried: readonly NearMiss[],
  cases: readonly PageCase[],
  words: Words,
): Row[] {
  const rows = rules.map(
    (rule): Row => ({
      rule: rule.rule,
      place: words.place(rule),
      kills: rule.kills,
      misses: rule.misses,
      marks: [
        ...rule.nearestKills.flatMap((index) => killOf(cases[index])),
        ...rule.nearestMisses.map((miss) => markOf('miss', miss)),
      ],
    }),
  );
  for (const miss of tried) {
    const index = rules.findIndex(({ rule, target }) => rule === miss.rule && target === miss.target);
    let row = rows[index] ?? rows.find(({ rule, place }) => rule === miss.rule && place === words.place(miss));
    if (row === undefined) {
      row = { rule: miss.rule, place: words.place(miss), kills: [], misses: [], marks: [] };
      rows.push(row);
    }
    row.marks.push(markOf('tried', miss));
  }
  return rows
    .filter(({ kills, misses, marks }) => sum(kills) + sum(misses) + marks.length > 0)
    .sort((a, b) => sum(b.kills) - sum(a.kills) || sum(b.misses) - sum(a.misses));
}

function killOf(one: PageCase | undefined): Mark[] {
  if (one === undefined || one.readingMs === null || one.limitMs === null) return [];
  const ratio = one.readingMs / one.limitMs;
  return [
    {
      kind: 'kill',
      ratio,
      title: `${one.jobId}: ${duration(one.readingMs)} of ${duration(one.limitMs)}, ${times(ratio)}`,
    },
  ];
}

function markOf(kind: 'miss' | 'tried', { jobId, readingMs, limitMs }: NearMiss): Mark {
  const ratio = readingMs / limitMs;
  return { kind, ratio, title: `${jobId}: ${duration(readingMs)} of ${duration(limitMs)}, ${times(ratio)}` };
}

const ROW = 70;
const COLOURS = { kill: 'var(--result-cancelled)', miss: 'var(--miss)', tried: 'var(--tried)' };

function picture(rows: readonly Row[], words: Words, width: number): Plot.PlotOptions {
  const bins = rows.flatMap(({ kills, misses }, row) => {
    const most = Math.max(...kills, ...misses);
    return [
      { counts: misses, kind: 'miss' as const },
      { counts: kills, kind: 'kill' as const },
    ].flatMap(({ counts, kind }) =>
      counts.flatMap((count, bin) =>
        count === 0 ? [] : [{ row, kind, bin, count, height: 0.06 + (0.42 * count) / most }],
      ),
    );
  });
  const marks = rows.flatMap(({ marks }, row) => marks.map((mark) => ({ ...mark, row })));
  const highest = Math.max(2, ...bins.map(({ bin }) => edge(bin + 1)), ...marks.map(({ ratio }) => ratio));
  const lowest = Math.max(0.4, Math.min(0.5, ...bins.map(({ bin }) => edge(bin)), ...marks.map(({ ratio }) => ratio)));
  const domain = [lowest, Math.min(END, highest)] as const;
  const within = (ratio: number) => Math.min(domain[1], Math.max(domain[0], ratio));
  const ticks = (width < 600 ? [0.5, 1, 2, 5, 10, 20] : [0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20]).filter(
    (at) => at >= domain[0] && at <= domain[1],
  );
  const bottom = 0.82;
  return {
    height: rows.length * ROW + 46,
    marginLeft: 4,
    marginRight: 14,
    marginTop: 22,
    marginBottom: 24,
    x: { type: 'log', domain: [...domain] },
    y: { domain: [0, rows.length], range: [22, 22 + rows.length * ROW], axis: null },
    marks: [
      Plot.ruleX(ticks, { stroke: 'var(--grid)' }),
      Plot.axisX(ticks, { tickFormat: (at: number) => `${at}×`, tickSize: 0, label: null }),
      Plot.ruleY(
        rows.map((_, row) => row + bottom),
        { stroke: 'var(--line)' },
      ),
      Plot.ruleX([1], { stroke: 'currentColor', strokeWidth: 1.5 }),
      Plot.text([1], { x: (at: number) => at, frameAnchor: 'top', dy: -14, text: () => 'limit', fontWeight: 600 }),
      Plot.rect(bins, {
        x1: ({ bin }) => within(edge(bin)),
        x2: ({ bin }) => within(edge(bin + 1)),
        y1: ({ row }) => row + bottom,
        y2: ({ row, height }) => row + bottom - height,
        insetLeft: 0.5,
        insetRight: 0.5,
        fill: ({ kind }) => COLOURS[kind as Mark['kind']],
        fillOpacity: 0.75,
        title: ({ row, kind, bin, count }) =>
          `${rows[row]?.rule}: ${counted(count, 'job')} ${kind === 'kill' ? 'cancelled' : 'near the limit'} at ${binWord(bin)}`,
      }),
      Plot.dot(marks, {
        x: ({ ratio }) => within(ratio),
        y: ({ row, kind }) => row + bottom + (kind === 'tried' ? 0.14 : 0.09),
        symbol: ({ kind }: Mark) => (kind === 'tried' ? 'diamond' : 'circle'),
        r: 2.75,
        fill: ({ kind }) => COLOURS[kind as Mark['kind']],
        stroke: 'var(--page)',
        strokeWidth: 1,
        title: 'title',
      }),
      Plot.text(rows, {
        x: () => domain[0],
        y: (_: Row, row: number) => row + 0.17,
        text: ({ rule, place }) => cut(words.hasOneTarget ? rule : `${rule}, ${place}`, width < 600 ? 24 : 60),
        textAnchor: 'start',
        fontWeight: 600,
        fontSize: 12,
        stroke: 'var(--page)',
        strokeWidth: 4,
        fill: 'currentColor',
      }),
      Plot.text(rows, {
        x: () => domain[1],
        y: (_: Row, row: number) => row + 0.17,
        text: ({ kills, misses }) =>
          [
            sum(kills) > 0 ? `${number(sum(kills))} cancelled` : '',
            sum(misses) > 0 ? `${number(sum(misses))} near` : '',
          ]
            .filter(Boolean)
            .join(' · '),
        textAnchor: 'end',
        fontSize: 12,
        stroke: 'var(--page)',
        strokeWidth: 4,
        fill: 'currentColor',
      }),
    ],
    symbol: { type: 'identity' } as unknown as Plot.ScaleOptions,
  };
}

/** A name that has no room is cut; the table has it whole. */
export const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

const binWord = (bin: number): string =>
  bin + 1 < RATIO_EDGES.length ? `${edge(bin)} to ${edge(bin + 1)}×` : `${edge(bin)}× and more`;

const binWords = (counts: readonly number[]): string =>
  counts.flatMap((count, bin) => (count === 0 ? [] : [`${binWord(bin)}: ${number(count)}`])).join('; ') || '—';

function captionOf(rows: readonly Row[]): string {
  const kills = sum(rows.map((row) => sum(row.kills)));
  const misses = sum(rows.map((row) => sum(row.misses)));
  const above = (least: number) => sum(rows.map((row) => sum(row.kills.filter((_, bin) => edge(bin) >= least))));
  const sentences: string[] = [];
  if (kills === 0) sentences.push('No cancelled job is on record with its limit.');
  else {
    const twice = above(2);
    const barely = sum(rows.map((row) => row.kills[RATIO_EDGES.indexOf(1)] ?? 0));
    sentences.push(
      `Of ${counted(kills, 'cancelled job')}, ${number(twice)} had reached at least twice the limit, ` +
        `and ${number(barely)} ${barely === 1 ? 'was' : 'were'} less than 10% over it.`,
    );
  }
  sentences.push(
    misses === 0
      ? 'No job is on record that came near a limit and did not pass it.'
      : `${counted(misses, 'time')} a job came near the limit of a rule and is not known to have passed it; a sweep records only the nearest job of a rule, and those that it warns of.`,
  );
  return sentences.join(' ');
}
