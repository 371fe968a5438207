// The questions that people have about the log. Each is saved in CloudWatch Logs Insights under dli-reaper/<stage>/. Insights
// flattens objects and lists, so a column with such a name stays empty. @message has the whole line. `why` is a text.
const QUERIES = {
  WhyWasJobCancelled: [
    'why was job X cancelled',
    `fields @timestamp, recordedBy, target, region, projectName, projectId, msg, outcome, reason, rule, clock, limitMs, runTimeMs, queueTimeMs, sweepId, why, @message
| filter jobId = "PUT THE JOB ID HERE"
| sort @timestamp desc
| limit 50`,
  ],
  DryRunVictims: [
    'what would the dry run have cancelled',
    `fields @timestamp, target, queue, owner, jobId, rule, runTimeMs, limitMs
| filter msg = "job not asked to stop" and reason = "dry-run"
| sort @timestamp desc
| dedup jobId`,
  ],
  Exempt: [
    'who is exempt, or frozen',
    `filter msg = "job kept" and reason in ["exempt", "frozen"]
| stats count_distinct(jobId) as jobs, latest(@timestamp) as lastSeen by reason, rule, target, queue, owner
| sort jobs desc`,
  ],
  TopOffenders: [
    'top offenders',
    `filter msg = "job cancelled"
| stats count() as cancelled, max(runTimeMs) / 3600000 as longestHours by owner, queue, rule
| sort cancelled desc
| limit 25`,
  ],
  // Our own lines have the level "error". Lines of the runtime about a thrown error have "ERROR".
  ErrorsByCode: [
    'errors by code',
    `filter level in ["error", "ERROR"] and (ispresent(error) or ispresent(message.errorType))
| fields coalesce(error, concat(message.errorType, ": ", message.errorMessage)) as what
| parse what /(?<code>(?:DLI|APIG)\\.\\d+|[A-Za-z]+Error|[A-Za-z]+Exception)/
| stats count() as errors, latest(what) as example by code, msg, target
| sort errors desc`,
  ],
  Died: [
    'which functions died, and why',
    `filter type in ["platform.report", "platform.initReport"] and record.status != "success"
| fields @timestamp, @log, record.status, record.errorType, record.requestId, record.metrics.durationMs / 1000 as seconds, record.metrics.maxMemoryUsedMB as usedMb, record.metrics.memorySizeMB as ofMb
| sort @timestamp desc
| limit 50`,
  ],
  ByHand: [
    'who swept by hand, and why',
    `filter msg in ["sweep by hand", "sweep by hand given up"]
| fields @timestamp, recordedBy, msg, count, requestReason, @message
| sort @timestamp desc
| limit 50`,
  ],
  LastSweeps: [
    'last sweep of each target',
    `filter msg = "sweep finished"
| stats latest(@timestamp) as at, latest(status) as lastStatus, latest(region) as inRegion, latest(projectName) as ofProject, latest(dryRun) as wasDryRun, latest(counts.overdue) as overdue, latest(counts.toCancel) as toCancel, latest(counts.cancelled) as cancelled, latest(parameterVersions.policy) as policyVersion by target
| sort at asc`,
  ],
  NotSwept: [
    'which targets were not swept, and why',
    `filter msg in ["target not swept", "target unreadable", "target not sent", "sweep could not run", "message not sent", "no targets"]
| stats count() as times, latest(@timestamp) as last, latest(error) as example by target, msg, reason
| sort last desc`,
  ],
};

module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('self:provider.stage');
  const definition = ([id, [name, query]]) => [
    `${id}Query`,
    {
      Type: 'AWS::Logs::QueryDefinition',
      Properties: {
        Name: `dli-reaper/${stage}/${name}`,
        LogGroupNames: [{ Ref: 'SweepLogGroup' }, { Ref: 'DispatchLogGroup' }, { Ref: 'ByHandLogGroup' }],
        QueryString: query,
      },
    },
  ];
  return { Resources: Object.fromEntries(Object.entries(QUERIES).map(definition)) };
};
