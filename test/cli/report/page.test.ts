import { mkdirSync, readdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageContentOf } from '../../helpers/page-content.ts';
import { asLines, recordOf } from '../../helpers/record-lines.ts';
import { makeFolder, runCli, runHere } from '../../helpers/run-cli.ts';

const writeText = makeFolder();
const record = writeText('record.jsonl', asLines(recordOf(3)));
const folder = dirname(record);

/** A path for a page, in a folder of its own. */
async function pagePath(): Promise<string> {
  const path = await mkdtemp(join(folder, 'page-'));
  return join(path, 'page.html');
}

describe('report', () => {
  it('writes a page, and says in a few lines what it shows and where it is', async () => {
    const path = await pagePath();

    const { exitCode, stdout, stderr } = await runHere(['report', record, '--out', path]);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      `2026-10-01 to 2026-10-01 (UTC): 3 sweeps of 1 target.\nJobs: 3 cancelled.\nThe page is ${realpathSync(path)}\n`,
    );
    const { facts, aggregates, cases } = pageContentOf(path);
    expect(facts).toMatchObject({ title: 'What the reaper did', ownersHidden: false });
    expect(facts.command).toBe(`dli-reaper report ${record} --out ${path}`);
    expect(aggregates.results.cancelled).toBe(3);
    expect(cases.map(({ owner }) => owner)).toEqual(['ana', 'ana', 'ana']);
  });

  it('says what needs a person, what cannot be read, and ends with 4', async () => {
    const [job, end] = recordOf(1);
    const failed = { ...job, msg: 'job not cancelled', outcome: 'failed', status: 'RUNNING', error: 'refused' };
    const file = writeText('failed.jsonl', `${asLines([failed, { ...end, status: 'failed' }])}not ours\nnor this\n`);

    const { exitCode, stdout } = await runHere(['report', file, '--out', await pagePath()]);

    expect(exitCode).toBe(4);
    expect(stdout).toContain('Jobs: 0 cancelled, 1 not cancelled.\n! ');
    expect(stdout).toContain(
      `! Not read: ${file}, 2 times, the first at line 3: not a line of the log, and no document of --json.\n`,
    );
  });

  it('says so if no sweep is on record', async () => {
    const { exitCode, stdout } = await runHere(['report', writeText('none.jsonl', ''), '--out', await pagePath()]);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^No sweep is on record\.\nThe page is /);
  });

  it('writes into the current folder by default, and the file is for its owner alone', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'dli-reaper-cwd-'));

    const { exitCode, stdout, stderr } = await runCli(['report', record], {}, { cwd });

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`The page is ${join(realpathSync(cwd), 'dli-reaper-report.html')}\n`);
    expect(readdirSync(cwd)).toEqual(['dli-reaper-report.html']);
    expect(statSync(join(cwd, 'dli-reaper-report.html')).mode & 0o777).toBe(0o600);
  });

  it('replaces a page of its own, also through a link, and leaves nothing else behind', async () => {
    const path = await pagePath();
    const link = join(dirname(path), 'link.html');
    await runHere(['report', writeText('one.jsonl', asLines(recordOf(1))), '--out', path]);
    symlinkSync(path, link);

    const { exitCode } = await runHere(['report', record, '--out', link]);

    expect(exitCode).toBe(0);
    expect(pageContentOf(path).aggregates.results.cancelled).toBe(3);
    expect(readdirSync(dirname(path)).sort()).toEqual(['link.html', basename(path)]);
  });

  it('hides the names of people everywhere', async () => {
    const path = await pagePath();
    const [job, end] = recordOf(1, { owner: 'ana-maria' });
    const recordedBy = 'arn:aws:sts::123456789012:assumed-role/ops/bogdan';
    const byHand = { ...end, trigger: 'manual', recordedBy, requestReason: 'cosmin asked for it' };
    const file = writeText('people.jsonl', asLines([{ ...job, recordedBy, trigger: 'manual' }, byHand]));

    const shown = await runHere(['report', file, '--json']);
    await runHere(['report', file, '--owners', 'hidden', '--out', path]);
    const hidden = await runHere(['report', file, '--owners', 'hidden', '--json']);

    const page = readFileSync(path, 'utf8') + JSON.stringify(pageContentOf(path));
    expect(shown.exitCode).toBe(0);
    for (const name of ['ana-maria', 'bogdan', 'cosmin']) expect(page + hidden.stdout).not.toContain(name);
    const { facts, cases } = pageContentOf(path);
    expect(facts.ownersHidden).toBe(true);
    expect(cases[0]).toMatchObject({ queue: 'adhoc', rule: 'two-hours' });
  });
});

describe('report refuses', () => {
  it.each([
    {
      name: 'neither files nor a stage',
      args: [],
      says: '--stage: missing; name a stage, or files with the record of sweeps (- is stdin)',
    },
    {
      name: 'a time zone that there is not',
      args: [record, '--time-zone', 'Europe/Atlantis'],
      says: '--time-zone: there is no time zone Europe/Atlantis; expected a name such as Europe/Berlin, or UTC',
    },
    {
      name: 'a beginning of another form',
      args: [record, '--since', 'yesterday'],
      says: '--since: expected a day such as 2026-10-01, a time with its zone, or a duration back from now such as 30d',
    },
    {
      name: 'an end that is not after the beginning',
      args: [record, '--since', '2026-10-02', '--until', '2026-10-01'],
      says: '--since: is not before --until',
    },
    {
      name: 'a beginning in the future',
      args: [record, '--since', '2099-01-01'],
      says: '--since: is not in the past',
    },
    {
      name: 'a page of numbers',
      args: [record, '--json', '--out', 'x.html'],
      says: '--out: leave it out, since --json writes no file',
    },
    {
      name: 'a page on stdout',
      args: [record, '--out', '-'],
      says: '--out: expected the name of a file; a page is not written to stdout',
    },
    { name: 'stdin twice', args: ['-', '-'], says: '-: stdin can be read only once' },
    {
      name: 'a name that no target has',
      args: [record, '--target', 'a"b'],
      says: '--target: expected letters, digits and _ . -',
    },
    { name: 'a name that no stage has', args: ['--stage', 'a"b'], says: 'stage: expected at most' },
  ])('$name', async ({ args, says }) => {
    const { exitCode, stderr } = await runHere(['report', ...args]);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`dli-reaper: ${says}`);
  });

  it('to replace a file that is no page, before it reads anything', async () => {
    const letter = writeText('letter.html', '<!doctype html>\n<p>Dear Ana</p>\n');

    const { exitCode, stdout, stderr } = await runHere(['report', record, '--out', letter]);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(
      `dli-reaper: --out: ${letter} exists and is no page of this command; name another file with --out\n`,
    );
    expect(readFileSync(letter, 'utf8')).toContain('Dear Ana');
  });

  it.each(['folder', 'missing'])('a page in a place where none can be: %s', async (kind) => {
    mkdirSync(join(folder, 'folder'), { recursive: true });
    const out = kind === 'folder' ? join(folder, 'folder') : join(folder, 'missing', 'page.html');

    const { exitCode, stderr } = await runHere(['report', record, '--out', out]);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`dli-reaper: --out: ${out} `);
  });
});

describe('the span of report', () => {
  const at = (time: string) =>
    recordOf(1).map((line) => ({ ...line, timestamp: time, finishedAt: time, startedAt: time }));
  const days = ['2026-03-28T22:59:00Z', '2026-03-28T23:00:00Z', '2026-03-29T21:59:00Z', '2026-03-29T22:01:00Z'];
  const file = join(folder, 'days.jsonl');
  writeFileSync(
    file,
    asLines(
      days.flatMap((time, i) =>
        at(time).map((line) => ({
          ...line,
          sweepId: `day-${i}`,
          jobId: `${i}${'0'.repeat(7)}-0000-4000-8000-000000000000`,
        })),
      ),
    ),
  );

  it.each([
    {
      name: 'a day of the time zone, which may have 23 hours',
      flags: ['--since', '2026-03-29', '--until', '2026-03-29'],
      used: 4,
    },
    {
      name: 'times with their zones',
      flags: ['--since', '2026-03-28T22:59:00Z', '--until', '2026-03-29T00:00:00+01:00'],
      used: 4,
    },
    { name: 'a beginning alone', flags: ['--since', '2026-03-29'], used: 6 },
    { name: 'an end alone', flags: ['--until', '2026-03-28'], used: 4 },
    { name: 'a duration back from now', flags: ['--since', '1s'], used: 0 },
  ])('may be $name', async ({ flags, used }) => {
    const { stdout } = await runHere(['report', file, '--json', '--time-zone', 'Europe/Berlin', ...flags]);

    expect(JSON.parse(stdout)).toMatchObject({ sources: [{ lines: 8, used, outside: 8 - used }], unread: [] });
  });
});
