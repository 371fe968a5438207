import * as Plot from '@observablehq/plot';
import {
  type Aggregates,
  type Day,
  RESULTS_OF_VICTIMS,
  type Result,
  STATES,
  type State,
} from '../../../lib/aggregate/aggregates.ts';
import { chart, figure, legend, spread, stripes } from './chart.ts';
import { type Column, h, numbersOf, section, table } from './dom.ts';
import { counted, listed, number, RESULT_WORDS, STATE_WORDS, type Words } from './words.ts';

/** More bars than these cannot be seen one by one on a phone, so weeks take their place. */
const MOST_DAYS = 70;

/** One day alone would fill the chart. */
const WIDEST_BAR = 160;

interface Bin {
  label: string;
  from: number;
  to: number;
  results: Day['results'];
  hours: Day['hours'];
}

/** Cases by the day of their result, and when the reaper did not work. */
export function daysSection(aggregates: Aggregates, words: Words): HTMLElement {
  const { days, timeZone } = aggregates;
  const shown = RESULTS_OF_VICTIMS.filter((result) => days.some((day) => day.results[result] > 0));
  const states = STATES.filter((state) => aggregates.states.some((span) => span.state === state));
  const isByWeek = days.length > MOST_DAYS;
  const bins = binsOf(days, isByWeek, words);
  const caption = captionOf(aggregates, words);
  const picture =
    shown.length === 0 && states.length === 0
      ? null
      : chart(caption, (width) => [
          bars(bins, shown, aggregates, width),
          ...(states.length === 0 ? [] : [lanes(bins, states, aggregates, words, width)]),
        ]);
  return section(
    'days',
    `Jobs over a limit, by ${isByWeek ? 'week' : 'day'}`,
    figure(
      caption,
      picture,
      picture &&
        legend([
          ...shown.map((result) => ({ sign: `result-${result}`, word: RESULT_WORDS[result].name })),
          ...(states.length === 0
            ? []
            : [{ sign: 'shade', word: 'times in which the reaper did not do all of its work' }]),
        ]),
      states.length === 0
        ? null
        : h(
            'ul',
            { class: 'note states' },
            states.map((state) =>
              h(
                'li',
                {},
                h('strong', {}, STATE_WORDS[state].name),
                ` ${hoursOf(days, state)}: ${STATE_WORDS[state].means}.`,
              ),
            ),
          ),
      picture &&
        numbersOf(
          table(`Jobs by ${isByWeek ? 'week' : 'day'} in ${timeZone}`, columnsOf(isByWeek, shown, states), bins),
        ),
    ),
  );
}

function columnsOf(isByWeek: boolean, shown: readonly Result[], states: readonly State[]): Column<Bin>[] {
  return [
    { head: isByWeek ? 'week from' : 'day', cell: ({ label }) => label },
    ...shown.map(
      (result): Column<Bin> => ({
        head: RESULT_WORDS[result].name,
        cell: ({ results }) => number(results[result]),
        isNumber: true,
      }),
    ),
    ...states.map(
      (state): Column<Bin> => ({
        head: `hours ${STATE_WORDS[state].name}`,
        cell: ({ hours }) => number(hours[state]),
        isNumber: true,
      }),
    ),
  ];
}

function binsOf(days: readonly Day[], isByWeek: boolean, words: Words): Bin[] {
  const bins: Bin[] = [];
  for (const { day, from, to, results, hours } of days) {
    const last = bins.at(-1);
    const isMonday = new Date(`${day}T00:00:00Z`).getUTCDay() === 1;
    if (last === undefined || !isByWeek || isMonday) {
      const label = words.date(from);
      bins.push({ label, from: Date.parse(from), to: Date.parse(to), results: { ...results }, hours: { ...hours } });
      continue;
    }
    last.to = Date.parse(to);
    for (const [result, count] of Object.entries(results) as [Result, number][]) last.results[result] += count;
    for (const [state, count] of Object.entries(hours) as [State, number][]) last.hours[state] += count;
  }
  return bins;
}

/** The same for both charts, so that a lane lies under its bars. */
function frameOf(bins: readonly Bin[], width: number) {
  return {
    marginLeft: 72,
    marginRight: 12,
    x: { type: 'utc' as const, domain: [bins[0]?.from ?? 0, bins.at(-1)?.to ?? 1].map((at) => new Date(at)) },
    // So many milliseconds are as wide as what can just be seen.
    leastMs: ((bins.at(-1)?.to ?? 1) - (bins[0]?.from ?? 0)) / (width / 2.5),
  };
}

function bars(bins: readonly Bin[], shown: readonly Result[], { states }: Aggregates, width: number): Plot.PlotOptions {
  const { leastMs, x, ...frame } = frameOf(bins, width);
  const parts = bins.flatMap((bin) => {
    let sum = 0;
    return shown.map((result) => {
      const y1 = sum;
      sum += bin.results[result];
      return { bin, result, y1, y2: sum };
    });
  });
  const most = Math.max(4, ...parts.map(({ y2 }) => y2));
  const ticks = spread(bins, width / 90);
  const widthOfBin = (width - 84) / Math.max(1, bins.length);
  const inset = Math.max(widthOfBin > 12 ? 1 : 0.5, (widthOfBin - WIDEST_BAR) / 2);
  return {
    ...frame,
    height: width < 600 ? 220 : 270,
    marginBottom: 24,
    x,
    y: { domain: [0, most], nice: true, grid: false },
    marks: [
      stripes('stripes', 'var(--result-cancelled)'),
      Plot.rect(unions(states), {
        x1: ({ from }) => new Date(from),
        x2: ({ from, to }) => new Date(Math.max(to, from + leastMs)),
        fill: 'var(--shade)',
      }),
      Plot.gridY({ ticks: Math.min(5, most), stroke: 'var(--grid)', strokeOpacity: 1 }),
      Plot.axisY({
        ticks: Math.min(5, most),
        tickFormat: (n: number) => (Number.isInteger(n) ? number(n) : ''),
        tickSize: 0,
        label: null,
      }),
      Plot.axisX(
        ticks.map(({ from, to }) => new Date((from + to) / 2)),
        { tickFormat: (_: Date, i: number) => ticks[i]?.label.replace(/ \d{4}$/, '') ?? '', tickSize: 3, label: null },
      ),
      Plot.rect(
        parts.filter(({ y1, y2 }) => y2 > y1),
        {
          x1: ({ bin }) => new Date(bin.from),
          x2: ({ bin }) => new Date(bin.to),
          y1: 'y1',
          y2: 'y2',
          insetLeft: inset,
          insetRight: inset,
          fill: ({ result }) => (result === 'dry-run' ? 'url(#stripes)' : `var(--result-${result})`),
          stroke: 'var(--page)',
          strokeWidth: 0.5,
          title: ({ bin, result, y1, y2 }) => `${bin.label}: ${number(y2 - y1)} ${RESULT_WORDS[result as Result].name}`,
        },
      ),
      Plot.ruleY([0], { stroke: 'currentColor' }),
    ],
  };
}

function lanes(
  bins: readonly Bin[],
  shown: readonly State[],
  { states }: Aggregates,
  words: Words,
  width: number,
): Plot.PlotOptions {
  const { leastMs, x, ...frame } = frameOf(bins, width);
  return {
    ...frame,
    height: 8 + 18 * shown.length,
    marginTop: 4,
    marginBottom: 4,
    x: { ...x, axis: null },
    y: { type: 'band', domain: shown, axis: null, padding: 0.3 },
    marks: [
      Plot.axisY({ tickFormat: (state: State) => STATE_WORDS[state].name, tickSize: 0, label: null }),
      Plot.ruleY(shown, { stroke: 'var(--grid)' }),
      Plot.barX(states, {
        y: 'state',
        x1: ({ from }) => new Date(from),
        x2: ({ from, to }) => new Date(Math.max(Date.parse(to), Date.parse(from) + leastMs)),
        fill: 'var(--state)',
        title: ({ state, target, from, to, why }) =>
          `${STATE_WORDS[state as State].name}, ${target}: ${words.moment(from)} to ${words.moment(to)}${why === null ? '' : `. ${why}`}`,
      }),
    ],
  };
}

function hoursOf(days: readonly Day[], state: State): string {
  const hours = days.reduce((sum, day) => sum + day.hours[state], 0);
  return hours < 0.1 ? 'for less than 0.1 hours' : `for ${counted(Math.round(hours * 10) / 10, 'hour')}`;
}

/** The times in which at least one target was in at least one state. */
function unions(states: Aggregates['states']): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = [];
  const sorted = states
    .map(({ from, to }) => ({ from: Date.parse(from), to: Date.parse(to) }))
    .sort((a, b) => a.from - b.from);
  for (const span of sorted) {
    const last = spans.at(-1);
    if (last !== undefined && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else spans.push({ ...span });
  }
  return spans;
}

function captionOf({ days, results, from, to }: Aggregates, words: Words): string {
  const victims = RESULTS_OF_VICTIMS.filter((result) => results[result] > 0);
  const first = words.date(days[0]?.from ?? from);
  // The span ends before its last instant, which may be the midnight after the last day.
  const last = words.date(days.at(-1)?.from ?? to);
  const when = first === last ? `On ${first}` : `From ${first} to ${last}`;
  const sentences: string[] = [];
  if (victims.length === 0) sentences.push(`${when} no job was over the limit of a rule that cancels.`);
  else {
    const parts = victims.map((result) =>
      result === 'not-asked'
        ? `${number(results[result])} not asked to stop`
        : `${number(results[result])} ${RESULT_WORDS[result].name}`,
    );
    const sum = victims.reduce((all, result) => all + results[result], 0);
    sentences.push(
      `${when} ${counted(sum, 'job was', 'jobs were')} over the limit of a rule that cancels: ${listed(parts)}.`,
    );
    const most = results.cancelled > 0 ? 'cancelled' : results['dry-run'] > 0 ? 'dry-run' : undefined;
    if (most !== undefined && days.length > 1) {
      const worst = days.reduce((a, b) => (b.results[most] > a.results[most] ? b : a));
      const what = most === 'cancelled' ? 'cancelled jobs' : 'jobs that would have been cancelled';
      sentences.push(
        `The day with the most ${what} was ${words.date(worst.from)}, with ${number(worst.results[most])}.`,
      );
    }
  }
  return sentences.join(' ');
}
