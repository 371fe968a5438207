import { readFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { toJobDocument } from '../../../cli/snapshot/document.ts';
import { readPolicyText } from '../../../cli/source/policy-file.ts';
import type { EmulatorOptions } from '../../../emulator/server.ts';
import type { EmulatedJob } from '../../../emulator/sql/jobs.ts';
import { jsonOf } from '../../../lib/base/json-text.ts';
import { emulatedBatch } from '../../helpers/emulated-api.ts';
import { makeJob } from '../../helpers/make-job.ts';
import { keysOf, makeFolder, runHere, startService } from '../../helpers/run-cli.ts';
import { emulatedJob, HOUR, jobId, MINUTE, NOW } from '../../helpers/world.ts';

const writeFile = makeFolder();

interface Ended extends Partial<EmulatedJob> {
  /** How many jobs, one each hour, the last of them two days ago by default. */
  jobs: number;
  takesMs: number;
  /** How long ago the last was submitted. */
  lastAgoMs?: number;
}

let last = 0;

/** Jobs that are over, by the machine's own clock. */
function ended({ jobs, takesMs, lastAgoMs = 48.5 * HOUR, ...fields }: Ended): EmulatedJob[] {
  const end = Date.now() - lastAgoMs + HOUR;
  return Array.from({ length: jobs }, (_, i) => {
    const submittedAt = end - (jobs - i) * HOUR;
    last += 1;
    return emulatedJob(last, {
      statement: 'select secret from salaries',
      submittedAt,
      runsFrom: submittedAt + 1_000,
      endsAt: submittedAt + takesMs,
      ...fields,
    });
  });
}

/** The text of a complete history with sixty jobs of each kind. */
function historyOf(...kinds: { owner?: string; queue?: string; takesMs: number; everyMs?: number }[]): string {
  const jobs = kinds.flatMap(({ takesMs, everyMs = 3 * HOUR, ...names }) =>
    Array.from({ length: 60 }, (_, i) => {
      last += 1;
      const startedAt = NOW - (60 - i) * everyMs;
      const since = { running: startedAt, waiting: startedAt, submitted: startedAt };
      const job = makeJob({ id: jobId(last), state: 'finished', status: 'FINISHED', startedAt, since, ...names });
      return { ...toJobDocument(job, { withStatements: false }), endedAt: startedAt + takesMs };
    }),
  );
  const header = { version: 1, target: 'lake', project: null, until: NOW, since: null };
  return [header, ...jobs, { read: { places: [], gaps: [] } }].map((line) => `${jsonOf(line)}\n`).join('');
}

async function start(context: TestContext, options: Partial<EmulatorOptions> & { jobs: EmulatedJob[] }) {
  const { emulator } = await startService(context, '', options);
  const { url, projectId } = emulator.connection;
  return {
    emulator,
    suggest: (...more: string[]) =>
      runHere(['suggest', '--endpoint', url, '--project-id', projectId, ...more], keysOf(emulator.connection)),
  };
}

/** The comments of a text, as one line. */
const commentsOf = (yaml: string) =>
  yaml
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('#'))
    .map((line) => line.slice(1).trim())
    .join(' ');

describe('dli-reaper suggest', () => {
  it('prints a policy that validate accepts, and that only logs, with the reason for each line', async (context) => {
    const { suggest } = await start(context, {
      jobs: [
        ...ended({ jobs: 100, takesMs: 20 * MINUTE }),
        ...ended({ jobs: 60, takesMs: 10 * MINUTE, owner: 'bo' }),
        ...ended({ jobs: 60, takesMs: 4 * HOUR, owner: 'closing' }),
        ...ended({ jobs: 3, takesMs: 24 * HOUR, timeoutMs: 5 * HOUR }),
        ...ended({ jobs: 4, takesMs: HOUR, endsAs: 'FAILED' }),
        ...ended({ jobs: 40, takesMs: 5_000, queue: 'etl', type: 'INSERT' }),
        ...ended({ jobs: 7, takesMs: HOUR, queue: 'rare' }),
        ...ended({ jobs: 2, takesMs: HOUR, type: 'RESTART_QUEUE' }),
      ],
    });

    const { exitCode, stdout, stderr } = await suggest();

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const path = writeFile('suggested.yml', stdout);
    expect(await runHere(['validate', path])).toMatchObject({
      exitCode: 0,
      stdout: `${path} is valid: mode dry-run, 3 rules, 0 exemptions\n`,
    });
    expect(readPolicyText(stdout, path).document).toEqual({
      version: 1,
      mode: 'dry-run',
      rules: [
        {
          id: 'adhoc-query',
          match: { queue: 'adhoc', jobType: 'QUERY' },
          ignore: { owner: ['closing'] },
          maxTotalTime: '30m',
          action: 'log',
        },
        {
          id: 'adhoc-query-closing',
          match: { queue: 'adhoc', jobType: 'QUERY', owner: 'closing' },
          maxTotalTime: '6h',
          action: 'log',
        },
        { id: 'etl-insert', match: { queue: 'etl', jobType: 'INSERT' }, maxTotalTime: '30m', action: 'log' },
      ],
    });
    const comments = commentsOf(stdout);
    for (const words of [
      'Seen: 276 jobs of project',
      '2 of them are of types for which there is no suggestion.',
      'queue rare, QUERY: 7 jobs finished well; fewer than 30 say too little.',
      'so each limit is maxTotalTime',
      'dli-reaper backtest --policy FILE',
      '160 jobs finished well: half of them within 20m, the longest after 20m. 7 other jobs did not',
      'Without the jobs of closing',
      'Own rule: closing needs at least twice the limit of the other owners.',
      'Limit: 6h is 1.5 times the longest job that it was learned from, 4h, rounded up.',
      'Limit: 30m, the shortest that is suggested.',
      'Checked: learned from the older 28, tried on the newer 12. Over it were 0 of 12: fewer than 1 in 4, with 95 % certainty.',
      'Near or over 30m, the longest of them 5h1m old: 3 cancelled. How long they need is not known: at least so long.',
    ]) {
      expect(comments).toContain(words);
    }
  });

  it('says that a limit was raised, and that it was tried on none', async (context) => {
    const { suggest } = await start(context, {
      jobs: [...ended({ jobs: 48, takesMs: MINUTE, lastAgoMs: 72 * HOUR }), ...ended({ jobs: 2, takesMs: 2 * HOUR })],
    });

    const { stdout } = await suggest();

    expect(stdout).toMatch(/maxTotalTime: 3h/);
    expect(commentsOf(stdout)).toContain(
      'Checked: of the 15 newer jobs, 2 took longer than 30m, the limit learned from the older ones. So this one was learned from all 50, and tried on none.',
    );
  });

  it('shows no SQL, and keeps none in its file', async (context) => {
    const { suggest } = await start(context, { jobs: ended({ jobs: 40, takesMs: HOUR }) });
    const file = writeFile('sql/about.txt', '').replace('about.txt', 'past.json');

    const text = await suggest('--history', file);
    const json = await suggest('--json');

    for (const output of [text.stdout, text.stderr, json.stdout, json.stderr, readFileSync(file, 'utf8')]) {
      expect(output).not.toMatch(/salaries|secret/);
    }
  });

  it('needs neither flags nor a key for a file that is complete', async (context) => {
    const { emulator, suggest } = await start(context, { jobs: ended({ jobs: 40, takesMs: HOUR }) });
    const file = writeFile('whole/about.txt', '').replace('about.txt', 'past.json');

    const first = await suggest('--history', file);
    const calls = emulator.requests.length;
    const again = await runHere(['suggest', '--history', file]);

    expect(first.exitCode).toBe(0);
    expect(again).toEqual(first);
    expect(emulator.requests.length).toBe(calls);
    expect(emulator.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('ends with 4 if the calls run out, prints the policy all the same, and says so in its head', async (context) => {
    const { suggest } = await start(context, { jobs: ended({ jobs: 150, takesMs: HOUR }) });
    const file = writeFile('part/about.txt', '').replace('about.txt', 'past.json');

    const part = await suggest('--history', file, '--max-calls', '1');
    const json = await suggest('--json', '--max-calls', '1');
    const rest = await suggest('--history', file);

    const why = 'SQL jobs and Spark batches were not read to the end, after 1 call, the most that were allowed';
    expect(part.exitCode).toBe(4);
    expect(part.stderr).toContain(`Not complete: ${why}`);
    expect(commentsOf(part.stdout)).toContain(`NOT COMPLETE: ${why}`);
    expect(part.stdout).toContain('- id: adhoc-query\n');
    expect(json.exitCode).toBe(4);
    expect(JSON.parse(json.stdout)).toMatchObject({
      jobs: 100,
      gaps: expect.arrayContaining([expect.stringContaining(why)]),
    });
    expect(rest).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('Seen: 150 jobs') });
  });

  it('prints no file that looks like a policy if nothing can be suggested, and says why', async (context) => {
    const { suggest } = await start(context, {
      jobs: [
        ...ended({ jobs: 12, takesMs: HOUR }),
        ...ended({ jobs: 40, takesMs: 11 * HOUR, queue: 'long' }),
        ...ended({ jobs: 1, takesMs: HOUR, type: 'SCALE_QUEUE' }),
      ],
    });

    const none = await suggest();
    const json = await suggest('--json');

    expect(none).toEqual({
      exitCode: 0,
      stdout: '',
      stderr:
        'Nothing can be suggested from 53 jobs, 1 of them of types for which there is no suggestion.\n' +
        '- queue adhoc, QUERY: 12 jobs finished well; fewer than 30 say too little\n' +
        '- queue long, QUERY: the longest job that finished well took 11h, and DLI itself cancels after 12h by default, so a limit with room would never be reached\n',
    });
    expect(json).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      suggestions: [],
      withoutSuggestion: [{ reason: 'few-jobs' }, { reason: 'dli-limit', longestMs: 11 * HOUR }],
    });
  });

  it('has the same facts as one JSON document', async (context) => {
    const now = Date.now();
    const { suggest } = await start(context, {
      jobs: ended({ jobs: 100, takesMs: 20 * MINUTE }),
      sparkJobs: Array.from({ length: 40 }, (_, i) => {
        const createdAt = now - (100 - i) * HOUR;
        const plan = { createdAt, runsFrom: createdAt, endsAt: createdAt + 20 * HOUR };
        return emulatedBatch(1_000 + i, { queue: 'gen', plan });
      }),
    });

    const { exitCode, stdout } = await suggest('--json');

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'suggestion',
      jobs: 140,
      unreadable: 0,
      gaps: [],
      withoutSuggestion: [],
      suggestions: [
        {
          id: 'gen-spark',
          engine: 'spark',
          jobType: null,
          limitMs: 36 * HOUR,
          rule: { id: 'gen-spark', engines: ['spark'], match: { queue: 'gen' }, maxTotalTime: '1d12h', action: 'log' },
        },
        {
          id: 'adhoc-query',
          engine: 'sql',
          queue: 'adhoc',
          jobType: 'QUERY',
          owner: null,
          owns: null,
          usualMs: 20 * MINUTE,
          longestMs: 20 * MINUTE,
          limitMs: 30 * MINUTE,
          jobCounts: { finished: 100, cancelled: 0 },
          check: { learnedOn: 70, learnedFromMs: 20 * MINUTE, triedOn: 30, oneIn: 10, raised: null },
        },
      ],
    });
  });

  it('reads only so many days', async (context) => {
    const { suggest } = await start(context, { jobs: ended({ jobs: 100, takesMs: HOUR }) });

    const { stdout } = await suggest('--days', '4', '--json');

    const { jobs } = JSON.parse(stdout) as { jobs: number };
    expect(jobs).toBe(48);
  });

  it('takes no policy, since it makes one', async () => {
    expect(await runHere(['suggest', '--policy', 'policy.yml'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("unknown option '--policy'"),
    });
  });

  it('marks the rule of a queue whose jobs have seen no month end', async () => {
    const kinds = [{ takesMs: MINUTE }, { takesMs: MINUTE, queue: 'young', everyMs: MINUTE }];
    const file = writeFile('young.json', historyOf(...kinds));

    const { stdout } = await runHere(['suggest', '--history', file]);

    expect(commentsOf(stdout)).toContain('This time holds a month end.');
    expect(stdout).toContain(
      '# - NO MONTH END SEEN: the first of these jobs was submitted on 2026-01-05.\n  - id: young-query\n',
    );
    expect(stdout.match(/NO MONTH END SEEN/g)).toHaveLength(1);
  });

  it.each(['yes', 'null', 'ana: bo', '# ana', "o'neil", '- ana', '{ana}', '张伟'])(
    'names the owner %s alone, in a rule that YAML reads as it was meant',
    async (owner) => {
      const file = writeFile(
        'odd-owner.json',
        historyOf({ owner, takesMs: 4 * HOUR }, { owner: 'bo', takesMs: MINUTE }),
      );

      const { stdout } = await runHere(['suggest', '--history', file]);

      const { policy } = readPolicyText(stdout, 'suggested.yml');
      const texts = policy.rules.map(({ match, ignore }) => [
        match === 'all' ? [] : match.owner?.map(({ text }) => text),
        ignore?.owner?.map(({ text }) => text),
      ]);
      expect(texts).toEqual([
        [undefined, [owner]],
        [[owner], undefined],
      ]);
    },
  );

  it.each([
    { queue: 'adhoc\nmode: live' },
    { queue: 'adhoc\u2028mode: live' },
    { queue: 'adhoc\r\nmode: live' },
    { owner: 'ana\nmode: live' },
    { owner: 'ana\u0085mode: live' },
  ])('lets no name leave its comment: %j', async (name) => {
    const file = writeFile(
      'odd-name.json',
      historyOf({ takesMs: 4 * HOUR, ...name }, { owner: 'bo', takesMs: MINUTE }),
    );

    const { stdout } = await runHere(['suggest', '--history', file]);

    const { policy } = readPolicyText(stdout, 'suggested.yml');
    expect(policy.mode).toBe('dry-run');
    expect(stdout.split('\n').filter((line) => line.includes('live') && !line.trimStart().startsWith('#'))).toEqual([]);
    expect(policy.rules.every(({ action }) => action === 'log')).toBe(true);
  });
});
