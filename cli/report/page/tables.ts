import { type Aggregates, RESULTS, type RuleTotals, type TargetTotals } from '../../../lib/aggregate/aggregates.ts';
import { clockOf } from '../../../lib/policy/clocks.ts';
import { type Column, type Content, h, section, table } from './dom.ts';
import { counted, duration, number, RESULT_WORDS, type Words } from './words.ts';

const isSilent = ({ sweeps, emptySweeps }: RuleTotals): boolean => sweeps > 0 && emptySweeps === sweeps;

/** What each rule did, and did not do. Those that never were for a job come first. */
export function rulesSection({ rules }: Aggregates, words: Words): HTMLElement {
  const heading = 'What each rule did, and did not do';
  if (rules.length === 0) return section('rules', heading, h('p', {}, 'No rule is on record.'));

  const silent = rules.filter(isSilent);
  const total = ({ results }: RuleTotals) => RESULTS.reduce((sum, result) => sum + results[result], 0);
  const sorted = [...silent, ...rules.filter((rule) => !isSilent(rule)).sort((a, b) => total(b) - total(a))];
  return section(
    'rules',
    heading,
    silent.length === 0
      ? null
      : h(
          'ul',
          { class: 'silent' },
          silent.map((rule) =>
            h(
              'li',
              {},
              h('strong', {}, rule.rule),
              ` was for no job in ${counted(rule.sweeps, 'sweep')} of ${words.place(rule)}.`,
            ),
          ),
        ),
    table<RuleTotals>(
      'Rules',
      [
        { head: 'rule', cell: ({ rule }) => rule },
        ...(words.hasOneTarget ? [] : [{ head: 'target', cell: (one: RuleTotals) => words.place(one) }]),
        { head: 'action', cell: ({ action }) => action ?? '—' },
        { head: 'limits that decided', cell: limitsOf },
        ...resultColumns(),
        { head: 'sweeps', cell: ({ sweeps }) => number(sweeps), isNumber: true },
        { head: 'for no job in', cell: ({ emptySweeps }) => number(emptySweeps), isNumber: true },
        { head: 'last for a job', cell: (rule) => lastMatch(rule, words) },
        { head: 'most jobs at once', cell: ({ mostMatched }) => number(mostMatched), isNumber: true },
        { head: 'most over the limit', cell: ({ mostOverLimit }) => number(mostOverLimit), isNumber: true },
        { head: 'most spared in a sweep', cell: sparedOf, isWide: true },
      ],
      sorted,
    ),
  );
}

const lastMatch = ({ lastMatchedAt, sweeps }: RuleTotals, words: Words): string =>
  lastMatchedAt === null ? (sweeps === 0 ? '—' : 'never') : words.moment(lastMatchedAt);

const limitsOf = ({ limits }: RuleTotals): Content =>
  limits.length === 0
    ? '—'
    : limits.map(({ clock, limitMs }) => `${clockOf(clock).word} ${duration(limitMs)}`).join(', ');

const sparedOf = ({ mostSpared }: RuleTotals): string =>
  Object.entries(mostSpared)
    .map(([reason, count]) => `${reason} ${number(count)}`)
    .join(', ') || '—';

interface Counted {
  results: RuleTotals['results'];
}

/** What was cancelled has its own column. The other results are words, since most of them do not occur. */
const resultColumns = (): Column<Counted>[] => [
  { head: 'cancelled', cell: ({ results }) => number(results.cancelled), isNumber: true },
  {
    head: 'other results',
    cell: ({ results }) =>
      RESULTS.filter((result) => result !== 'cancelled' && results[result] > 0)
        .map((result) => `${RESULT_WORDS[result].name} ${number(results[result])}`)
        .join(', ') || '—',
    isWide: true,
  },
];

export function targetsSection({ targets }: Aggregates, words: Words): HTMLElement {
  if (targets.length === 0) return section('targets', 'Targets', h('p', {}, 'No sweep is on record.'));
  return section(
    'targets',
    'Targets',
    table<TargetTotals>(
      'Sweeps by target',
      [
        { head: 'target', cell: (one) => words.place(one) },
        { head: 'project', cell: ({ projectName, projectId }) => projectName ?? projectId ?? '—' },
        { head: 'region', cell: ({ region }) => region ?? '—' },
        { head: 'sweeps', cell: ({ sweeps }) => number(sweeps), isNumber: true },
        {
          head: 'how they ended',
          cell: ({ statuses }) =>
            Object.entries(statuses)
              .map(([status, count]) => `${status} ${number(count)}`)
              .join(', ') || '—',
          isWide: true,
        },
        { head: 'dry runs', cell: ({ dryRuns }) => number(dryRuns), isNumber: true },
        { head: 'by hand', cell: ({ byHand }) => number(byHand), isNumber: true },
        { head: 'emergencies', cell: ({ emergencies }) => number(emergencies), isNumber: true },
        ...resultColumns(),
        {
          head: 'every',
          cell: ({ periodMinutes }) => (periodMinutes === null ? '—' : counted(periodMinutes, 'minute')),
        },
        { head: 'requests to DLI', cell: ({ apiCalls }) => number(apiCalls), isNumber: true },
        { head: 'first sweep', cell: ({ firstAt }) => words.moment(firstAt) },
        { head: 'last sweep', cell: ({ lastAt }) => words.moment(lastAt) },
      ],
      targets,
    ),
  );
}
