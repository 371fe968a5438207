// The description of each alarm says what it means, and under which heading of docs/runbook.md it says what to do.
const NAMESPACE = 'DliJobReaper';
/** Nine tenths of the sweep's timeout. */
const DURATION_LIMIT_MS = 0.9 * 900_000;
/** Share of DLI's answers that refuse the call. */
const THROTTLED_SHARE = 0.2;
/** An unusual day has more kills than this. */
const BUSY_DAY_KILLS = 50;
/**
 * An unusual day has more than this many times the kills of the average day. The average includes the unusual day, so that
 * day has about four times the kills of each other day.
 */
const UNUSUAL_FACTOR = 3;
const DAY_SECONDS = 86_400;
/** Half of the time after which an emergency expires. */
const EMERGENCY_WAIT_S = 300;
/** Lambda tries a message three times, so fewer errors may be a moment's fault that the next attempt healed. */
const NOTIFY_ERRORS = 2;

module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('self:provider.stage');
  const service = await resolveVariable('self:service');
  const { periodSeconds, silencePeriodSeconds, silencePeriods, alarmActions, hasNotices, isSmall } =
    await resolveVariable('file(./deploy/options.cjs)');
  // One metric may come minutes after the other, so a period must be longer than that.
  const dispatchPeriodSeconds = Math.max(periodSeconds, 300);

  const own = (name, { stat = 'Sum', seconds = periodSeconds } = {}) => ({
    Metric: { Namespace: NAMESPACE, MetricName: name, Dimensions: [{ Name: 'stage', Value: stage }] },
    Period: seconds,
    Stat: stat,
  });
  /** Number of times that Scheduler tried to start the dispatch. The schedule is alone in its group. */
  const attempts = (seconds) => ({
    Metric: {
      Namespace: 'AWS/Scheduler',
      MetricName: 'InvocationAttemptCount',
      Dimensions: [{ Name: 'ScheduleGroup', Value: { Ref: 'ScheduleGroup' } }],
    },
    Period: seconds,
    Stat: 'Sum',
  });
  const input = (id, metricStat) => ({ Id: id, MetricStat: metricStat, ReturnData: false });
  const output = (expression, label) => ({ Id: 'result', Expression: expression, Label: label, ReturnData: true });
  const alarm = (name, description, { periods = 1, missing = 'notBreaching', threshold = 0, ...rest }) => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${service}-${stage}-${name}`,
      AlarmDescription: `${description} What to do: docs/runbook.md#${name}`,
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
    Namespace: NAMESPACE,
    MetricName: metric,
    Dimensions: [{ Name: 'stage', Value: stage }],
    Period: periodSeconds,
    Statistic: 'Sum',
  });
  const queueName = (queue) => [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue, 'QueueName'] } }];
  const ofQueue = (queue) => ({
    Namespace: 'AWS/SQS',
    MetricName: 'ApproximateNumberOfMessagesVisible',
    Dimensions: queueName(queue),
    Period: 60,
    Statistic: 'Maximum',
  });
  const queueMetric = (queue, name) => ({
    Metric: { Namespace: 'AWS/SQS', MetricName: name, Dimensions: queueName(queue) },
    Period: 60,
    Stat: 'Maximum',
  });

  const CouldNotRunAlarm = alarm(
    'could-not-run',
    'A tick or a message of the queue could not do its work: a setting is missing or wrong, the stage has no target, or DLI or Parameter Store cannot be reached.',
    above('PolicyException'),
  );
  if (isSmall) {
    // What keeps one target from being swept, whatever it is, ends in the first alarm. The second says so sooner where the
    // cause is known. The third is for a sweep that took place and did not do all its work.
    return {
      Resources: {
        NoSweepAlarm: alarm(
          'no-sweep',
          'No target has been swept for longer than the longest pause of the schedule and one period. Also on after the first deploy, until the first sweep.',
          {
            periods: silencePeriods,
            missing: 'breaching',
            threshold: 1,
            ComparisonOperator: 'LessThanThreshold',
            Metrics: [
              input('swept', own('TargetsSwept', { seconds: silencePeriodSeconds })),
              output('FILL(swept, 0)', 'sweeps'),
            ],
          },
        ),
        CouldNotRunAlarm,
        SweepNotOkAlarm: alarm(
          'sweep-not-ok',
          'A sweep saw only a part of the jobs; a job was not cancelled or not seen to stop; a sweep was stopped, but not by a switch set to stop; or it found more victims than a cap or a ceiling allows.',
          {
            Metrics: [
              input('failed', own('SweepsFailed')),
              input('stopped', own('SweepsStopped')),
              input('capped', own('SweepsCapped')),
              output('FILL(failed, 0) + FILL(stopped, 0) + FILL(capped, 0)', 'sweeps that were not ok'),
            ],
          },
        ),
      },
    };
  }

  const Resources = {
    TargetsMissedAlarm: alarm('targets-missed', 'Targets have not been swept for three periods.', {
      // One period more, since the sweeps of the last one are still under way.
      periods: 3 + 1,
      Metrics: [
        input('expected', own('TargetsExpected')),
        input('swept', own('TargetsSwept')),
        output('FILL(expected, 0) - FILL(swept, 0)', 'targets not swept'),
      ],
    }),
    NoDispatchAlarm: alarm('no-dispatch', 'The schedule ticks, but no dispatch has followed for two periods.', {
      // One period more, since the dispatch of the last one may be known later than its tick.
      periods: 2 + 1,
      Metrics: [
        input('attempts', attempts(dispatchPeriodSeconds)),
        input('dispatches', own('TargetsExpected', { stat: 'SampleCount', seconds: dispatchPeriodSeconds })),
        output('IF(FILL(attempts, 0) > 0 AND FILL(dispatches, 0) < 1, 1, 0)', 'ticks without a dispatch'),
      ],
    }),
    NoTickAlarm: alarm(
      'no-tick',
      'The schedule has not ticked for longer than its longest pause and one period. Also on after the first deploy, until the first tick.',
      {
        periods: silencePeriods,
        missing: 'breaching',
        threshold: 1,
        ComparisonOperator: 'LessThanThreshold',
        Metrics: [input('attempts', attempts(silencePeriodSeconds)), output('FILL(attempts, 0)', 'ticks')],
      },
    ),
    SweepFailedAlarm: alarm(
      'sweep-failed',
      'A sweep saw only a part of the jobs, or a job was not cancelled or not seen to stop.',
      above('SweepsFailed'),
    ),
    CouldNotRunAlarm,
    TicksDroppedAlarm: alarm(
      'ticks-dropped',
      'Ticks, or messages of ticks, were dropped since they were older than a period: the sweeps are too slow for the period.',
      { ...above('TicksDropped'), periods: 3 },
    ),
    JobsStuckAlarm: alarm(
      'jobs-stuck',
      'Jobs are still alive three periods after their limit, although live sweeps should cancel them.',
      above('JobsStuck'),
    ),
    JobsUndeterminedAlarm: alarm(
      'jobs-undetermined',
      'Some jobs could not be judged for three periods in a row, and were spared.',
      { ...above('JobsUndetermined'), periods: 3 },
    ),
    // The average of a week, which is as far back as an alarm looks. Today is one of its days.
    KillsUnusualAlarm: alarm(
      'kills-unusual',
      `More than ${BUSY_DAY_KILLS} jobs were cancelled in 24 hours, and more than ${UNUSUAL_FACTOR} times as many as on an average day of the week.`,
      {
        periods: 7,
        DatapointsToAlarm: 1,
        Metrics: [
          input('killed', own('JobsCancelled', { seconds: DAY_SECONDS })),
          output(
            // True only of the newest day. LAST is the last of several metrics, and not the last point of one metric.
            `IF(EPOCH(killed) == MAX(EPOCH(killed)) AND killed > ${BUSY_DAY_KILLS} AND killed > ${UNUSUAL_FACTOR} * AVG(killed), 1, 0)`,
            'an unusual day',
          ),
        ],
      },
    ),
    CapReachedAlarm: alarm(
      'cap-reached',
      'A live sweep found more victims than a cap or a ceiling allows.',
      above('SweepsCapped'),
    ),
    StoppedAlarm: alarm(
      'stopped',
      'A sweep was stopped, but not by a switch set to stop. The switch is missing, unreadable or set to another word; the end of a stop has come; the clocks disagree; a credential was refused; the project is not certain; the policy wants more than the ceilings allow; earlier cancels are not known; or a request came too late.',
      above('SweepsStopped'),
    ),
    ThrottledAlarm: alarm('throttled', `DLI refuses more than ${THROTTLED_SHARE * 100} % of the calls as too many.`, {
      periods: 3,
      threshold: THROTTLED_SHARE,
      Metrics: [
        input('calls', own('ApiCalls')),
        input('throttled', own('ApiCallsThrottled')),
        output('IF(calls > 0, throttled / calls, 0)', 'share of refused calls'),
      ],
    }),
    DurationAlarm: alarm('duration', 'A sweep took nine tenths of the time that Lambda allows.', {
      Namespace: 'AWS/Lambda',
      MetricName: 'Duration',
      Period: periodSeconds,
      Statistic: 'Maximum',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'SweepLambdaFunction' } }],
      threshold: DURATION_LIMIT_MS,
    }),
    DeadSweepsAlarm: alarm(
      'dead-sweeps',
      'A message of the queue was delivered twice, and no sweep of it finished.',
      ofQueue('SweepDeadLetterQueue'),
    ),
    // The age alone is not enough: the oldest may be in work, which takes up to 15 minutes.
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
      'An emergency was started and never finished; it is not tried again.',
      ofQueue('EmergencyDeadLetterQueue'),
    ),
    DeadInvocationsAlarm: alarm(
      'dead-invocations',
      'A tick could not start a dispatch, or an asynchronous invocation failed. Also a message that could not be sent.',
      ofQueue('DeadLetterQueue'),
    ),
  };
  if (hasNotices) {
    Resources.NoticesFailedAlarm = alarm(
      'notices-failed',
      'Messages or events could not be sent, three times in a period: a route, a webhook, the table or the bus fails.',
      {
        Namespace: 'AWS/Lambda',
        MetricName: 'Errors',
        Period: periodSeconds,
        Statistic: 'Sum',
        Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'NotifyLambdaFunction' } }],
        threshold: NOTIFY_ERRORS,
      },
    );
  }
  return { Resources };
};
