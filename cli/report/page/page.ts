import { daysSection } from './days.ts';
import { append, h } from './dom.ts';
import { jobDialog } from './job-dialog.ts';
import { jobsSection } from './jobs.ts';
import { openData } from './open-data.ts';
import { headContents, needsSection, numbersSection } from './overview.ts';
import { ratiosSection } from './ratios.ts';
import { repeatsSection } from './repeats.ts';
import { rulesSection, targetsSection } from './tables.ts';
import { datesIn } from './words.ts';
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
  const dates = datesIn(aggregates.timeZone);
  const dialog = jobDialog(opened, dates);
  append(byId('head'), headContents(aggregates, facts, dates));
  const main = byId('main');
  append(main, [
    numbersSection(aggregates),
    needsSection(aggregates.needs, dialog.linkToId),
    daysSection(aggregates, dates),
    ratiosSection(aggregates, cases),
    repeatsSection(aggregates, dates),
    worthSection(aggregates),
    triedSection(aggregates.tried, dates),
    rulesSection(aggregates, dates),
    targetsSection(aggregates, dates),
    jobsSection(cases, dates, facts.ownersHidden, dialog.linkTo),
    dialog.element,
  ]);
  byId('foot').append(h('p', {}, `Made by dli-reaper ${facts.version}. This file loads nothing and sends nothing.`));
  openForPaper();
  addEventListener('hashchange', dialog.openAddressed);
  dialog.openAddressed();
}

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
