import { METRICS } from '../../lib/sweep/record/metrics.ts';
import { functionsOf, optionsOf, type Resource, templateOf } from './deploy-parts.ts';

/*
 * What a stage costs in a month, counted from its template. docs/deploy.md has the table that this makes.
 */

/** US dollars in eu-central-1 as of November 2026, without the free tier. */
export const PRICES = {
  lambdaGbSecond: 0.0000133,
  lambdaCall: 0.2 / 1e6,
  logGb: 0.63,
  tableWrite: 0.76 / 1e6,
  tableRead: 0.15 / 1e6,
  key: 1,
  decryption: 0.03 / 1e4,
  customMetric: 0.3,
  /** For each metric that an alarm reads. */
  alarmMetric: 0.1,
  dashboard: 3,
};

/** What is assumed of a sweep, a dispatch and an invocation of notify. A test measures the bytes. */
export const ASSUMED = {
  ticks: 2_880,
  sweepSeconds: 1.5,
  dispatchSeconds: 1,
  notifySeconds: 0.1,
  sweepBytes: 3_100,
  spared: 10,
  sparedBytes: 1_750,
};

/** What the bill depends on in a template. */
interface Counts {
  alarms: number;
  alarmMetrics: number;
  metrics: number;
  dashboards: number;
  keys: number;
  tables: number;
  sweepGb: number;
  dispatchGb: number;
  /** 0 without messages. */
  notifyGb: number;
}

export async function countsOf(params: Record<string, string>): Promise<Counts> {
  const [resources, functions, { metrics }] = await Promise.all([
    templateOf(params),
    functionsOf(params),
    optionsOf(params),
  ]);
  const ofType = (type: string) => Object.values(resources).filter(({ Type }) => Type === type);
  const alarms = ofType('AWS::CloudWatch::Alarm');
  const written = String(metrics).split(' ').filter(Boolean);
  return {
    alarms: alarms.length,
    alarmMetrics: alarms.reduce((sum, alarm) => sum + metricsRead(alarm), 0),
    metrics: written.length || Object.keys(METRICS).length,
    dashboards: ofType('AWS::CloudWatch::Dashboard').length,
    keys: ofType('AWS::KMS::Key').length,
    tables: ofType('AWS::DynamoDB::Table').length,
    sweepGb: (functions.sweep ?? 0) / 1_024,
    dispatchGb: (functions.dispatch ?? 0) / 1_024,
    notifyGb: (functions.notify ?? 0) / 1_024,
  };
}

/** An alarm on an expression reads each metric of it. */
function metricsRead({ Properties }: Resource): number {
  const { Metrics } = Properties as { Metrics?: object[] };
  return Metrics === undefined ? 1 : Metrics.filter((metric) => 'MetricStat' in metric).length;
}

const inDollars = (amount: number): string => amount.toFixed(2);
const grouped = (value: number): string => value.toLocaleString('en-US');
const inGb = (bytes: number): string => `${Number((bytes / 1e9).toPrecision(2))} GB`;

/** A stage of the table. */
interface Column {
  counts: Counts;
  targets: number;
}

interface Row {
  label: string;
  price: string;
  /** @returns dollars a month, and in words what they are for. */
  cost: (column: Column) => { amount: number; what?: string };
}

/** Returns the table of docs/deploy.md. */
export async function costTable(): Promise<string> {
  const [full, small] = await Promise.all([countsOf({}), countsOf({ profile: 'small' })]);
  const columns: Column[] = [
    { counts: small, targets: 1 },
    ...[1, 20, 500].map((targets) => ({ counts: full, targets })),
  ];
  const rows = rowsOf(full, small);
  const lines = rows.map(({ label, price, cost }) => [
    label,
    price,
    ...columns.map((column) => {
      const { amount, what } = cost(column);
      return what === undefined ? inDollars(amount) : `${what}: ${inDollars(amount)}`;
    }),
  ]);
  const sums = columns.map((column) => rows.reduce((sum, { cost }) => sum + cost(column).amount, 0));
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |');
  return [
    line(['', 'price', '1 target, `profile=small`', '1 target', '20', '500']),
    '|---|---|---|---|---|---|',
    ...lines.map(line),
    line(['**together**', '', ...sums.map((sum) => `**${inDollars(sum)}**`)]),
  ].join('\n');
}

function rowsOf(full: Counts, small: Counts): Row[] {
  const { ticks, sweepSeconds, dispatchSeconds, notifySeconds, sweepBytes, spared, sparedBytes } = ASSUMED;
  const count = grouped(ticks);
  const kilobytes = (bytes: number) => `${bytes / 1_000} KB`;
  const lambda = (calls: number, gbSeconds: number) => calls * PRICES.lambdaCall + gbSeconds * PRICES.lambdaGbSecond;
  return [
    {
      label: `sweeps: targets × ${count} × ${sweepSeconds} s × ${full.sweepGb} GB`,
      price: `${PRICES.lambdaGbSecond} per GB-s, ${inDollars(PRICES.lambdaCall * 1e6)} for a million calls`,
      cost: ({ counts, targets }) => {
        const gbSeconds = targets * ticks * sweepSeconds * counts.sweepGb;
        return { what: `${grouped(gbSeconds)} GB-s`, amount: lambda(targets * ticks, gbSeconds) };
      },
    },
    {
      label: `dispatches: ${count} × ${dispatchSeconds} s × ${full.dispatchGb} GB`,
      price: 'the same',
      cost: ({ counts }) => ({ amount: lambda(ticks, ticks * dispatchSeconds * counts.dispatchGb) }),
    },
    {
      label: `log: targets × ${count} × ${kilobytes(sweepBytes)}`,
      price: `${PRICES.logGb} per GB`,
      cost: ({ targets }) => {
        const bytes = targets * ticks * sweepBytes;
        return { what: inGb(bytes), amount: (bytes / 1e9) * PRICES.logGb };
      },
    },
    {
      label: `log of spared jobs, ${spared} on each target: targets × ${count} × ${spared} × ${kilobytes(sparedBytes)}`,
      price: 'the same',
      cost: ({ targets }) => {
        const bytes = targets * ticks * spared * sparedBytes;
        return { what: inGb(bytes), amount: (bytes / 1e9) * PRICES.logGb };
      },
    },
    {
      label: `\`notify\`: targets × ${count} × ${notifySeconds} s × ${full.notifyGb} GB; one write and two reads of its table`,
      price: `as sweeps; ${inDollars(PRICES.tableWrite * 1e6)} and ${inDollars(PRICES.tableRead * 1e6)} for a million`,
      cost: ({ counts, targets }) => {
        const calls = counts.notifyGb === 0 ? 0 : targets * ticks;
        const table = counts.tables * calls * (PRICES.tableWrite + 2 * PRICES.tableRead);
        return { amount: lambda(calls, calls * notifySeconds * counts.notifyGb) + table };
      },
    },
    {
      label: 'key, and one decryption for each sweep',
      price: `${PRICES.key} a month, ${inDollars(PRICES.decryption * 1e4)} per 10,000`,
      cost: ({ counts, targets }) => ({ amount: counts.keys * (PRICES.key + targets * ticks * PRICES.decryption) }),
    },
    {
      label: `${full.metrics} metrics, or ${small.metrics}`,
      price: `${inDollars(PRICES.customMetric)} each`,
      cost: ({ counts }) => ({ amount: counts.metrics * PRICES.customMetric }),
    },
    {
      label: `${full.alarms} alarms, of ${full.alarmMetrics} metrics, or ${small.alarms}, of ${small.alarmMetrics}`,
      price: `${inDollars(PRICES.alarmMetric)} for each metric`,
      cost: ({ counts }) => ({ amount: counts.alarmMetrics * PRICES.alarmMetric }),
    },
    {
      label: 'dashboard',
      price: `${PRICES.dashboard} a month; an account's first three are free`,
      cost: ({ counts }) => ({ amount: counts.dashboards * PRICES.dashboard }),
    },
  ];
}
