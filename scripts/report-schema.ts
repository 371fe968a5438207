import { writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { PROBE_ENTRIES } from '../cli/doctor/probe/file.ts';
import type { DocumentKind } from '../cli/screen/json.ts';
import { ENGINE_NAMES } from '../lib/base/job.ts';
import { LIMIT_NAMES } from '../lib/policy/clocks.ts';
import { ACTIONS } from '../lib/policy/schema.ts';
import { REPORT_VERSION } from '../lib/sweep/record/report.ts';

/*
 * Writes docs/report.schema.json, which describes every document that the command line prints with --json. Nothing in it
 * is optional unless it says so, and nothing is left out: what a run prints and this does not know fails the tests.
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
const kind = <T extends DocumentKind>(name: T) => v.literal(name);
const engine = v.picklist(ENGINE_NAMES);
const clock = v.picklist(LIMIT_NAMES);
const selected = about(v.picklist(['yes', 'no', 'unknown']), 'Whether it holds; unknown spares');

const caps = object({
  victims: about(count, 'Jobs that the policy wants cancelled'),
  liveJobs: about(count, 'At least so many are alive'),
  maxKills: count,
  maxKillsPercent: v.number(),
  percentFloor: count,
  drain: flag,
  ceiling: about(countOrNull, 'What no sweep may exceed here, whatever maxKills says; null if it is not known'),
  exceeded: about(textOrNull, 'Why a cap stands in the way; null if none does'),
});

const job = object({
  jobId: text,
  engine: engine,
  name: textOrNull,
  queue: textOrNull,
  owner: textOrNull,
  jobType: textOrNull,
  runTimeMs: about(numberOrNull, 'Null if it does not run, or its start is not to be believed'),
  queueTimeMs: about(numberOrNull, 'The same for a job that waits'),
  totalTimeMs: about(numberOrNull, 'Since it was submitted'),
  clock: about(v.nullable(clock), 'Which limit it is over'),
  limitMs: numberOrNull,
  overLimitMs: numberOrNull,
  rule: about(textOrNull, 'The rule that decided; of an exempt job the exemption, of a frozen one the freeze'),
  matched: about(texts, 'Every rule that found it over its limit'),
  decision: v.picklist([...ACTIONS, 'keep']),
  reason: about(text, 'over-limit, or why it was skipped; README.md lists the reasons'),
  outcome: v.picklist(['cancelled', 'already-terminal', 'unconfirmed', 'failed', 'skipped']),
  status: about(textOrNull, "DLI's word, as last read"),
  evidence: about(v.nullable(v.picklist(['status', 'own-record'])), 'How it is known that it was cancelled'),
  endedBy: about(v.nullable(v.literal('others')), 'Set for a job that was cancelled, and not by us'),
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
      name: about(textOrNull, 'As IAM told it; otherwise as the settings have it'),
      verified: about(flag, 'Whether IAM told the name'),
      region: about(textOrNull, 'Null if neither a setting nor the endpoint tells it'),
      endpoint: about(text, "Host of DLI's address"),
    }),
  ),
  'Where the jobs are; null for a snapshot of an earlier version, which does not tell',
);

const range = object({ from: v.number(), to: numberOrNull });

const sweepEntries = {
  version: about(v.literal(REPORT_VERSION), 'Goes up when a field means something else, or is gone'),
  project,
  sweepId: text,
  target: text,
  trigger: v.picklist(['schedule', 'manual', 'emergency']),
  requestReason: about(textOrNull, 'Why a person asked'),
  emergency: about(v.nullable(emergency), 'What an emergency asked for; null for any other sweep'),
  dryRun: flag,
  dryRunBecause: about(
    v.array(v.picklist(['policy', 'target', 'request', 'identity', 'ceilings'])),
    'Who kept it from cancelling',
  ),
  status: v.picklist(['ok', 'failed', 'partial', 'capped', 'stopped']),
  stoppedBy: about(
    v.nullable(v.picklist(['clock', 'switch', 'operator', 'credential', 'expired', 'record', 'identity', 'ceilings'])),
    'What kept it from its work, or ended it before its time; null unless the status is stopped',
  ),
  problems: about(texts, 'Why the status is not ok, a sentence each'),
  unmet: about(texts, 'Jobs that an emergency named and that are spared: why, a sentence each'),
  startedAt: time,
  finishedAt: time,
  counts: object({
    seen: about(count, 'The sum of all outcomes'),
    overdue: about(count, 'Jobs that a rule found over its limit, whatever its action'),
    toCancel: about(count, 'Of these, the ones that the policy wants cancelled'),
    cancelled: count,
    alreadyTerminal: count,
    cancelledByOthers: about(count, 'Of these, the ones that somebody else cancelled right before us'),
    unconfirmed: count,
    failed: count,
    skipped: about(v.record(text, count), 'By reason'),
  }),
  apiCalls: object({ list: count, status: count, cancel: count, retries: count, throttled: count }),
  caps,
  freed: about(
    v.nullable(
      object({
        estimate: v.literal(true),
        cus: range,
        cuHoursAtMost: about(
          numberOrNull,
          'Had each run on as long again; null if a queue of unknown size is among them',
        ),
      }),
    ),
    'An estimate of capacity; null if no job was cancelled',
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
    'Null if Parameter Store was not asked',
  ),
  settingsHash: about(
    textOrNull,
    'The same for equal policy, target and exemptions, whatever their versions; null if none is in Parameter Store',
  ),
  notices: about(texts, 'What somebody should know although nothing is wrong'),
  unmanagedQueues: about(v.record(text, count), 'Old jobs on queues that no rule names'),
  jobs: about(v.array(job), 'Every job that a rule, an exemption or a protection touched'),
};

const predicates = v.array(object({ key: text, wanted: texts, found: textOrNull, holds: selected }));

const span = {
  id: text,
  from: about(timeOrNull, 'Null for an exemption from the first, and a recurring freeze that is in force'),
  until: time,
  isInForce: flag,
  isToCome: about(flag, 'It is not in force, and begins later'),
  holds: selected,
};

const explanation = object({
  kind: kind('explanation'),
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
    object({ action: v.literal('keep'), reason: text, rule: v.optional(text), limitMs: v.optional(v.number()) }),
    object({
      action: v.picklist(ACTIONS),
      reason: v.literal('over-limit'),
      rule: text,
      matched: texts,
      clock,
      limitMs: v.number(),
      overLimitMs: v.number(),
      savepoint: flag,
      onSavepointFailure: v.picklist(['keep', 'cancel']),
    }),
  ]),
  caps,
});

const lastSweep = object({
  sweepId: textOrNull,
  at: time,
  trigger: text,
  status: about(text, 'Of its report; or `could not run`, or `not swept`'),
  dryRun: v.nullable(flag),
  cancelled: countOrNull,
  error: about(textOrNull, 'Why it came to no report'),
});

const documents = v.variant('kind', [
  object({ kind: kind('sweep'), ...sweepEntries }),
  object({ kind: kind('sweeps'), sweeps: v.array(object(sweepEntries)), failures: texts }),
  explanation,
  object({
    kind: kind('status'),
    stage: text,
    switch: textOrNull,
    stop: about(
      v.nullable(object({ until: timeOrNull, reason: textOrNull, isOver: flag })),
      'What somebody set the switch to who wants no job cancelled; null if it reads anything else',
    ),
    schedule: about(v.nullable(object({ lastTickAt: timeOrNull, isAlive: flag })), 'Null if the log cannot be read'),
    logProblem: textOrNull,
    targets: v.array(
      object({
        target: text,
        lastSweep: v.nullable(lastSweep),
        overdue: about(countOrNull, 'Jobs over a limit now; null if nobody looked, or the look failed'),
        undetermined: about(countOrNull, 'Jobs that could not be judged now'),
        calendar: about(v.nullable(texts), 'Which exemptions and freezes hold, begin and end, a sentence each'),
        killsInDay: about(
          countOrNull,
          'Jobs that its sweeps cancelled in 24 hours, or may have, as the next sweep counts them; null if that is not known',
        ),
        problem: textOrNull,
      }),
    ),
    killsPerDay: about(countOrNull, 'What they may at most; null if the ceilings cannot be read'),
  }),
  object({
    kind: kind('switch'),
    stage: text,
    isOn: flag,
    version: countOrNull,
    until: about(v.optional(time), 'When a stop will be over; left out where it has no end'),
    reason: about(v.optional(text), 'Of a stop; left out where it has none'),
  }),
  object({
    kind: kind('exemption'),
    stage: text,
    parameter: text,
    version: count,
    exemption: about(v.nullable(v.record(text, v.unknown())), 'As written; null if it was taken away'),
  }),
  object({
    kind: kind('freeze'),
    stage: text,
    parameter: text,
    version: count,
    freeze: about(v.nullable(v.record(text, v.unknown())), 'As written; null if it was taken away'),
  }),
  object({
    kind: kind('policy'),
    stage: text,
    parameter: text,
    version: count,
    file: about(textOrNull, 'Where it was written to'),
    text: about(text, 'As YAML, with the version in the first line'),
  }),
  object({
    kind: kind('validation'),
    file: text,
    isValid: flag,
    mode: v.nullable(v.picklist(['live', 'dry-run'])),
    rules: countOrNull,
    exemptions: countOrNull,
    warnings: v.array(object({ at: about(text, 'File, line and column'), message: text })),
    problems: about(texts, 'Each with file, line and column'),
  }),
  object({
    kind: kind('policy-diff'),
    stage: text,
    parameter: text,
    mode: v.picklist(['live', 'dry-run']),
    liveVersion: countOrNull,
    version: about(countOrNull, 'Of what was put in place; null for a diff'),
    bytes: count,
    tier: v.picklist(['standard', 'advanced']),
    isSame: flag,
    diff: text,
    warnings: about(texts, 'What is allowed and likely not meant'),
    held: about(v.nullable(texts), 'Why no live sweep of the stage would obey it; null if its ceilings cannot be read'),
    effects: v.array(
      object({
        target: text,
        project,
        before: about(countOrNull, 'Victims by the live policy'),
        after: about(countOrNull, 'Victims by the other; null if the jobs could not be seen'),
        capped: about(textOrNull, 'Why a cap would keep a sweep from cancelling them all'),
        added: texts,
        removed: texts,
        problem: textOrNull,
      }),
    ),
  }),
  object({
    kind: kind('replay'),
    snapshots: count,
    from: time,
    to: time,
    capped: about(
      v.array(object({ at: time, target: text, reason: text, by: v.picklist(['new', 'old']) })),
      'Sweeps that a cap would have stopped, and of which policy',
    ),
    incomplete: about(
      v.array(object({ at: time, target: text, reason: text })),
      'Snapshots with gaps, whose victims cannot be told',
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
  }),
  object({
    kind: kind('snapshot'),
    version: v.literal(2),
    target: text,
    project,
    takenAt: time,
    clockProblem: about(textOrNull, 'Why the ages of the jobs mean nothing; null if they do mean something'),
    engines: about(v.array(engine), 'Engines whose jobs were looked at'),
    gaps: about(
      v.array(object({ engine: v.nullable(engine), what: text })),
      'What could not be read; the engine is null where it may be any',
    ),
    jobs: v.array(
      about(
        v.looseObject({ engine, id: text, fingerprint: textOrNull, tags: v.nullable(v.record(text, text)) }),
        'As lib/base/job.ts has them',
      ),
    ),
  }),
  object({
    kind: kind('doctor'),
    findings: v.array(
      object({ check: text, light: v.picklist(['green', 'yellow', 'red']), found: text, fix: textOrNull }),
    ),
  }),
  object({ kind: kind('probe'), ...PROBE_ENTRIES }),
  object({ kind: kind('init'), created: texts, kept: texts, next: texts }),
]);

/** The file's text. */
export function renderReportSchema(): string {
  const schema = {
    title: 'Documents of dli-reaper',
    description: 'What each verb prints with --json; `kind` says which. See docs/cli.md.',
    ...toJsonSchema(documents),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL('../docs/report.schema.json', import.meta.url), renderReportSchema());
