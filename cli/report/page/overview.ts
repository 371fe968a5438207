import { type Aggregates, type Need, RESULTS, type Result } from '../../../lib/aggregate/aggregates.ts';
import type { PageFacts } from '../packed.ts';
import { type Content, h, section, table } from './dom.ts';
import { counted, listed, NEED_WORDS, number, RESULT_WORDS, type Words } from './words.ts';

/** What the page is about, and what could not be read. */
export function headContents(aggregates: Aggregates, facts: PageFacts, words: Words): Content[] {
  const { targets, sources, unread, from, to, timeZone } = aggregates;
  const stages = [...new Set(targets.flatMap(({ stage }) => stage ?? []))];
  const sweeps = targets.reduce((sum, target) => sum + target.sweeps, 0);
  const names = [...new Set(targets.map(({ target }) => target))];
  const where = [
    ...(stages.length === 0 ? [] : [`stage${stages.length === 1 ? '' : 's'} ${listed(stages)}`]),
    names.length > 4 ? counted(names.length, 'target') : `target${names.length === 1 ? '' : 's'} ${listed(names)}`,
  ].join(', ');
  const span =
    targets.length === 0
      ? 'No sweep is on record. '
      : `${counted(sweeps, 'sweep')} of ${where}, ${spanOf(words.moment(from), words.moment(to))}. `;
  return [
    h(
      'p',
      { class: 'lead' },
      `${span}Times and days are of ${timeZone}.`,
      facts.ownersHidden ? ' The names of people were left out.' : null,
    ),
    unreadAlert(unread),
    h(
      'details',
      { class: 'about' },
      h(
        'summary',
        {},
        `Made ${words.moment(facts.madeAt)} from ${counted(sources.length, 'source')} with ${counted(
          sources.reduce((sum, { lines }) => sum + lines, 0),
          'line',
        )}`,
      ),
      h(
        'p',
        {},
        `dli-reaper ${facts.version} made this page with `,
        h('code', {}, facts.command),
        '. It is one file, and loads nothing.',
      ),
      table(
        'Sources',
        [
          { head: 'source', cell: ({ name }) => (name === '-' ? 'standard input' : name) },
          { head: 'lines', cell: ({ lines }) => number(lines), isNumber: true },
          { head: 'used', cell: ({ used }) => number(used), isNumber: true },
          { head: 'say nothing for this report', cell: ({ other }) => number(other), isNumber: true },
          { head: 'read before', cell: ({ twice }) => number(twice), isNumber: true },
          { head: 'outside of what was asked for', cell: ({ outside }) => number(outside), isNumber: true },
        ],
        sources,
      ),
    ),
  ];
}

/** A single sweep has no span. */
const spanOf = (first: string, last: string): string => (first === last ? `at ${first}` : `from ${first} to ${last}`);

function unreadAlert(unread: Aggregates['unread']): Content {
  if (unread.length === 0) return null;
  const count = unread.reduce((sum, one) => sum + one.count, 0);
  return h(
    'div',
    { class: 'alert' },
    h(
      'p',
      {},
      h('strong', {}, `${counted(count, 'piece')} of the record could not be read.`),
      ' The numbers below leave them out.',
    ),
    h(
      'ul',
      {},
      unread.map((one) =>
        h(
          'li',
          {},
          `${one.source === '-' ? 'standard input' : one.source}${one.first === null ? '' : `, ${one.count > 1 ? 'first ' : ''}${one.first}`}: ${one.why}${one.count > 1 ? ` (${number(one.count)} times)` : ''}`,
        ),
      ),
    ),
  );
}

/** The few numbers that a person remembers. Those that are 0 are left out. */
export function numbersSection({ results }: Aggregates): HTMLElement {
  const shown = RESULTS.filter((result) => results[result] > 0);
  return section(
    'numbers',
    'In numbers',
    shown.length === 0
      ? h('p', {}, 'No job was over a limit, and none was spared or warned of.')
      : h(
          'dl',
          { class: 'numbers-strip' },
          shown.map((result) => bigNumber(result, results[result])),
        ),
  );
}

const bigNumber = (result: Result, count: number): HTMLElement =>
  h(
    'div',
    { class: `big result-${result}`, title: RESULT_WORDS[result].means },
    h('dt', {}, RESULT_WORDS[result].label),
    h('dd', {}, number(count)),
  );

/** What a person should look at, the worst kind first, as the needs come. */
export function needsSection(needs: readonly Need[], words: Words, linkTo: (jobId: string) => Content): HTMLElement {
  return section(
    'needs',
    'What needs a person',
    needs.length === 0
      ? h('p', {}, 'Nothing on record needs a person.')
      : h(
          'ul',
          { class: 'needs' },
          [...Map.groupBy(needs, ({ kind }) => kind)].map(([kind, alike]) =>
            h(
              'li',
              { class: `need need-${kind}` },
              h('h3', {}, NEED_WORDS[kind]),
              alike.map((need) => needContents(need, words, linkTo)),
              [...new Set(alike.flatMap(({ todo }) => todo ?? []))].map((todo) =>
                h('p', { class: 'todo' }, words.sentence(todo)),
              ),
            ),
          ),
        ),
  );
}

function needContents({ what, jobIds, ...place }: Need, words: Words, linkTo: (jobId: string) => Content): Content {
  const name = place.target === undefined || words.hasOneTarget ? null : h('strong', {}, `${words.place(place)}: `);
  return [
    h('p', {}, name, name === null ? words.sentence(what) : words.local(what)),
    jobIds.length === 0
      ? null
      : h(
          'details',
          {},
          h('summary', {}, jobIds.length === 1 ? 'The job' : `The latest ${number(jobIds.length)} of them`),
          h(
            'ul',
            { class: 'jobs-of' },
            jobIds.map((id) => h('li', {}, linkTo(id))),
          ),
        ),
  ];
}
