import { expect } from 'vitest';
import type { Fault } from '../../emulator/control/faults.ts';
import { type EmulatedFlinkJob, flinkStatusAt, isFlinkOver } from '../../emulator/flink/jobs.ts';
import { type Emulator, startEmulator } from '../../emulator/server.ts';
import { batchLife, batchStateAt, type EmulatedBatch, isBatchOver } from '../../emulator/spark/jobs.ts';
import { type EmulatedJob, isOver, statusAt } from '../../emulator/sql/jobs.ts';
import type { Clock } from '../../lib/base/clock.ts';
import { ENGINE_NAMES } from '../../lib/base/job.ts';
import { createLog } from '../../lib/base/log.ts';
import { createSharedStates } from '../../lib/dli/shared-state.ts';
import { emergencyPolicy } from '../../lib/policy/emergency.ts';
import { ENGINE_FACTS } from '../../lib/policy/facts.ts';
import { parseExemption, parseFreeze, parsePolicy } from '../../lib/policy/parse.ts';
import type { Freeze } from '../../lib/policy/schema.ts';
import { toEmergency } from '../../lib/request/emergency.ts';
import type { SweepRequest } from '../../lib/request/request.ts';
import type { SweepLog } from '../../lib/sweep/record/log-lines.ts';
import type { SweepReport } from '../../lib/sweep/record/report.ts';
import { sweep } from '../../lib/sweep/sweep.ts';
import { looseCeilings } from '../helpers/ceilings.ts';
import { HOUR, jobId, MINUTE, NOW } from '../helpers/world.ts';
import { type Exchange, Life, openGate } from './gate.ts';
import {
  type FreezeDraft,
  mayGoLive,
  mostKills,
  type PolicyDraft,
  type RuleDraft,
  type Truth,
  truthOf,
  whyNot,
} from './oracle.ts';

export interface JobDraft {
  engine: Truth['engine'];
  ageMs: number;
  /** Whether DLI keeps its start to itself. */
  isStartHidden: boolean;
  /** Whether it still waits. */
  isWaiting: boolean;
  /** When it changes by itself: it begins to run, or it ends; from now on, in ms. */
  changesInMs: number;
  /** How a batch ends. */
  endsAs: 'success' | 'dead';
  owner: 'ana' | 'bo';
  queue: 'adhoc' | 'etl';
  type: 'QUERY' | 'INSERT' | 'SCALE_QUEUE';
  onCancel: 'stop' | 'finish' | 'ignore';
  onSavepoint: 'success' | 'failure';
}

export interface WorldDraft {
  jobs: JobDraft[];
  policy: PolicyDraft;
  /** How far DLI's clock is ahead of ours. */
  skewMs: number;
  /** How long a request takes. */
  latencyMs: number;
}

export interface SweepDraft {
  dryRun: boolean;
  /** By what is judged; the policy unless it is an emergency, by age in ms. */
  emergencyOlderThanMs: number | undefined;
  /** How long it waited since it was asked for, or how long ago a request was made that is carried out once more. */
  askedMsAgo: number;
  isSwitchedOn: boolean;
  /** Whether it is a target of a stage, and how well that is known to be the project; undefined for one of the command line. */
  identity?: 'certain' | 'no name' | 'another name' | 'IAM refuses' | 'another target on it' | undefined;
  /** The await at which the process is killed. */
  killAt: number;
  /** The await at which the operator interrupts it. */
  stopAt: number;
  /** What happens to jobs while it is under way. */
  surprises: Surprise[];
}

export interface Surprise {
  /** Right before the n-th request of the sweep. */
  atRequest: number;
  /** Which job, in the order of their submission, from 1; or every one, as where a queue grows or is taken away. */
  job: number | 'every';
  /** A job that has ended is only ever restarted, as Flink jobs can be. */
  what: 'begins to run' | 'ends' | 'restarts';
}

export const UNDISTURBED = {
  askedMsAgo: 0,
  isSwitchedOn: true,
  killAt: Number.POSITIVE_INFINITY,
  stopAt: Number.POSITIVE_INFINITY,
  surprises: [] as Surprise[],
};

/** How often things happened, for a line that says how much was tried. */
export const tally = { worlds: 0, sweeps: 0, cancels: 0, kills: 0, faults: 0 };

const toDocument = ({ rules, maxKills, maxKillsPercent, percentFloor, drain }: PolicyDraft) => ({
  version: 1,
  mode: 'live',
  maxKills,
  maxKillsPercent,
  percentFloor,
  drain,
  rules: rules.map(({ id, engines, match, ignore, limit, hours, action, victims, keep }) => ({
    id,
    engines,
    match,
    ...(ignore !== undefined && { ignore }),
    [limit]: `${hours * 60}m`,
    action,
    victims,
    ...(keep !== undefined && { keep }),
  })),
});

const timeOf = (ms: number): string => new Date(ms).toISOString();

const toFreeze = ({ match, from, until, days }: FreezeDraft): Freeze =>
  parseFreeze({
    id: 'freeze',
    reason: 'model',
    match,
    ...(days === undefined
      ? { from: timeOf(from), until: timeOf(until) }
      : { recurring: { days: [...days], timeZone: 'UTC' } }),
  });

/** A project, its reaper and whatever happens to both, in one virtual time. */
export class ModelWorld {
  readonly emulator: Emulator;
  readonly #policy: PolicyDraft;
  readonly #time: { now: number };
  readonly #skewMs: number;
  readonly #latencyMs: number;
  #jobs = 0;

  private constructor(emulator: Emulator, { policy, skewMs, latencyMs }: WorldDraft, time: { now: number }) {
    this.emulator = emulator;
    this.#policy = policy;
    this.#skewMs = skewMs;
    this.#latencyMs = latencyMs;
    this.#time = time;
  }

  static async open(draft: WorldDraft): Promise<ModelWorld> {
    const time = { now: NOW };
    const now = () => time.now + draft.skewMs;
    const emulator = await startEmulator({ now, random: () => 0.5, cancelDelayMs: 1_000 });
    const world = new ModelWorld(emulator, draft, time);
    for (const job of draft.jobs) world.submit(job);
    tally.worlds += 1;
    return world;
  }

  async close(): Promise<void> {
    await this.emulator.close();
  }

  /** DLI's clock. */
  #serviceNow(): number {
    return this.#time.now + this.#skewMs;
  }

  pass(ms: number): void {
    this.#time.now += ms;
  }

  submit(draft: JobDraft): string {
    this.#jobs += 1;
    const now = this.#serviceNow();
    const createdAt = now - draft.ageMs;
    const runsFrom = draft.isWaiting ? now + draft.changesInMs : createdAt;
    const endsAt = draft.isWaiting ? runsFrom + 24 * HOUR : now + draft.changesInMs;
    const hiddenFields = draft.isStartHidden ? ['start_time', 'create_time'] : [];
    const common = { owner: draft.owner, queue: draft.queue, hiddenFields };
    switch (draft.engine) {
      case 'sql': {
        const job: EmulatedJob = {
          ...common,
          id: jobId(this.#jobs),
          type: draft.type,
          statement: 'select 1',
          submittedAt: createdAt,
          runsFrom,
          endsAt,
          endsAs: 'FINISHED',
          onCancel: draft.onCancel,
        };
        this.emulator.sql.add(job);
        return job.id;
      }
      case 'spark': {
        const batch: EmulatedBatch = {
          ...common,
          id: jobId(this.#jobs),
          name: 'nightly',
          life: batchLife({ createdAt, runsFrom, endsAt, endsAs: draft.endsAs }),
          onCancel: draft.onCancel,
        };
        this.emulator.spark.add(batch);
        return batch.id;
      }
      case 'flink': {
        const job: EmulatedFlinkJob = {
          ...common,
          id: this.#jobs,
          name: 'clicks',
          type: 'flink_sql_job',
          life: [
            { from: createdAt, state: 'job_submitting' },
            { from: runsFrom, state: 'job_running' },
            { from: endsAt, state: 'job_finish' },
          ],
          onStop: draft.onCancel,
          onSavepoint: draft.onSavepoint,
        };
        this.emulator.flink.add(job);
        return String(job.id);
      }
      default:
        return draft.engine satisfies never;
    }
  }

  /** What the owner of a job does, or the job itself. */
  #surprise({ job, what }: Surprise): void {
    const jobs = job === 'every' ? Array.from({ length: this.#jobs }, (_, i) => i + 1) : [job];
    for (const one of jobs) this.#change(one, what);
  }

  #change(n: number, what: Surprise['what']): void {
    const now = this.#serviceNow();
    const { sql: jobs, spark, flink } = this.emulator;
    const sql = jobs.get(jobId(n));
    const batch = spark.get(jobId(n));
    const stream = flink.get(String(n));
    if (sql !== undefined && statusAt(sql, now) === 'LAUNCHING' && what === 'begins to run') sql.runsFrom = now;
    if (sql !== undefined && !isOver(statusAt(sql, now)) && what === 'ends') sql.endsAt = now;
    if (batch !== undefined && !isBatchOver(batchStateAt(batch, now)) && what !== 'restarts') {
      const state = what === 'ends' ? (batch.life.at(-1)?.state ?? 'success') : 'running';
      const stages: EmulatedBatch['life'][number][] = [
        ...batch.life.filter(({ from }) => from < now),
        { from: now, state },
      ];
      batch.life = stages as EmulatedBatch['life'];
    }
    if (stream !== undefined && what !== 'begins to run') {
      const isLive = !isFlinkOver(flinkStatusAt(stream, now));
      const stages: EmulatedFlinkJob['life'][number][] =
        what === 'ends'
          ? [{ from: now, state: 'job_finish' }]
          : [
              { from: now, state: 'job_submitting' },
              { from: now, state: 'job_running' },
            ];
      if (isLive || what === 'restarts') {
        stream.life = [...stream.life.filter(({ from }) => from < now), ...stages] as EmulatedFlinkJob['life'];
      }
    }
  }

  addFault(fault: Fault): void {
    tally.faults += 1;
    this.emulator.faults.add(fault);
  }

  statuses(): Record<string, string> {
    return Object.fromEntries([...truthOf(this.emulator, this.#serviceNow())].map(([id, { word }]) => [id, word]));
  }

  /** One sweep by a process of its own, held against the truth. @returns undefined if the process was killed. */
  async sweep(draft: SweepDraft): Promise<SweepReport | undefined> {
    tally.sweeps += 1;
    const life = new Life(draft.killAt);
    const isEmergency = draft.emergencyOlderThanMs !== undefined;
    const askedAt = this.#time.now - draft.askedMsAgo;
    const record = new Conversation(
      () => truthOf(this.emulator, this.#serviceNow()),
      // What began after an emergency was asked for is not what it was asked about.
      () => Math.min(this.#time.now, this.#serviceNow(), isEmergency ? askedAt : Number.POSITIVE_INFINITY),
      () => this.#time.now,
    );
    let requests = 0;
    const gate = await openGate(this.emulator.connection.url, life, {
      beforeRequest: (method, target, requestBody) => {
        this.#time.now += this.#latencyMs;
        requests += 1;
        for (const one of draft.surprises) if (one.atRequest === requests) this.#surprise(one);
        return record.before(method, target, requestBody);
      },
      afterAnswer: (exchange, before) => record.after(exchange, before),
    });
    const stop = new AbortController();
    const countForStop = () => {
      if (life.awaits >= draft.stopAt) stop.abort();
    };
    const clock: Clock = {
      now: () => this.#time.now,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted();
        await life.pass();
        countForStop();
        this.#time.now += ms;
      },
    };
    const { projectId, region, accessKeyId, secretAccessKey } = this.emulator.connection;
    if (draft.identity === 'IAM refuses') {
      this.emulator.faults.add({ on: 'show-project', answer: { status: 403, body: { error: { code: 403 } } } });
    }
    const log: SweepLog = createLog(() => {});
    const request: SweepRequest = {
      sweepId: 'sweep-1',
      trigger: isEmergency ? 'emergency' : 'manual',
      askedAt,
      target: 'lake',
      dryRun: draft.dryRun,
      maxKills: undefined,
      verifyForMs: MINUTE,
      reason: 'model',
      emergency:
        draft.emergencyOlderThanMs === undefined
          ? undefined
          : toEmergency({
              olderThan: draft.emergencyOlderThanMs,
              engine: ENGINE_NAMES.filter((engine) => !ENGINE_FACTS[engine].isLongByDesign),
              maxKills: this.#policy.maxKills,
            }),
    };
    const exemptions =
      this.#policy.exemptOwner === undefined
        ? []
        : [
            parseExemption({
              id: 'exempt',
              reason: 'model',
              owner: 'team',
              until: '2027-01-01',
              match: { owner: this.#policy.exemptOwner },
              ...(this.#policy.exemptFrom !== undefined && { from: timeOf(this.#policy.exemptFrom) }),
            }),
          ];
    const { freeze } = this.#policy;
    const freezes = freeze === undefined ? [] : [toFreeze(freeze)];
    const sweeping = sweep(request, {
      clock,
      random: () => 0.5,
      log,
      deadlineAt: this.#time.now + 10 * MINUTE,
      stop: stop.signal,
      sharedFor: createSharedStates(clock),
      loadCeilings: async () => {
        const { kills, allMayCancel } = this.#policy.ceilings;
        return { ...looseCeilings, killsPerSweep: kills, emergencyKills: kills, allMayCancel };
      },
      loadSettings: async () => {
        await life.pass();
        const { identity } = draft;
        const claims = identity === 'another target on it' ? [{ target: 'beach', projectId, shared: true }] : [];
        const stage = { name: 'prod', parameter: 'targets/lake', shared: false, readClaims: async () => claims };
        const name = identity === 'another name' ? 'emulator-1_beach' : region;
        return {
          stage: identity === undefined ? undefined : stage,
          target: {
            name: 'lake',
            endpoint: new URL(gate.url),
            projectId,
            projectName: identity === undefined || identity === 'no name' ? undefined : name,
            mode: identity === undefined ? undefined : 'live',
          },
          policy:
            request.emergency === undefined
              ? parsePolicy(toDocument(this.#policy))
              : emergencyPolicy(request.emergency, { exemptions: [] }),
          exemptions,
          freezes,
          credentials: { name: 'model', read: () => Promise.resolve({ accessKeyId, secretAccessKey }) },
          isSwitchedOn: draft.isSwitchedOn,
        };
      },
      beforeCancelling: async () => {
        await life.pass();
        countForStop();
      },
    });
    const ended = await Promise.race([
      life.death,
      sweeping.then(
        (report) => report,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      ),
    ]);
    await gate.close();

    tally.cancels += record.asked.size;
    const isCertain = draft.identity === undefined || draft.identity === 'certain';
    const isLet = isEmergency || mayGoLive(this.#policy);
    const isAsked = !draft.dryRun && draft.isSwitchedOn;
    const mayAct = isAsked && isCertain && isLet && Math.abs(this.#skewMs) <= 5 * MINUTE;
    record.expectLawful(this.#lawOf(request), {
      mayAct,
      expiresAt: askedAt + (isEmergency ? 10 * MINUTE : 30 * MINUTE),
    });
    if (ended === 'killed') {
      tally.kills += 1;
      return undefined;
    }
    if (ended instanceof Error) {
      // Nothing to report on is all that a sweep may throw, and then nothing was asked.
      expect([...record.asked.keys()]).toEqual([]);
      return undefined;
    }
    record.expectTrue(ended, truthOf(this.emulator, this.#serviceNow()));
    return ended;
  }

  #lawOf({ emergency }: SweepRequest): PolicyDraft {
    if (emergency === undefined) return this.#policy;
    const rules = emergency.engines.map(
      (engine): RuleDraft => ({
        id: `emergency-${engine}`,
        engines: [engine],
        match: 'all',
        limit: 'maxTotalTime',
        hours: emergency.olderThanMs / HOUR,
        action: 'cancel',
        victims: 'all',
      }),
    );
    return { ...this.#policy, rules, maxKillsPercent: 100, drain: false };
  }
}

/** What one process sent and was answered, with what DLI held at each moment. */
class Conversation {
  readonly #held: () => Map<string, Truth>;
  /** The instant that ages are counted to: the earliest that could be meant. */
  readonly #instant: () => number;
  readonly #now: () => number;
  /** When the first job was asked to stop, by our clock. */
  #firstAskedAt: number | undefined;
  /** What DLI held when the job was last read, by job id. */
  readonly #lastReading = new Map<string, { truth: Truth; at: number }[]>();
  /** The jobs of which a request to stop was refused for its rate. */
  readonly #turnedAway = new Set<string>();
  /** The words by which jobs were over when they were read: what has ended may be started anew before a sweep ends. */
  readonly #endsRead = new Map<string, Set<string>>();
  /** What DLI held at each reading before the first cancel. */
  readonly #listing: { truths: Truth[]; at: number }[] = [];
  /** The jobs that were asked to stop, with what DLI held when they were last read before that. */
  readonly asked = new Map<string, { readings: { truth: Truth; at: number }[]; accepted: boolean; times: number }>();

  constructor(held: () => Map<string, Truth>, instant: () => number, now: () => number) {
    this.#held = held;
    this.#instant = instant;
    this.#now = now;
  }

  /** @returns what DLI held then. */
  before(method: string, target: string, requestBody: string): ReadonlyMap<string, Truth> {
    for (const id of idsAsked(method, target, requestBody)) this.#ask(id);
    return this.#held();
  }

  #ask(id: string): void {
    this.#firstAskedAt ??= this.#now();
    const known = this.asked.get(id);
    if (known === undefined) {
      this.asked.set(id, { readings: this.#lastReading.get(id) ?? [], accepted: false, times: 1 });
    } else {
      known.times += 1;
    }
  }

  #turnAway(id: string): void {
    this.#turnedAway.add(id);
    const asked = this.asked.get(id);
    if (asked === undefined) return;
    asked.times -= 1;
    if (asked.times === 0) this.asked.delete(id);
  }

  after({ method, target, requestBody, status, body }: Exchange, before: ReadonlyMap<string, Truth>): void {
    const isAccepted = status >= 200 && status < 300;
    // What the gateway turns away for its rate never comes to DLI.
    const isTurnedAway = status === 429;
    for (const id of idsAsked(method, target, requestBody)) {
      if (isTurnedAway) this.#turnAway(id);
      if (isAccepted) this.#accept(id);
    }
    if (method !== 'GET') return;
    const at = this.#instant();
    const held = this.#held();
    if (this.asked.size === 0) this.#listing.push({ truths: [...held.values()], at });
    for (const id of idsIn(body)) {
      // A job may change in the middle of an answer; either moment is what DLI held.
      const truths = [before.get(id), held.get(id)].filter((truth) => truth !== undefined);
      for (const { state, word } of truths) if (state === 'over') this.#noteEnd(id, word);
      this.#lastReading.set(
        id,
        truths.map((truth) => ({ truth, at })),
      );
    }
  }

  #noteEnd(id: string, word: string): void {
    this.#endsRead.set(id, (this.#endsRead.get(id) ?? new Set()).add(word));
  }

  #accept(id: string): void {
    const asked = this.asked.get(id);
    if (asked !== undefined) asked.accepted = true;
  }

  /** No job is asked to stop that the policy, judged on what DLI held when it was last read, spares; and the caps hold. */
  expectLawful(policy: PolicyDraft, { mayAct, expiresAt }: { mayAct: boolean; expiresAt: number }): void {
    if (!mayAct) expect([...this.asked.keys()]).toEqual([]);
    expect(this.#firstAskedAt ?? 0).toBeLessThanOrEqual(expiresAt);
    const seen = this.#listing.flatMap(({ truths }) => truths);
    for (const [id, { readings }] of this.asked) {
      const reasons = readings.flatMap(({ truth, at }) =>
        this.#listing.map(({ truths, at: judgedAt }) =>
          whyNot(policy, truth, { others: truths, seen }, { now: at, judgedAt }),
        ),
      );
      expect({ id, whyNot: reasons.includes(undefined) ? undefined : (reasons[0] ?? 'it was never read') }).toEqual({
        id,
        whyNot: undefined,
      });
    }
    const ids = [...this.asked.keys()];
    expect(ids.length).toBeLessThanOrEqual(Math.min(policy.maxKills, policy.ceilings.kills));
    for (const engine of ENGINE_NAMES) {
      const most = Math.max(0, ...this.#listing.map(({ truths }) => mostKills(policy, engine, truths.filter(isAlive))));
      const asked = ids.filter((id) => this.asked.get(id)?.readings[0]?.truth.engine === engine);
      expect(asked.length).toBeLessThanOrEqual(most);
    }
  }

  /** Each job has one outcome, and none that DLI would deny. */
  expectTrue({ jobs, counts }: SweepReport, held: ReadonlyMap<string, Truth>): void {
    const ids = jobs.map(({ jobId: id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const { seen, cancelled, alreadyTerminal, unconfirmed, failed, skipped } = counts;
    const skips = Object.values(skipped).reduce((sum, count) => sum + count, 0);
    expect(cancelled + alreadyTerminal + unconfirmed + failed + skips).toBe(seen);
    for (const id of this.asked.keys()) expect(ids).toContain(id);

    for (const { jobId: id, outcome, status, endedBy } of jobs) {
      const truth = held.get(id);
      const asked = this.asked.get(id);
      const word = truth?.word ?? 'no such job';
      const wasOnce = (...ends: string[]) => ends.some((end) => end === word || this.#endsRead.get(id)?.has(end));
      const isAnotherRun = asked?.readings.every((read) => read.truth.runningSince !== truth?.runningSince) === true;
      const isDenied = (() => {
        switch (outcome) {
          case 'cancelled':
            if (asked === undefined) return 'it was not asked to stop';
            if (truth?.engine === 'spark') return wasOnce('dead') && asked.accepted ? undefined : word;
            return wasOnce('CANCELLED', 'job_cancel_success', 'job_init') ? undefined : word;
          case 'already-terminal':
            if (status === 'RESTARTED') return isAnotherRun ? undefined : word;
            // Here only an earlier sweep cancels anything else.
            if (endedBy === 'others' && !wasOnce('CANCELLED', 'job_cancel_success')) return word;
            return truth?.state === 'over' || this.#endsRead.has(id) ? undefined : word;
          case 'skipped':
            return asked === undefined ? undefined : 'it was asked to stop';
          case 'failed':
          case 'unconfirmed':
            return asked === undefined && !this.#turnedAway.has(id) ? 'it was not asked to stop' : undefined;
          default:
            return outcome satisfies never;
        }
      })();
      expect({ id, outcome, isDenied }).toEqual({ id, outcome, isDenied: undefined });
    }
  }
}

const isAlive = ({ state }: Truth): boolean => state === 'waiting' || state === 'running';

/** The ids of the jobs that a request is to stop. */
function idsAsked(method: string, target: string, requestBody: string): string[] {
  if (method === 'DELETE') return [target.split('/').at(-1) ?? ''];
  if (method !== 'POST') return [];
  return ((JSON.parse(requestBody) as { job_ids?: number[] }).job_ids ?? []).map(String);
}

/** The ids of the jobs that an answer tells of, whatever its form. */
function idsIn(body: string): string[] {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return [];
  }
  const {
    jobs,
    sessions,
    job_list: list,
    job_detail: detail,
    job_id: jobId_,
    id,
  } = document as Record<string, unknown>;
  const rows = [jobs, sessions, (list as { jobs?: unknown } | undefined)?.jobs].filter(Array.isArray).flat();
  return [...rows, detail, { job_id: jobId_, id }].flatMap((row) => {
    const { job_id: one, id: other } = (row ?? {}) as { job_id?: string | number; id?: string };
    const found = one ?? other;
    return found === undefined ? [] : [String(found)];
  });
}
