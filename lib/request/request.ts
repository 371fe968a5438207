import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { durationField, formatDuration } from '../base/duration.ts';
import { issueWords } from '../base/issue-words.ts';
import type { Emergency } from '../policy/emergency.ts';
import { parseInstant } from '../policy/instant.ts';
import { emergencyEntries, emergencyProblems, toEmergency } from './emergency.ts';

/** What one sweep is asked to do. The schedule, a payload and the command line all become this. */
export interface SweepRequest {
  sweepId: string;
  trigger: 'schedule' | 'manual' | 'emergency';
  /** Name of the target. */
  target: string;
  /** True keeps the sweep from cancelling; false leaves it to the policy's and the target's mode. */
  dryRun: boolean;
  /** Replaces the `maxKills` of the policy. */
  maxKills: number | undefined;
  /** How long to wait for cancelled jobs to stop. */
  verifyForMs: number;
  /** Why a person asked; for the record. */
  reason: string | undefined;
  /**
   * When it was asked for, epoch ms by the clock of the one who asked; for a tick, when it was due. A request that is carried
   * out at once needs none.
   */
  askedAt?: number | undefined;
  /** Replaces the policy, and overrides the dry-run mode of policy and target. */
  emergency?: Emergency | undefined;
  /** Whether the jobs that it names may belong to another target, which has the same request. */
  jobsMayBeElsewhere?: boolean | undefined;
}

/** How long after it was asked for a request may begin to cancel. */
const VALID_FOR_MS = { emergency: 10 * 60_000, manual: 30 * 60_000 };

/**
 * Returns the last moment at which a request may begin to cancel. Later it would meet other jobs than those it was meant for,
 * and it may not be wanted any more. A tick is valid for one period, since the next tick sweeps the same.
 *
 * @returns epoch ms, by the clock of `askedAt`.
 */
export function expiresAtOf(
  { trigger, askedAt }: Pick<SweepRequest, 'trigger'> & { askedAt: number },
  periodMs: number,
): number {
  return askedAt + (trigger === 'schedule' ? periodMs : VALID_FOR_MS[trigger]);
}

export const DEFAULT_TARGET = 'default';
export const DEFAULT_VERIFY_FOR_MS = 60_000;

/** An event that is not a request, so nothing was done. */
export class RequestError extends Error {
  override name = 'RequestError';
  /** Each problem as `key: what is wrong`. */
  readonly problems: readonly string[];
  /** @param problems the problems of a payload, or one sentence about another problem. */
  constructor(problems: readonly string[] | string) {
    const isSentence = typeof problems === 'string';
    super(isSentence ? problems : `the event is neither a schedule tick nor a valid payload: ${problems.join('; ')}`);
    this.problems = isSentence ? [problems] : problems;
  }
}

const targetName = v.pipe(
  v.string('expected a name'),
  v.regex(/^[A-Za-z0-9_.-]{1,128}$/, 'expected letters, digits and _ . -'),
);

/** Checks the name of a target. @throws {RequestError} for a name that no request may have. */
export function assertTargetName(name: string): void {
  const { issues = [] } = v.safeParse(targetName, name);
  if (issues.length > 0) throw new RequestError(issues.map(({ message }) => `target: ${message}`));
}

const commonEntries = {
  target: v.optional(targetName),
  dryRun: v.optional(v.boolean('expected true or false')),
  verifyFor: v.optional(durationField('60s')),
  reason: v.optional(v.pipe(v.string('expected a text'), v.maxLength(500, 'expected at most 500 characters'))),
  /** Made by a caller who wants to find the sweep in the logs. */
  sweepId: v.optional(
    v.pipe(v.string('expected a text'), v.regex(/^[A-Za-z0-9-]{8,64}$/, 'expected 8 to 64 letters, digits and -')),
  ),
};

const TIME = 'expected a time with its zone, such as 2026-01-05T09:00:00Z';

const askedAtField = v.optional(
  v.pipe(
    v.string(TIME),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      // A day without a time would mean its end, which may be hours ahead.
      const at = dataset.value.includes(':') ? parseInstant(dataset.value) : undefined;
      if (at !== undefined) return at;
      addIssue({ message: TIME });
      return NEVER;
    }),
  ),
);

/** Reads the `askedAt` of a payload as epoch ms; undefined if it is missing. @throws {RequestError} if it is not a time. */
export function parseAskedAt(value: unknown): number | undefined {
  const result = v.safeParse(askedAtField, value);
  if (!result.success) throw new RequestError(`askedAt: ${TIME}`);
  return result.output;
}

const manualPayload = v.strictObject({
  ...commonEntries,
  kind: v.optional(v.literal('sweep', 'expected sweep or emergency')),
  maxKills: v.optional(
    v.pipe(
      v.number('expected a whole number'),
      v.integer('expected a whole number'),
      v.minValue(0, 'expected 0 or more'),
    ),
  ),
  askedAt: askedAtField,
});

const emergencyPayload = v.strictObject({
  ...commonEntries,
  kind: v.literal('emergency'),
  ...emergencyEntries,
  askedAt: askedAtField,
});

/** A payload of a person or of the command line. Every key has a default; by default a sweep by hand is a dry run. */
export type ManualPayload = v.InferInput<typeof manualPayload>;
export type EmergencyPayload = v.InferInput<typeof emergencyPayload>;

/** Makes a request from values that are checked already; by default a dry run by hand. */
export function createRequest({
  sweepId = randomUUID(),
  trigger = 'manual',
  target = DEFAULT_TARGET,
  dryRun = true,
  maxKills,
  verifyForMs = DEFAULT_VERIFY_FOR_MS,
  reason,
  askedAt,
  emergency,
}: { [Key in keyof SweepRequest]?: SweepRequest[Key] | undefined }): SweepRequest {
  return { sweepId, trigger, target, dryRun, maxKills, verifyForMs, reason, askedAt, emergency };
}

/**
 * Reads an event: a tick of EventBridge (rule or Scheduler), or a payload.
 *
 * @throws {RequestError} for anything else. Unknown keys are refused, since a misspelt `dryrun` must not be overlooked.
 */
export function parseRequest(event: unknown, createId: () => string = randomUUID): SweepRequest {
  if (isScheduleTick(event)) {
    return createRequest({ sweepId: createId(), trigger: 'schedule', dryRun: false, askedAt: tickTime(event) });
  }
  if (isPlainObject(event) && event.kind === 'emergency') return parseEmergency(event, createId);
  const fields = read(manualPayload, event);
  return createRequest({ ...commonOf(fields, createId), maxKills: fields.maxKills, askedAt: fields.askedAt });
}

/** The problem of a live emergency without `askedAt`. Lambda may deliver a payload late, and does not say how late. */
export const ASKED_AT_MISSING =
  'askedAt: missing; a live emergency must say when it was asked for, such as 2026-01-05T09:00:00Z (date -u +%FT%TZ), ' +
  `since it is valid for ${formatDuration(VALID_FOR_MS.emergency)} only`;

/** Reads an emergency. By default it is a dry run; a live one needs the name of its target in `confirm`, and `askedAt`. */
function parseEmergency(event: object, createId: () => string): SweepRequest {
  const fields = read(emergencyPayload, event);
  const { askedAt } = fields;
  const request = createRequest({ ...commonOf(fields, createId), trigger: 'emergency', askedAt });
  const isLive = !request.dryRun;
  const problems = emergencyProblems(fields, { target: request.target, isLive });
  if (isLive && askedAt === undefined) problems.push(ASKED_AT_MISSING);
  if (problems.length > 0) throw new RequestError(problems);
  return { ...request, emergency: toEmergency(fields) };
}

type CommonFields = v.InferOutput<v.StrictObjectSchema<typeof commonEntries, undefined>>;

function commonOf({ sweepId, target, dryRun, verifyFor, reason }: CommonFields, createId: () => string) {
  return { sweepId: sweepId ?? createId(), target, dryRun, verifyForMs: verifyFor, reason };
}

function read<T extends typeof manualPayload | typeof emergencyPayload>(schema: T, event: unknown): v.InferOutput<T> {
  // A list would pass as an object without keys, which is a sweep by hand.
  const result = v.safeParse(schema, isPlainObject(event) ? event : undefined);
  if (result.success) return result.output;
  const allowed = Object.keys(schema.entries);
  const whole = 'expected an object such as {"target": "prod", "dryRun": true}';
  throw new RequestError(result.issues.map((issue) => issueWords(issue, { allowed, whole })));
}

/**
 * Whether an event is `{"version":"0","detail-type":"Scheduled Event","source":"aws.events",…}`; Scheduler writes
 * `aws.scheduler`. An event with a key of a payload is not a tick, since the key must not be overlooked.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
 */
export function isScheduleTick(event: unknown): event is object {
  if (typeof event !== 'object' || event === null || !('detail-type' in event) || !('source' in event)) return false;
  if (Object.keys(manualPayload.entries).some((key) => key in event)) return false;
  return (
    event['detail-type'] === 'Scheduled Event' && (event.source === 'aws.events' || event.source === 'aws.scheduler')
  );
}

/** Returns when a tick was due, epoch ms; undefined if it does not say. */
export function tickTime(tick: object): number | undefined {
  const time = 'time' in tick && typeof tick.time === 'string' ? Date.parse(tick.time) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** Whether a value is an object of JSON: not a list, and not an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
