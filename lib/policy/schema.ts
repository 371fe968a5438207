import * as v from 'valibot';
import { ENGINE_NAMES, type Engine } from '../base/job.ts';
import { LIMIT_NAMES } from './clocks.ts';
import { ENGINE_FACTS } from './facts.ts';
import { compileTagMatcher } from './matcher.ts';
import { createRecurrence } from './recurrence.ts';
import { type RouteMatch, routeMatchSchema } from './route-match.ts';
import {
  about,
  count,
  duration,
  hasKey,
  instant,
  matcher,
  name,
  nonEmptyText,
  oneOrMany,
  ownerKey,
  type Path,
  pathTo,
  queueKey,
  ruleId,
  strictObject,
  wanted,
} from './schema-parts.ts';

/** What a rule may do, the least severe first. */
export const ACTIONS = ['log', 'warn', 'cancel'] as const;

const MODES = ['dry-run', 'live'] as const;

/** Whether a policy or a target lets a sweep cancel. */
export type Mode = (typeof MODES)[number];

/** The types and statuses of all engines. Each rule is checked for those of its own engines. */
const TYPES = [...new Set(Object.values(ENGINE_FACTS).flatMap(({ types }) => types))];
const STATUSES = [...new Set(Object.values(ENGINE_FACTS).flatMap(({ statuses }) => statuses))];

const selectorEntries = {
  queue: queueKey,
  owner: ownerKey,
  jobType: v.optional(
    about(oneOrMany(v.picklist(TYPES)), "DLI's word for the type; a rule must name each type that writes"),
  ),
  status: v.optional(about(oneOrMany(v.picklist(STATUSES)), "DLI's word for the status, which differs by engine")),
  tag: v.optional(
    about(
      oneOrMany(wanted('tag', compileTagMatcher)),
      'A tag and its value, or only a tag for any value; SQL jobs have tags',
    ),
  ),
  name: v.optional(about(oneOrMany(matcher('name')), 'Name of a batch or of a Flink job')),
  statement: v.optional(
    about(oneOrMany(matcher('statement')), 'The SQL text; a pattern between slashes matches a part of it'),
  ),
  database: v.optional(about(oneOrMany(matcher('database')), 'DLI names it for imports and exports only')),
};

const selector = v.pipe(
  strictObject(selectorEntries),
  v.check((keys) => hasKey(keys), `expected at least one of ${Object.keys(selectorEntries).join(', ')}`),
);

/** A sweep reads the record of a day, so it would not find an older warning. */
const MOST_WARN_BEFORE_MS = 24 * 3_600_000;

const keptCount = v.pipe(count, v.minValue(1, 'expected 1 or more'));

const RULE_DEFAULTS = {
  action: 'cancel',
  victims: 'all',
  minGroupSize: 1,
  savepoint: true,
  onSavepointFailure: 'keep',
  warnFirst: false,
} as const;

const EITHER = 'expected either oldest or youngest, such as {oldest: 1}';

const keep = v.pipe(
  about(
    strictObject({
      oldest: v.optional(about(keptCount, 'So many that began first')),
      youngest: v.optional(about(keptCount, 'So many that began last')),
    }),
    'So many of each group are spared, of the jobs that the rule would otherwise cancel',
  ),
  v.minEntries(1, EITHER),
  v.maxEntries(1, EITHER),
  v.transform(({ oldest, youngest = 0 }) =>
    oldest === undefined ? { end: 'youngest' as const, count: youngest } : { end: 'oldest' as const, count: oldest },
  ),
);

/** Written before there was `keep`; it is read for ever. */
const OLD_KEEP = { end: 'oldest', count: 1 } as const;

const ruleFields = strictObject({
  id: about(ruleId, 'In reports and logs'),
  engines: v.optional(
    about(
      v.pipe(v.array(v.picklist(ENGINE_NAMES)), v.minLength(1, 'expected at least one engine')),
      'Whose jobs the rule is for',
    ),
    ['sql'],
  ),
  match: about(
    v.union([v.literal('all'), selector], 'expected selectors such as {queue: etl}, or the word all'),
    'All keys must hold; within a key any value. `all` means every job',
  ),
  ignore: v.optional(about(selector, 'Jobs that this rule spares')),
  maxRunTime: v.optional(about(duration, 'For jobs that run; docs/policy.md says from when each engine counts')),
  maxQueueTime: v.optional(about(duration, 'For jobs that wait')),
  maxTotalTime: v.optional(about(duration, 'For jobs that wait or run, counted from their submission')),
  action: v.optional(about(v.picklist(ACTIONS), 'What the rule does about an overdue job'), RULE_DEFAULTS.action),
  keep: v.optional(keep),
  victims: v.optional(
    about(
      v.picklist(['all', 'oldest', 'all-but-oldest']),
      'Which of the overdue jobs of a group; all-but-oldest is an old form of keep: {oldest: 1}',
    ),
    RULE_DEFAULTS.victims,
  ),
  groupBy: v.optional(
    about(v.picklist(['queue', 'owner', 'fingerprint']), 'By default all overdue jobs of the rule are one group'),
  ),
  minGroupSize: v.optional(
    about(v.pipe(count, v.minValue(1, 'expected 1 or more')), 'Smaller groups are spared'),
    RULE_DEFAULTS.minGroupSize,
  ),
  warnBefore: v.optional(
    about(
      v.pipe(
        duration,
        v.check((ms) => ms > 0 && ms <= MOST_WARN_BEFORE_MS, 'expected more than 0 and at most 24h, such as 30m'),
      ),
      'How long before its limit the owner of a job is warned',
    ),
  ),
  warnFirst: v.optional(
    about(
      v.boolean('expected true or false'),
      'Whether no job is cancelled before `warnBefore` has passed since its first warning',
    ),
    RULE_DEFAULTS.warnFirst,
  ),
  savepoint: v.optional(
    about(v.boolean('expected true or false'), 'For Flink: write a savepoint before the job stops'),
  ),
  onSavepointFailure: v.optional(
    about(v.picklist(['keep', 'cancel']), 'For Flink: what happens to a job whose savepoint fails'),
  ),
});

const rule = v.pipe(
  ruleFields,
  v.rawCheck(({ dataset, addIssue }) => {
    if (dataset.typed) for (const { path, message } of contradictionsOf(dataset.value)) addIssue({ message, path });
  }),
  v.transform((fields) => ({
    ...fields,
    savepoint: fields.savepoint ?? RULE_DEFAULTS.savepoint,
    onSavepointFailure: fields.onSavepointFailure ?? RULE_DEFAULTS.onSavepointFailure,
    ...(fields.victims === 'all-but-oldest' && { keep: OLD_KEEP }),
    limits: LIMIT_NAMES.flatMap((clock) => {
      const limitMs = fields[clock];
      return limitMs === undefined ? [] : [{ clock, limitMs }];
    }),
  })),
);

/** Finds fields that are right each, and not together. */
function contradictionsOf(fields: v.InferOutput<typeof ruleFields>): { path: Path; message: string }[] {
  const found: { path: Path; message: string }[] = [];

  const clocks = LIMIT_NAMES.filter((clock) => fields[clock] !== undefined);
  if (clocks.length === 0) {
    const message = 'missing; a rule needs a limit, such as maxRunTime: 2h, maxQueueTime: 30m or maxTotalTime: 6h';
    found.push({ path: pathTo('maxRunTime'), message });
  }
  // With two limits, a change of one could make another job the oldest, and so a victim.
  if (fields.victims !== 'all' && clocks.length > 1) {
    found.push({
      path: pathTo('victims'),
      message: `${fields.victims} works with one limit only; found ${clocks.join(' and ')}`,
    });
  }
  if (fields.keep !== undefined && fields.victims !== 'all') {
    found.push({ path: pathTo('victims'), message: whyNotBesideKeep[fields.victims] });
  }
  found.push(...contradictionsOfWarnings(fields));
  for (const where of ['match', 'ignore'] as const) {
    const keys = fields[where];
    if (keys === undefined || keys === 'all') continue;
    for (const engine of fields.engines) {
      for (const key of Object.keys(keys) as SelectorKey[]) {
        const message = whyNotFor(engine, key, keys);
        if (message !== undefined) found.push({ path: pathTo(where, key), message });
      }
    }
  }
  if (!fields.engines.some((engine) => ENGINE_FACTS[engine].hasSavepoints)) {
    for (const key of ['savepoint', 'onSavepointFailure'] as const) {
      if (fields[key] === undefined) continue;
      found.push({ path: pathTo(key), message: 'is for Flink only; add engines: [flink], or remove it' });
    }
  }
  return found;
}

const whyNotBesideKeep = {
  oldest:
    'oldest cannot be combined with keep: it cancels one job of each group, and keep spares some; remove one of them',
  'all-but-oldest': 'all-but-oldest cannot be combined with keep: it is an old form of keep: {oldest: 1}; remove it',
};

function contradictionsOfWarnings({
  action,
  warnBefore,
  warnFirst,
  ...fields
}: v.InferOutput<typeof ruleFields>): { path: Path; message: string }[] {
  if (warnBefore === undefined) {
    const message = 'needs warnBefore, such as warnBefore: 30m';
    return warnFirst ? [{ path: pathTo('warnFirst'), message }] : [];
  }
  if (action !== 'cancel') {
    const message = `warns of a cancel, and a rule with action: ${action} cancels nothing; remove it`;
    return [{ path: pathTo('warnBefore'), message }];
  }
  if (fields.keep !== undefined || fields.victims !== 'all' || fields.minGroupSize > 1) {
    const message =
      'works without groups only: which jobs of a group are victims is known when they are over the limit; remove it';
    return [{ path: pathTo('warnBefore'), message }];
  }
  const shorter = LIMIT_NAMES.filter((limit) => (fields[limit] ?? Number.POSITIVE_INFINITY) <= warnBefore);
  if (shorter.length === 0) return [];
  const message = `is not shorter than ${shorter.join(' and ')}, so every job would be warned at its start`;
  return [{ path: pathTo('warnBefore'), message }];
}

/** Says why a selector can match no job of an engine: the jobs lack the key, or none of them can have the value. */
function whyNotFor(engine: Engine, key: SelectorKey, keys: v.InferOutput<typeof selector>): string | undefined {
  const { jobs, selectors, statuses, types } = ENGINE_FACTS[engine];
  if (!selectors.includes(key)) return `${jobs} have no ${key}; they have ${selectors.join(', ')}`;
  const [wanted, possible] = key === 'status' ? [keys.status, statuses] : [keys.jobType, types];
  if ((key !== 'status' && key !== 'jobType') || wanted === undefined) return undefined;
  if (wanted.some((value) => possible.includes(value))) return undefined;
  return `no ${jobs} have ${key} ${wanted.join(' or ')}; they have ${possible.join(', ')}`;
}

export const exemptionMatchSchema = v.pipe(
  strictObject({
    jobId: v.optional(about(oneOrMany(wanted('jobId', (id) => id)), "DLI's own id of one job")),
    queue: selectorEntries.queue,
    owner: selectorEntries.owner,
    tag: selectorEntries.tag,
    name: selectorEntries.name,
    statement: selectorEntries.statement,
  }),
  v.check((keys) => hasKey(keys), 'expected at least one of jobId, queue, owner, tag, name, statement'),
);

/** Refuses an end that is not after the beginning. */
const opens = <T extends { from?: number | undefined; until?: number | undefined }>() =>
  v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { from, until } = dataset.value;
    if (from === undefined || until === undefined || from < until) return;
    const message =
      'is not before until, so it would never be in force; expected an earlier day or time, such as 2026-12-01';
    addIssue({ message, path: pathTo('from') });
  });

export const exemptionSchema = v.pipe(
  strictObject({
    id: about(ruleId, 'In reports and logs'),
    reason: about(nonEmptyText, 'Why, for later readers'),
    owner: about(name, 'Whom to ask'),
    from: v.optional(about(instant('beginning'), 'When it begins to protect; by default at once')),
    until: about(instant('end'), 'When it stops protecting'),
    match: about(exemptionMatchSchema, 'Jobs that no rule cancels meanwhile'),
  }),
  opens(),
);

const freezeMatchSchema = v.union(
  [v.literal('all'), exemptionMatchSchema],
  'expected selectors such as {queue: etl}, or the word all',
);

const wholeNumbers = (expected: string, isRight: (value: number) => boolean) =>
  v.pipe(
    v.array(v.pipe(v.number(expected), v.check(isRight, expected)), `expected a list: ${expected}`),
    v.minLength(1, `expected at least one: ${expected}`),
  );

const isWholeFrom = (value: number, least: number, most: number) =>
  Number.isInteger(value) && value >= least && value <= most;

const TIME_ZONE = 'expected the name of a time zone in the IANA database, such as Europe/Berlin';

/** Any instant; a recurrence is tried with it. */
const SOME_TIME = Date.UTC(2028, 0, 1);

const recurring = v.pipe(
  strictObject({
    days: v.optional(
      about(
        wholeNumbers(
          'expected a day of the month, 1 to 31, or from its end -1 (the last) to -28',
          (day) => isWholeFrom(day, 1, 31) || isWholeFrom(day, -28, -1),
        ),
        'Days of the month; negative from its end: -1 is the last. By default every day',
      ),
    ),
    months: v.optional(
      about(
        wholeNumbers('expected a month, 1 to 12', (month) => isWholeFrom(month, 1, 12)),
        'By default every month',
      ),
    ),
    timeZone: about(
      v.pipe(v.string(TIME_ZONE), v.check(isTimeZone, TIME_ZONE)),
      'The days begin and end at midnight in this time zone',
    ),
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const recurrence = createRecurrence(dataset.value);
    if (recurrence.endOf(SOME_TIME) === Number.POSITIVE_INFINITY) {
      addIssue({ message: 'covers every day; name days or months, such as days: [-2, -1, 1]' });
      return NEVER;
    }
    if (!recurrence.holdsAt(SOME_TIME) && recurrence.nextAfter(SOME_TIME) === Number.POSITIVE_INFINITY) {
      addIssue({ message: 'no such day ever comes; none of these months has one of these days' });
      return NEVER;
    }
    return recurrence;
  }),
);

/** Whether a text names a time zone. An offset does not: it has no summer time. */
function isTimeZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone }).format();
    return true;
  } catch {
    return false;
  }
}

export const freezeSchema = v.pipe(
  strictObject({
    id: about(ruleId, 'In reports and logs'),
    reason: about(nonEmptyText, 'Why, for later readers'),
    match: about(freezeMatchSchema, 'Jobs that are not cancelled meanwhile; `all` means every job'),
    from: v.optional(about(instant('beginning'), 'When it begins; goes with until')),
    until: v.optional(about(instant('end'), 'When it ends; goes with from')),
    recurring: v.optional(about(recurring, 'In place of from and until: whole days that recur each month')),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { from, until, recurring: days } = dataset.value;
    for (const [key, instantMs] of [
      ['from', from],
      ['until', until],
    ] as const) {
      if (days === undefined && instantMs === undefined) {
        const message = `missing; say when it holds, such as ${key}: 2026-12-05, or recurring: {days: [-2, -1], timeZone: Europe/Berlin}`;
        addIssue({ message, path: pathTo(key) });
      } else if (days !== undefined && instantMs !== undefined) {
        addIssue({ message: 'cannot be combined with recurring; remove one of them', path: pathTo(key) });
      }
    }
  }),
  opens(),
);

/** Each message carries the routes, and its line has an end. */
const MOST_VALUES = 100;
const MOST_LETTERS = 500;
const TOO_LONG = `expected at most ${MOST_VALUES} values a key, and ${MOST_LETTERS} characters a value`;

const isShort = (match: RouteMatch): boolean =>
  Object.values(match).every(
    (values = []) => values.length <= MOST_VALUES && values.every(({ text }) => text.length <= MOST_LETTERS),
  );

const noticeRouteSchema = strictObject({
  to: about(v.picklist(['owner', 'operators']), 'Whose messages go there'),
  match: v.optional(about(v.pipe(routeMatchSchema, v.check(isShort, TOO_LONG)), 'Which of them; by default all')),
  route: about(name, 'Name of a parameter below /dli-reaper/{stage}/notices/routes/, which says where they go'),
});

export const tagExemptionsSchema = v.optional(
  about(
    strictObject({ ceiling: about(duration, 'A job of this age is no longer exempt, whatever its tags say') }),
    'Jobs may exempt themselves by the tags `reaper:exempt-until` and `reaper:ttl`, up to this age',
  ),
);

export const DEFAULT_PERCENT_FLOOR = 10;

/** Each message carries them. */
export const MOST_NOTICE_ROUTES = 20;

export const policySchema = strictObject({
  version: about(v.literal(1, 'expected 1, the only version there is'), 'The version of this format'),
  mode: v.optional(
    about(v.picklist(MODES), 'Whether sweeps may cancel; the target and the request must be live as well'),
    'dry-run',
  ),
  maxKills: v.optional(about(count, 'With more victims than this, none is cancelled. 0 cancels nothing'), 20),
  maxKillsPercent: v.optional(
    about(v.pipe(count, v.maxValue(100, 'expected 0 to 100')), 'The same, in percent of all live jobs of the project'),
    50,
  ),
  percentFloor: v.optional(
    about(count, 'With fewer live jobs than this, maxKillsPercent is not applied'),
    DEFAULT_PERCENT_FLOOR,
  ),
  drain: v.optional(
    about(
      v.boolean('expected true or false'),
      'With too many victims, the worst offenders up to the cap instead of none',
    ),
    false,
  ),
  tagExemptions: tagExemptionsSchema,
  rules: v.pipe(
    v.array(rule, 'expected a list of rules'),
    v.minLength(1, 'expected at least one rule'),
    v.description('Which jobs may run for how long; the most severe action of all rules holds'),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      dataset.value.forEach(({ id }, i) => {
        const first = dataset.value.findIndex((other) => other.id === id);
        const path: Path = [
          { type: 'array', origin: 'value', input: [], key: i, value: undefined },
          { type: 'object', origin: 'value', input: {}, key: 'id', value: id },
        ];
        if (first < i) addIssue({ message: `"${id}" is already the id of rules[${first}]; ids must differ`, path });
      });
    }),
  ),
  exemptions: v.optional(
    about(v.array(exemptionSchema, 'expected a list of exemptions'), 'Jobs that no rule cancels, with an end'),
    [],
  ),
  freezes: v.optional(
    about(v.array(freezeSchema, 'expected a list of freezes'), 'Times in which nothing, or no such job, is cancelled'),
    [],
  ),
  notices: v.optional(
    about(
      v.pipe(
        v.array(noticeRouteSchema, 'expected a list of routes'),
        v.maxLength(MOST_NOTICE_ROUTES, `expected at most ${MOST_NOTICE_ROUTES} routes`),
      ),
      'Where messages to owners and operators go; docs/notices.md. The first that matches counts',
    ),
    [],
  ),
});

type WrittenSelector = v.InferOutput<typeof selector>;
/** The keys of a selector in a rule. */
export type SelectorKey = keyof WrittenSelector;

/** Keys that must all hold. Only exemptions, freezes and emergencies name single jobs; the rules of a policy never do. */
export interface Selector extends WrittenSelector {
  jobId?: readonly string[] | undefined;
}

export interface Rule extends Omit<v.InferOutput<typeof rule>, 'match'> {
  match: 'all' | Selector;
}

export interface Policy extends Omit<v.InferOutput<typeof policySchema>, 'rules'> {
  rules: Rule[];
  /** In an emergency, the exemptions and freezes that cannot be read. Any other sweep refuses such a policy. */
  doubts?: readonly Doubt[] | undefined;
}

/** Jobs that may be exempt or frozen, by a part of the policy that cannot be read. */
export interface Doubt {
  match: 'all' | Selector;
  /** Epoch ms; undefined for any time before the end. */
  from?: number | undefined;
  /** Epoch ms; infinite if it is not known. */
  until: number;
}

export type Action = Rule['action'];
export type Keep = NonNullable<Rule['keep']>;
export type Exemption = Policy['exemptions'][number];
export type Freeze = Policy['freezes'][number];

/** Makes a rule from values that are checked already; the other fields have the defaults of the schema. */
export function createRule(fields: Pick<Rule, 'id' | 'engines' | 'match' | 'limits'> & Partial<Rule>): Rule {
  return { ...RULE_DEFAULTS, ...fields };
}
