import * as Plot from '@observablehq/plot';
import type { Aggregates, Chain, Repeats } from '../../../lib/aggregate/aggregates.ts';
import { chart, figure, legend, MOST_ROWS, spread } from './chart.ts';
import { h, numbersOf, section, table } from './dom.ts';
import { cut } from './ratios.ts';
import { counted, number, percent, type Words } from './words.ts';

const PARTS = [
  { key: 'cameBack', sign: 'came-back', name: 'came back within 24 hours' },
  { key: 'stayedAway', sign: 'stayed-away', name: 'did not come back within 24 hours' },
  { key: 'notKnown', sign: 'not-known', name: 'not known yet: the record ends within 24 hours' },
] as const;

/** Whether jobs like a cancelled one were cancelled again. */
export function repeatsSection({ repeats, days, from, to }: Aggregates, words: Words): HTMLElement {
  const heading = 'Did they come back?';
  const caption = captionOf(repeats);
  if (repeats.times === 0) return section('repeats', heading, h('p', {}, caption));

  const chains = repeats.chains.slice(0, MOST_ROWS);
  const left = repeats.chains.length - chains.length;
  const dayStarts = days.map((day) => ({ at: new Date(day.from), label: words.short(day.from) }));
  return section(
    'repeats',
    heading,
    figure(
      caption,
      chart(caption, (width) => [
        shares(repeats, width),
        ...(chains.length === 0 ? [] : [timeLine(chains, [from, to], dayStarts, words, width)]),
      ]),
      legend([
        ...PARTS.filter(({ key }) => repeats[key] > 0).map(({ sign, name }) => ({ sign, word: name })),
        ...(chains.length === 0
          ? []
          : [{ sign: 'result-cancelled dot', word: 'a time at which a sweep cancelled jobs of this kind' }]),
      ]),
      left > 0 ? h('p', { class: 'note' }, `${counted(left, 'more kind')} of job in the table.`) : null,
      numbersOf(
        h(
          'div',
          {},
          table(
            'After the times at which a kind of job was cancelled',
            [
              { head: 'then', cell: ({ name }) => name },
              { head: 'times', cell: ({ key }) => number(repeats[key]), isNumber: true },
            ],
            PARTS,
          ),
          repeats.chains.length === 0
            ? null
            : table(
                'Kinds of job that were cancelled more than once',
                [
                  { head: 'kind', cell: kindOf },
                  { head: 'queue', cell: ({ queue }) => queue },
                  { head: 'target', cell: (chain) => words.place(chain) },
                  { head: 'times', cell: ({ cancelledAt }) => number(cancelledAt.length), isNumber: true },
                  { head: 'came back', cell: ({ cameBack }) => number(cameBack), isNumber: true },
                  { head: 'first', cell: ({ cancelledAt }) => words.moment(cancelledAt[0] ?? from) },
                  { head: 'last', cell: ({ cancelledAt }) => words.moment(cancelledAt.at(-1) ?? from) },
                ],
                repeats.chains,
              ),
        ),
      ),
    ),
  );
}

/** Its name, or the shape of its statement, and its owner. */
const kindOf = ({ name, fingerprint, owner }: Chain): string =>
  [name ?? `statement ${fingerprint?.slice(0, 12) ?? '?'}`, owner].filter(Boolean).join(' by ');

function shares(repeats: Repeats, width: number): Plot.PlotOptions {
  let end = 0;
  const parts = PARTS.map((part) => {
    const from = end;
    end += repeats[part.key];
    return { ...part, from, to: end };
  }).filter(({ from, to }) => to > from);
  return {
    height: 44,
    marginLeft: 0,
    marginRight: 0,
    marginTop: 4,
    marginBottom: 6,
    x: { domain: [0, end], axis: null },
    y: { axis: null, domain: [0, 1] },
    marks: [
      Plot.rect(parts, {
        x1: 'from',
        x2: 'to',
        y1: 0,
        y2: 1,
        insetRight: 1,
        fill: ({ sign }) => `var(--${sign})`,
        title: ({ name, from, to }) => `${counted(to - from, 'time')}: ${name}`,
      }),
      Plot.text(
        parts.filter(({ from, to }) => ((to - from) / end) * width > 40),
        {
          x: ({ from, to }) => (from + to) / 2,
          y: 0.5,
          text: ({ from, to }) => number(to - from),
          fill: ({ sign }) => `var(--on-${sign})`,
          fontWeight: 600,
          fontSize: 14,
        },
      ),
    ],
  };
}

const ROW = 40;

function timeLine(
  chains: readonly Chain[],
  [from, to]: readonly [string, string],
  days: readonly { at: Date; label: string }[],
  words: Words,
  width: number,
): Plot.PlotOptions {
  const ticks = spread(days, width / 90);
  const times = chains.flatMap(({ cancelledAt }, row) => cancelledAt.map((at) => ({ at, row })));
  return {
    height: chains.length * ROW + 32,
    marginLeft: 8,
    marginRight: 24,
    marginTop: 6,
    marginBottom: 24,
    x: { type: 'utc', domain: [new Date(from), new Date(to)] },
    y: { domain: [0, chains.length], range: [6, 6 + chains.length * ROW], axis: null },
    marks: [
      Plot.axisX(
        ticks.map(({ at }) => at),
        { tickFormat: (_: Date, i: number) => ticks[i]?.label ?? '', tickSize: 3, label: null },
      ),
      Plot.ruleY(
        chains.map((_, row) => row + 0.72),
        { stroke: 'var(--line)' },
      ),
      Plot.dot(times, {
        x: ({ at }) => new Date(at),
        y: ({ row }) => row + 0.72,
        r: 4.5,
        fill: 'var(--result-cancelled)',
        stroke: 'var(--page)',
        strokeWidth: 1,
        title: ({ at }) => words.moment(at),
      }),
      Plot.text(chains, {
        frameAnchor: 'left',
        y: (_: Chain, row: number) => row + 0.3,
        text: (chain) =>
          cut(
            [kindOf(chain), chain.queue, ...(words.hasOneTarget ? [] : [words.place(chain)])].join(', '),
            Math.floor(width / 9),
          ),
        textAnchor: 'start',
        fontSize: 12,
        fontWeight: 600,
        fill: 'currentColor',
      }),
      Plot.text(chains, {
        frameAnchor: 'right',
        dx: 20,
        y: (_: Chain, row: number) => row + 0.3,
        text: ({ cancelledAt }) => `${cancelledAt.length}×`,
        textAnchor: 'end',
        fontSize: 12,
        fill: 'currentColor',
      }),
    ],
  };
}

function captionOf({ times, cameBack, stayedAway, notKnown, unknown, chains }: Repeats): string {
  const sentences: string[] = [];
  if (times === 0)
    sentences.push('No job is on record as cancelled of which it can be said whether others like it came back.');
  else {
    const known = cameBack + stayedAway;
    sentences.push(`${counted(times, 'time')} a sweep cancelled jobs of one kind.`);
    if (known > 0) {
      sentences.push(
        `After ${number(cameBack)} of the ${number(known)} that are known, ${percent(cameBack, known)}, such a job was cancelled again within 24 hours.`,
      );
    }
    if (notKnown > 0) sentences.push(`For ${number(notKnown)} the record does not go on for 24 hours.`);
    if (chains.length > 0)
      sentences.push(
        `${counted(chains.length, 'kind')} of job ${chains.length === 1 ? 'was' : 'were'} cancelled more than once.`,
      );
    if (stayedAway > 0)
      sentences.push('A job that did not come back may also have come back and stayed within its limit.');
  }
  if (unknown > 0)
    sentences.push(
      `Of ${counted(unknown, 'cancelled job')} too little is known to find others like ${unknown === 1 ? 'it' : 'them'}.`,
    );
  return sentences.join(' ');
}
