import { clockOf } from '../../../lib/policy/clocks.ts';
import { explanationLines } from '../../screen/explanation-lines.ts';
import type { Opened, PageCase } from '../packed.ts';
import { type Content, h } from './dom.ts';
import { counted, duration, number, RESULT_WORDS, times, type Words } from './words.ts';

/** A dialog with everything on a case, which an address can lead to. */
export interface JobDialog {
  element: HTMLDialogElement;
  /** A link that opens the case. */
  linkTo: (one: PageCase) => HTMLAnchorElement;
  /** A link that opens the latest case of a job. */
  linkToId: (jobId: string) => HTMLAnchorElement;
  /** Opens what the address names, if it names a case. */
  openAddressed: () => void;
}

export function jobDialog({ cases, whys, facts }: Opened, words: Words): JobDialog {
  const element = h('dialog', { id: 'job', 'aria-labelledby': 'job-heading' });
  /** The latest case of an id; of several, the one with the result of that moment. Most people open few, so there is no index. */
  const find = (jobId: string, at?: number) =>
    cases.find((one) => one.jobId === jobId && (at === undefined || one.resultAt === at));

  const open = (one: PageCase) => {
    const close = h('button', { type: 'button', class: 'close' }, 'Close');
    close.addEventListener('click', () => element.close());
    element.replaceChildren(
      h('div', { class: 'dialog-head' }, h('h2', { id: 'job-heading' }, 'Job ', h('code', {}, one.jobId)), close),
      h(
        'p',
        { class: 'bar' },
        h('span', { class: `badge result-${one.result}` }, RESULT_WORDS[one.result].name),
        copyButton('Copy id', one.jobId),
        h('a', { href: addressOf(one) }, 'Link to this job'),
      ),
      factsOf(one, words, facts.ownersHidden),
      h('h3', {}, 'Why'),
      whyOf(one, whys.get(one.index)),
    );
    if (!element.open) element.showModal();
    history.replaceState(null, '', addressOf(one));
  };
  element.addEventListener('close', () => history.replaceState(null, '', '#jobs'));
  // Outside of the dialog is the dialog itself, and what is in it are other elements.
  element.addEventListener('click', ({ target }) => {
    if (target === element) element.close();
  });

  const linkWith = (jobId: string, href: string, caseOf: () => PageCase | undefined) => {
    const link = h('a', { href, class: 'job-link' }, jobId || 'no id');
    link.addEventListener('click', (event) => {
      // A new tab is the browser's.
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const one = caseOf();
      if (one !== undefined) open(one);
    });
    return link;
  };
  return {
    element,
    linkTo: (one) => linkWith(one.jobId, addressOf(one), () => one),
    linkToId: (jobId) => linkWith(jobId, `#job=${encodeURIComponent(jobId)}`, () => find(jobId)),
    openAddressed: () => {
      const parts = new URLSearchParams(location.hash.slice(1));
      const jobId = parts.get('job');
      const at = parts.get('at');
      const one = jobId === null ? undefined : find(jobId, at === null ? undefined : Number(at));
      if (one !== undefined) open(one);
    },
  };
}

/** A job of Flink may have several cases, since it can be started again under its id. */
const addressOf = ({ jobId, engine, resultAt }: PageCase): string =>
  `#job=${encodeURIComponent(jobId)}${engine === 'flink' ? `&at=${resultAt}` : ''}`;

function factsOf(one: PageCase, words: Words, ownersHidden: boolean): HTMLElement {
  const ratio = one.readingMs === null || one.limitMs === null ? null : one.readingMs / one.limitMs;
  const rows: [string, Content][] = [
    ['What this result means', RESULT_WORDS[one.result].means],
    ['Reason', one.reason],
    ['When', words.moment(one.resultAt)],
    ['Rule', one.rule],
    [
      'Limit',
      one.limitMs === null
        ? null
        : `${one.clock === null ? '' : `${clockOf(one.clock).word} `}${duration(one.limitMs)}`,
    ],
    [
      'Reading',
      one.readingMs === null
        ? null
        : `${duration(one.readingMs)}${ratio === null ? '' : `, ${times(ratio)} the limit`}`,
    ],
    ['Name', one.name],
    ['Engine and type', [one.engine, one.jobType].filter(Boolean).join(', ')],
    ['Queue', one.queue],
    ...(ownersHidden ? [] : [['Owner', one.owner] as [string, Content]]),
    ['Stage', one.stage],
    ['Target', one.target],
    ['Status by DLI', one.status],
    ['How it is known', evidenceOf(one)],
    ['Ended by', one.endedBy === 'others' ? 'others: no request of the reaper can be the reason' : null],
    [
      'Repeats',
      one.repeats === null
        ? null
        : one.repeats === 0
          ? 'no job like it was cancelled in the 24 hours before'
          : `${counted(one.repeats, 'sweep')} cancelled a job like it in the 24 hours before`,
    ],
    ['Compute units', one.cus === null ? null : number(one.cus)],
    ['Error', one.error],
    ['On record', `${counted(one.sweeps, 'sweep')}, ${spanOf(words.moment(one.firstAt), words.moment(one.lastAt))}`],
    [
      'Sweep',
      one.sweepId === null ? null : [h('code', {}, one.sweepId), one.trigger === null ? null : ` (${one.trigger})`],
    ],
    ...(ownersHidden ? [] : [['Swept by', one.recordedBy] as [string, Content]]),
  ];
  return h(
    'dl',
    { class: 'facts' },
    rows.flatMap(([name, value]) => (value === null || value === '' ? [] : [h('dt', {}, name), h('dd', {}, value)])),
  );
}

const spanOf = (first: string, last: string): string => (first === last ? first : `${first} to ${last}`);

function evidenceOf({ evidence }: PageCase): string | null {
  if (evidence === 'status') return 'DLI’s status says that it was cancelled';
  if (evidence === 'own-record')
    return 'only by the record of the reaper: DLI’s status is the same for a job that failed';
  return null;
}

function whyOf(one: PageCase, why: Parameters<typeof explanationLines>[0] | undefined): HTMLElement {
  if (why !== undefined) {
    const left =
      'otherExemptions' in why ? [why.otherExemptions, (why as unknown as { otherFreezes: number }).otherFreezes] : [];
    const others = (left as number[]).some((count) => count > 0)
      ? `\nLeft out, since they are not for this job: ${counted(left[0] as number, 'exemption')}, ${counted(left[1] as number, 'freeze')}`
      : '';
    return h(
      'pre',
      { tabindex: 0, role: 'region', 'aria-label': 'Why, step by step' },
      `${explanationLines(why, null).join('\n')}${others}`,
    );
  }
  if (one.stage === null)
    return h(
      'p',
      {},
      'This page does not hold the reasons of this job step by step, and the record does not name its stage.',
    );
  const command = `dli-reaper why ${shellWord(one.jobId)} --stage ${shellWord(one.stage)} --target ${shellWord(one.target)}`;
  return h(
    'div',
    {},
    h(
      'p',
      {},
      'This page does not hold the reasons of this job step by step. This command prints them, as long as the log has them:',
    ),
    h('p', { class: 'bar' }, h('code', {}, command), copyButton('Copy command', command)),
  );
}

/** A name from outside must stay one word of the command that a person copies. */
const shellWord = (text: string): string => (/^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function copyButton(label: string, text: string): HTMLElement {
  const said = h('span', { role: 'status' });
  const button = h('button', { type: 'button' }, label);
  button.addEventListener('click', () => {
    // A browser may refuse it, or not have it for a file.
    const copied: Promise<void> = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'));
    copied.then(
      () => {
        said.textContent = ' copied';
      },
      () => {
        said.textContent = ' not copied: this browser does not allow it for a file; select the text instead';
      },
    );
  });
  return h('span', { class: 'copy' }, button, said);
}
