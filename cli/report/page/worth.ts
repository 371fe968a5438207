import * as Plot from '@observablehq/plot';
import type { Aggregates, LeftRunning, QueueWorth, TriedPolicy } from '../../../lib/aggregate/aggregates.ts';
import { chart, figure, legend, MOST_ROWS } from './chart.ts';
import { h, numbersOf, section, table } from './dom.ts';
import { cut } from './ratios.ts';
import { counted, duration, number, type Words } from './words.ts';

/** What it was worth: waiting before and after, and what ran on. */
export function worthSection({ worth }: Aggregates, words: Words): HTMLElement {
  const { waiting, leftRunning } = worth;
  return section(
    'worth',
    'What was it worth?',
    waiting === null || waiting.length === 0
      ? h(
          'p',
          {},
          'There is no picture of what waited: no sweep on record that cancelled a job says what waited on the queue then and at the next sweep.',
        )
      : waitingFigure(waiting, words),
    leftRunning === null ? null : h('p', {}, leftRunningWords(leftRunning)),
  );
}

function leftRunningWords({ jobs, jobHours, cuHours, withoutCus }: LeftRunning): string {
  const known = jobs - withoutCus;
  const units =
    known === 0
      ? ''
      : `, and at least ${counted(cuHours, 'CU-hour')}${withoutCus === 0 ? '' : ` for the ${number(known)} whose compute units are known`}`;
  return `${counted(jobs, 'job')} over a limit ${jobs === 1 ? 'was' : 'were'} left running, since no sweep asked ${jobs === 1 ? 'it' : 'them'} to stop: at least ${counted(jobHours, 'hour')} in all${units}.`;
}

function waitingFigure(queues: readonly QueueWorth[], words: Words): HTMLElement {
  const sorted = [...queues].sort((a, b) => b.before.jobs - b.after.jobs - (a.before.jobs - a.after.jobs));
  const drawn = sorted.slice(0, MOST_ROWS);
  const left = sorted.length - drawn.length;
  const caption = captionOf(queues);
  return figure(
    caption,
    chart(caption, (width) => [picture(drawn, words, width)]),
    legend([
      { sign: 'before dot', word: 'jobs that waited at sweeps that cancelled on the queue, on average' },
      { sign: 'after dot', word: 'at the next sweep of the schedule' },
    ]),
    left > 0 ? h('p', { class: 'note' }, `${counted(left, 'more queue')} in the table.`) : null,
    numbersOf(
      table<QueueWorth>(
        'Waiting before and after, as means over the sweeps that cancelled jobs on the queue',
        [
          { head: 'queue', cell: ({ queue }) => queue },
          { head: 'target', cell: (queue) => words.place(queue) },
          { head: 'sweeps', cell: ({ sweeps }) => number(sweeps), isNumber: true },
          { head: 'waited before', cell: ({ before }) => number(before.jobs), isNumber: true },
          { head: 'after', cell: ({ after }) => number(after.jobs), isNumber: true },
          { head: 'longest wait before', cell: ({ before }) => duration(before.longestMs), isNumber: true },
          { head: 'after', cell: ({ after }) => duration(after.longestMs), isNumber: true },
          { head: 'fewer waited', cell: ({ fewer }) => number(fewer), isNumber: true },
          { head: 'as many', cell: ({ same }) => number(same), isNumber: true },
          { head: 'more', cell: ({ more }) => number(more), isNumber: true },
        ],
        sorted,
      ),
    ),
  );
}

const ROW = 44;

function picture(queues: readonly QueueWorth[], words: Words, width: number): Plot.PlotOptions {
  const rows = queues.map((queue, row) => ({ ...queue, y: row + 0.72, label: row + 0.3 }));
  const most = Math.max(1, ...queues.flatMap(({ before, after }) => [before.jobs, after.jobs]));
  return {
    height: rows.length * ROW + 46,
    marginLeft: 8,
    marginRight: 24,
    marginTop: 6,
    marginBottom: 38,
    x: { domain: [0, most], nice: true },
    y: { domain: [0, rows.length], range: [6, 6 + rows.length * ROW], axis: null },
    marks: [
      Plot.gridX({ stroke: 'var(--grid)', strokeOpacity: 1, ticks: width / 90 }),
      Plot.axisX({
        ticks: width / 90,
        tickSize: 0,
        label: 'jobs waiting, on average',
        labelAnchor: 'left',
        labelArrow: 'none',
      }),
      Plot.link(
        rows.filter(({ before, after }) => before.jobs !== after.jobs),
        {
          x1: ({ before }) => before.jobs,
          x2: ({ after }) => after.jobs,
          y: 'y',
          stroke: 'var(--muted)',
          strokeWidth: 2,
        },
      ),
      Plot.dot(rows, {
        x: ({ before }) => before.jobs,
        y: 'y',
        // Around the other where both are the same.
        r: 6.5,
        fill: 'var(--page)',
        stroke: 'var(--before)',
        strokeWidth: 2,
        title: ({ queue, before }) => `${queue}: ${number(before.jobs)} waited before`,
      }),
      Plot.dot(rows, {
        x: ({ after }) => after.jobs,
        y: 'y',
        r: 4,
        fill: 'var(--after)',
        title: ({ queue, after }) => `${queue}: ${number(after.jobs)} waited after`,
      }),
      Plot.text(rows, {
        frameAnchor: 'left',
        y: 'label',
        text: ({ queue, ...place }) =>
          cut(words.hasOneTarget ? queue : `${queue}, ${words.place(place)}`, Math.floor(width / 11)),
        textAnchor: 'start',
        fontSize: 12,
        fontWeight: 600,
        fill: 'currentColor',
        stroke: 'var(--page)',
        strokeWidth: 4,
      }),
      Plot.text(rows, {
        frameAnchor: 'right',
        dx: 20,
        y: 'label',
        text: ({ before, after }) => `${number(before.jobs)} → ${number(after.jobs)}`,
        textAnchor: 'end',
        fontSize: 12,
        fill: 'currentColor',
        stroke: 'var(--page)',
        strokeWidth: 4,
      }),
    ],
  };
}

function captionOf(queues: readonly QueueWorth[]): string {
  const total = (field: 'fewer' | 'same' | 'more' | 'sweeps') => queues.reduce((sum, queue) => sum + queue[field], 0);
  const all = total('sweeps');
  return (
    `What waited on a queue is on record for ${counted(all, 'time')} that a sweep cancelled jobs there, and for the next sweep of the schedule: ` +
    `fewer jobs waited ${counted(total('fewer'), 'time')}, as many ${counted(total('same'), 'time')}, and more ${counted(total('more'), 'time')}. ` +
    'Other things change a queue as well, so this is what followed, not what the cancels alone did.'
  );
}

/** Trials of a policy on the past. */
export function triedSection(tried: readonly TriedPolicy[], words: Words): HTMLElement | null {
  if (tried.length === 0) return null;
  return section(
    'tried',
    'Policies tried on the past',
    h(
      'p',
      {},
      'A backtest cancels nothing: it tells which past jobs a policy would have cancelled. A wrong kill is a job that finished well.',
    ),
    table(
      'Backtests',
      [
        { head: 'source', cell: ({ source }) => source },
        { head: 'target', cell: ({ target }) => target },
        { head: 'from', cell: ({ from }) => words.moment(from) },
        { head: 'until', cell: ({ until }) => words.moment(until) },
        { head: 'jobs', cell: ({ jobs }) => number(jobs), isNumber: true },
        { head: 'would have been cancelled', cell: ({ wouldCancel }) => number(wouldCancel), isNumber: true },
        { head: 'wrong kills', cell: ({ wrongKills }) => number(wrongKills), isNumber: true },
      ],
      tried,
    ),
    table(
      'Backtests by rule',
      [
        { head: 'rule', cell: ({ rule }) => rule },
        { head: 'source', cell: ({ source }) => source },
        { head: 'would have been cancelled', cell: ({ wouldCancel }) => number(wouldCancel), isNumber: true },
        { head: 'wrong kills', cell: ({ wrongKills }) => number(wrongKills), isNumber: true },
      ],
      tried.flatMap(({ source, rules }) => rules.map((rule) => ({ source, ...rule }))),
    ),
    tried.every(({ wrongKillsShown }) => wrongKillsShown.length === 0)
      ? null
      : table(
          'Wrong kills with the most work left',
          [
            { head: 'job', cell: ({ jobId }) => h('code', {}, jobId) },
            { head: 'rule', cell: ({ rule }) => rule },
            { head: 'it ran', cell: ({ lengthMs }) => duration(lengthMs), isNumber: true },
            { head: 'it still needed', cell: ({ stillNeededMs }) => duration(stillNeededMs), isNumber: true },
          ],
          tried.flatMap(({ wrongKillsShown }) => wrongKillsShown),
        ),
  );
}
