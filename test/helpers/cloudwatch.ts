/*
 * CloudWatch's alarms in virtual time: the part of metric data, metric math and alarm evaluation that the template uses.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** A data point as an alarm sees it; NaN is a missing one. */
type Point = number;

export interface Evaluation {
  /** Number of periods that the alarm looks at (N). */
  evaluationPeriods: number;
  /** Number of breaching periods that raise it (M). */
  datapointsToAlarm: number;
  /** Number of points that CloudWatch retrieves: more than N, in case some of them are missing. */
  range: number;
  treatMissingData: string;
}

/**
 * Returns the alarm's next state.
 *
 * @param isBreaching whether the point of that many periods ago breaches; undefined if it is missing.
 */
export function nextState(
  isBreaching: (periodsAgo: number) => boolean | undefined,
  { evaluationPeriods, datapointsToAlarm, range, treatMissingData }: Evaluation,
  current: AlarmState,
): AlarmState {
  let breaching = 0;
  let fine = 0;
  let oldestBreaching = 0;
  for (let ago = 0; ago < range && breaching + fine < evaluationPeriods; ago++) {
    const is = isBreaching(ago);
    if (is === true) {
      breaching += 1;
      oldestBreaching = ago + 1;
    } else if (is === false) fine += 1;
  }

  // "CloudWatch uses missing data points only as few times as possible."
  const filled = evaluationPeriods - breaching - fine;
  if (treatMissingData === 'breaching') return breaching + filled >= datapointsToAlarm ? 'ALARM' : 'OK';
  if (breaching >= datapointsToAlarm) return 'ALARM';
  if (filled === 0 || fine > 0 || treatMissingData === 'notBreaching') return 'OK';
  if (treatMissingData === 'ignore') return current;
  if (breaching === 0) return 'INSUFFICIENT_DATA';
  // "Avoiding premature transitions to alarm state": the next point may be fine, unless it had time to arrive.
  return oldestBreaching >= datapointsToAlarm ? 'ALARM' : current;
}

type Statistic = 'Sum' | 'SampleCount' | 'Maximum';

interface Series {
  sums: Float64Array;
  samples: Float64Array;
  maxima: Float64Array;
  /** Data that arrives after its own minute, as triples: that minute, the value, the minute of arrival. */
  late: number[];
  longestLate: number;
}

/** Metric data with one bucket for each minute, as CloudWatch keeps it. */
export class MetricData {
  readonly minutes: number;
  readonly #lateBy: () => number;
  readonly #series = new Map<string, Series>();

  /** @param lateBy minutes that each piece of data takes to arrive. */
  constructor(minutes: number, { lateBy = () => 0 }: { lateBy?: () => number } = {}) {
    this.minutes = minutes;
    this.#lateBy = lateBy;
  }

  /**
   * Data beyond the end is not kept.
   *
   * @param writtenAt minute of writing, if it is later than the minute that the data has as its time.
   */
  put(metric: string, minute: number, value: number, writtenAt = minute): void {
    if (minute >= this.minutes) return;
    const series = this.seriesOf(metric);
    const { sums, samples, maxima, late } = series;
    sums[minute] = (sums[minute] ?? 0) + value;
    samples[minute] = (samples[minute] ?? 0) + 1;
    maxima[minute] = Math.max(maxima[minute] ?? 0, value);
    const arrivesAt = writtenAt + this.#lateBy();
    if (arrivesAt > minute) late.push(minute, value, arrivesAt);
    series.longestLate = Math.max(series.longestLate, arrivesAt - minute);
  }

  seriesOf(metric: string): Series {
    const known = this.#series.get(metric);
    if (known !== undefined) return known;
    const empty = () => new Float64Array(this.minutes);
    const made: Series = { sums: empty(), samples: empty(), maxima: empty(), late: [], longestLate: 0 };
    this.#series.set(metric, made);
    return made;
  }
}

/** The statistic of the window that ends with each minute, once all its data has arrived; NaN without data. */
function wholeWindows({ sums, samples, maxima }: Series, statistic: Statistic, length: number): Float64Array {
  if (statistic === 'Maximum') return slidingMaximum(maxima, samples, length);
  const counts = slidingSum(samples, length);
  const windows = statistic === 'Sum' ? slidingSum(sums, length) : counts;
  for (let minute = 0; minute < windows.length; minute++) if (counts[minute] === 0) windows[minute] = Number.NaN;
  return windows;
}

/** At each minute, the known statistic of the window that ended that many periods before. A maximum counts as known at once. */
function windowsSeen(series: Series, statistic: Statistic, length: number, periodsAgo: number): Float64Array {
  const back = periodsAgo * length;
  if (statistic === 'Maximum') return later(wholeWindows(series, statistic, length), back);
  const counts = later(slidingSum(series.samples, length), back);
  const windows = statistic === 'Sum' ? later(slidingSum(series.sums, length), back) : counts;
  for (let i = 0; i < series.late.length; i += 3) {
    const [minute = 0, value = 0, arrivesAt = 0] = [series.late[i], series.late[i + 1], series.late[i + 2]];
    const end = Math.min(arrivesAt, minute + back + length, windows.length);
    for (let at = minute + back; at < end; at++) {
      (counts[at] as number) -= 1;
      if (statistic === 'Sum') (windows[at] as number) -= value;
    }
  }
  for (let minute = 0; minute < windows.length; minute++) if (counts[minute] === 0) windows[minute] = Number.NaN;
  return windows;
}

/** The same windows, moved later by that many minutes; no data before. */
function later(windows: Float64Array, minutes: number): Float64Array {
  const shifted = new Float64Array(windows.length);
  if (minutes < windows.length) shifted.set(windows.subarray(0, windows.length - minutes), minutes);
  return shifted;
}

function slidingSum(values: Float64Array, length: number): Float64Array {
  const windows = new Float64Array(values.length);
  let sum = 0;
  for (let minute = 0; minute < values.length; minute++) {
    sum += values[minute] as number;
    if (minute >= length) sum -= values[minute - length] as number;
    windows[minute] = sum;
  }
  return windows;
}

function slidingMaximum(maxima: Float64Array, samples: Float64Array, length: number): Float64Array {
  const windows = new Float64Array(maxima.length);
  // Minutes with data, each larger than those after it.
  const falling: number[] = [];
  for (let minute = 0; minute < maxima.length; minute++) {
    if ((samples[minute] ?? 0) > 0) {
      const value = maxima[minute] ?? 0;
      while (falling.length > 0 && (maxima[falling.at(-1) ?? 0] ?? 0) <= value) falling.pop();
      falling.push(minute);
    }
    if (falling.length > 0 && (falling[0] ?? 0) <= minute - length) falling.shift();
    windows[minute] = falling.length === 0 ? Number.NaN : (maxima[falling[0] ?? 0] ?? 0);
  }
  return windows;
}

interface MetricOf {
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: unknown }[];
}

interface MetricQuery {
  Id: string;
  Expression?: string;
  MetricStat?: { Metric: MetricOf; Period: number; Stat: Statistic };
  ReturnData: boolean;
}

export interface AlarmProperties extends Partial<MetricOf> {
  AlarmName: string;
  AlarmDescription: string;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  TreatMissingData: string;
  Threshold: number;
  ComparisonOperator: string;
  Period?: number;
  Statistic?: Statistic;
  Metrics?: MetricQuery[];
}

/** Key of a metric: its name, and the resource of the template that a dimension refers to: `Duration SweepFunction`. */
export function metricKey({ MetricName, Dimensions }: MetricOf): string {
  const { Value } = Dimensions[0] ?? {};
  if (typeof Value !== 'object' || Value === null) return MetricName;
  const [reference] = Object.values(Value) as (string | string[])[];
  return `${MetricName} ${[reference].flat()[0]}`;
}

interface Input {
  id: string;
  metric: string;
  statistic: Statistic;
  /** Whether it is the average of all its points: one number that ignores missing points. */
  isAverage?: boolean | undefined;
}

const AVERAGE_CALL = /\bAVG\((\w+)\)/g;
/** True only for the newest point: EPOCH is a point's own time, and MAX of one metric is one number. */
const NEWEST = /EPOCH\((\w+)\) == MAX\(EPOCH\(\1\)\) AND /;

/** The one value per period of an alarm: from a metric, or from an expression over several. */
export function readAlarm(properties: AlarmProperties) {
  const { Metrics = [toQuery(properties)] } = properties;
  const stats = Metrics.flatMap(({ Id, MetricStat }) => (MetricStat === undefined ? [] : [{ Id, ...MetricStat }]));
  const [output] = Metrics.filter(({ ReturnData }) => ReturnData);
  const periodSeconds = stats[0]?.Period ?? 0;
  if (output === undefined || stats.some(({ Period }) => Period !== periodSeconds)) {
    throw new Error(`${properties.AlarmName}: expected one result, and one period for all metrics`);
  }
  const metrics = stats.map(({ Id, Metric, Stat }): Input => ({ id: Id, metric: metricKey(Metric), statistic: Stat }));
  const expression = output.Expression ?? output.Id;
  const averages = [...expression.matchAll(AVERAGE_CALL)].map(([, id]): Input => {
    const metric = metrics.find((one) => one.id === id);
    if (metric === undefined) throw new Error(`${expression}: ${id} is no metric of the alarm`);
    return { ...metric, id: `AVG_of_${id}`, isAverage: true };
  });
  const isOfNewest = NEWEST.test(expression);
  if (!isOfNewest && averages.length > 0)
    throw new Error(`${expression}: an average is simulated for the newest point`);
  const inputs = [...metrics, ...averages];
  return {
    name: properties.AlarmName,
    periodSeconds,
    evaluationPeriods: properties.EvaluationPeriods,
    inputs,
    isOfNewest,
    compute: compile(
      expression.replace(NEWEST, '').replace(AVERAGE_CALL, 'AVG_of_$1'),
      inputs.map(({ id }) => id),
    ),
    isBreaching: comparison(properties),
    evaluation: {
      evaluationPeriods: properties.EvaluationPeriods,
      datapointsToAlarm: properties.DatapointsToAlarm ?? properties.EvaluationPeriods,
      treatMissingData: properties.TreatMissingData,
    },
  };
}

function toQuery({
  AlarmName,
  Namespace,
  MetricName,
  Dimensions,
  Period,
  Statistic: Stat,
}: AlarmProperties): MetricQuery {
  if (!Namespace || !MetricName || !Dimensions || !Period || !Stat) throw new Error(`${AlarmName}: has no metric`);
  return {
    Id: 'metric',
    MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period, Stat },
    ReturnData: true,
  };
}

function comparison({ AlarmName, ComparisonOperator, Threshold }: AlarmProperties): (value: number) => boolean {
  switch (ComparisonOperator) {
    case 'GreaterThanThreshold':
      return (value) => value > Threshold;
    case 'LessThanThreshold':
      return (value) => value < Threshold;
    default:
      throw new Error(`${AlarmName}: ${ComparisonOperator} is not simulated`);
  }
}

export interface Raised {
  alarm: string;
  /** Minute at which it went off. */
  from: number;
  /** Minute at which it ended; undefined if it is still on. */
  until: number | undefined;
}

/**
 * Evaluates an alarm once a minute, with sliding windows.
 *
 * @param morePoints number of points retrieved beyond those needed. AWS documents two, for an alarm of three periods.
 * @returns each time that it is on.
 */
export function simulate(
  properties: AlarmProperties,
  data: MetricData,
  { morePoints = 2 }: { morePoints?: number } = {},
): Raised[] {
  const alarm = readAlarm(properties);
  const period = alarm.periodSeconds / 60;
  const range = alarm.evaluationPeriods + morePoints;
  const { points, isChanged } = (alarm.isOfNewest ? newestOf : pointsOf)(alarm, data, { period, range });

  const raised: Raised[] = [];
  let state: AlarmState = 'INSUFFICIENT_DATA';
  for (let minute = 0; minute < data.minutes; minute++) {
    // The same points give the same state.
    if (minute > 0 && !isChanged[minute]) continue;
    const next = nextState((ago) => KINDS[points(ago, minute)], { ...alarm.evaluation, range }, state);
    if (next === 'ALARM' && state !== 'ALARM') raised.push({ alarm: alarm.name, from: minute, until: undefined });
    const last = raised.at(-1);
    if (next !== 'ALARM' && state === 'ALARM' && last !== undefined) last.until = minute;
    state = next;
  }
  return raised;
}

const MISSING = 0;
const FINE = 1;
const BREACHING = 2;
const KINDS = [undefined, false, true];

/** The kind of each point at each minute, and the minutes at which the kind of some point changes. */
function pointsOf(
  { inputs, compute, isBreaching }: ReturnType<typeof readAlarm>,
  data: MetricData,
  { period, range }: { period: number; range: number },
) {
  const series = inputs.map(({ metric }) => data.seriesOf(metric));
  const kinds = (columns: readonly Float64Array[]): Uint8Array => {
    const row = columns.map(() => Number.NaN);
    const made = new Uint8Array(data.minutes);
    let kind: number | undefined;
    for (let minute = 0; minute < data.minutes; minute++) {
      for (let i = 0; i < columns.length; i++) {
        const value = columns[i]?.[minute] as number;
        if (!Object.is(value, row[i])) kind = undefined;
        row[i] = value;
      }
      kind ??= kindOf(compute(row));
      made[minute] = kind;
    }
    return made;
  };
  const kindOf = (value: number) => (Number.isNaN(value) ? MISSING : isBreaching(value) ? BREACHING : FINE);

  // The points of the last periods may change when data comes late; older ones only move on.
  const settled = Math.min(range, Math.ceil(Math.max(...series.map(({ longestLate }) => longestLate)) / period));
  const unsettled = Array.from({ length: settled }, (_, ago) =>
    kinds(inputs.map(({ statistic }, i) => windowsSeen(series[i] as Series, statistic, period, ago))),
  );
  const whole = kinds(inputs.map(({ statistic }, i) => wholeWindows(series[i] as Series, statistic, period)));

  const isChanged = new Uint8Array(data.minutes);
  const mark = (of: Uint8Array, agos: readonly number[]) => {
    for (let minute = 1; minute < of.length; minute++) {
      if (of[minute] === of[minute - 1]) continue;
      for (const ago of agos) if (minute + ago * period < isChanged.length) isChanged[minute + ago * period] = 1;
    }
  };
  for (const one of unsettled) mark(one, [0]);
  const older = Array.from({ length: range - settled }, (_, i) => settled + i);
  mark(whole, older);
  // Before the beginning there was no data; now there is a first point.
  for (const ago of older) if (ago * period < isChanged.length) isChanged[ago * period] = 1;

  const points = (ago: number, minute: number): number =>
    (ago < settled ? unsettled[ago]?.[minute] : whole[minute - ago * period]) ?? MISSING;
  return { points, isChanged };
}

/** The same for an alarm of which only the newest point can breach. */
function newestOf(
  { inputs, compute, isBreaching }: ReturnType<typeof readAlarm>,
  data: MetricData,
  { period, range }: { period: number; range: number },
) {
  const columns = inputs.map(({ metric, statistic, isAverage }) => {
    const series = data.seriesOf(metric);
    // Late data has arrived a period later.
    if (series.longestLate > period) throw new Error(`${metric}: data that comes later than a period is not simulated`);
    const newest = windowsSeen(series, statistic, period, 0);
    const older = wholeWindows(series, statistic, period);
    const column = new Float64Array(data.minutes);
    for (let minute = 0; minute < data.minutes; minute++) {
      let sum = 0;
      let count = 0;
      const points = isAverage ? range : 1;
      for (let ago = 0; ago < points && minute >= ago * period; ago++) {
        const value = (ago === 0 ? newest[minute] : older[minute - ago * period]) as number;
        if (Number.isNaN(value)) continue;
        sum += value;
        count += 1;
      }
      // "The function treats the missing value as 0."
      column[minute] = count === 0 ? 0 : sum / count;
    }
    return column;
  });
  const kinds = new Uint8Array(data.minutes);
  const isChanged = new Uint8Array(data.minutes);
  const row = columns.map(() => Number.NaN);
  let kind = FINE;
  for (let minute = 0; minute < data.minutes; minute++) {
    let isSame = minute > 0;
    for (let i = 0; i < columns.length; i++) {
      const value = columns[i]?.[minute] as number;
      if (!Object.is(value, row[i])) isSame = false;
      row[i] = value;
    }
    if (!isSame) {
      kind = isBreaching(compute(row)) ? BREACHING : FINE;
    }
    kinds[minute] = kind;
    if (kind !== kinds[minute - 1]) isChanged[minute] = 1;
  }
  return { points: (ago: number, minute: number): number => (ago === 0 ? (kinds[minute] ?? FINE) : FINE), isChanged };
}

type Compute = (row: readonly Point[]) => Point;

/** Operators by precedence; later ones bind more closely. */
const OPERATORS: Record<string, (left: number, right: number) => number>[] = [
  { OR: (left, right) => toNumber(left !== 0 || right !== 0) },
  { AND: (left, right) => toNumber(left !== 0 && right !== 0) },
  {
    '>': (left, right) => toNumber(left > right),
    '<': (left, right) => toNumber(left < right),
    '>=': (left, right) => toNumber(left >= right),
    '<=': (left, right) => toNumber(left <= right),
    '==': (left, right) => toNumber(left === right),
    '!=': (left, right) => toNumber(left !== right),
  },
  { '+': (left, right) => left + right, '-': (left, right) => left - right },
  { '*': (left, right) => left * right, '/': (left, right) => (right === 0 ? Number.NaN : left / right) },
];

/** Metric math, point by point. If one side of an operator is missing, so is the result. @throws {Error} */
export function compile(expression: string, ids: readonly string[]): Compute {
  const tokens = expression.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|[<>=!]=|[-+*/<>(),]/g) ?? [];
  let at = 0;
  const take = (wanted?: string): string => {
    const token = tokens[at++];
    if (token === undefined || (wanted !== undefined && token !== wanted)) {
      throw new Error(`${expression}: expected ${wanted ?? 'more'}, found ${token ?? 'the end'}`);
    }
    return token;
  };

  function binary(level: number): Compute {
    const operators = OPERATORS[level];
    if (operators === undefined) return term();
    let left = binary(level + 1);
    for (let apply = operators[tokens[at] ?? '']; apply !== undefined; apply = operators[tokens[at] ?? '']) {
      at += 1;
      const [operation, first, second] = [apply, left, binary(level + 1)];
      left = (row) => {
        const [a, b] = [first(row), second(row)];
        return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : operation(a, b);
      };
    }
    return left;
  }

  function term(): Compute {
    const token = take();
    if (token === '(') {
      const inner = binary(0);
      take(')');
      return inner;
    }
    if (/^\d/.test(token)) return () => Number(token);
    if (tokens[at] === '(') return call(token);
    const index = ids.indexOf(token);
    if (index < 0) throw new Error(`${expression}: ${token} is no metric of the alarm`);
    return (row) => row[index] ?? Number.NaN;
  }

  function call(name: string): Compute {
    take('(');
    const values = [binary(0)];
    while (tokens[at] === ',') {
      at += 1;
      values.push(binary(0));
    }
    take(')');
    const [first, second, third] = values;
    if (name === 'FILL' && first && second && !third) {
      return (row) => {
        const value = first(row);
        return Number.isNaN(value) ? second(row) : value;
      };
    }
    if (name === 'IF' && first && second && third) {
      return (row) => {
        const condition = first(row);
        return Number.isNaN(condition) ? Number.NaN : condition !== 0 ? second(row) : third(row);
      };
    }
    throw new Error(`${expression}: ${name} is not simulated`);
  }

  const whole = binary(0);
  if (at < tokens.length) throw new Error(`${expression}: expected the end, found ${tokens[at]}`);
  return whole;
}

function toNumber(is: boolean): number {
  return is ? 1 : 0;
}
