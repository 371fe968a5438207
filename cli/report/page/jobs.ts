import { RESULTS } from '../../../lib/aggregate/aggregates.ts';
import type { Opened, PageCase } from '../packed.ts';
import { csvOf } from './csv.ts';
import { type Content, h, section } from './dom.ts';
import { counted, duration, number, RESULT_WORDS, times, type Words } from './words.ts';

const PAGE_SIZE = 50;

const ratioOf = ({ readingMs, limitMs }: PageCase): number | null =>
  readingMs === null || limitMs === null || limitMs === 0 ? null : readingMs / limitMs;

interface JobColumn {
  head: string;
  cell: (one: PageCase) => Content;
  /** What it is sorted by; null comes last. */
  key: (one: PageCase) => string | number | null;
  isNumber?: boolean;
  /** The first press sorts from the largest down. */
  isLargestFirst?: boolean;
}

function columnsOf(words: Words, ownersHidden: boolean, link: (one: PageCase) => Content): JobColumn[] {
  const columns: JobColumn[] = [
    { head: 'job', cell: link, key: ({ jobId }) => jobId },
    {
      head: 'result',
      cell: ({ result }) => h('span', { class: `badge result-${result}` }, RESULT_WORDS[result].name),
      key: ({ result }) => RESULTS.indexOf(result),
    },
    {
      head: 'when',
      cell: ({ resultAt }) => words.moment(resultAt),
      key: ({ resultAt }) => resultAt,
      isLargestFirst: true,
    },
    { head: 'rule', cell: ({ rule }) => rule ?? '—', key: ({ rule }) => rule },
    {
      head: 'reading',
      cell: ({ readingMs }) => duration(readingMs),
      key: ({ readingMs }) => readingMs,
      isNumber: true,
      isLargestFirst: true,
    },
    {
      head: 'of limit',
      cell: (one) => {
        const ratio = ratioOf(one);
        return ratio === null ? '—' : `${times(ratio)} ${duration(one.limitMs)}`;
      },
      key: ratioOf,
      isNumber: true,
      isLargestFirst: true,
    },
    { head: 'queue', cell: ({ queue }) => queue ?? '—', key: ({ queue }) => queue },
    { head: 'owner', cell: ({ owner }) => owner ?? '—', key: ({ owner }) => owner },
    { head: 'target', cell: (one) => words.place(one), key: (one) => words.place(one) },
  ];
  return columns.filter(({ head }) => head !== 'owner' || !ownersHidden);
}

interface JobFilter {
  name: string;
  field?: 'rule' | 'queue' | 'engine' | 'owner';
  of: (one: PageCase) => string | null;
}

/** Those with a field have its values as options: to collect them from 100,000 cases takes long. */
const filtersOf = (words: Words): JobFilter[] => [
  { name: 'result', of: ({ result }: PageCase) => RESULT_WORDS[result].name },
  { name: 'rule', field: 'rule', of: ({ rule }: PageCase) => rule },
  { name: 'queue', field: 'queue', of: ({ queue }: PageCase) => queue },
  { name: 'target', of: (one: PageCase) => words.place(one) },
  { name: 'engine', field: 'engine', of: ({ engine }: PageCase) => engine },
  { name: 'owner', field: 'owner', of: ({ owner }: PageCase) => owner },
];

/** What the text field searches, in small letters. */
const searchable = ({
  jobId,
  name,
  queue,
  owner,
  rule,
  target,
  stage,
  error,
  status,
  sweepId,
  reason,
}: PageCase): string =>
  [jobId, name, queue, owner, rule, target, stage, error, status, sweepId, reason].join('\n').toLowerCase();

/** All cases, as a table that filters, sorts and turns pages. */
export function jobsSection(
  { cases, valuesOf, facts: { ownersHidden } }: Opened,
  words: Words,
  link: (one: PageCase) => Content,
): HTMLElement {
  if (cases.length === 0) return section('jobs', 'Jobs', h('p', {}, 'No job is on record.'));

  const columns = columnsOf(words, ownersHidden, link);
  let texts: string[] | undefined;
  let found: readonly PageCase[] = cases;
  let page = 0;
  let sorted: { column: JobColumn; isDown: boolean } | undefined;

  const search = h('input', { type: 'search', id: 'jobs-search', autocomplete: 'off', spellcheck: 'false' });
  const selects = filtersOf(words)
    .filter(({ name }) => name !== 'owner' || !ownersHidden)
    .map((filter) => ({
      ...filter,
      select: selectOf(
        filter.name,
        filter.field === undefined ? cases.map(filter.of) : (valuesOf(filter.field) as (string | null)[]),
      ),
    }));
  const count = h('p', { role: 'status', class: 'count' });
  const body = h('tbody');
  const position = h('span', { class: 'position' });
  const previous = h('button', { type: 'button' }, 'Previous page');
  const next = h('button', { type: 'button' }, 'Next page');
  const download = h('button', { type: 'button' }, 'Download as CSV');
  const reset = h('button', { type: 'button' }, 'Clear filters');

  const pages = () => Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const show = () => {
    const rows = found.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    body.replaceChildren(
      ...rows.map((one) =>
        h(
          'tr',
          {},
          columns.map(({ cell, isNumber }, i) =>
            i === 0 ? h('th', { scope: 'row' }, cell(one)) : h('td', { class: isNumber ? 'number' : null }, cell(one)),
          ),
        ),
      ),
    );
    position.textContent = `Page ${number(page + 1)} of ${number(pages())}`;
    // A button with the focus that is turned off would lose it, so it only says that it does nothing.
    previous.setAttribute('aria-disabled', String(page === 0));
    next.setAttribute('aria-disabled', String(page + 1 >= pages()));
  };
  const turnTo = (to: number) => {
    if (to < 0 || to >= pages()) return;
    page = to;
    show();
  };
  const find = () => {
    const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    // Made at the first search: most people who open the page search nothing.
    if (sought.length > 0) texts ??= cases.map(searchable);
    const wanted = selects.filter(({ select }) => select.value !== '');
    found = cases.filter(
      (one, i) =>
        wanted.every(({ of, select }) => optionOf(of(one)) === select.value) &&
        sought.every((word) => texts?.[i]?.includes(word)),
    );
    if (sorted !== undefined) found = sortedBy(found, sorted.column, sorted.isDown);
    page = 0;
    const isFiltered = sought.length + wanted.length > 0;
    count.textContent = isFiltered
      ? `${number(found.length)} of ${counted(cases.length, 'job')}`
      : counted(cases.length, 'job');
    reset.hidden = !isFiltered;
    show();
  };

  const heads = columns.map((column) => {
    const button = h('button', { type: 'button' }, column.head);
    const head = h('th', { scope: 'col', class: column.isNumber ? 'number' : null }, button);
    button.addEventListener('click', () => {
      const isDown = sorted?.column === column ? !sorted.isDown : column.isLargestFirst === true;
      sorted = { column, isDown };
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
      find();
    });
    return head;
  });
  search.addEventListener('input', find);
  for (const { select } of selects) select.addEventListener('change', find);
  previous.addEventListener('click', () => turnTo(page - 1));
  next.addEventListener('click', () => turnTo(page + 1));
  reset.addEventListener('click', () => {
    search.value = '';
    for (const { select } of selects) select.value = '';
    find();
    search.focus();
  });
  download.addEventListener('click', () => save('reaper-jobs.csv', csvOf(found, ownersHidden)));
  find();

  return section(
    'jobs',
    'Jobs',
    h(
      'form',
      { class: 'filters', role: 'search', 'aria-label': 'Filter the jobs' },
      h('div', { class: 'field wide' }, h('label', { for: 'jobs-search' }, 'Search'), search),
      selects.map(({ name, select }) => h('div', { class: 'field' }, h('label', { for: select.id }, name), select)),
    ),
    h('div', { class: 'bar' }, count, reset, download),
    h('p', { class: 'note' }, 'The id of a job leads to everything about it, and why. A heading sorts.'),
    h(
      'div',
      { class: 'frame', tabindex: 0, role: 'region', 'aria-label': 'Table of jobs' },
      h(
        'table',
        { class: 'jobs' },
        h('caption', { class: 'unseen' }, 'Jobs'),
        h('thead', {}, h('tr', {}, heads)),
        body,
      ),
    ),
    h('nav', { class: 'pages', 'aria-label': 'Pages of jobs' }, previous, position, next),
  );
}

/** A value that is not known has its own option. No name can be empty and filled at once, so the mark cannot be a name. */
const UNKNOWN = '\n';
const optionOf = (value: string | null): string => (value === null || value === '' ? UNKNOWN : value);

function selectOf(name: string, values: readonly (string | null)[]): HTMLSelectElement {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(optionOf(value), (counts.get(optionOf(value)) ?? 0) + 1);
  const options = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([value, count]) => {
      const option = h('option', {}, `${value === UNKNOWN ? 'not known' : value} (${number(count)})`);
      option.value = value;
      return option;
    });
  const select = h('select', { id: `jobs-${name}` }, h('option', { value: '' }, 'all'), options);
  // One value filters nothing.
  select.disabled = counts.size < 2;
  return select;
}

function sortedBy(cases: readonly PageCase[], { key }: JobColumn, isDown: boolean): PageCase[] {
  const keyed = cases.map((one) => ({ one, value: key(one) }));
  const sign = isDown ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.value === b.value) return 0;
    if (a.value === null) return 1;
    if (b.value === null) return -1;
    return a.value < b.value ? -sign : sign;
  });
  return keyed.map(({ one }) => one);
}

function save(name: string, text: string): void {
  // With its mark, spreadsheets read the text as UTF-8.
  const url = URL.createObjectURL(new Blob(['\ufeff', text], { type: 'text/csv;charset=utf-8' }));
  h('a', { href: url, download: name }).click();
  // The browser has the file in hand after a turn; until the page closes the URL would hold it in memory.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
