import { writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import type { Finding } from '../cli/doctor/finding.ts';
import { PROBE_ENTRIES } from '../cli/doctor/probe/file.ts';
import type { UnsentReason } from '../cli/notices/show.ts';
import type { DocumentKind } from '../cli/screen/json.ts';
import { type Need, RATIO_EDGES, RESULTS, STATES } from '../lib/aggregate/aggregates.ts';
import { ENGINE_NAMES } from '../lib/base/job.ts';
import { ENDINGS } from '../lib/history/life.ts';
import { type Difference, REASONS } from '../lib/history/suggest.ts';
import { LIMIT_NAMES } from '../lib/policy/clocks.ts';
import type { Action } from '../lib/policy/schema.ts';
import { ACTIONS, type Mode, type Rule } from '../lib/policy/schema.ts';
import type { Selected } from '../lib/policy/select.ts';
import type { WasReaped } from '../lib/sweep/past/was-reaped.ts';
import type { Message } from '../lib/sweep/record/message.ts';
import {
  type DryRunReason,
  type JobReport,
  REPORT_VERSION,
  type StoppedBy,
  type SweepReport,
  type SweepStatus,
} from '../lib/sweep/record/report.ts';

/*
 * Writes docs/report.schema.json, which describes every document that the command line prints with --json. Every field is
 * required unless it says so. A field that is printed and not described fails the tests.
 *
 *     npm run schema
 */

const about = <T extends v.GenericSchema>(schema: T, text: string) => v.pipe(schema, v.description(text));
const text = v.string();
const textOrNull = v.nullable(v.string());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const countOrNull = v.nullable(count);
const numberOrNull = v.nullable(v.number());
const flag = v.boolean();
const texts = v.array(text);
const time = about(text, 'ISO 8601, UTC');
const timeOrNull = v.nullable(time);
const object = v.strictObject;
/** One of the words of a type, each of which has to be here. */
const word = <T extends string>(words: Record<T, true>) => v.picklist(Object.keys(words) as T[]);
const engine = v.picklist(ENGINE_NAMES);
const clock = v.picklist(LIMIT_NAMES);
const mode = word<Mode>({ live: true, 'dry-run': true });
const selected = about(
  word<Selected>({ yes: true, no: true, unknown: true }),
  'Whether it holds. An unknown spares the job',
);

const caps = object({
  victims: about(count, 'Jobs that the policy wants cancelled'),
  liveJobs: about(count, 'Number of live jobs, or a lower bound of it'),
  maxKills: count,
  maxKillsPercent: v.number(),
  percentFloor: count,
  drain: flag,
  ceiling: about(
    countOrNull,
    'Most jobs that any sweep may cancel here, whatever maxKills says; null if it is not known',
  ),
  exceeded: about(textOrNull, 'Why a cap is exceeded; null if none is'),
});

const job = object({
  jobId: text,
  engine: engine,
  name: textOrNull,
  queue: textOrNull,
  owner: textOrNull,
  jobType: textOrNull,
  runTimeMs: about(numberOrNull, 'Null if it does not run, or its start time is not plausible'),
  queueTimeMs: about(numberOrNull, 'Null if it does not wait, or its start time is not plausible'),
  totalTimeMs: about(numberOrNull, 'Since it was submitted'),
  clock: about(v.nullable(clock), 'The limit that it exceeds'),
  limitMs: numberOrNull,
  overLimitMs: numberOrNull,
  rule: about(textOrNull, 'The rule that decided; for an exempt job the exemption, for a frozen one the freeze'),
  matched: about(texts, 'Every rule whose limit it exceeds'),
  decision: v.picklist([...ACTIONS, 'keep']),
  warning: about(
    v.nullable(object({ rule: text, clock, limitMs: v.number(), readingMs: v.number(), mayBeCancelledAt: time })),
    'Set if it may be cancelled soon, by a rule with `warnBefore`',
  ),
  reason: about(text, 'over-limit, or why it was skipped; README.md lists the reasons'),
  outcome: word<JobReport['outcome']>({
    cancelled: true,
    'already-terminal': true,
    unconfirmed: true,
    failed: true,
    skipped: true,
  }),
  status: about(textOrNull, "DLI's word, as last read"),
  evidence: about(
    v.nullable(word<NonNullable<JobReport['evidence']>>({ status: true, 'own-record': true })),
    'How its cancel was confirmed',
  ),
  endedBy: about(v.nullable(v.literal('others')), '`others` if the job was cancelled, but not by this sweep'),
  fingerprint: about(textOrNull, 'Hash of the shape of its statement; only of a cancelled SQL job'),
  repeats: about(
    countOrNull,
    'How many sweeps of the 24 hours before cancelled a job like it; null if that is not known',
  ),
  cus: numberOrNull,
  attempts: about(count, 'Cancel requests sent for it'),
  requestId: textOrNull,
  error: textOrNull,
});

const emergency = object({
  olderThanMs: count,
  jobIds: texts,
  queue: texts,
  owner: texts,
  jobType: texts,
  engines: v.array(engine),
  maxKills: count,
  includeExempt: flag,
  savepoint: flag,
});

const project = about(
  v.nullable(
    object({
      id: text,
      name: about(textOrNull, 'The name from IAM; otherwise the name in the settings'),
      verified: about(flag, 'Whether the name is from IAM'),
      region: about(textOrNull, 'Null if neither a setting nor the endpoint names it'),
      endpoint: about(text, "Host name of DLI's endpoint"),
    }),
  ),
  'Where the jobs are; null for a snapshot of an earlier version, which does not have it',
);

/** The jobs for which `suggest` has a limit, or none. */
const jobGroup = {
  engine,
  queue: textOrNull,
  jobType: about(textOrNull, 'Null for Spark batches'),
  owner: about(textOrNull, 'Null for all owners of the queue who have no entry of their own'),
  from: about(time, 'The first submission'),
  holdsMonthEnd: about(flag, 'Whether a month end lies between that and the end of the history'),
  jobCounts: about(object(Object.fromEntries(ENDINGS.map((ending) => [ending, count]))), 'By how they ended'),
};

const range = object({ from: v.number(), to: numberOrNull });

const sweepEntries = {
  version: about(v.literal(REPORT_VERSION), 'Goes up when a field changes its meaning or is removed'),
  project,
  sweepId: text,
  target: text,
  trigger: word<SweepReport['trigger']>({ schedule: true, manual: true, emergency: true }),
  requestReason: about(textOrNull, 'The reason that a person gave'),
  emergency: about(v.nullable(emergency), 'What an emergency asked for; null for any other sweep'),
  dryRun: flag,
  dryRunBecause: about(
    v.array(word<DryRunReason>({ policy: true, target: true, request: true, identity: true, ceilings: true })),
    'What kept the sweep from cancelling',
  ),
  status: word<SweepStatus>({ ok: true, failed: true, partial: true, capped: true, stopped: true }),
  stoppedBy: about(
    v.nullable(
      word<StoppedBy>({
        clock: true,
        switch: true,
        operator: true,
        credential: true,
        expired: true,
        record: true,
        exemptions: true,
        identity: true,
        ceilings: true,
      }),
    ),
    'What stopped the sweep; null unless the status is stopped',
  ),
  problems: about(texts, 'Why the status is not ok, one sentence each'),
  unmet: about(texts, 'Why jobs that an emergency named are spared, one sentence each'),
  startedAt: time,
  finishedAt: time,
  counts: object({
    seen: about(count, 'The sum of all outcomes'),
    overdue: about(count, 'Jobs over the limit of a rule, whatever the action of that rule'),
    toCancel: about(count, 'Overdue jobs that the policy wants cancelled'),
    warned: about(count, 'Jobs that may be cancelled soon'),
    cancelled: count,
    alreadyTerminal: count,
    cancelledByOthers: about(count, 'Those of alreadyTerminal that someone else cancelled right before the sweep'),
    unconfirmed: count,
    failed: count,
    repeats: about(count, 'Those of cancelled that are like a job which was cancelled in the 24 hours before'),
    skipped: about(v.record(text, count), 'By reason'),
  }),
  apiCalls: object({ list: count, status: count, cancel: count, retries: count, throttled: count, again: count }),
  caps,
  freed: about(
    v.nullable(
      object({
        estimate: v.literal(true),
        cus: range,
        cuHoursAtMost: about(
          numberOrNull,
          'If each job had run on for as long again; null if the size of a queue is unknown',
        ),
      }),
    ),
    'An estimate of capacity; null if no job was cancelled',
  ),
  rules: about(
    v.optional(
      v.array(
        object({
          rule: text,
          action: word<Action>({ cancel: true, warn: true, log: true }),
          matched: about(count, 'Jobs that the rule is for, or may be for, of those that are old enough'),
          overLimit: about(count, 'Those over its limit'),
          spared: about(v.record(text, count), 'Those that something spares, by the reason'),
          nearest: about(
            v.optional(
              v.nullable(
                object({
                  jobId: text,
                  engine,
                  queue: textOrNull,
                  owner: textOrNull,
                  clock,
                  limitMs: count,
                  readingMs: count,
                }),
              ),
            ),
            'The job within its limit that is nearest to it, from half of the limit on; left out by functions of earlier versions',
          ),
        }),
      ),
    ),
    'What each rule found; empty for an emergency, and left out by functions of earlier versions',
  ),
  credentialRefused: flag,
  parameterVersions: about(
    v.nullable(
      object({
        switch: countOrNull,
        target: countOrNull,
        policy: countOrNull,
        credentials: countOrNull,
        exemptions: v.record(text, count),
        freezes: v.record(text, count),
      }),
    ),
    'Null if the settings do not come from Parameter Store',
  ),
  settingsHash: about(
    textOrNull,
    'Equal for equal policy, target and exemptions, whatever their versions; null if none is in Parameter Store',
  ),
  notices: about(texts, 'What to know although nothing is wrong'),
  unmanagedQueues: about(v.record(text, count), 'Old jobs on queues that no rule names'),
  waiting: about(
    v.optional(v.record(text, object({ jobs: count, longestMs: countOrNull }))),
    'Old jobs that wait, by queue, and the longest wait; left out by functions of earlier versions',
  ),
  jobs: about(v.array(job), 'Every job that a rule, an exemption or a protection touched'),
};

const sweepDocument = {
  ...sweepEntries,
  hints: about(texts, 'Flags and commands that let it do what something kept it from, one sentence each'),
  needs: about(
    v.array(
      object({
        outcome: about(text, '`not reached`, or the outcome in words'),
        why: about(text, 'Why, and what to do'),
        jobIds: texts,
      }),
    ),
    'Jobs that a person should look at, by the reason; the most urgent come last',
  ),
};

const leftOut = about(texts, 'What the plan of an emergency left out, or could not see, one sentence each');

const predicates = v.array(object({ key: text, wanted: texts, found: textOrNull, holds: selected }));

const span = {
  id: text,
  from: about(timeOrNull, 'Null if it has no beginning, or for a recurring freeze that is in force'),
  until: time,
  isInForce: flag,
  isToCome: about(flag, 'Whether it begins later'),
  holds: selected,
};

const explanation = object({
  jobId: text,
  engine,
  jobType: textOrNull,
  queue: textOrNull,
  owner: textOrNull,
  status: textOrNull,
  clocks: object({ maxRunTime: numberOrNull, maxQueueTime: numberOrNull, maxTotalTime: numberOrNull }),
  rules: v.array(
    object({
      rule: text,
      match: v.union([v.literal('all'), predicates]),
      ignore: predicates,
      result: text,
      limits: v.array(object({ clock, limitMs: count, readingMs: numberOrNull })),
    }),
  ),
  exemptions: v.array(object({ ...span, predicates })),
  freezes: v.array(object({ ...span, predicates: v.union([v.literal('all'), predicates]) })),
  tagExemption: v.nullable(selected),
  verdict: v.union([
    object({
      action: v.literal('keep'),
      reason: text,
      rule: v.optional(text),
      limitMs: v.optional(v.number()),
      because: v.optional(about(text, 'For the reason group: what it is about the group, as words')),
    }),
    object({
      action: v.picklist(ACTIONS),
      reason: v.literal('over-limit'),
      rule: text,
      matched: texts,
      clock,
      limitMs: v.number(),
      overLimitMs: v.number(),
      savepoint: flag,
      onSavepointFailure: word<Rule['onSavepointFailure']>({ keep: true, cancel: true }),
    }),
  ]),
  caps,
});

const pastOfJob = object({
  at: time,
  record: about(text, 'The log group'),
  sweepId: textOrNull,
  trigger: v.nullable(word<SweepReport['trigger']>({ schedule: true, manual: true, emergency: true })),
  recordedBy: about(textOrNull, 'Who swept by hand, as an ARN; null for a function'),
  requestReason: about(textOrNull, 'The reason that a person gave; known for the latest ten sweeps'),
  decision: job.entries.decision,
  chosenAt: about(timeOrNull, 'When a live sweep chose it, right before its first cancel; null if it did not'),
  outcome: about(v.nullable(job.entries.outcome), 'Null if the job was chosen, and no result is on record'),
  reason: textOrNull,
  rule: textOrNull,
  clock: v.nullable(clock),
  limitMs: numberOrNull,
  readingMs: about(numberOrNull, 'What that clock showed'),
  status: job.entries.status,
  evidence: job.entries.evidence,
  endedBy: job.entries.endedBy,
  repeats: about(countOrNull, 'How many sweeps of the 24 hours before cancelled a job like it'),
  mayBeCancelledAt: about(timeOrNull, 'Set if its owner was warned: from when it may be cancelled'),
  error: textOrNull,
});

const lastSweep = object({
  sweepId: textOrNull,
  at: time,
  trigger: text,
  recordedBy: about(textOrNull, 'Who swept by hand, as an ARN; null for a function'),
  status: about(text, 'Status of its report; or `could not run`, or `not swept`'),
  dryRun: v.nullable(flag),
  cancelled: countOrNull,
  error: about(textOrNull, 'Why there is no report'),
});

const drillJob = object({ jobId: text, engine, queue: text, owner: text, status: text });

const recipient = {
  to: word<Message['to']>({ owner: true, operators: true }),
  owner: about(textOrNull, 'Null for the operators'),
};
const unreadableRoutes = about(texts, 'Why routes of the stage are left out, one sentence each');

const pastCounts = object({
  jobs: about(count, 'Jobs of the window'),
  wouldCancel: count,
  finishedWell: count,
  failed: count,
  cancelled: about(count, 'By the reaper, a person or DLI itself'),
  dead: about(count, 'Spark batches that failed or were cancelled'),
  unknown: about(count, 'Still alive at the end of the window'),
});

const pastJob = {
  jobId: text,
  engine,
  queue: textOrNull,
  owner: textOrNull,
  jobType: textOrNull,
  submittedAt: time,
  lengthMs: about(count, 'From its submission to its end'),
};

const place = { stage: about(textOrNull, 'Null if the record does not say it'), target: text };
const clockReading = { clock, limitMs: count, readingMs: v.number() };
const results = about(
  object(Object.fromEntries(RESULTS.map((result) => [result, count]))),
  'Jobs by what became of them. `no-result`: a live sweep chose it and wrote no result. `not-asked`: over a limit, and a cap, the deadline or something else kept the sweep from it. `noted`: over the limit of a rule that only warns or logs',
);
const action = word<Action>({ cancel: true, warn: true, log: true });
const bins = about(v.array(count), `One number for each range that begins at ${RATIO_EDGES.join(', ')} limits`);
const nearMiss = object({
  ...place,
  engine: v.nullable(engine),
  jobId: text,
  rule: text,
  ...clockReading,
  at: time,
});
const waiting = object({
  jobs: about(v.number(), 'A mean over the sweeps'),
  longestMs: about(numberOrNull, 'The longest wait; null if DLI does not say since when'),
});
const meanWait = { before: waiting, after: waiting };

/** The numbers of the page of `report`. */
const reportEntries = {
  from: about(time, 'Begin of the span: as asked for, or the first line'),
  to: about(time, 'End of the span'),
  timeZone: about(text, 'The time zone of the days'),
  sources: v.array(
    object({
      name: about(text, 'File or log group; - for stdin'),
      lines: count,
      used: about(count, 'Lines about sweeps, jobs and messages'),
      other: about(count, 'Lines that say nothing for a report'),
      twice: about(count, 'Lines that had been read before, in this source or another'),
      outside: about(count, 'Lines outside the span, or of another target'),
    }),
  ),
  unread: v.array(
    object({
      source: text,
      first: about(textOrNull, 'Where the first one is; null for a source as a whole'),
      count,
      why: text,
    }),
  ),
  targets: v.array(
    object({
      ...place,
      projectId: textOrNull,
      projectName: textOrNull,
      region: textOrNull,
      sweeps: count,
      statuses: about(v.record(text, count), 'Sweeps by the status of their report; or `could not run`, `not swept`'),
      dryRuns: count,
      byHand: about(count, 'Sweeps by hand'),
      emergencies: count,
      firstAt: time,
      lastAt: time,
      periodMinutes: about(numberOrNull, 'The period of its schedule, as last logged'),
      results,
      apiCalls: about(count, 'Requests to DLI'),
    }),
  ),
  results,
  days: about(
    v.array(
      object({
        day: about(text, 'Such as 2026-03-29'),
        from: time,
        to: about(time, '23, 24 or 25 hours later'),
        results,
        hours: about(
          object(Object.fromEntries(STATES.map((state) => [state, v.number()]))),
          'Hours in which at least one target was in the state',
        ),
      }),
    ),
    'Every day of the span',
  ),
  states: v.array(
    object({
      ...place,
      state: about(
        v.picklist(STATES),
        'dead: no sweep of the schedule for two periods. stopped: by a person or a brake. capped: too many victims. blind: jobs could not be seen, judged or reached',
      ),
      from: time,
      to: time,
      sweeps: about(count, 'Sweeps that ended so; 0 for dead'),
      why: about(textOrNull, 'What the last of them said'),
    }),
  ),
  rules: v.array(
    object({
      ...place,
      rule: text,
      action: about(v.nullable(action), 'The latest; null if no summary has it'),
      sweeps: about(count, 'Sweeps that had the rule'),
      emptySweeps: about(count, 'Those for which it was for no job'),
      lastMatchedAt: timeOrNull,
      mostMatched: about(count, 'The most jobs of one sweep that it is for'),
      mostOverLimit: about(count, 'The most jobs of one sweep over its limit'),
      mostSpared: about(v.record(text, count), 'The most jobs that one sweep spared, by the reason'),
      results,
      limits: about(
        v.array(object({ clock, limitMs: count, cases: count })),
        'The limits that decided, the most frequent first',
      ),
      kills: about(bins, 'Cancelled jobs by their reading as a multiple of the limit'),
      nearestKills: about(v.array(count), 'Those least over their limit; numbers in the list of jobs on the page'),
      misses: about(
        bins,
        'Jobs that came near the limit and are not known to have passed it, as far as they are on record',
      ),
      nearestMisses: v.array(nearMiss),
    }),
  ),
  repeats: object({
    unknown: about(count, 'Cancelled jobs of which too little is known to find others like them'),
    times: about(count, 'Times that a kind of job was cancelled; what one sweep cancels together is one time'),
    cameBack: about(count, 'Those after which it was cancelled again within 24 hours'),
    stayedAway: about(count, 'Those after which it was not'),
    notKnown: about(count, 'Those whose 24 hours are not over in the record'),
    chains: about(
      v.array(
        object({
          ...place,
          engine: text,
          queue: text,
          owner: text,
          fingerprint: about(textOrNull, 'Hash of the shape of their statement; null if they are known by their name'),
          name: textOrNull,
          cancelledAt: about(v.array(time), 'The oldest first'),
          cameBack: count,
          lastJobId: text,
        }),
      ),
      'Kinds of jobs that were cancelled more than once',
    ),
  }),
  worth: object({
    waiting: about(
      v.nullable(
        v.array(
          object({
            ...place,
            queue: text,
            sweeps: about(count, 'Sweeps that cancelled jobs on it'),
            ...meanWait,
            fewer: about(count, 'Sweeps after which fewer jobs waited'),
            same: count,
            more: count,
          }),
        ),
      ),
      'Waiting on a queue at a sweep that cancelled jobs on it, and at the next one; null if no sweep says it',
    ),
    leftRunning: about(
      v.nullable(
        object({
          jobs: about(count, 'Jobs that at least two sweeps saw over a limit'),
          jobHours: about(v.number(), 'From the first to the last of these sweeps. They ran at least so long'),
          cuHours: about(v.number(), 'Of the jobs whose compute units are known, at least'),
          withoutCus: about(count, 'Jobs that are not in cuHours'),
        }),
      ),
      'Jobs over a limit that no sweep asked to stop; null if there is none',
    ),
  }),
  needs: about(
    v.array(
      object({
        stage: v.optional(textOrNull),
        target: v.optional(text),
        kind: word<Need['kind']>({
          failed: true,
          unconfirmed: true,
          'no-result': true,
          'not-reached': true,
          capped: true,
          untold: true,
          dead: true,
          stopped: true,
          blind: true,
          ending: true,
        }),
        count: about(count, 'Jobs, messages or sweeps, by the kind'),
        what: text,
        todo: about(textOrNull, 'What to do; null if `what` says it'),
        jobIds: about(texts, 'The latest'),
      }),
    ),
    'What a person should look at',
  ),
  tried: about(
    v.array(
      object({
        source: text,
        target: text,
        from: time,
        until: time,
        jobs: count,
        wouldCancel: count,
        wrongKills: about(count, 'Those that finished well'),
        rules: v.array(object({ rule: text, wouldCancel: count, wrongKills: count })),
        wrongKillsShown: about(
          v.array(object({ jobId: text, rule: text, lengthMs: v.number(), stillNeededMs: numberOrNull })),
          'Those with the most work left first',
        ),
        nearMisses: v.array(nearMiss),
      }),
    ),
    'Trials of a policy on the past, from backtest --json',
  ),
};

const DOCUMENTS: Record<DocumentKind, v.ObjectEntries> = {
  sweep: { ...sweepDocument, leftOut },
  sweeps: { sweeps: v.array(object(sweepDocument)), failures: texts, leftOut },
  why: {
    jobId: text,
    now: about(
      v.nullable(explanation),
      'What DLI and the rules say now; null if DLI does not know the job, or could not be asked',
    ),
    record: about(
      v.nullable(v.array(pastOfJob)),
      'What sweeps did about it, the latest first; null without a stage, which has no record',
    ),
    problems: about(texts, 'What could not be read, and what makes the plan incomplete'),
  },
  'was-reaped': {
    jobId: text,
    answer: about(
      word<WasReaped['answer']>({ yes: true, no: true, unknown: true }),
      'Yes, also as soon as a live sweep chose it; no only if the record is complete',
    ),
    because: about(texts, 'Why, one sentence each; for `unknown` what is missing'),
    endedAt: about(timeOrNull, 'When the job ended, at the latest; null if it is not known to have ended'),
    record: about(v.array(pastOfJob), 'What sweeps did about it, the latest first'),
  },
  status: {
    stage: text,
    switch: textOrNull,
    stop: about(
      v.nullable(object({ until: timeOrNull, reason: textOrNull, isOver: flag })),
      'The stop order that the switch holds; null if it holds none',
    ),
    schedule: about(v.nullable(object({ lastTickAt: timeOrNull, isAlive: flag })), 'Null if the log cannot be read'),
    code: about(
      v.nullable(object({ version: text, commit: text })),
      'Version and commit of the function that swept last, as its log names them; null if it does not',
    ),
    logProblem: textOrNull,
    byHandProblem: about(textOrNull, 'Why the record of sweeps by hand cannot be read'),
    targets: v.array(
      object({
        target: text,
        lastSweep: v.nullable(lastSweep),
        overdue: about(countOrNull, 'Jobs over a limit now; null if the jobs were not looked at, or could not be'),
        undetermined: about(countOrNull, 'Jobs that cannot be judged now'),
        calendar: about(v.nullable(texts), 'Which exemptions and freezes hold, begin and end, one sentence each'),
        killsInDay: about(
          countOrNull,
          'Jobs that its sweeps cancelled in 24 hours, or may have, as the next sweep counts them; null if unknown',
        ),
        repeats: about(
          v.nullable(
            v.array(
              object({
                engine: text,
                owner: text,
                queue: text,
                fingerprint: about(
                  textOrNull,
                  'Hash of the shape of their statement; null if they are known by their name',
                ),
                name: textOrNull,
                cancelled: about(count, 'How many sweeps cancelled such jobs'),
                jobId: about(text, 'The latest'),
              }),
            ),
          ),
          'Jobs like each other that its sweeps cancelled in 24 hours; null if unknown',
        ),
        problem: textOrNull,
      }),
    ),
    killsPerDay: about(
      countOrNull,
      'Most jobs that sweeps may cancel in 24 hours; null if the ceilings cannot be read',
    ),
  },
  report: reportEntries,
  switch: {
    stage: text,
    isOn: flag,
    version: countOrNull,
    until: about(v.optional(time), 'When a stop ends; left out if it has no end'),
    reason: about(v.optional(text), 'Reason of a stop; left out if it has none'),
  },
  exemption: {
    stage: text,
    parameter: text,
    version: count,
    exemption: about(v.nullable(v.record(text, v.unknown())), 'As written; null if it was removed'),
  },
  freeze: {
    stage: text,
    parameter: text,
    version: count,
    freeze: about(v.nullable(v.record(text, v.unknown())), 'As written; null if it was removed'),
  },
  policy: {
    stage: text,
    parameter: text,
    version: count,
    file: about(textOrNull, 'File that it was written to'),
    text: about(text, 'As YAML, with the version in the first line'),
  },
  'policy-test': {
    counts: object({
      tests: count,
      passed: count,
      failed: count,
      unreadable: about(count, 'Files that could not be run'),
    }),
    files: v.array(
      object({
        file: text,
        policy: about(textOrNull, 'The file of its policy; null if the file of tests does not say it'),
        problem: about(textOrNull, 'Why the file could not be run; null if it was'),
        tests: v.array(
          object({
            name: text,
            at: about(v.array(time), 'The instants at which the policy was judged'),
            passed: flag,
            failures: v.array(
              object({
                at: time,
                where: about(text, 'File, line and column of what was expected'),
                expected: text,
                found: text,
                why: about(v.nullable(explanation), 'How the job was judged; null for a failure of all jobs together'),
              }),
            ),
          }),
        ),
      }),
    ),
  },
  validation: {
    file: text,
    isValid: flag,
    mode: v.nullable(mode),
    rules: countOrNull,
    exemptions: countOrNull,
    warnings: v.array(object({ at: about(text, 'File, line and column'), message: text })),
    problems: about(texts, 'Each with file, line and column'),
  },
  'policy-diff': {
    stage: text,
    parameter: text,
    mode,
    liveVersion: countOrNull,
    version: about(countOrNull, 'Version that was put in place; null for a diff'),
    bytes: count,
    tier: v.picklist(['standard', 'advanced']),
    isSame: flag,
    diff: text,
    warnings: about(texts, 'What is allowed, but probably not meant'),
    held: about(
      v.nullable(texts),
      'Why no live sweep of the stage would follow it; null if the ceilings cannot be read',
    ),
    effects: v.array(
      object({
        target: text,
        project,
        before: about(countOrNull, 'Victims of the live policy'),
        after: about(countOrNull, 'Victims of the other policy; null if the jobs could not be read'),
        capped: about(textOrNull, 'Why a cap would keep a sweep from cancelling them'),
        added: texts,
        removed: texts,
        problem: textOrNull,
      }),
    ),
  },
  replay: {
    snapshots: count,
    from: time,
    to: time,
    capped: about(
      v.array(object({ at: time, target: text, reason: text, by: v.picklist(['new', 'old']) })),
      'Sweeps that a cap of the new or the old policy would have stopped',
    ),
    incomplete: about(
      v.array(object({ at: time, target: text, reason: text })),
      'Snapshots with gaps, so their victims are not known',
    ),
    deaths: v.array(
      object({
        at: time,
        target: text,
        by: v.picklist(['both', 'new', 'old', 'changed']),
        job: object({
          jobId: text,
          engine: engine,
          queue: textOrNull,
          owner: textOrNull,
          jobType: textOrNull,
          rule: textOrNull,
          totalTimeMs: numberOrNull,
        }),
      }),
    ),
  },
  backtest: {
    target: text,
    project,
    window: about(
      object({ from: time, until: time, holdsMonthEnd: v.boolean() }),
      'The span that was seen; a month end is the last day of a month and the next two, in UTC',
    ),
    periodMs: about(count, 'Time between two sweeps'),
    ticks: about(count, 'Sweeps within the window'),
    unreadable: about(count, 'Jobs that could not be placed in time, and are not counted'),
    counts: about(object({ withCaps: pastCounts, withoutCaps: pastCounts }), 'Victims of rules that cancel'),
    rules: about(
      v.array(
        object({
          rule: text,
          action: v.picklist(ACTIONS),
          counts: pastCounts,
          heldMs: about(count, 'How long its victims lived on in truth'),
          nearMisses: count,
        }),
      ),
      'Without caps. For a rule that only logs or warns, the jobs that it would name',
    ),
    wrongKills: about(
      v.array(
        object({
          ...pastJob,
          rule: text,
          cancelledAt: object({
            earliest: time,
            latest: about(v.nullable(time), 'Null if it may not have been cancelled, since it may have waited'),
          }),
          stillNeededMs: about(count, 'From the earliest cancel to its end'),
        }),
      ),
      'Jobs that finished well, and would have been cancelled without caps',
    ),
    nearMisses: about(
      v.array(object({ ...pastJob, rule: text, clock: v.picklist(LIMIT_NAMES), limitMs: count })),
      'Jobs that finished well at 80 % of a limit or more',
    ),
    capped: about(v.array(object({ at: time, reason: text })), 'Sweeps that a cap would have stopped'),
    beyondCeilings: about(v.array(text), 'Why a live sweep would cancel nothing here, whatever is counted'),
    untellable: about(
      v.array(object({ rule: text, why: text })),
      'Rules, and parts of them, that the past says nothing of',
    ),
    queueOperations: about(v.record(text, count), 'Times that each queue was resized or restarted within the window'),
    cannotTell: about(v.array(text), 'What the past does not tell, in words'),
    incomplete: about(v.array(text), 'Why more jobs may have been cancelled than were counted'),
    against: about(
      v.nullable(
        object({
          counts: object({ withCaps: pastCounts, withoutCaps: pastCounts }),
          wrongKills: count,
          onlyNew: v.array(text),
          onlyToday: v.array(text),
          untellable: v.array(object({ rule: text, why: text })),
          beyondCeilings: v.array(text),
        }),
      ),
      "Today's policy, and the ids of wrong kills that only one of the two makes; null without --against",
    ),
  },
  suggestion: {
    target: text,
    project,
    window: object({
      from: about(timeOrNull, 'The first submission; null if there is no job'),
      until: about(time, 'The end of the history'),
      holdsMonthEnd: flag,
    }),
    jobs: about(count, 'Jobs with a readable start and end'),
    unreadable: about(count, 'Jobs without one'),
    leftOut: about(count, 'Jobs of types for which there is no suggestion; `jobs` counts them too'),
    gaps: about(texts, 'Why the history is not all that DLI remembers; empty if it is'),
    suggestions: v.array(
      object({
        ...jobGroup,
        id: about(text, 'The id of its rule'),
        otherOwners: about(texts, 'Owners whom the rule ignores, since they have an entry of their own'),
        owns: about(
          v.nullable(word<Difference>({ longer: true, shorter: true })),
          'How the limit of an owner compares with that of the others; null in a rule for all owners',
        ),
        usualMs: about(count, 'The median of the jobs that finished well'),
        longestMs: about(count, 'The longest of them'),
        limitMs: about(count, 'The suggested maxTotalTime'),
        check: object({
          learnedOn: about(count, 'The number of jobs from which the limit was learned'),
          learnedFromMs: about(count, 'The longest of them'),
          triedOn: about(count, 'The number of newer jobs on which it was tried; none of them was over it'),
          oneIn: about(
            countOrNull,
            'With 95 % certainty fewer than one in so many is over it; null if it was tried on none',
          ),
          raised: about(
            v.nullable(object({ fromMs: count, over: count, triedOn: count })),
            'A lower limit that newer jobs were over; null if the first one held',
          ),
        }),
        openEnded: about(
          object({ cancelled: count, dead: count, alive: count, longestMs: count }),
          'Jobs near or over the limit of which it is not known how long they need',
        ),
        rule: about(v.record(text, v.unknown()), 'The rule, as a policy has it'),
      }),
    ),
    withoutSuggestion: v.array(
      object({
        ...jobGroup,
        reason: about(
          v.picklist(REASONS),
          'Too few jobs finished, DLI cancels before its limit, or no rule can name its queue',
        ),
        longestMs: about(countOrNull, 'The longest of the jobs that finished well; null if there is none'),
      }),
    ),
  },
  snapshot: {
    version: v.literal(2),
    target: text,
    project,
    takenAt: time,
    clockProblem: about(textOrNull, 'Why the ages of the jobs are not reliable; null if they are'),
    engines: about(v.array(engine), 'Engines whose jobs were listed'),
    gaps: about(
      v.array(object({ engine: v.nullable(engine), what: text })),
      'What could not be read; the engine is null if it can be any',
    ),
    jobs: v.array(
      about(
        v.looseObject({ engine, id: text, fingerprint: textOrNull, tags: v.nullable(v.record(text, text)) }),
        'The fields of a job in lib/base/job.ts',
      ),
    ),
  },
  jobs: {
    target: text,
    project,
    seenAt: time,
    clockProblem: about(textOrNull, 'Why the ages are not reliable; null if they are'),
    gaps: about(texts, 'What could not be listed, one sentence each'),
    shares: v.array(
      object({
        queue: textOrNull,
        owner: textOrNull,
        engine,
        running: count,
        waiting: count,
        other: about(count, 'Jobs that are stopping, or in a state that this program does not know'),
        oldestMs: about(numberOrNull, 'Since the oldest was submitted; null if DLI does not say when'),
      }),
    ),
  },
  doctor: {
    findings: v.array(
      object({
        check: text,
        light: word<Finding['light']>({ green: true, yellow: true, red: true }),
        found: text,
        fix: textOrNull,
      }),
    ),
  },
  notices: {
    stage: about(textOrNull, 'The stage whose routes were tried; null if none was'),
    messages: v.array(
      object({
        place: about(text, 'File, and line or event'),
        time: about(timeOrNull, 'When its line was written; null if no line says when'),
        ...recipient,
        target: text,
        title: text,
        text,
        route: about(textOrNull, 'The parameter of the route that would take it; null if no route is known'),
        isWithoutRoute: about(v.nullable(flag), 'Whether no route is for it, so that the fallback takes it'),
      }),
    ),
    unsent: v.array(
      object({
        reason: word<UnsentReason>({
          'not-json': true,
          'not-a-message': true,
          version: true,
          invalid: true,
          'other-stage': true,
          'nothing-new': true,
        }),
        lines: count,
        first: about(text, 'Where the first of them stands'),
      }),
    ),
    unreadable: unreadableRoutes,
  },
  'notice-test': {
    stage: text,
    ...recipient,
    queue: textOrNull,
    target: text,
    isSent: flag,
    route: about(textOrNull, 'The parameter of the route; null if the stage has none'),
    isWithoutRoute: about(flag, 'Whether no route is for it, so that the fallback took it'),
    error: about(textOrNull, 'Why it could not be sent'),
    unreadable: unreadableRoutes,
  },
  announcement: {
    target: text,
    project,
    liveAt: about(timeOrNull, 'From when the policy is live, as it was given'),
    announcements: v.array(
      object({
        owner: text,
        jobIds: texts,
        pastJobIds: about(texts, 'With --history: past jobs that the policy would have cancelled'),
        title: text,
        text,
      }),
    ),
    withoutOwner: v.array(object({ jobId: text, queue: textOrNull, rule: textOrNull })),
    problems: about(texts, 'What makes the plan incomplete, one sentence each'),
  },
  drill: {
    startedAt: time,
    endedAt: time,
    isAttended: about(flag, 'Whether a person responded, and not the drill itself'),
    callsPerMinute: about(count, 'Calls that the gateway let through in a minute'),
    faults: about(count, 'Faults on order: lost answers, a cancel that did not arrive, a page of the list that failed'),
    faultsMet: about(count, 'Those of them that happened'),
    takenAt: about(timeOrNull, 'When its snapshot was taken; null for a night that was made'),
    jobs: about(count, 'Live jobs at the start'),
    runaways: about(count, 'Those of them that had to go'),
    firstStoppedMs: about(
      numberOrNull,
      'From the start to the end of the first job that was stopped; null if none was',
    ),
    lastStoppedMs: about(numberOrNull, 'From the start to the end of the last runaway; null while one is left'),
    left: about(v.array(drillJob), 'Runaways that still run'),
    wrongKills: about(v.array(drillJob), 'Jobs that were stopped, and were no runaways by then'),
    falseWords: about(
      v.array(
        object({
          jobId: text,
          said: about(textOrNull, 'The outcome in the log; null if it does not mention a job that was stopped'),
          status: about(textOrNull, "The emulator's word; null if it has no such job"),
        }),
      ),
      'Jobs of which the log of the stage says what the emulator denies',
    ),
    unconfirmed: about(texts, 'Jobs that were asked to stop, by the last word of the log, and not seen to'),
    calls: about(count, 'Calls to the gateway'),
    refused: about(count, 'Those that it refused as too many'),
    unknown: about(texts, 'What the drill could not play as it was, one sentence each'),
  },
  probe: PROBE_ENTRIES,
  init: { created: texts, kept: texts, next: texts },
  error: {
    messages: about(texts, 'What stderr says: what happened, and what to do'),
    settings: about(texts, 'The flags, variables, parameters or files that it is about; empty if they are not known'),
    exitCode: about(count, 'The exit code of the command'),
  },
};

/** Returns the text of the file. */
export function renderReportSchema(): string {
  const schema = {
    title: 'Documents of dli-reaper',
    description:
      'What each verb prints with --json; `kind` says which. A verb that cannot do its work prints the kind `error`. See docs/cli.md.',
    ...toJsonSchema(
      v.variant(
        'kind',
        Object.entries(DOCUMENTS).map(([kind, entries]) => object({ kind: v.literal(kind), ...entries })),
      ),
    ),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL('../docs/report.schema.json', import.meta.url), renderReportSchema());
