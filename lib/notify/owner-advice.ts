import { dliReaper } from '../base/command-line.ts';
import type { EndingExemption, MessageJob, MessageKind } from '../sweep/record/message.ts';
import type { Received } from './received.ts';
import { argument, argumentOr, plain, timeOf } from './words.ts';

interface AdviceOptions {
  stage: string;
  ask: string | undefined;
  keepUntil: string | undefined;
  isEmergency: boolean;
}

/** More jobs than this are kept by owner and queue. */
const MOST_IDS = 3;

/** Says what an owner can do now, so that a job lives or is not cancelled again, and whom to ask. */
export function adviceForOwner(message: Received, { stage, ask, keepUntil, isEmergency }: AdviceOptions): string[] {
  const { jobs, owner, exemptions } = message;
  const of = (...kinds: MessageKind[]) => jobs.filter(({ kind }) => kinds.includes(kind));
  const inDanger = of('may-be-cancelled');
  const warned = of('warned');
  const unseen = of('unconfirmed');
  const stopped = isEmergency ? [] : of('cancelled', 'unconfirmed', 'failed');
  const repeated = stopped.filter(({ repeats }) => (repeats ?? 0) > 0);
  const toCome = of('would-be-cancelled');
  const hasQuestions = jobs.some(({ kind }) => kind !== 'ended') || exemptions.length > 0;
  return [
    ...(inDanger.length > 0 ? [`${howToEnd(inDanger)} If you need longer, ask before then.`] : []),
    ...(warned.length > 0 ? [`The rule only warns, so it cancelled nothing. ${howToEnd(warned)}`] : []),
    ...(unseen.length > 0
      ? [`Please look in the DLI console whether ${unseen.length === 1 ? 'it still runs' : 'they still run'}.`]
      : []),
    ...(stopped.length > 0
      ? ['If you run it again as it is, it is likely to be cancelled again: make it shorter, or ask first.']
      : []),
    ...(repeated.length > 0 ? [adviceForRepeats(repeated)] : []),
    ...(toCome.length > 0
      ? ['This was a dry run, so nothing was cancelled. Later, such jobs will be: if yours need more time, ask now.']
      : []),
    ...(of('kept').length > 0 ? ['After that time a job may be cancelled: if you need longer, ask before then.'] : []),
    ...(hasQuestions ? [`Whom to ask: ${plain(ask ?? 'the operators of the DLI job reaper')}`] : []),
    ...(inDanger.length > 0
      ? [`What they run to keep ${them(inDanger)} for a day: ${keepLine(inDanger, owner, stage, '1d')}`]
      : []),
    ...(stopped.length + toCome.length > 0
      ? [
          `What they run to keep such jobs ${keepUntil === undefined ? 'for a week' : 'for now'}: ${keepLine([...stopped, ...toCome], owner, stage, keepUntil ?? '7d')}`,
        ]
      : []),
  ];
}

const them = ({ length }: readonly MessageJob[]): string => (length === 1 ? 'it' : 'them');

/** What docs/owners.md says of the clients of each engine. */
const RETRIES: ReadonlyMap<string, string> = new Map([
  [
    'sql',
    'retries=0 in Airflow, no retry_all in dbt, no USE_RETRY_KEY in the JDBC driver, no automatic refresh in dashboards',
  ],
  ['spark', 'no auto_recovery in the batch, retries=0 in Airflow'],
]);

function adviceForRepeats(jobs: readonly MessageJob[]): string {
  const ways = [...new Set(jobs.flatMap(({ engine }) => RETRIES.get(engine) ?? []))];
  return `If a client starts it again by itself, turn that off${ways.length === 0 ? '' : `: ${ways.join('; ')}`}.`;
}

/**
 * Where the DLI console ends a job.
 *
 * @see https://github.com/opentelekomcloud-docs/data-lake-insight/tree/main/umn/source/job_management
 */
const CONSOLE: ReadonlyMap<string, string> = new Map([
  ['sql', 'SQL Jobs, Terminate'],
  ['spark', 'Spark Jobs, More, Terminate Job'],
  ['flink', 'Flink Jobs, More, Stop'],
]);

function howToEnd(jobs: readonly MessageJob[]): string {
  const ways = [...new Set(jobs.flatMap(({ engine }) => CONSOLE.get(engine) ?? []))];
  const where = ways.length === 0 ? '' : `: Job Management, ${ways.join('; or ')}`;
  return `If you do not need ${them(jobs)} any more, end ${them(jobs)} yourself in the DLI console${where}.`;
}

/** The command that keeps these jobs; more than a few, and those to come, by owner and queue. */
function keepLine(jobs: readonly MessageJob[], owner: string | null, stage: string, duration: string): string {
  const who = argumentOr(owner, 'OWNER');
  const ids = jobs.map(({ jobId }) => argument(jobId));
  const queues = new Set(jobs.map(({ queue }) => queue));
  const [queue = null] = queues.size === 1 ? queues : [];
  const isById =
    jobs.every(({ kind }) => kind === 'may-be-cancelled') && ids.length <= MOST_IDS && !ids.includes(undefined);
  const match = isById
    ? ids.map((id) => `--job-id ${id}`)
    : [`--owner ${who}`, ...(queue === null ? [] : [`--queue ${argumentOr(queue, 'QUEUE')}`])];
  const id = isById ? idOf(jobs[0]?.jobId.split('-')[0] ?? null) : idOf(owner, queue);
  const reason = argument(owner) === undefined ? 'WHY' : `asked by ${owner}`;
  return dliReaper(
    `exempt ${id} --stage ${stage} ${match.join(' ')} --until ${duration} --reason "${reason}" --contact ${who}`,
  );
}

/** An id for an exemption: lower-case letters, digits and hyphens, a letter first; a placeholder if the names are not safe. */
function idOf(...names: readonly (string | null)[]): string {
  const known = names.flatMap((name) => name ?? []);
  if (known.length === 0 || known.some((name) => argument(name) === undefined)) return 'NAME';
  return ['keep', ...known]
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63);
}

/** Says which exemptions end, and how to renew each. */
export function exemptionLines({ exemptions, owner, time }: Received, stage: string): string[] {
  return exemptions.map((one) => {
    const when = timeOf(one.until, time);
    const end = `exemption ${plain(one.id)} ("${plain(one.reason)}") ends ${when === undefined ? 'soon' : `at ${when}`}`;
    return `- ${end}; renew it with ${renewLine(one, owner, stage)}`;
  });
}

function renewLine({ id, reason, match, until }: EndingExemption, owner: string | null, stage: string): string {
  const flags = flagsOf(match ?? {});
  const isSafe = /^[\w.,:;()@/ -]+$/.test(reason) && reason.length <= 200;
  const line = dliReaper(
    `exempt ${argumentOr(id, 'NAME')} --stage ${stage} --replace${flags.map((flag) => ` ${flag}`).join('')} --until ${weekAfter(until)} --reason "${isSafe ? reason : 'WHY'}" --contact ${argumentOr(owner, 'OWNER')}`,
  );
  return flags.length > 0 ? line : `${line}, and the flags of its jobs (--job-id, --queue, --owner or --tag)`;
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** A week after its end, as `exempt` takes it; a week from now if its end cannot be read. */
function weekAfter(until: string): string {
  const at = new Date(Date.parse(until) + WEEK_MS);
  return Number.isNaN(at.getTime()) ? '7d' : `${at.toISOString().slice(0, 19)}Z`;
}

/** Returns the flags of `exempt` for a match; none if one of its texts is not safe in a shell. */
function flagsOf({ jobId, queue, owner, tag }: NonNullable<EndingExemption['match']>): string[] {
  const texts = { 'job-id': jobId, queue, owner, tag };
  const flags = Object.entries(texts).flatMap(([flag, some = []]) =>
    some.map((text) => ({ flag, text: argument(text) })),
  );
  return flags.some(({ text }) => text === undefined) ? [] : flags.map(({ flag, text }) => `--${flag} ${text}`);
}
