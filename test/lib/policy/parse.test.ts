import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseExemption, parseExemptionMatch, parsePolicy } from '../../../lib/policy/parse.ts';
import { PolicyError } from '../../../lib/policy/policy-error.ts';

const R = { id: 'r', match: 'all', maxRunTime: '2h' };
const MINIMAL = { version: 1, rules: [R] };
const withRule = (changes: object) => ({ ...MINIMAL, rules: [{ ...R, ...changes }] });
const without = (key: keyof typeof R) => {
  const { [key]: _, ...rest } = R;
  return { ...MINIMAL, rules: [rest] };
};

function problemsOf(document: unknown): Record<string, string> {
  try {
    parsePolicy(document);
  } catch (error) {
    if (error instanceof PolicyError) {
      return Object.fromEntries(error.problems.map(({ path, message }) => [path, message]));
    }
    throw error;
  }
  return {};
}

const versionBut = (found: string) => `expected 1, the only version there is; found ${found}`;
const DURATION = 'expected a duration with a unit, such as 90m or 2h45m';
const NOT_A_DURATION = 'not a duration: write a number with a unit s, m, h, d or w, such as 90m or 2h45m';
const EXEMPTION = { id: 'e', reason: 'why', owner: 'team', until: '2027-01-01', match: { owner: 'ana' } };
const { until: _, ...ENDLESS } = EXEMPTION;
const RULE_KEYS =
  'allowed here: id, engines, match, ignore, maxRunTime, maxQueueTime, maxTotalTime, action, keep, victims, groupBy, minGroupSize, warnBefore, warnFirst, savepoint, onSavepointFailure';
const TYPES =
  'QUERY, DDL, DCL, IMPORT, EXPORT, INSERT, DATA_MIGRATION, UPDATE, DELETE, ' +
  'flink_sql_job, flink_opensource_sql_job, flink_sql_edge_job, flink_jar_job';

describe('parsePolicy', () => {
  it('gives a minimal policy the safe defaults', () => {
    expect(parsePolicy(MINIMAL)).toEqual({
      version: 1,
      mode: 'dry-run',
      maxKills: 20,
      maxKillsPercent: 50,
      percentFloor: 10,
      drain: false,
      exemptions: [],
      freezes: [],
      notices: [],
      rules: [
        {
          id: 'r',
          engines: ['sql'],
          match: 'all',
          maxRunTime: 7_200_000,
          action: 'cancel',
          victims: 'all',
          minGroupSize: 1,
          limits: [{ clock: 'maxRunTime', limitMs: 7_200_000 }],
          savepoint: true,
          onSavepointFailure: 'keep',
          warnFirst: false,
        },
      ],
    });
  });

  it('reads a full policy, with one value and with lists of values', () => {
    const rule = {
      id: 'adhoc-90m',
      match: { queue: ['adhoc', 'dev_*'], owner: 'ana', jobType: ['QUERY', 'INSERT'], tag: 'team=bi' },
      ignore: { statement: ['/keep/i'], status: 'LAUNCHING', database: 'x' },
      maxRunTime: '1h30m',
      action: 'warn',
      victims: 'oldest',
      groupBy: 'fingerprint',
      minGroupSize: 3,
    };
    const exemption = {
      id: 'e',
      reason: 'because',
      owner: 'team',
      until: '2027-02-01T00:00:00+01:00',
      match: { jobId: '146', queue: 'q' },
    };

    const policy = parsePolicy({
      version: 1,
      mode: 'live',
      maxKills: 0,
      maxKillsPercent: 100,
      percentFloor: 0,
      drain: true,
      tagExemptions: { ceiling: '1d' },
      rules: [rule],
      exemptions: [exemption],
    });

    expect(policy).toMatchObject({
      mode: 'live',
      maxKills: 0,
      maxKillsPercent: 100,
      percentFloor: 0,
      drain: true,
      tagExemptions: { ceiling: 86_400_000 },
      rules: [
        {
          match: {
            queue: [{ text: 'adhoc' }, { text: 'dev_*' }],
            owner: [{ text: 'ana' }],
            jobType: ['QUERY', 'INSERT'],
            tag: [{ text: 'team=bi' }],
          },
          ignore: { statement: [{ text: '/keep/i' }], status: ['LAUNCHING'], database: [{ text: 'x' }] },
          action: 'warn',
          victims: 'oldest',
          groupBy: 'fingerprint',
          minGroupSize: 3,
          limits: [{ clock: 'maxRunTime', limitMs: 5_400_000 }],
        },
      ],
      exemptions: [{ until: Date.parse('2027-01-31T23:00:00Z'), match: { jobId: ['146'], queue: [{ text: 'q' }] } }],
    });
  });

  it('keeps all of several limits', () => {
    const { rules } = parsePolicy(withRule({ maxQueueTime: '1m', maxTotalTime: '3h' }));

    expect(rules[0]?.limits).toEqual([
      { clock: 'maxRunTime', limitMs: 7_200_000 },
      { clock: 'maxQueueTime', limitMs: 60_000 },
      { clock: 'maxTotalTime', limitMs: 10_800_000 },
    ]);
  });

  it.each([
    { name: 'no document', document: null, path: '', message: 'expected an object; found nothing' },
    { name: 'a text', document: 'rules', path: '', message: 'expected an object; found a text' },
    { name: 'version 2', document: { ...MINIMAL, version: 2 }, path: 'version', message: versionBut('the number 2') },
    { name: "version '1'", document: { ...MINIMAL, version: '1' }, path: 'version', message: versionBut('a text') },
    { name: 'no version', document: { rules: [R] }, path: 'version', message: 'missing; write version: 1' },
    { name: 'no rules', document: { version: 1 }, path: 'rules', message: 'missing; list at least one rule' },
    { name: 'empty rules', document: { ...MINIMAL, rules: [] }, path: 'rules', message: 'expected at least one rule' },
    {
      name: 'rules that are no list',
      document: { ...MINIMAL, rules: {} },
      path: 'rules',
      message: 'expected a list of rules; found an object',
    },
    {
      name: 'a rule that is no object',
      document: { ...MINIMAL, rules: [R, 'r'] },
      path: 'rules[1]',
      message: 'expected an object; found a text',
    },
    {
      name: 'an unknown mode',
      document: { ...MINIMAL, mode: 'off' },
      path: 'mode',
      message: 'expected one of dry-run, live; found a text',
    },
    {
      name: 'a misspelt mode',
      document: { ...MINIMAL, mode: 'Live' },
      path: 'mode',
      message: 'expected one of dry-run, live; found a text; did you mean live?',
    },
    {
      name: 'negative maxKills',
      document: { ...MINIMAL, maxKills: -1 },
      path: 'maxKills',
      message: 'expected 0 or more',
    },
    {
      name: 'half of a kill',
      document: { ...MINIMAL, maxKills: 1.5 },
      path: 'maxKills',
      message: 'expected a whole number',
    },
    {
      name: 'maxKills as text',
      document: { ...MINIMAL, maxKills: '5' },
      path: 'maxKills',
      message: 'expected a whole number; found a text',
    },
    {
      name: 'over 100 percent',
      document: { ...MINIMAL, maxKillsPercent: 101 },
      path: 'maxKillsPercent',
      message: 'expected 0 to 100',
    },
    {
      name: 'a negative floor',
      document: { ...MINIMAL, percentFloor: -1 },
      path: 'percentFloor',
      message: 'expected 0 or more',
    },
    {
      name: 'a rule without a limit',
      document: without('maxRunTime'),
      path: 'rules[0].maxRunTime',
      message: 'missing; a rule needs a limit, such as maxRunTime: 2h, maxQueueTime: 30m or maxTotalTime: 6h',
    },
    {
      name: 'a limit without a unit',
      document: withRule({ maxRunTime: 24 }),
      path: 'rules[0].maxRunTime',
      message: `${DURATION}; found the number 24`,
    },
    {
      name: 'a limit as bare digits',
      document: withRule({ maxRunTime: '24' }),
      path: 'rules[0].maxRunTime',
      message: `${NOT_A_DURATION}; write the unit, such as 24m`,
    },
    {
      name: 'a limit of zero',
      document: withRule({ maxRunTime: '0s' }),
      path: 'rules[0].maxRunTime',
      message: 'expected a duration above zero',
    },
    {
      name: 'an empty limit',
      document: withRule({ maxRunTime: null }),
      path: 'rules[0].maxRunTime',
      message: `${DURATION}; found nothing`,
    },
    {
      name: 'a rule without an id',
      document: without('id'),
      path: 'rules[0].id',
      message: 'missing; give it a name, such as id: adhoc-2h',
    },
    {
      name: 'an id in capitals',
      document: withRule({ id: 'Adhoc' }),
      path: 'rules[0].id',
      message: 'expected lower-case letters, digits and hyphens, a letter first',
    },
    {
      name: 'two rules of one id',
      document: { ...MINIMAL, rules: [R, { ...R, id: 's' }, R] },
      path: 'rules[2].id',
      message: '"r" is already the id of rules[0]; ids must differ',
    },
    {
      name: 'a rule without a match',
      document: without('match'),
      path: 'rules[0].match',
      message: 'missing; say which jobs are meant, such as match: {queue: etl}, or match: all',
    },
    {
      name: 'an empty match',
      document: withRule({ match: {} }),
      path: 'rules[0].match',
      message: 'expected at least one of queue, owner, jobType, status, tag, name, statement, database',
    },
    {
      name: 'a match of nothing',
      document: withRule({ match: null }),
      path: 'rules[0].match',
      message: 'expected selectors such as {queue: etl}, or the word all; found nothing',
    },
    {
      name: 'a match of another word',
      document: withRule({ match: 'any' }),
      path: 'rules[0].match',
      message: 'expected selectors such as {queue: etl}, or the word all; found a text',
    },
    {
      name: 'an empty list of queues',
      document: withRule({ match: { queue: [] } }),
      path: 'rules[0].match.queue',
      message: 'expected at least one value',
    },
    {
      name: 'an empty ignore',
      document: withRule({ ignore: {} }),
      path: 'rules[0].ignore',
      message: 'expected at least one of queue, owner, jobType, status, tag, name, statement, database',
    },
    {
      name: 'an ignore of all',
      document: withRule({ ignore: 'all' }),
      path: 'rules[0].ignore',
      message: 'expected an object; found a text',
    },
    {
      name: 'an empty owner',
      document: withRule({ ignore: { owner: [''] } }),
      path: 'rules[0].ignore.owner[0]',
      message: 'expected a text, not an empty one',
    },
    {
      name: 'an operation on a queue as type',
      document: withRule({ ignore: { jobType: ['QUERY', 'SCALE_QUEUE'] } }),
      path: 'rules[0].ignore.jobType[1]',
      message: `expected one of ${TYPES}; found a text`,
    },
    {
      name: 'an unknown type in a list of match',
      document: withRule({ match: { jobType: ['QUERY', 'querry'] } }),
      path: 'rules[0].match.jobType[1]',
      message: `expected one of ${TYPES}; found a text`,
    },
    {
      name: 'a misspelt type',
      document: withRule({ match: { jobType: 'query' } }),
      path: 'rules[0].match.jobType',
      message: `expected one of ${TYPES}; found a text; did you mean QUERY?`,
    },
    {
      name: 'a number for a queue',
      document: withRule({ match: { queue: 3 } }),
      path: 'rules[0].match.queue',
      message: 'expected one value or a list of values; found the number 3; write it in quotes',
    },
    {
      name: 'a word that YAML knows for an owner',
      document: withRule({ ignore: { owner: true } }),
      path: 'rules[0].ignore.owner',
      message: 'expected one value or a list of values; found the word true; write it in quotes',
    },
    {
      name: 'a list for a rule',
      document: { ...MINIMAL, rules: [[]] },
      path: 'rules[0]',
      message: 'expected an object; found an empty list',
    },
    {
      name: 'a selector that SQL jobs lack',
      document: withRule({ match: { name: 'x' } }),
      path: 'rules[0].match.name',
      message: 'SQL jobs have no name; they have queue, owner, jobType, status, tag, statement, database',
    },
    {
      name: 'a selector that batches lack',
      document: withRule({ engines: ['sql', 'spark'], match: { tag: 'x' } }),
      path: 'rules[0].match.tag',
      message: 'Spark batches have no tag; they have queue, owner, status, name',
    },
    {
      name: 'a status of another engine',
      document: withRule({ engines: ['flink'], match: { status: 'RUNNING' } }),
      path: 'rules[0].match.status',
      message: 'no Flink jobs have status RUNNING; they have job_submitting, job_running',
    },
    {
      name: 'types of which none is of this engine',
      document: withRule({ engines: ['flink'], ignore: { jobType: ['QUERY', 'DDL'] } }),
      path: 'rules[0].ignore.jobType',
      message:
        'no Flink jobs have jobType QUERY or DDL; they have flink_sql_job, flink_opensource_sql_job, flink_sql_edge_job, flink_jar_job',
    },
    {
      name: 'a savepoint without Flink',
      document: withRule({ savepoint: false }),
      path: 'rules[0].savepoint',
      message: 'is for Flink only; add engines: [flink], or remove it',
    },
    {
      name: 'a savepoint that may fail, without Flink',
      document: withRule({ onSavepointFailure: 'keep' }),
      path: 'rules[0].onSavepointFailure',
      message: 'is for Flink only; add engines: [flink], or remove it',
    },
    {
      name: 'a warning that is as long as the limit',
      document: withRule({ warnBefore: '2h' }),
      path: 'rules[0].warnBefore',
      message: 'is not shorter than maxRunTime, so every job would be warned at its start',
    },
    {
      name: 'a warning of more than a day',
      document: withRule({ warnBefore: '25h', maxRunTime: '30h' }),
      path: 'rules[0].warnBefore',
      message: 'expected more than 0 and at most 24h, such as 30m',
    },
    {
      name: 'a warning before nothing is cancelled',
      document: withRule({ warnBefore: '30m', action: 'warn' }),
      path: 'rules[0].warnBefore',
      message: 'warns of a cancel, and a rule with action: warn cancels nothing; remove it',
    },
    {
      name: 'a warning to a group',
      document: withRule({ warnBefore: '30m', minGroupSize: 5 }),
      path: 'rules[0].warnBefore',
      message:
        'works without groups only: which jobs of a group are victims is known when they are over the limit; remove it',
    },
    {
      name: 'a warning first, without a time',
      document: withRule({ warnFirst: true }),
      path: 'rules[0].warnFirst',
      message: 'needs warnBefore, such as warnBefore: 30m',
    },
    {
      name: 'a route of notices for very many owners',
      document: {
        ...MINIMAL,
        notices: [{ to: 'owner', match: { owner: Array.from({ length: 101 }, (_, n) => `o${n}`) }, route: 'x' }],
      },
      path: 'notices[0].match',
      message: 'expected at most 100 values a key, and 500 characters a value',
    },
    {
      name: 'the oldest by two limits',
      document: withRule({ victims: 'oldest', maxQueueTime: '1h' }),
      path: 'rules[0].victims',
      message: 'oldest works with one limit only; found maxRunTime and maxQueueTime',
    },
    {
      name: 'to keep none by name',
      document: withRule({ keep: {} }),
      path: 'rules[0].keep',
      message: 'expected either oldest or youngest, such as {oldest: 1}',
    },
    {
      name: 'to keep from both ends',
      document: withRule({ keep: { oldest: 1, youngest: 2 } }),
      path: 'rules[0].keep',
      message: 'expected either oldest or youngest, such as {oldest: 1}',
    },
    {
      name: 'to keep no job',
      document: withRule({ keep: { youngest: 0 } }),
      path: 'rules[0].keep.youngest',
      message: 'expected 1 or more',
    },
    {
      name: 'to keep half a job',
      document: withRule({ keep: { oldest: 1.5 } }),
      path: 'rules[0].keep.oldest',
      message: 'expected a whole number',
    },
    {
      name: 'to keep some of one',
      document: withRule({ keep: { oldest: 1 }, victims: 'oldest' }),
      path: 'rules[0].victims',
      message:
        'oldest cannot be combined with keep: it cancels one job of each group, and keep spares some; remove one of them',
    },
    {
      name: 'to keep in two words',
      document: withRule({ keep: { oldest: 3 }, victims: 'all-but-oldest' }),
      path: 'rules[0].victims',
      message: 'all-but-oldest cannot be combined with keep: it is an old form of keep: {oldest: 1}; remove it',
    },
    {
      name: 'to warn of what may be kept',
      document: withRule({ warnBefore: '30m', keep: { oldest: 1 } }),
      path: 'rules[0].warnBefore',
      message:
        'works without groups only: which jobs of a group are victims is known when they are over the limit; remove it',
    },
    {
      name: 'a broken pattern',
      document: withRule({ match: { statement: '/(/' } }),
      path: 'rules[0].match.statement',
      message: 'not a pattern: a ( without its ) (at character 2)',
    },
    {
      name: 'groups of none',
      document: withRule({ minGroupSize: 0 }),
      path: 'rules[0].minGroupSize',
      message: 'expected 1 or more',
    },
    {
      name: 'an unknown engine',
      document: withRule({ engines: ['presto'] }),
      path: 'rules[0].engines[0]',
      message: 'expected one of sql, spark, flink; found a text',
    },
    {
      name: 'a status that is no live one',
      document: withRule({ match: { status: 'FINISHED' } }),
      path: 'rules[0].match.status',
      message:
        'expected one of LAUNCHING, RUNNING, starting, running, recovering, job_submitting, job_running; found a text',
    },
    {
      name: 'tag exemptions without a ceiling',
      document: { ...MINIMAL, tagExemptions: {} },
      path: 'tagExemptions.ceiling',
      message: 'missing; say up to which age, such as ceiling: 24h',
    },
    {
      name: 'an exemption without an end',
      document: { ...MINIMAL, exemptions: [ENDLESS] },
      path: 'exemptions[0].until',
      message: 'missing; say until when, such as until: 2026-12-31',
    },
    {
      name: 'an exemption for ever',
      document: { ...MINIMAL, exemptions: [{ ...EXEMPTION, until: 'never' }] },
      path: 'exemptions[0].until',
      message: 'expected a day such as 2026-12-31, or a time with its zone such as 2026-12-31T18:00:00Z',
    },
    {
      name: 'an exemption of nothing',
      document: { ...MINIMAL, exemptions: [{ ...EXEMPTION, match: {} }] },
      path: 'exemptions[0].match',
      message: 'expected at least one of jobId, queue, owner, tag, name, statement',
    },
    {
      name: 'all but the oldest by two limits',
      document: withRule({ victims: 'all-but-oldest', maxTotalTime: '9h' }),
      path: 'rules[0].victims',
      message: 'all-but-oldest works with one limit only; found maxRunTime and maxTotalTime',
    },
    {
      name: 'a selector that SQL jobs lack, among others, in ignore',
      document: withRule({ ignore: { owner: 'x', name: 'x' } }),
      path: 'rules[0].ignore.name',
      message: 'SQL jobs have no name; they have queue, owner, jobType, status, tag, statement, database',
    },
    {
      name: 'a list for match',
      document: withRule({ match: [{ queue: 'x' }] }),
      path: 'rules[0].match',
      message: 'expected selectors such as {queue: etl}, or the word all; found a list',
    },
    {
      name: 'a list for ignore',
      document: withRule({ ignore: ['x'] }),
      path: 'rules[0].ignore',
      message: 'expected an object; found a list',
    },
    {
      name: 'a list for the policy',
      document: [MINIMAL],
      path: '',
      message: 'expected an object; found a list',
    },
    {
      name: 'a list for tag exemptions',
      document: { ...MINIMAL, tagExemptions: [] },
      path: 'tagExemptions',
      message: 'expected an object; found an empty list',
    },
    {
      name: 'exemptions that are no list',
      document: { ...MINIMAL, exemptions: EXEMPTION },
      path: 'exemptions',
      message: 'expected a list of exemptions; found an object',
    },
    {
      name: 'a list for an exemption',
      document: { ...MINIMAL, exemptions: [[]] },
      path: 'exemptions[0]',
      message: 'expected an object; found an empty list',
    },
    {
      name: 'an object for a queue',
      document: withRule({ match: { queue: {} } }),
      path: 'rules[0].match.queue',
      message: 'expected one value or a list of values; found an object',
    },
    {
      name: 'a number in a list of queues',
      document: withRule({ match: { queue: ['a', 3] } }),
      path: 'rules[0].match.queue[1]',
      message: 'expected a text; found the number 3; write it in quotes',
    },
    {
      name: 'nothing in a list of tags',
      document: withRule({ match: { tag: [null] } }),
      path: 'rules[0].match.tag[0]',
      message: 'expected a name; found nothing',
    },
    {
      name: 'an empty tag',
      document: withRule({ match: { tag: '' } }),
      path: 'rules[0].match.tag',
      message: 'expected a name, not an empty text',
    },
    {
      name: 'an empty text for a queue',
      document: withRule({ match: { queue: '' } }),
      path: 'rules[0].match.queue',
      message: 'expected a text, not an empty one',
    },
    {
      name: 'a broken pattern in a list of ignore',
      document: withRule({ ignore: { queue: ['a', '/[/'] } }),
      path: 'rules[0].ignore.queue[1]',
      message: 'not a pattern: the pattern ends too early (at character 2)',
    },
    {
      name: 'a queue in capitals',
      document: withRule({ match: { queue: ['adhoc', 'ETL'] } }),
      path: 'rules[0].match.queue[1]',
      message: 'no queue has such a name: DLI keeps queue names in lower-case letters, digits and _; write etl',
    },
    {
      name: 'an owner with a blank behind',
      document: withRule({ ignore: { owner: 'ana ' } }),
      path: 'rules[0].ignore.owner',
      message: 'begins or ends with a space, and no job has such a value; remove the space',
    },
    {
      name: 'a name with a blank behind',
      document: withRule({ engines: ['spark'], match: { name: 'x ' } }),
      path: 'rules[0].match.name',
      message: 'begins or ends with a space, and no job has such a value; remove the space',
    },
    {
      name: 'a database with a blank behind',
      document: withRule({ match: { database: 'x ' } }),
      path: 'rules[0].match.database',
      message: 'begins or ends with a space, and no job has such a value; remove the space',
    },
    {
      name: 'half a pattern for a statement',
      document: withRule({ ignore: { statement: '/x/g' } }),
      path: 'rules[0].ignore.statement',
      message:
        'begins with / but is not a pattern; write a pattern as /…/, or as /…/i to ignore case, with nothing after it',
    },
    {
      name: 'a glob for a tag',
      document: withRule({ ignore: { tag: 'keep=*' } }),
      path: 'rules[0].ignore.tag',
      message: 'tags are compared exactly, without patterns; write keep for any value',
    },
    {
      name: 'an exemption of half an id',
      document: { ...MINIMAL, exemptions: [{ ...EXEMPTION, match: { jobId: '5b3c6e1e' } }] },
      path: 'exemptions[0].match.jobId',
      message: "expected the id of a job: 8-4-4-4-12 hexadecimal digits, or a Flink job's number",
    },
    {
      name: 'an exemption of an empty id',
      document: { ...MINIMAL, exemptions: [{ ...EXEMPTION, match: { jobId: '' } }] },
      path: 'exemptions[0].match.jobId',
      message: 'expected a name, not an empty text',
    },
    {
      name: 'no engine',
      document: withRule({ engines: [] }),
      path: 'rules[0].engines',
      message: 'expected at least one engine',
    },
    {
      name: 'half a group',
      document: withRule({ minGroupSize: 1.5 }),
      path: 'rules[0].minGroupSize',
      message: 'expected a whole number',
    },
    {
      name: 'groups by database',
      document: withRule({ groupBy: 'database' }),
      path: 'rules[0].groupBy',
      message: 'expected one of queue, owner, fingerprint; found a text',
    },
    {
      name: 'the youngest',
      document: withRule({ victims: 'youngest' }),
      path: 'rules[0].victims',
      message: 'expected one of all, oldest, all-but-oldest; found a text',
    },
    {
      name: 'drain as text',
      document: { ...MINIMAL, drain: 'yes' },
      path: 'drain',
      message: 'expected true or false; found a text',
    },
    {
      name: 'a truth for a number',
      document: { ...MINIMAL, maxKills: true },
      path: 'maxKills',
      message: 'expected a whole number; found the word true',
    },
    {
      name: 'an empty text for a number',
      document: { ...MINIMAL, maxKills: '' },
      path: 'maxKills',
      message: 'expected a whole number; found an empty text',
    },
    {
      name: 'a percentage below zero',
      document: { ...MINIMAL, maxKillsPercent: -1 },
      path: 'maxKillsPercent',
      message: 'expected 0 or more',
    },
    {
      name: 'a limit that is too large',
      document: withRule({ maxTotalTime: `${'9'.repeat(20)}w` }),
      path: 'rules[0].maxTotalTime',
      message: 'not a duration: too large',
    },
    {
      name: 'a number for an id',
      document: withRule({ id: 7 }),
      path: 'rules[0].id',
      message: 'expected a name; found the number 7; write it in quotes',
    },
    {
      name: 'a ceiling without a unit',
      document: { ...MINIMAL, tagExemptions: { ceiling: '24' } },
      path: 'tagExemptions.ceiling',
      message: `${NOT_A_DURATION}; write the unit, such as 24m`,
    },
    {
      name: 'a key that objects have anyway',
      document: withRule({ constructor: 1 }),
      path: 'rules[0]',
      message: 'unknown key: one of constructor, prototype, __proto__; found an object',
    },
    {
      name: 'another action',
      document: withRule({ action: 'kill' }),
      path: 'rules[0].action',
      message: 'expected one of log, warn, cancel; found a text',
    },
  ])('refuses $name, and says where and what would be right', ({ document, path, message }) => {
    expect(problemsOf(document)).toEqual({ [path]: message });
  });

  it.each([
    { document: { ...MINIMAL, maxKill: 5 }, path: 'maxKill', hint: 'did you mean maxKills?' },
    { document: { ...MINIMAL, Mode: 'live' }, path: 'Mode', hint: 'did you mean mode?' },
    { document: { ...MINIMAL, dryRun: true }, path: 'dryRun', hint: 'did you mean mode?' },
    {
      document: { ...MINIMAL, colour: 1 },
      path: 'colour',
      hint: 'allowed here: version, mode, maxKills, maxKillsPercent, percentFloor, drain, tagExemptions, rules, exemptions, freezes, notices',
    },
    { document: withRule({ maxRuntime: '2h' }), path: 'rules[0].maxRuntime', hint: 'did you mean maxRunTime?' },
    { document: withRule({ busyTime: '2h' }), path: 'rules[0].busyTime', hint: 'did you mean maxRunTime?' },
    { document: withRule({ maxAge: '2h' }), path: 'rules[0].maxAge', hint: 'did you mean maxRunTime?' },
    { document: withRule({ olderThan: '2h' }), path: 'rules[0].olderThan', hint: 'did you mean maxRunTime?' },
    { document: withRule({ timeout: '2h' }), path: 'rules[0].timeout', hint: 'did you mean maxRunTime?' },
    { document: withRule({ filter: {} }), path: 'rules[0].filter', hint: 'did you mean match?' },
    { document: withRule({ filters: [] }), path: 'rules[0].filters', hint: 'did you mean match?' },
    { document: withRule({ exclude: {} }), path: 'rules[0].exclude', hint: 'did you mean ignore?' },
    { document: withRule({ name: 'r' }), path: 'rules[0].name', hint: 'did you mean id?' },
    // An alias of another place is no hint here.
    {
      document: withRule({ user: 'ana' }),
      path: 'rules[0].user',
      hint: RULE_KEYS,
    },
    {
      document: withRule({ match: { statment: 'a' } }),
      path: 'rules[0].match.statment',
      hint: 'did you mean statement?',
    },
    { document: withRule({ match: { user: 'a' } }), path: 'rules[0].match.user', hint: 'did you mean owner?' },
    { document: withRule({ match: { que: 'a' } }), path: 'rules[0].match.que', hint: 'did you mean queue?' },
    { document: withRule({ ignore: { queus: 'a' } }), path: 'rules[0].ignore.queus', hint: 'did you mean queue?' },
    {
      document: withRule({ ignore: { queueName: 'a' } }),
      path: 'rules[0].ignore.queueName',
      hint: 'did you mean queue?',
    },
    {
      document: withRule({ ignore: { queue_name: 'a' } }),
      path: 'rules[0].ignore.queue_name',
      hint: 'did you mean queue?',
    },
    { document: withRule({ ignore: { user: 'a' } }), path: 'rules[0].ignore.user', hint: 'did you mean owner?' },
    { document: withRule({ ignore: { type: 'DDL' } }), path: 'rules[0].ignore.type', hint: 'did you mean jobType?' },
    {
      document: withRule({ ignore: { job_type: 'DDL' } }),
      path: 'rules[0].ignore.job_type',
      hint: 'did you mean jobType?',
    },
    { document: withRule({ ignore: { tags: 'a' } }), path: 'rules[0].ignore.tags', hint: 'did you mean tag?' },
  ])('refuses the unknown key $path, with the hint: $hint', ({ document, path, hint }) => {
    expect(problemsOf(document)).toEqual({ [path]: `unknown key; ${hint}` });
  });

  it.each(['constructor', 'prototype', '__proto__'])('refuses the key %s wherever it stands', (key) => {
    const odd = JSON.parse(`{"${key}": 1}`) as object;
    const mixed = (fields: object) => Object.defineProperty({ ...fields }, key, { value: 1, enumerable: true });
    const message = 'unknown key: one of constructor, prototype, __proto__; found an object';

    expect(problemsOf(mixed(MINIMAL))).toEqual({ '': message });
    expect(problemsOf(withRule({ ignore: odd }))).toEqual({ 'rules[0].ignore': message });
    expect(problemsOf({ ...MINIMAL, rules: [mixed(R)] })).toEqual({ 'rules[0]': message });
  });

  it.each(['a', 'a1', 'a-b', `a${'b'.repeat(62)}`])('takes %s for an id', (id) => {
    expect(parsePolicy(withRule({ id })).rules[0]?.id).toBe(id);
  });

  it.each(['', '1', '-a', 'a_b', 'a b', ' a', 'a ', 'A', `a${'b'.repeat(63)}`])('refuses %j as an id', (id) => {
    expect(problemsOf(withRule({ id }))).toEqual({
      'rules[0].id': 'expected lower-case letters, digits and hyphens, a letter first',
    });
  });

  it('allows several limits in a rule for all victims, and one limit in other rules', () => {
    const limits = { maxQueueTime: '1m', maxTotalTime: '3h' };

    expect(problemsOf(withRule({ ...limits, victims: 'all' }))).toEqual({});
    expect(problemsOf(withRule({ victims: 'oldest' }))).toEqual({});
    expect(problemsOf(withRule({ victims: 'all-but-oldest', groupBy: 'fingerprint' }))).toEqual({});
    expect(problemsOf(withRule({ ...limits, keep: { oldest: 1 } }))).toEqual({});
  });

  it.each([
    { written: { keep: { oldest: 3 } }, keep: { end: 'oldest', count: 3 } },
    { written: { keep: { youngest: 1 }, victims: 'all' }, keep: { end: 'youngest', count: 1 } },
    { written: { victims: 'all-but-oldest' }, keep: { end: 'oldest', count: 1 } },
    { written: { victims: 'oldest' }, keep: undefined },
    { written: {}, keep: undefined },
  ])('reads how many of a group are kept: $written', ({ written, keep }) => {
    expect(parsePolicy(withRule(written)).rules[0]?.keep).toEqual(keep);
  });

  it('reports every rule with the id of an earlier rule', () => {
    const rules = [R, { ...R, id: 's' }, R, { ...R, id: 's' }, R];

    expect(problemsOf({ ...MINIMAL, rules })).toEqual({
      'rules[2].id': '"r" is already the id of rules[0]; ids must differ',
      'rules[3].id': '"s" is already the id of rules[1]; ids must differ',
      'rules[4].id': '"r" is already the id of rules[0]; ids must differ',
    });
  });

  it('reports all problems of several rules and exemptions at once', () => {
    const { maxRunTime: _limit, ...limitless } = R;
    const document = {
      version: 1,
      rules: [
        { ...R, match: { queue: '/)/' }, colour: 1 },
        { ...limitless, id: 's', match: { queue: 'x', name: 'y' }, ignore: { name: ['z'] } },
        { ...R, id: 't', victims: 'oldest', maxQueueTime: '1h', match: { name: 'x' }, ignore: {} },
      ],
      exemptions: [{ ...EXEMPTION, until: 5, reason: '' }, EXEMPTION, { id: 'X', match: { database: 'x' } }],
    };

    expect(problemsOf(document)).toEqual({
      'rules[0].match.queue': 'not a pattern: a ) without its ( (at character 1)',
      'rules[0].colour': `unknown key; ${RULE_KEYS}`,
      'rules[1].maxRunTime':
        'missing; a rule needs a limit, such as maxRunTime: 2h, maxQueueTime: 30m or maxTotalTime: 6h',
      'rules[1].match.name': 'SQL jobs have no name; they have queue, owner, jobType, status, tag, statement, database',
      'rules[1].ignore.name':
        'SQL jobs have no name; they have queue, owner, jobType, status, tag, statement, database',
      'rules[2].ignore': 'expected at least one of queue, owner, jobType, status, tag, name, statement, database',
      'rules[2].victims': 'oldest works with one limit only; found maxRunTime and maxQueueTime',
      'rules[2].match.name': 'SQL jobs have no name; they have queue, owner, jobType, status, tag, statement, database',
      'exemptions[0].reason': 'expected a text, not an empty one',
      'exemptions[0].until':
        'expected a day such as 2026-12-31, or a time with its zone such as 2026-12-31T18:00:00Z; found the number 5',
      'exemptions[2].id': 'expected lower-case letters, digits and hyphens, a letter first',
      'exemptions[2].reason': 'missing; say why',
      'exemptions[2].owner': 'missing; say whom to ask',
      'exemptions[2].until': 'missing; say until when, such as until: 2026-12-31',
      'exemptions[2].match.database': 'unknown key; allowed here: jobId, queue, owner, tag, name, statement',
    });
  });

  it('gives with each problem the keys that lead to it', () => {
    let problems: PolicyError['problems'] = [];
    try {
      parsePolicy({ ...MINIMAL, rules: [R, { ...R, id: 's', match: { queue: ['a', ''] } }] });
    } catch (error) {
      if (error instanceof PolicyError) problems = error.problems;
    }

    expect(problems).toEqual([
      {
        path: 'rules[1].match.queue[1]',
        keys: ['rules', 1, 'match', 'queue', 1],
        message: 'expected a text, not an empty one',
      },
    ]);
  });

  it('reports several problems at once', () => {
    const document = { version: 2, maxKills: -1, rules: [{ id: 'R', match: {}, maxRunTime: 24 }, R], colour: 1 };

    expect(Object.keys(problemsOf(document))).toEqual([
      'version',
      'maxKills',
      'rules[0].id',
      'rules[0].match',
      'rules[0].maxRunTime',
      'colour',
    ]);
  });

  it('ignores a key of a selector that has no value', () => {
    expect(problemsOf(withRule({ match: { queue: undefined } }))).toEqual({
      'rules[0].match': 'expected at least one of queue, owner, jobType, status, tag, name, statement, database',
    });
  });

  it('throws an error with its own name', () => {
    expect(() => parsePolicy(null)).toThrow(expect.objectContaining({ name: 'PolicyError' }));
  });

  it('writes a problem per line', () => {
    expect(() => parsePolicy({ rules: [] })).toThrow(
      'the policy is not valid:\n  version: missing; write version: 1\n  rules: expected at least one rule',
    );
    expect(() => parsePolicy(7)).toThrow(
      'the policy is not valid:\n  (document): expected an object; found the number 7',
    );
  });

  it('never shows a text that is in the wrong place', () => {
    const secret = 'hunter2-S3CRET';
    const misplaced = [
      secret,
      ...['version', 'mode', 'maxKills', 'maxKillsPercent', 'percentFloor', 'rules', 'colour'].map((key) => ({
        ...MINIMAL,
        [key]: secret,
      })),
      { ...MINIMAL, rules: [secret] },
      ...['id', 'match', 'ignore', 'maxRunTime', 'action', 'colour'].map((key) => withRule({ [key]: secret })),
      ...['match', 'ignore'].flatMap((key) => [
        withRule({ [key]: [secret] }),
        withRule({ [key]: { jobType: secret } }),
        withRule({ [key]: { jobType: ['QUERY', secret] } }),
        withRule({ [key]: { colour: secret } }),
        withRule({ [key]: { queue: { 0: secret } } }),
      ]),
    ];

    for (const document of misplaced) {
      expect(() => parsePolicy(document)).toThrow(PolicyError);
      expect(() => parsePolicy(document)).not.toThrow(secret);
    }
  });
});

describe('parseExemption', () => {
  it('reads an exemption, for one value and for lists of values', () => {
    const match = { jobId: ['146', '147'], queue: 'q*', owner: ['/^x/i'], tag: 'keep', statement: '/orders/' };

    expect(parseExemption({ ...EXEMPTION, match })).toMatchObject({
      id: 'e',
      reason: 'why',
      owner: 'team',
      until: Date.parse('2027-01-02T00:00:00Z'),
      match: {
        jobId: ['146', '147'],
        queue: [{ text: 'q*' }],
        owner: [{ text: '/^x/i' }],
        tag: [{ text: 'keep' }],
        statement: [{ text: '/orders/' }],
      },
    });
  });

  it('writes a problem per line', () => {
    expect(() => parseExemption({ ...ENDLESS, match: { jobType: 'QUERY' }, reason: 5 })).toThrow(
      [
        'the exemption is not valid:',
        '  reason: expected a text; found the number 5; write it in quotes',
        '  until: missing; say until when, such as until: 2026-12-31',
        '  match.jobType: unknown key; allowed here: jobId, queue, owner, tag, name, statement',
      ].join('\n'),
    );
  });

  it.each([
    { name: 'no exemption', document: 'x', line: '(document): expected an object; found a text' },
    { name: 'no match', document: { ...EXEMPTION, match: null }, line: 'match: expected an object; found nothing' },
    {
      name: 'a match of all',
      document: { ...EXEMPTION, match: 'all' },
      line: 'match: expected an object; found a text',
    },
    {
      name: 'an empty owner',
      document: { ...EXEMPTION, owner: '' },
      line: 'owner: expected a name, not an empty text',
    },
    {
      name: 'an empty list of ids',
      document: { ...EXEMPTION, match: { jobId: [] } },
      line: 'match.jobId: expected at least one value',
    },
    {
      name: 'a misspelt key',
      document: { ...EXEMPTION, untill: '2027-01-01' },
      line: 'untill: unknown key; did you mean until?',
    },
    {
      name: 'the key of another reaper',
      document: { ...EXEMPTION, expires: '2027-01-01' },
      line: 'expires: unknown key; did you mean until?',
    },
    {
      name: 'an id for a job id',
      document: { ...EXEMPTION, match: { id: 'x' } },
      line: 'match.id: unknown key; did you mean jobId?',
    },
  ])('refuses $name', ({ document, line }) => {
    expect(() => parseExemption(document)).toThrow(`the exemption is not valid:\n  ${line}`);
  });
});

describe('parsePolicy, for several engines', () => {
  it.each([
    { engines: ['sql', 'spark'], match: { status: ['RUNNING', 'running'] } },
    { engines: ['sql', 'flink'], match: { jobType: ['INSERT', 'flink_jar_job'] } },
    { engines: ['flink'], match: { name: 'x', queue: 'y' }, savepoint: false, onSavepointFailure: 'cancel' },
    { engines: ['spark', 'flink'], match: 'all', savepoint: true },
  ])('accepts what the jobs of each engine have: $match', (changes) => {
    expect(parsePolicy(withRule(changes)).rules[0]).toMatchObject({ engines: changes.engines });
  });
});

describe('parsePolicy, for policies of earlier versions', () => {
  const file = readFileSync(new URL('../../fixtures/earlier-policies.yml', import.meta.url), 'utf8');
  const policies = parseAllDocuments(file).map((document) => document.toJS() as object);

  it('refuses none of them, since an upgrade must not stop a stage', () => {
    expect(policies).toHaveLength(16);
    for (const policy of policies) expect(parsePolicy(policy)).toMatchObject({ version: 1 });
  });
});

describe('parseExemptionMatch', () => {
  it('reads the match of an exemption, whatever else is wrong with it', () => {
    expect(parseExemptionMatch({ owner: 'ana' })).toMatchObject({ owner: [{ text: 'ana' }] });
    expect(() => parseExemptionMatch({ owner: '' })).toThrow(
      'match is not valid:\n  owner: expected a text, not an empty one',
    );
  });
});
