import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseXML } from '@aws-sdk/xml-builder';
import { describe, expect, it } from 'vitest';
import { makeFolder, runCli, runHere } from '../../helpers/run-cli.ts';

const writeFile = makeFolder();
let count = 0;

const POLICY = `version: 1
maxKills: 3
maxKillsPercent: 100
rules:
  - id: adhoc-2h
    match: {queue: adhoc}
    ignore: {tag: keep=true}
    maxRunTime: 2h
    warnBefore: 30m
  - {id: line-1h, match: {status: LAUNCHING}, maxQueueTime: 1h, action: warn}
  - {id: writes-6h, match: {jobType: INSERT, queue: etl}, maxRunTime: 6h}
  - {id: exports-1h, match: {jobType: EXPORT, database: sales}, maxRunTime: 1h, action: log}
  - {id: storm, match: {queue: bi_*, statement: /from sales/i}, maxTotalTime: 15m, groupBy: fingerprint, keep: {oldest: 1}}
  - {id: batches-6h, engines: [spark], match: {name: etl-*}, maxTotalTime: 6h}
  - {id: streams-1d, engines: [flink], match: {queue: dev}, maxRunTime: 1d}
exemptions:
  - {id: backfill, match: {owner: orders}, reason: one more night, owner: orders-team, until: 2026-01-05}
  - {id: that-one, match: {jobId: 5b3c9f54-0000-4000-8000-00000000abcd}, reason: known, owner: ana, until: 2026-02-01}
freezes:
  - {id: month-end, match: {queue: finance}, reason: the books, from: 2026-01-31, until: 2026-01-31}
`;

/** Runs the tests of a file that lies beside the policy, and shows names of files without their folder. */
async function runTests(tests: string, { flags = [], policy = POLICY }: { flags?: string[]; policy?: string } = {}) {
  count += 1;
  writeFile(`${count}/policy.yml`, policy);
  const text = tests.startsWith('policy') ? tests : `policy: policy.yml\nnow: 2026-01-05T09:00:00Z\ntests:\n${tests}`;
  const path = writeFile(`${count}/p.test.yml`, text);
  const { exitCode, stdout, stderr } = await runHere(['test', path, ...flags]);
  const folder = join(path, '..', '/');
  return { exitCode, stdout: stdout.replaceAll(folder, ''), stderr: stderr.replaceAll(folder, ''), path };
}

describe('docs/policy-tests.md', () => {
  it('shows a file of tests, and what comes of it', async () => {
    const page = readFileSync(new URL('../../../docs/policy-tests.md', import.meta.url), 'utf8');
    const [, tests = ''] = /^```yaml\n# policy\.test\.yml\n(.*?)^```$/ms.exec(page) ?? [];
    const [, screen = ''] =
      /^```\n\$ dli-reaper test policy\.test\.yml\npolicy\.test\.yml\n(.*?)^```$/ms.exec(page) ?? [];
    const { exitCode, stdout } = await runTests(tests, { policy: POLICY.replace('maxKills: 3', 'maxKills: 20') });

    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `p.test.yml\n${screen}` });
  });
});

describe('dli-reaper test', () => {
  it('passes, and shows one line for each test', async () => {
    expect(
      await runTests(`
  - name: a query may run for two hours
    jobs:
      - {queue: adhoc, running: 2h, expect: keep}
      - {queue: adhoc, running: 2h1s, expect: cancel}
  - {name: no jobs, jobs: []}
`),
    ).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: 'p.test.yml\n  ✓ a query may run for two hours\n  ✓ no jobs\n\n2 tests in 1 file: 2 passed, 0 failed\n',
    });
  });

  it('ends with 3 if a test fails, and shows what was expected, what came, and why', async () => {
    const { exitCode, stdout, stderr } = await runTests(`
  - {name: fine, jobs: [{queue: adhoc, running: 3h, expect: cancel}]}
  - name: writes are spared
    jobs:
      - {queue: adhoc, jobType: INSERT, running: 3h}
      - {queue: adhoc, owner: ana, running: 3h, expect: {verdict: keep, reason: exempt}}
`);

    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        '  ✓ fine',
        '  ✗ writes are spared',
        '    p.test.yml:9:49, at 2026-01-05T09:00:00.000Z',
        '      expected  keep, reason exempt',
        '      found     cancel, reason over-limit, rule adhoc-2h',
        '      Job 00000000-0000-4000-8000-000000000002, sql QUERY on adhoc by ana, RUNNING',
        '      Rule adhoc-2h: cancel',
        '        limit   maxRunTime 2h: 3h',
        '      Verdict: cancel, by rule adhoc-2h: 1h over maxRunTime 2h',
        '2 tests in 1 file: 1 passed, 1 failed',
      ]),
    );
    expect(stdout.match(/expected/g)).toHaveLength(1);
  });

  it('fails if a job is cancelled that no line expects to be', async () => {
    const { exitCode, stdout } = await runTests('  - {name: quiet, jobs: [{queue: adhoc, running: 3h, count: 2}]}');

    expect(exitCode).toBe(3);
    expect(stdout).toContain(
      'p.test.yml:4:26, at 2026-01-05T09:00:00.000Z\n' +
        '      expected  not cancelled, since the job has no expect\n' +
        '      found     cancel, reason over-limit, rule adhoc-2h (2 of 2 jobs)\n',
    );
  });

  it('does not fail for a job without an expectation that a rule only warns of', async () => {
    expect(await runTests('  - {name: quiet, jobs: [{waiting: 3h}]}')).toMatchObject({ exitCode: 0 });
  });

  it.each([
    { job: '{queue: adhoc, running: 3h}', expected: '{verdict: cancel, rule: adhoc-2h, reason: over-limit}' },
    { job: '{queue: adhoc}', expected: '{verdict: keep, reason: within-limit, rule: adhoc-2h}' },
    { job: '{running: 9h}', expected: '{verdict: keep, reason: no-rule}' },
    { job: '{queue: adhoc, waiting: 30m}', expected: '{verdict: keep, reason: queued}' },
    { job: '{queue: adhoc, waiting: 3h}', expected: '{verdict: warn, rule: line-1h}' },
    { job: '{queue: adhoc, jobType: INSERT, running: 9h}', expected: '{verdict: keep, reason: protected}' },
    { job: '{queue: adhoc, jobType: null, running: 9h}', expected: '{verdict: keep, reason: undetermined}' },
    { job: '{queue: adhoc, jobType: SCALE_QUEUE, running: 9h}', expected: '{verdict: keep, reason: protected}' },
    { job: '{queue: adhoc, status: HIBERNATING, running: 9h}', expected: '{verdict: keep, reason: undetermined}' },
    { job: '{queue: adhoc, status: FINISHED, running: 9h}', expected: '{verdict: keep, reason: terminal}' },
    { job: '{queue: adhoc, running: null}', expected: '{verdict: keep, reason: undetermined}' },
    { job: '{queue: null, running: 9h}', expected: '{verdict: keep, reason: undetermined}' },
    { job: '{queue: adhoc, tag: keep=true, running: 9h}', expected: '{verdict: keep, reason: ignored}' },
    { job: '{queue: adhoc, tag: [a=b=c, keep=false], running: 9h}', expected: 'cancel' },
    { job: '{queue: adhoc, owner: orders, running: 9h}', expected: '{reason: exempt, rule: backfill}' },
    { job: '{queue: adhoc, owner: null, running: 9h}', expected: '{verdict: keep, reason: undetermined}' },
    {
      job: '{id: 5b3c9f54-0000-4000-8000-00000000abcd, queue: adhoc, running: 9h}',
      expected: '{reason: exempt, rule: that-one}',
    },
    { job: '{queue: etl, jobType: INSERT, running: 7h}', expected: '{verdict: cancel, rule: writes-6h}' },
    { job: '{jobType: EXPORT, database: sales, running: 2h}', expected: '{verdict: log, rule: exports-1h}' },
    { job: '{queue: adhoc, running: 100m}', expected: '{verdict: keep, warned: true}' },
    { job: '{queue: adhoc, running: 80m}', expected: '{verdict: keep, warned: false}' },
    { job: '{engine: spark, name: etl-orders, running: 7h}', expected: '{verdict: cancel, rule: batches-6h}' },
    { job: '{engine: spark, name: etl-orders, waiting: 7h}', expected: '{verdict: cancel, rule: batches-6h}' },
    { job: '{engine: spark, status: dead, name: etl-orders, running: 7h}', expected: '{reason: terminal}' },
    { job: '{engine: spark, running: 7h}', expected: '{verdict: keep, reason: no-rule}' },
    { job: '{engine: flink, queue: dev, running: 25h}', expected: '{verdict: cancel, rule: streams-1d}' },
    { job: '{engine: flink, queue: dev, running: 25h, changed: 5h}', expected: '{reason: asked-recently}' },
    { job: '{engine: flink, queue: dev, running: 25h, changed: 7h}', expected: 'cancel' },
    { job: '{engine: flink, queue: dev, status: job_savepointing, running: 25h}', expected: '{reason: stopping}' },
    { job: '{engine: flink, queue: dev, jobType: flink_jar_job, running: 25h}', expected: 'cancel' },
  ])('judges $job', async ({ job, expected }) => {
    const written = job.replace(/}$/, job === '{}' ? '}' : `, expect: ${expected}}`);
    const { stdout } = await runTests(`  - {name: one, jobs: [${written}]}`);

    expect(stdout).toContain('1 passed, 0 failed');
  });

  it("knows a job's own tags, which Flink's lists do not show", async () => {
    const { stdout } = await runTests(
      `
  - name: tags
    jobs:
      - {queue: adhoc, tag: reaper:ttl=12h, running: 9h, expect: {reason: exempt, rule: tag}}
      - {engine: flink, queue: dev, running: 25h, expect: {verdict: keep, reason: undetermined}}
`,
      { policy: `${POLICY}tagExemptions: {ceiling: 24h}\n` },
    );

    expect(stdout).toContain('1 passed, 0 failed');
  });

  it('judges jobs together: groups, and caps', async () => {
    const { stdout } = await runTests(`
  - name: a storm
    expect: {victims: 3, caps: within}
    jobs:
      - {queue: bi_x, statement: SELECT 1 FROM sales WHERE day = 1, running: 30m, expect: {reason: group, rule: storm}}
      - {queue: bi_x, statement: SELECT 1 FROM sales WHERE day = 2, running: 20m, count: 3, expect: cancel}
      - {queue: bi_x, running: 40m, expect: {reason: no-rule}}
  - name: more than the cap
    expect: {victims: 4, caps: exceeded}
    jobs:
      - {queue: adhoc, running: 3h, count: 4, expect: {verdict: keep, reason: cap, rule: adhoc-2h}}
`);

    expect(stdout).toContain('2 passed, 0 failed');
  });

  it.each([
    { name: 'without expect', expect: '' },
    { name: 'with keep', expect: ', expect: keep' },
  ])('does not let a cap hide a rule that reaches too far, $name', async ({ expect: words }) => {
    const { exitCode, stdout } = await runTests(`
  - name: hidden
    jobs:
      - {queue: adhoc, running: 3h, count: 30${words}}
`);

    expect(exitCode).toBe(3);
    expect(stdout).toContain('reason cap');
  });

  it('cancels the worst first, if the policy drains', async () => {
    const { stdout } = await runTests(
      `
  - name: a drain
    expect: {victims: 4, caps: exceeded}
    jobs:
      - {queue: adhoc, running: 3h, expect: {verdict: keep, reason: cap}}
      - {queue: adhoc, running: 4h, count: 3, expect: cancel}
`,
      { policy: `${POLICY}drain: true\n` },
    );

    expect(stdout).toContain('1 passed, 0 failed');
  });

  it('does not make a group of jobs whose statements the test does not say', async () => {
    const policy =
      'version: 1\nrules: [{id: r, match: all, maxRunTime: 1h, groupBy: fingerprint, keep: {oldest: 1}}]\n';
    const { stdout } = await runTests('  - {name: apart, jobs: [{running: 2h, count: 2, expect: {reason: group}}]}', {
      policy,
    });

    expect(stdout).toContain('1 passed, 0 failed');
  });

  it('judges at several instants: the jobs grow older, and exemptions and freezes begin and end', async () => {
    const { stdout } = await runTests(`
  - name: warned, then cancelled
    at: [+0s, +40m, +70m]
    expect: [{victims: 0}, {victims: 0}, {victims: 1, caps: within}]
    jobs:
      - {queue: adhoc, running: 1h, expect: [{warned: false}, {verdict: keep, warned: true}, cancel]}
      - {queue: etl, expect: keep}
  - name: an exemption ends with its day
    at: [2026-01-05T23:59:59Z, 2026-01-06]
    jobs:
      - {queue: adhoc, owner: orders, running: 3h, expect: [{reason: exempt}, cancel]}
  - name: a freeze
    at: [2026-01-30T23:00:00Z, 2026-01-31, 2026-02-01]
    jobs:
      - {queue: finance, running: 9h, expect: keep}
`);

    expect(stdout).toContain('3 passed, 0 failed');
  });

  it('says which instant failed, and at which line', async () => {
    const { stdout } = await runTests(`
  - name: both
    at: [+0s, +2h]
    expect: [{victims: 0}, {victims: 2, caps: exceeded}]
    jobs:
      - {queue: adhoc, running: 1h, expect: [keep, keep]}
`);

    expect(stdout).toContain(
      '    p.test.yml:7:28, at 2026-01-05T11:00:00.000Z\n' +
        '      expected  victims 2, caps exceeded\n' +
        '      found     victims 1, caps within\n' +
        '    p.test.yml:9:52, at 2026-01-05T11:00:00.000Z\n' +
        '      expected  keep\n',
    );
  });

  it('shows every mistake of a file at once, with line, column and hint, and ends with 1', async () => {
    const { exitCode, stderr, stdout } = await runTests(`policy: policy.yml
now: noon
tests:
  - jobs:
      - {queu: adhoc, running: 2, waiting: 5m, expect: cancle}
      - {type: QUERY, expect: {}}
      - {running: 5m, waiting: 5m, name: x, count: 3, id: a}
      - {engine: spark, tag: a=b, jobType: x}
      - {changed: 5m, tag: team}
      - {expect: {reason: over-limits}}
`);

    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: 'p.test.yml\n  ✗ could not be run\n\n0 tests in 1 file: 0 passed, 0 failed; 1 file could not be run\n',
    });
    expect(stderr.trimEnd().split('\n')).toEqual([
      'dli-reaper: p.test.yml: is not valid:',
      'p.test.yml:2:1: now: expected a day such as 2026-12-31, or a time with its zone such as 2026-12-31T18:00:00Z',
      'p.test.yml:4:5: tests[0].name: missing; say in a few words what the test shows',
      'p.test.yml:5:10: tests[0].jobs[0].queu: unknown key; did you mean queue?',
      'p.test.yml:5:23: tests[0].jobs[0].running: expected a duration with a unit, such as 3h; found the number 2',
      'p.test.yml:5:48: tests[0].jobs[0].expect: expected one of log, warn, cancel, keep; found a text; did you mean cancel?',
      'p.test.yml:6:10: tests[0].jobs[1].type: unknown key; did you mean jobType?',
      'p.test.yml:7:23: tests[0].jobs[2].waiting: goes without running: a job does one of the two',
      'p.test.yml:7:36: tests[0].jobs[2].name: SQL jobs have no name; they have queue, owner, jobType, status, tag, statement, database',
      'p.test.yml:7:45: tests[0].jobs[2].count: goes without id: no two jobs have the same',
      'p.test.yml:7:55: tests[0].jobs[2].id: is not an id that SQL jobs can have; remove it, if the policy names no id',
      'p.test.yml:8:25: tests[0].jobs[3].tag: Spark batches have no tag; they have queue, owner, status, name',
      'p.test.yml:8:35: tests[0].jobs[3].jobType: Spark batches have no jobType; they have queue, owner, status, name',
      'p.test.yml:9:10: tests[0].jobs[4].changed: is for Flink only; add engine: flink, or remove it',
      'p.test.yml:9:23: tests[0].jobs[4].tag: expected a tag with its value, such as team=bi',
      expect.stringMatching(/^p\.test\.yml:10:19: tests\[0\]\.jobs\[5\]\.expect\.reason: .*did you mean over-limit\?$/),
    ]);
  });

  it.each([
    {
      name: 'no policy',
      text: 'policy_: x\nnow: 2026-01-05\ntests: []\n',
      says: '1:1: policy: missing; name the file',
    },
    {
      name: 'no test',
      text: 'policy: policy.yml\nnow: 2026-01-05\ntests: []\n',
      says: '3:1: tests: expected at least one',
    },
    { name: 'no instant', text: 'policy: policy.yml\ntests: []\n', says: '1:1: now: missing; say at which instant' },
    {
      name: 'two tests of one name',
      text: '  - {name: a, jobs: []}\n  - {name: a, jobs: []}\n',
      says: '5:6: tests[1].name: is already the name of tests[0]; names must differ',
    },
    {
      name: 'two jobs of one id',
      text: '  - {name: a, jobs: [{engine: flink, id: "7"}, {engine: flink, id: "7"}]}\n',
      says: '4:64: tests[0].jobs[1].id: is already the id of jobs[0]; ids must differ',
    },
    {
      name: 'instants out of order',
      text: '  - {name: a, at: [+1h, +30m], jobs: []}\n',
      says: '4:25: tests[0].at[1]: is not later than the instant before it; write the instants in order',
    },
    {
      name: 'an instant that is none',
      text: '  - {name: a, at: +1, jobs: []}\n',
      says: '4:15: tests[0].at: expected a time',
    },
    {
      name: 'an instant in a far future',
      text: '  - {name: a, at: +99999w, jobs: []}\n',
      says: '4:15: tests[0].at: expected a time',
    },
    {
      name: 'too few expectations',
      text: '  - {name: a, at: [+1h, +2h], jobs: [{expect: [keep]}]}\n',
      says: '4:39: tests[0].jobs[0].expect: expected one for all instants, or one for each: there are 2',
    },
    {
      name: 'an expectation of nothing',
      text: '  - {name: a, jobs: [{expect: {}}]}\n',
      says: '4:23: tests[0].jobs[0].expect: expected at least one of verdict, rule, reason, warned',
    },
    {
      name: 'a policy that is not there',
      text: 'policy: nope.yml\nnow: 2026-01-05\ntests: [{name: a, jobs: []}]\n',
      says: 'nope.yml: cannot be read',
    },
    { name: 'no YAML', text: 'policy: [\n', says: 'p.test.yml:2:1: ' },
    { name: 'a list', text: 'policy\n', says: '1:1: expected an object; found a text' },
  ])('refuses a file with $name', async ({ text, says }) => {
    const { exitCode, stderr } = await runTests(text);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(says);
  });

  it('names the policy and its lines, if the policy is not valid', async () => {
    const { exitCode, stderr } = await runTests('  - {name: a, jobs: []}\n', { policy: 'version: 2\n' });

    expect(exitCode).toBe(1);
    expect(stderr).toContain('policy.yml:1:1: version: expected 1');
  });

  it('never prints a statement, also if it is the reason of a failure', async () => {
    const { stdout, stderr, exitCode } = await runTests(
      '  - {name: a, jobs: [{queue: bi_x, statement: SELECT canary FROM sales, running: 1h, expect: cancel}]}\n',
      { flags: ['--json'] },
    );

    expect(exitCode).toBe(3);
    expect(stdout).toContain('"statement"');
    expect(stdout + stderr).not.toContain('canary');
  });

  it('prints a document with --json', async () => {
    const { stdout, exitCode } = await runTests(
      '  - {name: a, jobs: []}\n  - {name: b, expect: {victims: 1}, jobs: [{queue: adhoc, running: 3h, expect: keep}]}\n',
      { flags: ['--json'] },
    );

    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'policy-test',
      counts: { tests: 2, passed: 1, failed: 1, unreadable: 0 },
      files: [
        {
          file: 'p.test.yml',
          policy: 'policy.yml',
          problem: null,
          tests: [
            { name: 'a', at: ['2026-01-05T09:00:00.000Z'], passed: true, failures: [] },
            {
              name: 'b',
              passed: false,
              failures: [
                {
                  where: 'p.test.yml:5:72',
                  expected: 'keep',
                  found: 'cancel, reason over-limit, rule adhoc-2h',
                  why: { verdict: { action: 'cancel', rule: 'adhoc-2h' }, caps: { victims: 1 } },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('writes JUnit XML that an XML parser reads, whatever the names are', async () => {
    const name = `<b> & "c" 'd' ]]> é \\u0007`;
    const junit = writeFile('results.xml', '');
    const failing = await runTests(
      `  - {name: "${name.replaceAll('"', '\\"')}", jobs: [{queue: adhoc, owner: "<&>", running: 3h, expect: keep}]}\n` +
        '  - {name: fine, jobs: []}\n',
      { flags: ['--junit', junit] },
    );
    const first = parseXML(readFileSync(junit, 'utf8')) as Record<string, Record<string, unknown>>;
    const broken = await runTests('  - {name: a}\n', { flags: ['--junit', junit] });
    const second = parseXML(readFileSync(junit, 'utf8')) as Record<string, Record<string, unknown>>;

    expect([failing.exitCode, broken.exitCode]).toEqual([3, 1]);
    expect(first.testsuites).toMatchObject({
      tests: '2',
      failures: '1',
      errors: '0',
      testsuite: {
        name: failing.path,
        testcase: [
          {
            name: `<b> & "c" 'd' ]]> é �`,
            failure: {
              message: 'expected keep; found cancel, reason over-limit, rule adhoc-2h',
              '#text': expect.stringContaining('sql QUERY on adhoc by <&>, RUNNING'),
            },
          },
          { name: 'fine' },
        ],
      },
    });
    expect(second.testsuites).toMatchObject({
      tests: '1',
      failures: '0',
      errors: '1',
      testsuite: { testcase: { error: { message: expect.stringContaining('tests[0].jobs: missing; list the jobs') } } },
    });
  });

  it('runs several files, and the first mistake does not end it', async () => {
    writeFile('many/policy.yml', POLICY);
    const good = writeFile('many/a.test.yml', 'policy: policy.yml\nnow: 2026-01-05\ntests: [{name: a, jobs: []}]\n');
    const { exitCode, stdout, stderr } = await runHere(['test', join(good, '../none.yml'), good]);

    expect(exitCode).toBe(1);
    expect(stdout).toContain(`${good}\n  ✓ a\n\n1 test in 2 files: 1 passed, 0 failed; 1 file could not be run\n`);
    expect(stderr).toContain('none.yml: cannot be read');
  });

  it('reads a file from stdin, and its policy from this folder', async () => {
    const folder = join(writeFile('piped/policy.yml', POLICY), '..');
    const stdin =
      'policy: policy.yml\nnow: 2026-01-05\ntests: [{name: a, jobs: [{queue: adhoc, running: 3h, expect: cancel}]}]';

    expect(await runCli(['test', '-'], {}, { stdin, cwd: folder })).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: '-\n  ✓ a\n\n1 test in 1 file: 1 passed, 0 failed\n',
    });
  });
});
