import { dliReaper } from '../base/command-line.ts';
import type { MessageKind } from '../sweep/record/message.ts';
import type { SweepStatus } from '../sweep/record/report.ts';
import { jobLines, KINDS } from './job-lines.ts';
import { adviceForOwner, exemptionLines } from './owner-advice.ts';
import type { Received } from './received.ts';
import type { Trouble } from './target-state.ts';
import { argumentOr, plain, timeOf } from './words.ts';

/** A message as people read it. */
export interface Rendered {
  title: string;
  text: string;
}

export interface RenderOptions {
  stage: string;
  /** Whom to ask, in the words of the route. */
  ask: string | undefined;
  /** The address of docs/owners.md. */
  ownersPage?: string | undefined;
  /** Until when the line of the message keeps jobs, as `exempt` takes it. Default: for a week. */
  keepUntil?: string | undefined;
  /** Whether the fallback takes it, since no route is for its owner. */
  isWithoutRoute?: boolean;
  /** The trouble of the target that is over, if the message says so. */
  over?: Trouble | null;
}

const MOST_PROBLEMS = 10;

/** Puts a message into words, for its recipient. Pure. */
export function render(message: Received, options: RenderOptions): Rendered {
  const [title, lines] =
    message.to === 'owner'
      ? [titleForOwner(message, options), linesForOwner(message, options)]
      : [titleForOperators(message, options), linesForOperators(message, options)];
  if (!message.isTest) return { title, text: [title, ...lines].join('\n') };
  const marked = `TEST, nothing happened: ${title}`;
  const mark = `This is a test of the messages of stage ${options.stage}. What follows is an example and has not happened.`;
  return { title: marked, text: [marked, mark, ...lines].join('\n') };
}

/** Those who read the fallback must not take it for a message about a job of their own. */
function titleForOwner(message: Received, { isWithoutRoute = false }: RenderOptions): string {
  const title = titleOf(message);
  if (!isWithoutRoute) return title;
  return `For ${message.owner === null ? 'an owner who is not known' : plain(message.owner)}, without a route: ${title}`;
}

function titleOf(message: Received): string {
  const { exemptions } = message;
  const counts = KINDS.flatMap(({ kind, past }) => {
    const count = countOf(message, kind);
    return count === 0 ? [] : [{ count, words: count === 1 ? past[0] : past[1] }];
  });
  const [first] = counts;
  const where = `project ${plain(message.projectName ?? message.target)}`;
  if (first === undefined) return titleOfExemptions(message);
  const ends =
    exemptions.length === 0 ? '' : `; ${exemptions.length} of your exemptions ${endsSoon(exemptions.length)}`;
  if (counts.length === 1 && first.count === 1) {
    return `Your DLI job in ${where} ${momentOf(message) ?? first.words}${ends}`;
  }
  return `Your DLI jobs in ${where}: ${counts.map(({ count, words }) => `${count} ${words}`).join('; ')}${ends}`;
}

const endsSoon = (count: number): string => (count === 1 ? 'ends soon' : 'end soon');

function titleOfExemptions({ exemptions, time }: Received): string {
  const [first] = exemptions;
  if (first === undefined || exemptions.length > 1)
    return `${exemptions.length} of your exemptions from the DLI job reaper end soon`;
  const when = timeOf(first.until, time);
  return `Your exemption ${plain(first.id)} from the DLI job reaper ends ${when === undefined ? 'soon' : `at ${when}`}`;
}

/** What the title says of a single job, if that is more than its kind. */
function momentOf({ jobs: [job], time }: Received): string | undefined {
  if (job?.kind === 'ended') return 'no longer runs';
  const when = timeOf(job?.at ?? null, time);
  if (when === undefined) return undefined;
  if (job?.kind === 'may-be-cancelled') return `may be cancelled from ${when} on`;
  return job?.kind === 'kept' ? `is kept until ${when}` : undefined;
}

/** What a status means, in words that fit a title. */
const STATUS_WORDS: Record<SweepStatus, string> = {
  ok: 'ok',
  failed: 'failures',
  partial: 'incomplete',
  capped: 'more jobs than a cap allows',
  stopped: 'stopped',
};

function titleForOperators(message: Received, { stage, over }: RenderOptions): string {
  const { status, target, dryRun } = message;
  const counts = KINDS.flatMap(({ kind, words }) => {
    const count = countOf(message, kind);
    return count === 0 ? [] : [`${count} ${words}`];
  });
  const isWorthWords = status !== null && (status !== 'ok' || over != null || counts.length === 0);
  const state = isWorthWords ? [over == null ? STATUS_WORDS[status] : 'ok again'] : [];
  const kind = isEmergency(message) ? 'emergency on' : 'sweep of';
  return `DLI job reaper, ${dryRun ? 'dry run of' : kind} ${plain(target)} (stage ${stage}): ${[...state, ...counts].join(', ')}`;
}

const countOf = ({ jobs, more }: Received, kind: MessageKind): number =>
  jobs.filter((job) => job.kind === kind).length + (more[kind] ?? 0);

function linesForOwner(
  message: Received,
  { stage, ask, keepUntil, ownersPage = 'docs/owners.md of dli-job-reaper' }: RenderOptions,
): string[] {
  return [
    ...jobLines(message),
    ...exemptionLines(message, stage),
    ...reasonLines(message),
    ...adviceForOwner(message, { stage, ask, keepUntil, isEmergency: isEmergency(message) }),
    `What the DLI job reaper is, and how to keep a job: ${ownersPage}`,
  ];
}

function linesForOperators(message: Received, { stage, ask, over }: RenderOptions): string[] {
  const more = message.problems.length - MOST_PROBLEMS;
  return [
    ...(over == null ? [] : [overLine(over, message)]),
    ...message.problems.slice(0, MOST_PROBLEMS).map((problem) => `- ${plain(problem)}`),
    ...(more > 0 ? [`- and ${more} more problems`] : []),
    ...jobLines(message),
    ...reasonLines(message),
    `To look closer: ${dliReaper(closerLook(message, stage))}`,
    ...(ask === undefined ? [] : [`Whom to ask: ${plain(ask)}`]),
  ];
}

/** Says when the sweeps of a trouble were. It does not say that all sweeps between them had it. */
function overLine({ firstAt, lastAt }: Trouble, { time }: Received): string {
  const [first, last, now] = [firstAt, lastAt, time].map((one) => timeOf(one, time));
  const trouble =
    first === last ? `stopped or failed at ${first}` : `first stopped or failed at ${first}, last at ${last}`;
  return `- ${trouble}${now === undefined ? '' : `; ok at ${now}`}`;
}

function closerLook({ dryRun, target, jobs: [job] }: Received, stage: string): string {
  if (job === undefined) return `status --stage ${stage}`;
  const place = `--stage ${stage} --target ${argumentOr(target, 'TARGET')}`;
  return dryRun ? `plan ${place}` : `why ${argumentOr(job.jobId, 'JOB_ID')} ${place}`;
}

const isEmergency = ({ trigger }: Received): boolean => trigger === 'emergency';

/** Says that a person asked for the sweep, and why. */
function reasonLines(message: Received): string[] {
  const { trigger, requestReason, recordedBy, to } = message;
  if (trigger === 'schedule' || trigger === null) return [];
  const who = recordedBy === null || to === 'owner' ? 'A person' : plain(recordedBy);
  const what = isEmergency(message) ? 'an emergency sweep' : 'this sweep';
  return [`${who} started ${what}${requestReason === null ? '.' : `: "${plain(requestReason)}"`}`];
}
