import { describe, expect, it, onTestFinished } from 'vitest';
import { watchAws } from '../../../cli/screen/aws-waits.ts';
import { showProgress } from '../../../cli/screen/progress.ts';
import { createWaitWatch, noteWait, showWaitLines, startWaits, TICK_MS } from '../../../cli/screen/waits.ts';
import type { Wait } from '../../../lib/http/waits.ts';
import { handClock } from '../../helpers/hand-clock.ts';
import { startStage } from '../../helpers/start-stage.ts';

const HOST = 'dli.eu-west-101.example';
const wait = (changes: Partial<Wait> = {}): Wait => ({
  for: 'answer',
  host: HOST,
  operation: 'list RUNNING jobs, page 1',
  attempt: 1,
  maxAttempts: 4,
  ...changes,
});

/** A watch, and what it says after so many seconds. */
function start() {
  const { note, tick } = createWaitWatch();
  const saysAfter = (seconds: number) => {
    let words: string | undefined;
    for (let ms = 0; ms < seconds * 1_000; ms += TICK_MS) words = tick();
    return words;
  };
  return { note, saysAfter };
}

describe('what is waited for', () => {
  it('is named after three seconds: host, call and attempt', () => {
    const { note, saysAfter } = start();

    note({}, wait());

    expect(saysAfter(2.5)).toBeUndefined();
    expect(saysAfter(0.5)).toBe(`waiting 3 s for ${HOST}, list RUNNING jobs, page 1, attempt 1 of 4`);
    expect(saysAfter(61)).toContain('waiting 64 s for ');
  });

  it('is still the same call in the pause before an attempt, and in the attempt', () => {
    const { note, saysAfter } = start();
    const call = {};

    note(call, wait());
    saysAfter(5);
    note(call, wait({ for: 'retry', attempt: 2 }));

    expect(saysAfter(1)).toBe(`waiting 6 s for ${HOST}, list RUNNING jobs, page 1, before attempt 2 of 4`);
    note(call, wait({ for: 'turn', attempt: 2 }));
    note(call, wait({ attempt: 2 }));
    expect(saysAfter(1)).toBe(`waiting 7 s for ${HOST}, list RUNNING jobs, page 1, attempt 2 of 4`);
  });

  it('is the call that hangs, however many others are answered', () => {
    const { note, saysAfter } = start();

    note({}, wait({ operation: 'cancel job 1' }));
    for (let n = 0; n < 5; n++) {
      const other = {};
      note(other, wait());
      saysAfter(1);
      note(other, 'answered');
    }

    expect(saysAfter(1)).toBe(`waiting 6 s for ${HOST}, cancel job 1, attempt 1 of 4`);
  });

  it('is the limit of DLI while calls wait in line and none is answered', () => {
    const { note, saysAfter } = start();
    const [first, second] = [{}, {}];
    const turn = wait({ for: 'turn', callsPerMinute: () => 10 });

    note(first, turn);
    note(second, turn);

    expect(saysAfter(3)).toBe(
      'waiting 3 s for the limit of DLI, about 10 calls a minute, list RUNNING jobs, page 1, attempt 1 of 4',
    );
    note(first, wait());
    note(first, 'answered');
    expect(saysAfter(2.5)).toBeUndefined();
    expect(saysAfter(0.5)).toContain('waiting 3 s for the limit of DLI');
  });

  it('is named at once in a second attempt that is a call of its own, as those of the AWS SDK are', () => {
    const { note, saysAfter } = start();
    const [first, second] = [{}, {}];

    note(first, wait());
    saysAfter(4.5);
    note(first, 'failed');
    saysAfter(0.5);
    note(second, wait({ attempt: 2 }));

    expect(saysAfter(0.5)).toContain('waiting 5 s for ');
  });

  it('is nothing after the answer, and after a pause without calls', () => {
    const { note, saysAfter } = start();
    const call = {};

    note(call, wait());
    saysAfter(10);
    note(call, 'answered');
    expect(saysAfter(60)).toBeUndefined();
    note({}, wait());

    expect(saysAfter(2.5)).toBeUndefined();
  });

  it('cannot move the cursor', () => {
    const { note, saysAfter } = start();

    note({}, wait({ host: 'a\u001b[2Jb\rc' }));

    expect(saysAfter(3)).toContain('for ab�c, ');
  });
});

describe('lines about a wait', () => {
  it('come after 3 s and then at growing intervals, and a new wait is named as soon as the first', () => {
    const lines: string[] = [];
    const display = showWaitLines((text) => lines.push(text));
    const { note, tick } = createWaitWatch();
    const seconds = (count: number) => {
      for (let ms = 0; ms < count * 1_000; ms += TICK_MS) display.tick(tick());
    };
    const times = () => lines.splice(0).map((line) => Number(/^Waiting (\d+) s for /.exec(line)?.[1]));
    const call = {};

    note(call, wait());
    seconds(240);
    expect(times()).toEqual([3, 6, 12, 24, 48, 96, 156, 216]);

    note(call, 'answered');
    seconds(120);
    expect(lines).toEqual([]);

    note({}, wait());
    seconds(7);
    expect(times()).toEqual([3, 6]);
  });
});

/** The waits of a verb, by a clock that the test moves on. */
function startVerb({
  quiet = false,
  flags = {},
}: {
  quiet?: boolean;
  flags?: { json?: boolean; verbose?: boolean };
} = {}) {
  const clock = handClock();
  const lines: string[] = [];
  const err = (text: string) => void lines.push(text);
  const endWaits = startWaits({ err }, { quiet }, clock);
  const progress = showProgress({ ...flags, quiet }, { err }, clock);
  const end = () => {
    progress.end();
    endWaits();
  };
  onTestFinished(end);
  return { lines, progress, seconds: (count: number) => clock.pass(count * 1_000, TICK_MS), end };
}

const WAITING = `Waiting 3 s for ${HOST}, list RUNNING jobs, page 1, attempt 1 of 4\n`;

describe('a verb whose stderr is a pipe', () => {
  it('says what it waits for, and nothing with --quiet', async () => {
    const loud = startVerb();
    noteWait({}, wait());
    await loud.seconds(3);
    expect(loud.lines).toEqual([WAITING]);
    loud.end();

    const quiet = startVerb({ quiet: true });
    noteWait({}, wait());
    await quiet.seconds(60);
    expect(quiet.lines).toEqual([]);
  });

  it.each([{ json: true }, { verbose: true }])('says it with %j too, where no progress is shown', async (flags) => {
    const { lines, progress, seconds } = startVerb({ flags });

    progress.show({ stage: 'listing', done: 1 });
    noteWait({}, wait());
    await seconds(3);

    expect(lines).toEqual([WAITING]);
  });

  it('repeats how far it is while calls are answered, at growing intervals', async () => {
    const { lines, progress, seconds } = startVerb();

    for (let done = 1; done <= 30; done++) {
      progress.show({ stage: 'listing', done, callsPerMinute: 60 });
      await seconds(1);
    }

    expect(lines).toEqual([
      'Listing; DLI allows about 60 calls a minute\n',
      'Listing, 3 calls; DLI allows about 60 calls a minute\n',
      'Listing, 9 calls; DLI allows about 60 calls a minute\n',
      'Listing, 21 calls; DLI allows about 60 calls a minute\n',
    ]);
  });

  it('says nothing more once it is over', async () => {
    const { lines, seconds, end } = startVerb();

    noteWait({}, wait());
    end();
    await seconds(10);

    expect(lines).toEqual([]);
  });
});

describe('the calls of the AWS SDK', () => {
  it('are seen as they begin and end, with host, operation and attempt', async (context) => {
    const { aws, run } = await startStage(context);
    const seen: string[] = [];
    const { host } = new URL(aws.env.AWS_ENDPOINT_URL);
    const end = watchAws((_, news) => void seen.push(typeof news === 'string' ? news : wordsOf(news)));
    onTestFinished(end);

    await run('plan', '--target', 'default');

    expect(seen).toContain(`${host} GetParameters 1/3`);
    expect(seen).toContain(`${host} GET /2015-03-31/functions/dli-job-reaper-dev-sweep/configuration 1/2`);
    expect(seen.filter((line) => line === 'answered')).toHaveLength(seen.length / 2);
  });
});

const wordsOf = ({ host, operation, attempt, maxAttempts }: Wait) => `${host} ${operation} ${attempt}/${maxAttempts}`;
