import { formatDuration } from '../../lib/base/duration.ts';
import {
  type Backtest,
  type Counts,
  type NearMiss,
  type RuleResult,
  shareOf,
  type WrongKill,
} from '../../lib/history/backtest.ts';
import { type Life, lengthOf } from '../../lib/history/life.ts';
import { wouldBeHeld } from '../../lib/sweep/clearance.ts';
import { type Column, formatTable } from '../screen/table.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText, counted } from '../screen/text.ts';
import type { BacktestFlags, Tried } from './backtest.ts';

const isoOf = (ms: number) => new Date(ms).toISOString();
const minuteOf = (ms: number) => `${isoOf(ms).slice(0, 16)}Z`;
const DAY_MS = 86_400_000;

/** Makes the JSON document; docs/report.schema.json describes it. */
export function toBacktestJson({ history, result, today, shortfall }: Tried) {
  const { window, wrongKills, nearMisses, capped, rules, untellable, operations } = result;
  return {
    target: history.target,
    project: history.project,
    window: { from: isoOf(window.from), until: isoOf(window.until), holdsMonthEnd: window.holdsMonthEnd },
    periodMs: result.periodMs,
    ticks: result.ticks,
    unreadable: result.unreadable,
    counts: countsOf(result),
    rules: rules.map(({ counts, ...rule }) => ({ ...rule, counts: countsJson(result.jobs, counts) })),
    wrongKills: wrongKills.map(({ life, rule, cancelledAt, stillNeededMs }) => ({
      ...jobOf(life),
      rule,
      cancelledAt: {
        earliest: isoOf(cancelledAt.earliest),
        latest: cancelledAt.latest === null ? null : isoOf(cancelledAt.latest),
      },
      stillNeededMs,
    })),
    nearMisses: nearMisses.map(({ life, rule, clock, limitMs }) => ({ ...jobOf(life), rule, clock, limitMs })),
    capped: capped.map(({ at, reason }) => ({ at: isoOf(at), reason })),
    beyondCeilings: result.beyond,
    untellable,
    queueOperations: Object.fromEntries(operations),
    cannotTell: cannotTell(result),
    incomplete: shortfall,
    against:
      today === undefined
        ? null
        : {
            counts: countsOf(today),
            ...differenceOf(result, today),
            untellable: today.untellable,
            beyondCeilings: today.beyond,
          },
  };
}

const countsOf = ({ jobs, withCaps, withoutCaps }: Backtest) => ({
  withCaps: countsJson(jobs, withCaps),
  withoutCaps: countsJson(jobs, withoutCaps),
});

const countsJson = (jobs: number, { wouldCancel, finished, failed, cancelled, dead, alive, unknown }: Counts) => ({
  jobs,
  wouldCancel,
  finishedWell: finished,
  failed,
  cancelled,
  dead,
  unknown: alive + unknown,
});

const jobOf = (life: Life) => {
  const { id, engine, queue = null, owner = null, type = null } = life.job;
  return {
    jobId: id,
    engine,
    queue,
    owner,
    jobType: type,
    submittedAt: isoOf(life.submittedAt),
    lengthMs: lengthOf(life),
  };
};

/** Returns the wrong kills that only one of two policies makes, by job. */
function differenceOf(result: Backtest, today: Backtest) {
  const idsOf = ({ wrongKills }: Backtest) => wrongKills.map(({ life }) => life.job.id);
  const [mine, others] = [new Set(idsOf(result)), new Set(idsOf(today))];
  return {
    wrongKills: others.size,
    onlyNew: [...mine].filter((id) => !others.has(id)),
    onlyToday: [...others].filter((id) => !mine.has(id)),
  };
}

/** Says what the past does not show, as far as it matters for this policy. */
function cannotTell({ window, withoutCaps, wrongKills, rules, operations, mayMix }: Backtest): string[] {
  const { cancelled, dead, alive } = withoutCaps;
  const mayHaveWaited = wrongKills.some(({ cancelledAt }) => cancelledAt.latest !== cancelledAt.earliest);
  const resized = [...operations].map(([queue, count]) => `${queue} ${counted(count, 'time')}`).join(', ');
  return [
    ...(mayHaveWaited
      ? [
          'DLI says when a job was submitted and when it ended, not when it began to run. With maxRunTime the earliest cancel is as if it had not waited; the latest is as if it had waited all the time.',
        ]
      : []),
    ...(mayMix
      ? ['With groups, jobs of which some waited and some did not may have other victims than both answers.']
      : []),
    ...(cancelled > 0
      ? [
          `Victims that had been cancelled in truth, by the reaper, a person or DLI itself: ${cancelled}. How long such a job would have needed is not known.`,
        ]
      : []),
    ...(dead > 0
      ? [`Spark batches among the victims that ended as dead: ${dead}. They failed, or were cancelled.`]
      : []),
    ...(alive > 0 ? [`Victims that were still alive at the end of the window: ${alive}.`] : []),
    ...(window.holdsMonthEnd ? [] : ['The window holds no month end. What runs only then was not seen.']),
    ...(resized === ''
      ? []
      : [
          `Queues were resized or restarted within the window: ${resized}. Before, the same jobs may have taken a different time.`,
        ]),
    ...(rules.length > 0
      ? ['Jobs that DLI no longer remembers are not in it, nor those that were submitted before the window.']
      : []),
  ];
}

/** As many jobs as a screen holds. */
const MOST_LINES = 20;

/** Formats a backtest for a person. */
export function formatBacktest(
  { history, result, today, shortfall }: Tried,
  flags: BacktestFlags,
  terminal: Terminal,
): string {
  const { window, ticks, periodMs, jobs, finished, unreadable, wrongKills, nearMisses, untellable } = result;
  const days = Math.round((window.until - window.from) / DAY_MS);
  const most = flags.all ? Number.POSITIVE_INFINITY : MOST_LINES;
  return [
    cleanText(
      `${history.target}${history.project === null ? '' : ` (project ${history.project.id})`}: ${counted(jobs, 'job')} from ${minuteOf(window.from)} to ${minuteOf(window.until)} ` +
        `(${counted(days, 'day')}, ${window.holdsMonthEnd ? 'with' : 'without'} a month end), ` +
        `a sweep every ${formatDuration(periodMs)}: ${counted(ticks, 'sweep')}.`,
    ),
    ...(unreadable > 0 ? [`${counted(unreadable, 'job')} could not be placed in time, and are not counted.`] : []),
    '',
    table(RULE_COLUMNS, result.rules, terminal, ({ rule, counts }) => `${rule}: ${words(counts)}`),
    '',
    `Without caps: ${words(result.withoutCaps)}.`,
    `With the caps${result.beyond.length > 0 ? ', if the ceilings allowed this policy' : ''}: ${words(result.withCaps)}.${cappedWords(result)}`,
    ...result.beyond.map((why) => cleanText(`! ${wouldBeHeld(why)}`)),
    ...(today === undefined ? [] : ['', ...againstLines(result, today)]),
    '',
    ...(wrongKills.length === 0
      ? [`Wrong kills: none of the ${counted(finished, 'job')} that finished well.`]
      : [
          `Wrong kills: ${wrongKills.length} of the ${counted(finished, 'job')} that finished well:`,
          table(WRONG_COLUMNS, wrongKills.slice(0, most), terminal, wrongLine),
          ...more(wrongKills.length, most),
        ]),
    ...section(
      `Nearest misses: ${counted(nearMisses.length, 'job')} that finished well near a limit`,
      nearMisses.length,
    ),
    ...(nearMisses.length === 0
      ? []
      : [table(NEAR_COLUMNS, nearMisses.slice(0, most), terminal, nearLine), ...more(nearMisses.length, most)]),
    ...section('What the past does not tell', 1),
    ...untellable.map(({ rule, why }) => cleanText(`- rule ${rule}: ${why}`)),
    ...cannotTell(result).map((line) => cleanText(`- ${line}`)),
    ...shortfall.map((line) => cleanText(`! incomplete: ${line}`)),
    '',
  ].join('\n');
}

const section = (title: string, size: number): string[] => (size === 0 ? [] : ['', `${title}:`]);

const more = (count: number, most: number): string[] =>
  count > most ? [`and ${count - most} more; --all shows them, and --json has them all`] : [];

function table<Row>(
  columns: Column<Row>[],
  rows: readonly Row[],
  terminal: Terminal,
  line: (row: Row) => string,
): string {
  return formatTable(columns, rows, terminal) ?? rows.map((row) => cleanText(line(row))).join('\n');
}

function words({ wouldCancel, finished, failed, cancelled, dead, alive, unknown }: Counts): string {
  const parts = [
    [finished, 'finished well'],
    [failed, 'failed'],
    [cancelled, 'were cancelled anyway'],
    [dead, 'ended as dead'],
    [alive + unknown, 'still live'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return `${counted(wouldCancel, 'job')} would have been cancelled${shown.length === 0 ? '' : `; in truth, ${shown.join(', ')}`}`;
}

function cappedWords({ capped }: Backtest): string {
  const [first] = capped;
  if (first === undefined) return '';
  return ` A cap would have held back ${counted(capped.length, 'sweep')}, the first at ${minuteOf(first.at)}: ${cleanText(first.reason)}.`;
}

function againstLines(result: Backtest, today: Backtest): string[] {
  const { onlyNew, onlyToday } = differenceOf(result, today);
  return [
    `Today's policy, without caps: ${words(today.withoutCaps)}.`,
    ...today.untellable.map(({ rule, why }) => cleanText(`Not tried of today's policy: rule ${rule}: ${why}`)),
    ...today.beyond.map((why) => cleanText(`! today's policy: ${wouldBeHeld(why)}`)),
    `Wrong kills: ${onlyNew.length} only by the new policy, ${onlyToday.length} only by today's.`,
  ];
}

const VERBS = { cancel: 'cancel', warn: 'only warn', log: 'only log' } as const;
/** To the minute; of more than a day, to the hour. */
const roughly = (ms: number) => formatDuration(ms < DAY_MS ? ms - (ms % 60_000) : ms - (ms % 3_600_000));

const RULE_COLUMNS: Column<RuleResult>[] = [
  { head: 'rule', cell: ({ rule }) => rule },
  { head: 'would', cell: ({ action }) => VERBS[action] },
  { head: 'jobs', cell: ({ counts }) => String(counts.wouldCancel) },
  { head: 'finished well', cell: ({ counts }) => String(counts.finished) },
  { head: 'failed', cell: ({ counts }) => String(counts.failed), dropped: 3 },
  { head: 'cancelled', cell: ({ counts }) => String(counts.cancelled), dropped: 3 },
  { head: 'dead', cell: ({ counts }) => String(counts.dead), dropped: 2 },
  { head: 'still live', cell: ({ counts }) => String(counts.alive + counts.unknown), dropped: 2 },
  { head: 'near misses', cell: ({ nearMisses }) => String(nearMisses), dropped: 4 },
  { head: 'held beyond', cell: ({ heldMs }) => roughly(heldMs), dropped: 1 },
];

const LIFE_COLUMNS: Column<{ life: Life; rule: string }>[] = [
  { head: 'job', cell: ({ life }) => life.job.id },
  { head: 'rule', cell: ({ rule }) => rule },
  { head: 'queue', cell: ({ life }) => life.job.queue ?? '?', dropped: 2 },
  { head: 'owner', cell: ({ life }) => life.job.owner ?? '?' },
  { head: 'type', cell: ({ life }) => life.job.type ?? life.job.engine, dropped: 1 },
  { head: 'took', cell: ({ life }) => formatDuration(lengthOf(life)) },
];

const latestWords = ({ earliest, latest }: WrongKill['cancelledAt']): string =>
  latest === null ? 'not at all' : latest === earliest ? 'the same' : minuteOf(latest);

const WRONG_COLUMNS: Column<WrongKill>[] = [
  ...LIFE_COLUMNS,
  { head: 'cancelled at', cell: ({ cancelledAt }) => minuteOf(cancelledAt.earliest) },
  { head: 'or at the latest', cell: ({ cancelledAt }) => latestWords(cancelledAt), dropped: 3 },
  { head: 'still needed', cell: ({ stillNeededMs }) => formatDuration(stillNeededMs) },
];

const NEAR_COLUMNS: Column<NearMiss>[] = [
  ...LIFE_COLUMNS,
  { head: 'limit', cell: ({ clock, limitMs }) => `${clock} ${formatDuration(limitMs)}` },
  { head: 'of it', cell: (miss) => `${Math.floor(shareOf(miss) * 100)} %` },
];

const wrongLine = ({ life, rule, cancelledAt, stillNeededMs }: WrongKill): string =>
  `${life.job.id} of ${life.job.owner ?? '?'}: cancelled at ${minuteOf(cancelledAt.earliest)} by ${rule}, and still needed ${formatDuration(stillNeededMs)}`;

const nearLine = (miss: NearMiss): string =>
  `${miss.life.job.id} of ${miss.life.job.owner ?? '?'}: ${Math.floor(shareOf(miss) * 100)} % of ${miss.clock} ${formatDuration(miss.limitMs)}, ${miss.rule}`;
