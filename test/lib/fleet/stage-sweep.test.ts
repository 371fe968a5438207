import { describe, expect, it } from 'vitest';
import { stageParameters } from '../../../emulator/aws/parameter-store.ts';
import { EMULATOR_PROJECT_ID } from '../../../emulator/server.ts';
import type { Clock } from '../../../lib/base/clock.ts';
import { createLog, type LogFields } from '../../../lib/base/log.ts';
import { createSharedStates } from '../../../lib/dli/shared-state.ts';
import { createStageSweep } from '../../../lib/fleet/stage-sweep.ts';
import type { ExpectedTarget } from '../../../lib/fleet/sweep-event.ts';
import { createRequest } from '../../../lib/request/request.ts';
import { ParameterValues } from '../../../lib/settings/parameter-store.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';
import type { LogLines } from '../../../lib/sweep/record/log-lines.ts';
import type { MetricValues } from '../../../lib/sweep/record/metrics.ts';
import { looseCeilings } from '../../helpers/ceilings.ts';
import { emulatedJob, MINUTE, makeWorld, NOW } from '../../helpers/world.ts';

const POLICY = { version: 1, mode: 'live', maxKillsPercent: 100, rules: [{ id: 'r', match: 'all', maxRunTime: '2h' }] };
const SWITCH = '/dli-reaper/dev/switch';
const TARGET = '/dli-reaper/dev/targets/default';
const AS_READ: ExpectedTarget = { policy: 'base', credentials: 'reaper', projectId: EMULATOR_PROJECT_ID };

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

/**
 * A stage with one overdue job, whose switch reads these values one after the other, and from then on the last; undefined
 * where it cannot be read.
 */
async function makeStage(readings: readonly (string | undefined)[], jobs = [emulatedJob(1)]) {
  const world = await makeWorld({ jobs });
  const parameters = stageParameters('dev', world.emulator.connection, POLICY);
  const asked: string[] = [];
  let calls = 0;
  const afterPath = new Map<string, () => void>();
  let looks = 0;
  const valuesOf = (names: readonly string[]) => {
    const values = new ParameterValues();
    for (const Name of names) values.add({ Name, Value: parameters[Name], Version: 1 });
    return values;
  };
  const metrics: MetricValues[] = [];
  const lines: { msg: string; fields: LogFields }[] = [];
  const clock: Clock = {
    now: world.clock.now,
    // The watch of the switch, which alone passes a signal, waits for its end: with a clock that jumps it would never rest.
    sleep: (ms, signal) => (signal === undefined ? world.clock.sleep(ms) : untilAborted(signal)),
  };
  const sweepTarget = createStageSweep({
    stage: 'dev',
    schedule: { expression: 'rate(15 minutes)', timeZone: 'UTC', periodMs: 15 * MINUTE },
    ceilings: looseCeilings,
    clock,
    random: () => 0.5,
    read: async (names) => {
      asked.push(...names);
      calls += 1;
      if (!names.includes(SWITCH)) return valuesOf(names);
      const value = readings[Math.min(looks++, readings.length - 1)];
      if (value === undefined) throw new SettingsError(SWITCH, 'cannot be read from Parameter Store (Throttled)');
      parameters[SWITCH] = value;
      return valuesOf(names);
    },
    readPath: async (path) => {
      asked.push(path);
      calls += 1;
      const values = valuesOf(Object.keys(parameters).filter((name) => name.startsWith(path)));
      afterPath.get(path)?.();
      return values;
    },
    readRecord: async () => [],
    sharedFor: createSharedStates(clock),
    writeMetrics: (values) => void metrics.push(values),
  });
  const sweepOnce = (expected?: ExpectedTarget) =>
    sweepTarget(createRequest({ target: 'default', dryRun: false, ...(expected && { trigger: 'schedule' }) }), {
      log: createLog<LogLines>((_, msg, fields) => void lines.push({ msg, fields: { ...fields } })),
      deadlineAt: NOW + 10 * MINUTE,
      onProject: () => {},
      expected,
    });
  const deletes = () => world.conversation().filter((line) => line.startsWith('DELETE'));
  const looksOf = () => asked.filter((name) => name === SWITCH).length;
  /** The calls of Parameter Store that a sweep makes. */
  const callsOf = async (expected?: ExpectedTarget) => {
    const before = calls;
    await sweepOnce(expected);
    return calls - before;
  };
  const once = (path: string, then: () => void) => void afterPath.set(path, then);
  return { sweepOnce, callsOf, once, metrics, lines, deletes, looksOf, asked, parameters };
}

describe('the sweep of a target of a stage', () => {
  it('reads the switch with the settings, and once more right before the first cancel', async () => {
    const stage = await makeStage(['run']);

    expect(await stage.sweepOnce()).toMatchObject({ status: 'ok', counts: { cancelled: 1 } });
    expect(stage.looksOf()).toBe(2);
    expect(stage.deletes()).toHaveLength(1);
  });

  it.each([
    { name: 'was stopped after the settings were read', readings: ['run', 'stop'], stopped: 0 },
    { name: 'cannot be read right before the first cancel', readings: ['run', undefined], stopped: 1 },
  ])('cancels nothing if the switch $name', async ({ readings, stopped }) => {
    const stage = await makeStage(readings);

    expect(await stage.sweepOnce()).toMatchObject({ status: 'stopped', counts: { cancelled: 0 } });
    expect(stage.metrics).toMatchObject([{ SweepsStopped: stopped }]);
    expect(stage.deletes()).toEqual([]);
  });

  it('takes a switch that cannot be read for off, warns of it, and still reports what is overdue', async () => {
    const stage = await makeStage([undefined]);

    expect(await stage.sweepOnce()).toMatchObject({ status: 'stopped', counts: { overdue: 1, cancelled: 0 } });
    expect(stage.lines.find(({ msg }) => msg === 'switch unreadable')?.fields).toMatchObject({
      parameter: SWITCH,
      error: expect.stringContaining('cannot be read from Parameter Store'),
    });
    expect(stage.deletes()).toEqual([]);
  });

  it('takes one call of Parameter Store for a tick without a victim, and two for what the sweeps of a minute share', async () => {
    const stage = await makeStage(['run'], []);

    expect(await stage.callsOf(AS_READ)).toBe(3);
    expect(await stage.callsOf(AS_READ)).toBe(1);
    expect(await stage.callsOf({ ...AS_READ, policy: 'old' })).toBe(2);
  });

  it('takes three more before the first cancel: the switch, exemptions and freezes', async () => {
    const stage = await makeStage(['run']);

    expect(await stage.callsOf(AS_READ)).toBe(3 + 3);
    expect(stage.deletes()).toHaveLength(1);
  });

  it('looks whether another target is on its project, unless the dispatch of its tick has seen this project', async () => {
    const stage = await makeStage(['run']);
    const other = { ...(JSON.parse(stage.parameters[TARGET] ?? '') as object), region: 'region-1' };
    stage.parameters['/dli-reaper/dev/targets/other'] = JSON.stringify(other);
    const looks = () => stage.asked.filter((name) => name === '/dli-reaper/dev/targets/').length;

    expect(await stage.sweepOnce(AS_READ)).toMatchObject({ counts: { cancelled: 1 } });
    expect(looks()).toBe(0);
    expect(await stage.sweepOnce({ ...AS_READ, projectId: 'before' })).toMatchObject({ stoppedBy: 'identity' });
    expect(await stage.sweepOnce()).toMatchObject({ stoppedBy: 'identity' });
    expect(looks()).toBe(1);
  });

  it('by hand reads exemptions and freezes anew, since the person may have written one a moment ago', async () => {
    const stage = await makeStage(['run'], []);
    const reads = () => stage.asked.filter((name) => name === '/dli-reaper/dev/exemptions/').length;

    await stage.sweepOnce(AS_READ);
    await stage.sweepOnce(AS_READ);
    expect(reads()).toBe(1);
    await stage.sweepOnce();
    await stage.sweepOnce();
    expect(reads()).toBe(3);
  });

  it('spares the job of an exemption that was written while its jobs were listed', async () => {
    const stage = await makeStage(['run']);
    const late = { id: 'late', reason: 'closing', owner: 'team', until: '2099-01-01', match: { owner: 'ana' } };
    stage.once('/dli-reaper/dev/targets/', () => {
      stage.parameters['/dli-reaper/dev/exemptions/late'] = JSON.stringify(late);
    });

    expect(await stage.sweepOnce()).toMatchObject({ counts: { cancelled: 0, skipped: { exempt: 1 } } });
    expect(stage.deletes()).toEqual([]);
  });

  it('reads the list of targets once for the sweeps of a minute', async () => {
    const stage = await makeStage(['run']);

    await stage.sweepOnce();
    await stage.sweepOnce();

    expect(stage.asked.filter((name) => name === '/dli-reaper/dev/targets/')).toHaveLength(1);
    expect(stage.asked.filter((name) => name === '/dli-reaper/dev/targets/default')).toHaveLength(2);
  });
});
