import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import type { LineContext, LineFrame, LogLines } from '../../lib/log-lines.ts';
import { JOB_LINES } from '../../lib/log-lines.ts';
import type { JobReport } from '../../lib/report.ts';

const require = createRequire(import.meta.url);

interface Widget {
  properties: { title: string; query?: string };
}

/** Evaluates a part of the template as the Serverless Framework does. */
async function resourcesOf(part: string): Promise<Record<string, { Properties: Record<string, unknown> }>> {
  const make = require(`../../deploy/${part}.cjs`) as (options: object) => Promise<{ Resources: object }>;
  const resolveVariable = async (name: string) => (name === 'self:provider.stage' ? 'dev' : { periodSeconds: 900 });
  return (await make({ resolveVariable })).Resources as never;
}

const queries = Object.values(await resourcesOf('queries')).map(({ Properties }) => ({
  name: String(Properties.Name),
  query: String(Properties.QueryString),
}));

const tables = Object.values(await resourcesOf('dashboard'))
  .map(({ Properties }) => JSON.parse((Properties.DashboardBody as { 'Fn::Sub': string })['Fn::Sub']))
  .flatMap(({ widgets }: { widgets: Widget[] }) => widgets)
  .flatMap(({ properties: { title, query } }) => (query === undefined ? [] : [{ name: `dashboard: ${title}`, query }]));

/** What a line of each kind holds at the least; the compiler keeps it to the contract. */
type Names<T> = Record<keyof T, true>;
const FRAME: Names<LineFrame & LineContext> = {
  level: true,
  msg: true,
  time: true,
  stage: true,
  periodMinutes: true,
  awsRequestId: true,
  sweepId: true,
  target: true,
  dispatchId: true,
  credentials: true,
  trigger: true,
};
const JOB: Names<JobReport & { why: unknown }> = {
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
  matched: true,
  decision: true,
  reason: true,
  outcome: true,
  status: true,
  evidence: true,
  cus: true,
  attempts: true,
  requestId: true,
  error: true,
  why: true,
};
const FINISHED: Names<LogLines['sweep finished']> = {
  sweepId: true,
  target: true,
  trigger: true,
  requestReason: true,
  emergency: true,
  dryRun: true,
  dryRunBecause: true,
  status: true,
  problems: true,
  startedAt: true,
  finishedAt: true,
  counts: true,
  apiCalls: true,
  caps: true,
  freed: true,
  credentialRefused: true,
  parameterVersions: true,
  unmet: true,
  notices: true,
  unmanagedQueues: true,
  jobsLogged: true,
};
const OTHERS: Omit<{ [M in keyof LogLines]: Names<LogLines[M]> }, (typeof JOB_LINES)[number] | 'sweep finished'> = {
  'victims chosen': { count: true, skipped: true, victims: true },
  notice: { notice: true },
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
  'message not sent': { dispatchId: true, credentials: true, targets: true },
};
const FIELDS: Record<string, object> = {
  ...OTHERS,
  ...Object.fromEntries(JOB_LINES.map((msg) => [msg, JOB])),
  'sweep finished': FINISHED,
};

const texts = (query: string): string[] => [...query.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text);

/** The names in a query that are fields: no word of the language, no function, and nothing it has named itself. */
function fieldsIn(query: string): string[] {
  const bare = query
    .replace(/"[^"]*"/g, '')
    .replace(/\/(\\\/|[^/\n])+\/(?=\s*\n)/g, '')
    .replace(/SOURCE '[^']*'/, '');
  const made = new Set([...bare.matchAll(/\bas (\w+)/g)].map(([, name]) => name));
  const language =
    /^(fields|filter|sort|limit|stats|dedup|parse|by|as|desc|asc|and|or|not|in|like|count|count_distinct|max|min|latest|sum|ispresent|code)$/;
  const names = [...bare.matchAll(/@?[A-Za-z][\w.]*/g)].map(([name]) => name);
  return [...new Set(names)].filter((name) => !name.startsWith('@') && !language.test(name) && !made.has(name));
}

describe.each([...queries, ...tables])('the query "$name"', ({ query }) => {
  const asked = texts(query).filter((text) => text in FIELDS);

  it('asks for lines that are written', () => {
    const messages = [...query.matchAll(/msg (?:=|in) (\[[^\]]*\]|"[^"]*")/g)].flatMap(([, list = '']) => texts(list));

    expect(messages.filter((msg) => !(msg in FIELDS))).toEqual([]);
  });

  it('shows no field that none of these lines has', () => {
    const lines = asked.length > 0 ? asked : Object.keys(FIELDS);
    const known = new Set(lines.flatMap((msg) => [...Object.keys(FRAME), ...Object.keys(FIELDS[msg] ?? {})]));

    expect(fieldsIn(query).filter((field) => !known.has(field.split('.')[0] ?? ''))).toEqual([]);
  });
});
