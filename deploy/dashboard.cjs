// The dashboard answers five questions, from left to right and down: is it alive, what was cancelled, what is overdue now,
// what is stuck, is DLI throttling us.
module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('self:provider.stage');
  const { periodSeconds, isSmall } = await resolveVariable('file(./deploy/options.cjs)');
  if (isSmall) return { Resources: {} };

  const graph = (title, x, y, metrics, more = {}) => ({
    type: 'metric',
    x,
    y,
    width: 12,
    height: 6,
    properties: {
      title,
      region: '${AWS::Region}',
      stat: 'Sum',
      period: periodSeconds,
      view: 'timeSeries',
      ...more,
      metrics: metrics.map((metric) =>
        typeof metric === 'string' ? ['DliJobReaper', metric, 'stage', stage] : [metric],
      ),
    },
  });
  const hidden = (name, id) => ['DliJobReaper', name, 'stage', stage, { id, visible: false }];
  const table = (title, x, y, query) => ({
    type: 'log',
    x,
    y,
    width: 12,
    height: 6,
    properties: { title, region: '${AWS::Region}', view: 'table', query: `SOURCE '\${SweepLogGroup}' | ${query}` },
  });
  const share = graph('Is DLI throttling us?', 0, 18, ['ApiCalls', 'ApiCallsThrottled']);
  share.properties.metrics.push(hidden('ApiCalls', 'calls'), hidden('ApiCallsThrottled', 'throttled'), [
    { expression: 'IF(calls > 0, 100 * throttled / calls, 0)', label: '% refused', yAxis: 'right' },
  ]);

  const widgets = [
    graph('Is it alive?', 0, 0, ['TargetsExpected', 'TargetsSwept', 'TicksDropped']),
    graph('What went wrong?', 12, 0, [
      'SweepsFailed',
      'PolicyException',
      'SweepsCapped',
      'SweepsStopped',
      'SweepsExpired',
      'MessagesWithoutRoute',
    ]),
    graph('How much was cancelled?', 0, 6, ['JobsOverdue', 'JobsCancelled', 'JobsRepeated', 'JobsFailed']),
    table(
      'What was cancelled?',
      12,
      6,
      'fields @timestamp, target, queue, owner, jobId, rule | filter msg = "job cancelled" | sort @timestamp desc | limit 50',
    ),
    table(
      'What is overdue now?',
      0,
      12,
      'filter decision in ["cancel", "warn", "log"] and outcome not in ["cancelled", "already-terminal"] | stats latest(@timestamp) as seen, latest(reason) as why, latest(overLimitMs) / 60000 as minutesOver by jobId, target, queue, owner | sort seen desc, minutesOver desc | limit 50',
    ),
    graph('What is stuck, or cannot be judged?', 12, 12, ['JobsStuck', 'JobsFailed', 'JobsUndetermined']),
    share,
    graph('How much is there?', 12, 18, ['ResourceCount', 'TargetsSwept']),
  ];
  return {
    Resources: {
      Dashboard: {
        Type: 'AWS::CloudWatch::Dashboard',
        Properties: {
          // Dashboards of all regions share their names.
          DashboardName: { 'Fn::Sub': `dli-reaper-${stage}-\${AWS::Region}` },
          DashboardBody: { 'Fn::Sub': JSON.stringify({ widgets }) },
        },
      },
    },
  };
};
