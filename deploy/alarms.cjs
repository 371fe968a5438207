// Each alarm's description says what it means; docs/runbook.md what to do.
const NAMESPACE = 'DliJobReaper';
/** Of the sweep's timeout, and of DLI's answers. */
const DURATION_LIMIT_MS = 0.9 * 900_000;
const THROTTLED_SHARE = 0.2;
/** Half of the time that an emergency is good for. */
const EMERGENCY_WAIT_S = 300;

module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('self:provider.stage');
  const service = await resolveVariable('self:service');
  const { periodSeconds, alarmActions } = await resolveVariable('file(./deploy/options.cjs)');

  const own = (name, stat = 'Sum') => ({
    Metric: { Namespace: NAMESPACE, MetricName: name, Dimensions: [{ Name: 'stage', Value: stage }] },
    Period: periodSeconds,
    Stat: stat,
  });
  const input = (id, metricStat) => ({ Id: id, MetricStat: metricStat, ReturnData: false });
  const output = (expression, label) => ({ Id: 'result', Expression: expression, Label: label, ReturnData: true });
  const alarm = (name, description, { periods = 1, missing = 'notBreaching', threshold = 0, ...rest }) => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${service}-${stage}-${name}`,
      AlarmDescription: description,
      EvaluationPeriods: periods,
      TreatMissingData: missing,
      Threshold: threshold,
      ComparisonOperator: 'GreaterThanThreshold',
      AlarmActions: alarmActions,
      OKActions: alarmActions,
      ...rest,
    },
  });
  const above = (metric) => ({
    ...{ Namespace: NAMESPACE, MetricName: metric, Dimensions: [{ Name: 'stage', Value: stage }] },
    ...{ Period: periodSeconds, Statistic: 'Sum' },
  });
  const queueName = (queue) => [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue, 'QueueName'] } }];
  const ofQueue = (queue) => ({
    ...{ Namespace: 'AWS/SQS', MetricName: 'ApproximateNumberOfMessagesVisible' },
    ...{ Dimensions: queueName(queue), Period: 60, Statistic: 'Maximum' },
  });
  const queueMetric = (queue, name) => ({
    Metric: { Namespace: 'AWS/SQS', MetricName: name, Dimensions: queueName(queue) },
    Period: 60,
    Stat: 'Maximum',
  });

  const Resources = {
    TargetsMissedAlarm: alarm('targets-missed', 'Targets were not swept, three periods in a row.', {
      periods: 3,
      Metrics: [
        input('expected', own('TargetsExpected')),
        input('swept', own('TargetsSwept')),
        output('FILL(expected, 0) - FILL(swept, 0)', 'targets not swept'),
      ],
    }),
    NoDispatchAlarm: alarm('no-dispatch', 'No dispatch for two periods: the reaper is not alive.', {
      ...above('TargetsExpected'),
      ...{ periods: 2, missing: 'breaching', threshold: 1 },
      ...{ Statistic: 'SampleCount', ComparisonOperator: 'LessThanThreshold' },
    }),
    SweepFailedAlarm: alarm(
      'sweep-failed',
      'A sweep was partial, or a job of it was not cancelled or not seen to stop.',
      above('SweepsFailed'),
    ),
    CouldNotRunAlarm: alarm(
      'could-not-run',
      'Something missing, unreadable, invalid or out of reach kept a sweep or a dispatch from its work.',
      above('PolicyException'),
    ),
    TicksDroppedAlarm: alarm(
      'ticks-dropped',
      'Ticks or their messages were older than a period: the sweeps do not keep up.',
      { ...above('TicksDropped'), periods: 3 },
    ),
    JobsStuckAlarm: alarm(
      'jobs-stuck',
      'Jobs live on three periods past their limit, although sweeps were to cancel them.',
      above('JobsStuck'),
    ),
    JobsUndeterminedAlarm: alarm(
      'jobs-undetermined',
      'Jobs could not be judged, three periods in a row, and were spared.',
      { ...above('JobsUndetermined'), periods: 3 },
    ),
    CapReachedAlarm: alarm('cap-reached', 'More victims than a cap allows.', above('SweepsCapped')),
    StoppedAlarm: alarm(
      'stopped',
      'A sweep was stopped, by the switch, the clocks or a refused credential; or an emergency or a sweep by hand came too late.',
      above('SweepsStopped'),
    ),
    ThrottledAlarm: alarm('throttled', `DLI refuses more than ${THROTTLED_SHARE * 100} % of the calls as too many.`, {
      ...{ periods: 3, threshold: THROTTLED_SHARE },
      Metrics: [
        input('calls', own('ApiCalls')),
        input('throttled', own('ApiCallsThrottled')),
        output('IF(calls > 0, throttled / calls, 0)', 'share of refused calls'),
      ],
    }),
    DurationAlarm: alarm('duration', 'A sweep took nine tenths of the time that Lambda allows.', {
      ...{ Namespace: 'AWS/Lambda', MetricName: 'Duration', Period: periodSeconds, Statistic: 'Maximum' },
      ...{ Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'SweepLambdaFunction' } }] },
      threshold: DURATION_LIMIT_MS,
    }),
    DeadSweepsAlarm: alarm(
      'dead-sweeps',
      'A message was received twice and never finished.',
      ofQueue('SweepDeadLetterQueue'),
    ),
    // The oldest alone could be one that is being worked on, which takes up to 15 minutes.
    EmergencyWaitsAlarm: alarm('emergency-waits', 'An emergency has waited for five minutes; after ten it expires.', {
      threshold: EMERGENCY_WAIT_S,
      Metrics: [
        input('age', queueMetric('EmergencyQueue', 'ApproximateAgeOfOldestMessage')),
        input('waiting', queueMetric('EmergencyQueue', 'ApproximateNumberOfMessagesVisible')),
        output('IF(waiting > 0, age, 0)', 'seconds that the oldest emergency has waited'),
      ],
    }),
    DeadEmergenciesAlarm: alarm(
      'dead-emergencies',
      'An emergency was taken and never finished; it is not tried again.',
      ofQueue('EmergencyDeadLetterQueue'),
    ),
    DeadInvocationsAlarm: alarm(
      'dead-invocations',
      'A tick could not start a dispatch, or an asynchronous invocation failed.',
      ofQueue('DeadLetterQueue'),
    ),
  };
  return { Resources };
};
