import { describe, expect, it } from 'vitest';
import type { JobLine, LineContext, LineFrame, LogLines } from '../../lib/sweep/record/log-lines.ts';
import { JOB_LINES } from '../../lib/sweep/record/log-lines.ts';
import { resourcesOf } from '../helpers/deploy-parts.ts';

interface Widget {
  properties: { title: string; query?: string };
}

const queries = Object.values(await resourcesOf('queries')).map(({ Properties }) => ({
  name: String(Properties.Name),
  query: String(Properties.QueryString),
}));

const tables = Object.values(await resourcesOf('dashboard'))
  .map(({ Properties }) => JSON.parse((Properties.DashboardBody as { 'Fn::Sub': string })['Fn::Sub']))
  .flatMap(({ widgets }: { widgets: Widget[] }) => widgets)
  .flatMap(({ properties: { title, query } }) => (query === undefined ? [] : [{ name: `dashboard: ${title}`, query }]));

/**
 * What a line of each kind holds at the least: `true` for a single value; for an object or a list, which Insights takes apart,
 * `'parts'`, or the parts that are asked for. The compiler keeps it to the contract.
 */
type Names<T> = { [K in keyof T]-?: Name<NonNullable<T[K]>> };
type Name<V> = [V] extends [string | number | boolean] ? true : 'parts' | { [K in keyof V]?: Name<NonNullable<V[K]>> };
const FRAME: Names<LineFrame & LineContext> = {
  level: true,
  msg: true,
  timestamp: true,
  stage: true,
  periodMinutes: true,
  awsRequestId: true,
  code: { version: true, commit: true },
  sweepId: true,
  target: true,
  region: true,
  projectId: true,
  projectName: true,
  dispatchId: true,
  credentials: true,
  trigger: true,
  recordedBy: true,
};
const JOB: Names<JobLine> = {
  jobId: true,
  engine: true,
  name: true,
  queue: true,
  owner: true,
  jobType: true,
  runTimeMs: true,
  queueTimeMs: true,
  totalTimeMs: true,
  clock: true,
  limitMs: true,
  overLimitMs: true,
  rule: true,
  matched: 'parts',
  decision: true,
  warning: 'parts',
  reason: true,
  outcome: true,
  status: true,
  evidence: true,
  endedBy: true,
  fingerprint: true,
  repeats: true,
  cus: true,
  attempts: true,
  requestId: true,
  error: true,
  why: true,
};
const FINISHED: Names<LogLines['sweep finished']> = {
  version: true,
  sweepId: true,
  target: true,
  project: 'parts',
  trigger: true,
  requestReason: true,
  emergency: 'parts',
  dryRun: true,
  dryRunBecause: 'parts',
  status: true,
  stoppedBy: true,
  problems: 'parts',
  startedAt: true,
  finishedAt: true,
  counts: { overdue: true, toCancel: true, cancelled: true },
  apiCalls: 'parts',
  caps: 'parts',
  freed: 'parts',
  credentialRefused: true,
  parameterVersions: { policy: true },
  settingsHash: true,
  unmet: 'parts',
  notices: 'parts',
  rules: 'parts',
  unmanagedQueues: 'parts',
  waiting: 'parts',
  jobsLogged: true,
};
const OTHERS: Omit<{ [M in keyof LogLines]: Names<LogLines[M]> }, (typeof JOB_LINES)[number] | 'sweep finished'> = {
  'sweep by hand': { targets: 'parts', count: true, requestReason: true },
  'sweep by hand given up': { targets: 'parts' },
  'victims chosen': { count: true, skipped: true, victims: 'parts' },
  'warning over': { jobId: true, because: true },
  notice: { notice: true },
  message: {
    version: true,
    to: true,
    owner: true,
    dryRun: true,
    requestReason: true,
    status: true,
    problems: 'parts',
    jobs: 'parts',
    more: 'parts',
    exemptions: 'parts',
    routes: 'parts',
  },
  'sweep could not run': { target: true, error: true },
  'target not swept': { target: true, reason: true },
  'switch unreadable': { parameter: true, error: true },
  'dli call failed': { call: true, attempt: true, status: true, error: true },
  'dispatch finished': {
    dispatchId: true,
    expected: true,
    sent: true,
    credentials: true,
    messages: true,
    dropped: true,
    trigger: true,
  },
  'dispatch could not run': { error: true },
  'tick dropped': { dispatchId: true, ageMs: true, periodMs: true },
  'no targets': { dispatchId: true, error: true },
  'target unreadable': { dispatchId: true, target: true, error: true },
  'target not sent': { dispatchId: true, target: true, error: true },
  'message not sent': { dispatchId: true, credentials: true, targets: 'parts' },
  'message published': { parameter: true, to: true, target: true, jobs: true },
  'message without route': { parameter: true, to: true, owner: true, target: true },
  'message not published': { parameter: true, to: true, target: true, error: true },
  'events published': { events: true },
  'events not published': { events: true, error: true },
  'lines skipped': { lines: true, reason: true },
  'route unreadable': { parameter: true, error: true },
};

/**
 * What Lambda writes beside us, by its type or level.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
 */
const OF_LAMBDA = {
  'platform.report': {
    type: true,
    record: {
      requestId: true,
      status: true,
      errorType: true,
      metrics: { durationMs: true, maxMemoryUsedMB: true, memorySizeMB: true },
    },
  },
  'platform.initReport': { type: true, record: { status: true, errorType: true, metrics: { durationMs: true } } },
  ERROR: { level: true, message: { errorType: true, errorMessage: true, stackTrace: 'parts' } },
};
const FIELDS: Record<string, object> = {
  ...OTHERS,
  ...OF_LAMBDA,
  ...Object.fromEntries(JOB_LINES.map((msg) => [msg, JOB])),
  'sweep finished': FINISHED,
  // Any line of this level.
  error: { error: true },
};

const texts = (query: string): string[] => [...query.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text);

/** A pattern that ends its line. */
const PATTERN = /\/((?:\\\/|[^/\n])+)\/(?=\s*\n)/g;

/** The names in a query that are fields: no word of the language, no function, and nothing it has named itself. */
function fieldsIn(query: string): string[] {
  const bare = query
    .replace(/"[^"]*"/g, '')
    .replace(PATTERN, '')
    .replace(/SOURCE '[^']*'/, '');
  const made = new Set([...query.matchAll(/\bas (\w+)|\(\?<(\w+)>/g)].map(([, name, group]) => name ?? group));
  const language =
    /^(fields|filter|sort|limit|stats|dedup|parse|by|as|desc|asc|and|or|not|in|like|count|count_distinct|max|min|latest|sum|ispresent|coalesce|concat)$/;
  const names = [...bare.matchAll(/@?[A-Za-z][\w.]*/g)].map(([name]) => name);
  return [...new Set(names)].filter((name) => !name.startsWith('@') && !language.test(name) && !made.has(name));
}

/** The fields of a query that none of the lines it asks for has as a single value. */
function emptyColumns(query: string): string[] {
  const asked = texts(query).filter((text) => text in FIELDS);
  const lines = (asked.length > 0 ? asked : Object.keys(FIELDS)).map((name) => ({ ...FRAME, ...FIELDS[name] }));
  const isValue = (line: object, path: readonly string[]) =>
    path.reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], line) === true;
  return fieldsIn(query).filter((field) => !lines.some((line) => isValue(line, field.split('.'))));
}

describe.each([...queries, ...tables])('the query "$name"', ({ query }) => {
  it('asks for lines that are written', () => {
    const messages = [...query.matchAll(/msg (?:=|in) (\[[^\]]*\]|"[^"]*")/g)].flatMap(([, list = '']) => texts(list));

    expect(messages.filter((msg) => !(msg in FIELDS))).toEqual([]);
  });

  it('shows no field that none of these lines has, and none that is an object or a list', () => {
    expect(emptyColumns(query)).toEqual([]);
  });

  it('names each group of a pattern, as Insights demands', () => {
    const groups = [...query.matchAll(PATTERN)].flatMap(([, pattern = '']) =>
      pattern.match(/(?<!\\)\((?:\?(?:<\w+>|:))?/g),
    );

    expect(groups.filter((group) => group === '(')).toEqual([]);
  });
});

describe('a query', () => {
  it.each([
    { query: 'filter msg = "job cancelled" | fields jobId, warning', empty: ['warning'] },
    { query: 'filter msg = "sweep finished" | stats latest(counts) as all by target', empty: ['counts'] },
    { query: 'filter msg = "sweep finished" | stats latest(counts.overdu) as overdue', empty: ['counts.overdu'] },
    { query: 'filter msg = "message not sent" | fields targets, error', empty: ['targets', 'error'] },
    { query: 'filter type = "platform.report" | fields record, record.status', empty: ['record'] },
    { query: 'fields whose', empty: ['whose'] },
  ])('with columns that stay empty is found out: $query', ({ query, empty }) => {
    expect(emptyColumns(query)).toEqual(empty);
  });
});
