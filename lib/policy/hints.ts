import { closest, distance } from 'fastest-levenshtein';

/** Keys of other tools, and slips, that differ too much from our keys for a spelling hint. */
const KNOWN_ALIASES: Record<string, string> = {
  busyTime: 'maxRunTime',
  maxAge: 'maxRunTime',
  olderThan: 'maxRunTime',
  timeout: 'maxRunTime',
  queueTime: 'maxQueueTime',
  totalTime: 'maxTotalTime',
  filter: 'match',
  filters: 'match',
  exclude: 'ignore',
  user: 'owner',
  queueName: 'queue',
  queue_name: 'queue',
  type: 'jobType',
  job_type: 'jobType',
  state: 'status',
  sql: 'statement',
  query: 'statement',
  db: 'database',
  tags: 'tag',
  id: 'jobId',
  job_id: 'jobId',
  dryRun: 'mode',
  name: 'id',
  expires: 'until',
  'max-resources': 'maxKills',
  'max-resources-percent': 'maxKillsPercent',
  'group-by': 'groupBy',
};

/** Returns a hint for a key that is not allowed. */
export function hintForKey(key: string, allowed: readonly string[]): string {
  const alias = Object.hasOwn(KNOWN_ALIASES, key) ? KNOWN_ALIASES[key] : undefined;
  if (alias !== undefined && allowed.includes(alias)) return `; did you mean ${alias}?`;
  return spellingHint(key, allowed) || `; allowed here: ${allowed.join(', ')}`;
}

/** Names the allowed word that is most like the one found; an empty text if none is. */
export function spellingHint(found: unknown, allowed: readonly string[]): string {
  if (typeof found !== 'string' || found === '' || allowed.length === 0) return '';
  const near = closest(found, allowed);
  const isNear = near.toLowerCase() === found.toLowerCase() || distance(near, found) <= Math.ceil(near.length / 3);
  return isNear ? `; did you mean ${near}?` : '';
}

const EXAMPLES: Record<string, string> = {
  version: '; write version: 1',
  match: '; say which jobs are meant, such as match: {queue: etl}, or match: all',
  id: '; give it a name, such as id: adhoc-2h',
  rules: '; list at least one rule',
  reason: '; say why',
  owner: '; say whom to ask',
  until: '; say until when, such as until: 2026-12-31',
  timeZone: '; say in which time zone the days are, such as timeZone: Europe/Berlin',
  policy: '; name the file of the policy, from the folder of this file, such as policy: policy.yml',
  now: '; say at which instant the policy is judged, such as now: 2026-01-05T09:00:00Z',
  tests: '; list at least one test',
  name: '; say in a few words what the test shows',
  jobs: '; list the jobs that are there, such as jobs: [{queue: adhoc, running: 3h, expect: cancel}]',
  ceiling: '; say up to which age, such as ceiling: 24h',
};

/** Returns an example for a key that is missing; an empty text for most keys. */
export const exampleFor = (key: string): string => EXAMPLES[key] ?? '';
