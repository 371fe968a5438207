import { isJobId, isLive } from '../../base/job.ts';
import { compareText } from '../../base/text.ts';
import type { Selector } from '../../policy/schema.ts';
import { groupKey, type Tried } from '../../policy/select.ts';
import type { Decision } from './decide.ts';

/** Whether a reason needs the status and the type of a job. */
const IS_JUDGED: Record<Decision['verdict']['reason'], boolean> = {
  'over-limit': true,
  frozen: true,
  'within-limit': true,
  group: true,
  'asked-recently': true,
  queued: true,
  protected: true,
  terminal: false,
  exempt: false,
  stopping: false,
  undetermined: false,
  ignored: false,
  'no-rule': false,
};

/** Whether enough was known of the job to judge it. A job without a rule, or with an exemption, does not show that. */
const isJudged = ({ verdict: { reason }, clocks }: Decision): boolean =>
  IS_JUDGED[reason] && Object.values(clocks).some((ms) => ms !== undefined);

const isUndetermined = ({ verdict }: Decision): boolean => verdict.reason === 'undetermined';

/**
 * Whether a sweep saw jobs that a rule may be for, and could judge none of all its jobs. That is so if DLI spells a field in a
 * way that is not known.
 */
export function isBlind(decisions: readonly Decision[]): boolean {
  return decisions.some(isUndetermined) && !decisions.some(isJudged);
}

/** Says how many jobs were spared as undetermined, and the most common reason. @param undetermined at least one. */
export function describeUndetermined(undetermined: readonly Decision[]): string {
  const groups = Map.groupBy(undetermined, whyUndetermined);
  const [[why, { length: times }] = ['', []]] = [...groups].toSorted(
    ([one, a], [other, b]) => b.length - a.length || compareText(one, other),
  );
  const { length: all } = undetermined;
  const jobs = all === 1 ? '1 job could not be judged, and is' : `${all} jobs could not be judged, and are`;
  return `${jobs} spared as undetermined, ${times === all ? 'because' : `${times} of them because`} ${why}`;
}

const MOST_LETTERS = 40;

/** Says what is not known of the job, in the order in which a rule asks for it. */
function whyUndetermined({ job, rules, exemption, freeze, maxSteps, verdict }: Decision): string {
  // The job was a victim until it was read again.
  if (verdict.action !== 'keep') return 'the status that was read right before the cancel is not known';
  const result = rules.find(({ rule }) => rule.id === verdict.rule);
  if (result === undefined) return 'something that a rule asks for is missing';
  const { rule, match, ignore = [] } = result;
  if (result.action !== 'keep' && exemption.exempt === 'unknown')
    return 'it is not known whether an exemption covers it';
  if (result.action !== 'keep' && freeze.frozen === 'unknown') return 'it is not known whether a freeze covers it';

  const unmatched = rule.match === 'all' ? undefined : unknownKey(rule.match, match);
  if (unmatched !== undefined) return missing(unmatched);
  if (!isLive(job.state)) return job.status === undefined ? missing('status') : unknownWord('status', job.status);
  if (!isJobId(job.id, job.engine)) return 'the id is not one that a job can have';
  const unignored = rule.ignore === undefined ? undefined : unknownKey(rule.ignore, ignore);
  if (unignored !== undefined) return missing(unignored);
  if (job.protection === 'unknown') return job.type ? unknownWord('type', job.type) : missing('type');
  if (rule.groupBy !== undefined && groupKey(rule.groupBy, job, maxSteps) === undefined) return missing(rule.groupBy);
  return 'the start is missing, or cannot be right';
}

function unknownKey(selector: Selector, tried: Tried): string | undefined {
  const keys = Object.keys(selector).filter((key) => selector[key as keyof Selector] !== undefined);
  return keys[tried.indexOf('unknown')];
}

/** A statement may take more steps than a sweep has for it. */
const missing = (key: string): string =>
  key === 'statement' || key === 'fingerprint'
    ? `the ${key} is missing, or takes too long to look through`
    : `the ${key} is missing, or cannot be read`;

const unknownWord = (key: string, word: string): string => `the ${key} ${word.slice(0, MOST_LETTERS)} is not known`;
