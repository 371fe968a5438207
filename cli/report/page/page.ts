import { daysSection } from './days.ts';
import { append, h } from './dom.ts';
import { jobDialog } from './job-dialog.ts';
import { jobsSection } from './jobs.ts';
import { openData } from './open-data.ts';
import { headContents, needsSection, numbersSection } from './overview.ts';
import { ratiosSection } from './ratios.ts';
import { repeatsSection } from './repeats.ts';
import { rulesSection, targetsSection } from './tables.ts';
import { wordsFor } from './words.ts';
import { triedSection, worthSection } from './worth.ts';

/*
 * The page of `dli-reaper report`. It runs in a browser, from a file that holds the data as well, and asks no network.
 */

const byId = (id: string): HTMLElement => {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
};

async function show(): Promise<void> {
  const data = byId('data');
  const opened = await openData(data.textContent ?? '');
  // It is in memory now, and not needed twice.
  data.remove();

  const { aggregates, cases, facts } = opened;
  const words = wordsFor(aggregates);
  const dialog = jobDialog(opened, words);
  append(byId('head'), headContents(aggregates, facts, words));
  const sections = [
    numbersSection(aggregates),
    needsSection(aggregates.needs, words, dialog.linkToId),
    daysSection(aggregates, words),
    ratiosSection(aggregates, cases, words),
    repeatsSection(aggregates, words),
    worthSection(aggregates, words),
    triedSection(aggregates.tried, words),
    rulesSection(aggregates, words),
    targetsSection(aggregates, words),
    jobsSection(opened, words, dialog.linkTo),
  ];
  append(byId('head'), [contentsOf(sections)]);
  append(byId('main'), [sections, dialog.element]);
  byId('foot').append(h('p', {}, `Made by dli-reaper ${facts.version}. This file loads nothing and sends nothing.`));
  openForPaper();
  addEventListener('hashchange', dialog.openAddressed);
  dialog.openAddressed();
}

/** Links to the sections: the page is long. */
const contentsOf = (sections: readonly (HTMLElement | null)[]): HTMLElement =>
  h(
    'nav',
    { id: 'contents', 'aria-label': 'Sections' },
    h(
      'ul',
      {},
      sections.map(
        (one) => one && h('li', {}, h('a', { href: `#${one.id}` }, one.querySelector('h2')?.textContent ?? one.id)),
      ),
    ),
  );

/** On paper nothing unfolds, so all tables are open there. */
function openForPaper(): void {
  let closed: HTMLDetailsElement[] = [];
  addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll<HTMLDetailsElement>('details:not([open])')];
    for (const details of closed) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of closed) details.open = false;
  });
}

function fail(error: unknown): void {
  const opening = byId('opening');
  opening.textContent = error instanceof Error ? error.message : String(error);
  opening.hidden = false;
  document.documentElement.dataset.state = 'failed';
}

show().then(() => {
  document.documentElement.dataset.state = 'ready';
}, fail);
