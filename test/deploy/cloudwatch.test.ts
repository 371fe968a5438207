import { describe, expect, it } from 'vitest';
import {
  type AlarmProperties,
  type AlarmState,
  compile,
  MetricData,
  nextState,
  simulate,
} from '../helpers/cloudwatch.ts';

const TREATMENTS = ['missing', 'ignore', 'breaching', 'notBreaching'] as const;
const STATES: AlarmState[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA'];

/** Points as AWS draws them, the most recent on the right: `0` is fine, `X` is breaching, `-` is missing. */
function stateOf(points: string, datapointsToAlarm: number, treatMissingData: string, current: AlarmState): AlarmState {
  const newestFirst = points.split(' ').toReversed();
  return nextState(
    (ago) => (newestFirst[ago] === '-' ? undefined : newestFirst[ago] === 'X'),
    { evaluationPeriods: 3, datapointsToAlarm, range: newestFirst.length, treatMissingData },
    current,
  );
}

/**
 * The tables of "How alarm state is evaluated when data is missing", cell by cell.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
const RETAIN = 'Retain current state';
const TABLES = [
  {
    name: 'three out of three',
    datapointsToAlarm: 3,
    rows: [
      ['0 - X - X', 'OK', 'OK', 'OK', 'OK'],
      ['0 - - - -', 'OK', 'OK', 'OK', 'OK'],
      ['- - - - -', 'INSUFFICIENT_DATA', RETAIN, 'ALARM', 'OK'],
      ['0 X X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['- - X - -', 'ALARM', RETAIN, 'ALARM', 'OK'],
    ],
  },
  {
    name: 'two out of three',
    datapointsToAlarm: 2,
    rows: [
      ['0 - X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
      ['0 - X - -', 'OK', 'OK', 'ALARM', 'OK'],
      ['- - - - 0', 'OK', 'OK', 'ALARM', 'OK'],
      ['- - - X -', 'ALARM', RETAIN, 'ALARM', 'OK'],
    ],
  },
];

describe("the simulator's alarms", () => {
  const cells = TABLES.flatMap(({ name, datapointsToAlarm, rows }) =>
    rows.flatMap(([points = '', ...states]) =>
      TREATMENTS.map((treatment, i) => ({ name, datapointsToAlarm, points, treatment, state: states[i] ?? '' })),
    ),
  );

  it.each(cells)('are $state at $points, $name, with missing data as $treatment', (cell) => {
    const { points, datapointsToAlarm, treatment, state } = cell;
    for (const current of STATES) {
      expect(stateOf(points, datapointsToAlarm, treatment, current)).toBe(state === RETAIN ? current : state);
    }
  });

  it.each(['- - - - X', '- - - X -'])('do not go off before their time, at %s', (points) => {
    expect(stateOf(points, 3, 'missing', 'OK')).toBe('OK');
  });

  const alarm = (fields: Partial<AlarmProperties>): AlarmProperties => ({
    AlarmName: 'some',
    AlarmDescription: '',
    Namespace: 'Some',
    MetricName: 'Count',
    Dimensions: [],
    Period: 300,
    Statistic: 'Sum',
    EvaluationPeriods: 1,
    TreatMissingData: 'notBreaching',
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    ...fields,
  });

  it('count in windows that slide from minute to minute', () => {
    const data = new MetricData(60);
    data.put('Count', 3, 1);
    data.put('Count', 7, 1);

    // The two are in one window until that begins after the first; later windows hold one or none, and are fine.
    expect(simulate(alarm({}), data, { morePoints: 0 })).toEqual([{ alarm: 'some', from: 7, until: 8 }]);
  });

  it('go on looking at the last points for a while, since more than needed are retrieved', () => {
    const data = new MetricData(60);
    data.put('Count', 10, 2);

    expect(simulate(alarm({}), data)).toEqual([{ alarm: 'some', from: 10, until: 25 }]);
  });

  it.each([
    { statistic: 'Sum', value: 14 },
    { statistic: 'SampleCount', value: 2 },
    { statistic: 'Maximum', value: 9 },
  ] as const)('know the $statistic of a window', ({ statistic, value }) => {
    const data = new MetricData(60);
    data.put('Count', 10, 9);
    data.put('Count', 12, 5);
    const raisedOver = (threshold: number) =>
      simulate(alarm({ Statistic: statistic, Threshold: threshold }), data, { morePoints: 0 });

    expect(raisedOver(value - 1)).toHaveLength(1);
    expect(raisedOver(value)).toHaveLength(0);
  });

  it('see data that comes late as missing until it comes, in the window of its own time', () => {
    const data = new MetricData(60, { lateBy: () => 3 });
    data.put('Count', 10, 2);
    data.put('Count', 30, 2, 34);

    expect(simulate(alarm({}), data, { morePoints: 0 })).toEqual([{ alarm: 'some', from: 13, until: 15 }]);
    // The second one comes when its window is one of the past.
    expect(simulate(alarm({ EvaluationPeriods: 2, DatapointsToAlarm: 1 }), data, { morePoints: 0 })).toEqual([
      { alarm: 'some', from: 13, until: 20 },
      { alarm: 'some', from: 37, until: 40 },
    ]);
  });
});

describe("the simulator's metric math", () => {
  it.each([
    { expression: 'a + b * 2', a: 1, b: 3, result: 7 },
    { expression: '(a + b) * 2', a: 1, b: 3, result: 8 },
    { expression: 'a - b - 1', a: 5, b: 3, result: 1 },
    { expression: 'a / b', a: 1, b: 0, result: Number.NaN },
    { expression: 'a + b', a: 1, b: Number.NaN, result: Number.NaN },
    { expression: 'FILL(a, 0) - FILL(b, 0)', a: 2, b: Number.NaN, result: 2 },
    { expression: 'IF(a > 0, b / a, 0)', a: 4, b: 1, result: 0.25 },
    { expression: 'IF(a > 0, b / a, 0)', a: Number.NaN, b: 1, result: Number.NaN },
    { expression: 'IF(a > 0 AND b < 1, 1, 0)', a: 2, b: 0, result: 1 },
    { expression: 'IF(a > 0 AND b < 1, 1, 0)', a: 2, b: 1, result: 0 },
    { expression: 'IF(a > 5 OR b >= 1, 1, 0)', a: 2, b: 1, result: 1 },
  ])('says $result for $expression of $a and $b', ({ expression, a, b, result }) => {
    expect(compile(expression, ['a', 'b'])([a, b])).toBe(result);
  });

  it.each(['FILL(a)', 'RATE(a)', 'a b', 'c + 1', 'a +'])('refuses %s, which it cannot work out', (expression) => {
    expect(() => compile(expression, ['a', 'b'])).toThrow(expression);
  });
});
