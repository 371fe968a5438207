import { type Aggregates, RESULTS, type RuleTotals, type TargetTotals } from '../../../lib/aggregate/aggregates.ts';
import { clockOf } from '../../../lib/policy/clocks.ts';
import { type Column, type Content, h, section, table } from './dom.ts';
import { counted, type Dates, duration, number, placeOf, RESULT_WORDS } from './words.ts';

const isSilent = ({ sweeps, emptySweeps }: RuleTotals): boolean => sweeps > 0 && emptySweeps === sweeps;

/** What each rule did, and did not do. Those that never were for a job come first. */
export function rulesSection({ rules }: Aggregates, dates: Dates): HTMLElement {
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
              ` was for no job in ${counted(rule.sweeps, 'sweep')} of ${placeOf(rule)}.`,
            ),
          ),
        ),
    table<RuleTotals>(
      'Rules',
      [
        { head: 'rule', cell: ({ rule }) => rule },
        { head: 'target', cell: placeOf },
        { head: 'action', cell: ({ action }) => action ?? '—' },
        { head: 'limits that decided', cell: limitsOf },
        ...resultColumns(rules),
        { head: 'sweeps', cell: ({ sweeps }) => number(sweeps), isNumber: true },
        { head: 'for no job in', cell: ({ emptySweeps }) => number(emptySweeps), isNumber: true },
        { head: 'last for a job', cell: (rule) => lastMatch(rule, dates) },
        { head: 'most jobs at once', cell: ({ mostMatched }) => number(mostMatched), isNumber: true },
        { head: 'most over the limit', cell: ({ mostOverLimit }) => number(mostOverLimit), isNumber: true },
        { head: 'most spared in a sweep', cell: sparedOf },
      ],
      sorted,
    ),
  );
}

const lastMatch = ({ lastMatchedAt, sweeps }: RuleTotals, dates: Dates): string =>
  lastMatchedAt === null ? (sweeps === 0 ? '—' : 'never') : dates.moment(lastMatchedAt);

const limitsOf = ({ limits }: RuleTotals): Content =>
  limits.length === 0
    ? '—'
    : limits.map(({ clock, limitMs }) => `${clockOf(clock).word} ${duration(limitMs)}`).join(', ');

const sparedOf = ({ mostSpared }: RuleTotals): string =>
  Object.entries(mostSpared)
    .map(([reason, count]) => `${reason} ${number(count)}`)
    .join(', ') || '—';

/** The results that occur. */
const resultColumns = (
  rows: readonly { results: RuleTotals['results'] }[],
): Column<{ results: RuleTotals['results'] }>[] =>
  RESULTS.filter((result) => rows.some(({ results }) => results[result] > 0)).map((result) => ({
    head: RESULT_WORDS[result].name,
    cell: ({ results }) => number(results[result]),
    isNumber: true,
  }));

export function targetsSection({ targets }: Aggregates, dates: Dates): HTMLElement {
  if (targets.length === 0) return section('targets', 'Targets', h('p', {}, 'No sweep is on record.'));
  return section(
    'targets',
    'Targets',
    table<TargetTotals>(
      'Sweeps by target',
      [
        { head: 'target', cell: placeOf },
        { head: 'project', cell: ({ projectName, projectId }) => projectName ?? projectId ?? '—' },
        { head: 'region', cell: ({ region }) => region ?? '—' },
        { head: 'sweeps', cell: ({ sweeps }) => number(sweeps), isNumber: true },
        {
          head: 'how they ended',
          cell: ({ statuses }) =>
            Object.entries(statuses)
              .map(([status, count]) => `${status} ${number(count)}`)
              .join(', ') || '—',
        },
        { head: 'dry runs', cell: ({ dryRuns }) => number(dryRuns), isNumber: true },
        { head: 'by hand', cell: ({ byHand }) => number(byHand), isNumber: true },
        { head: 'emergencies', cell: ({ emergencies }) => number(emergencies), isNumber: true },
        ...resultColumns(targets),
        {
          head: 'every',
          cell: ({ periodMinutes }) => (periodMinutes === null ? '—' : counted(periodMinutes, 'minute')),
        },
        { head: 'requests to DLI', cell: ({ apiCalls }) => number(apiCalls), isNumber: true },
        { head: 'first sweep', cell: ({ firstAt }) => dates.moment(firstAt) },
        { head: 'last sweep', cell: ({ lastAt }) => dates.moment(lastAt) },
      ],
      targets,
    ),
  );
}
