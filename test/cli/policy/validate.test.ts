import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runValidate } from '../../../cli/policy/validate.ts';
import { PolicyFileError, readPolicyFile } from '../../../cli/source/policy-file.ts';
import { CLI, makeFolder, runCli, runHere } from '../../helpers/run-cli.ts';
import { NOW } from '../../helpers/world.ts';

const writeFile = makeFolder();

let count = 0;

/** What it writes of a file, with the file's name in place of its path. */
async function validate(name: string, text: string) {
  count += 1;
  const path = writeFile(`${count}-${name}`, text);
  const { exitCode, stdout, stderr } = await runHere(['validate', path]);
  return { exitCode, stdout: stdout.replaceAll(path, name), stderr: stderr.replaceAll(path, name) };
}

describe.concurrent('dli-reaper validate', () => {
  it('sums up a valid policy', async () => {
    const text = `
version: 1
mode: live
rules:
  - {id: reads, match: {queue: adhoc, owner: ana}, maxRunTime: 2h}
  - {id: writes, match: {jobType: INSERT}, maxRunTime: 6h}
exemptions:
  - {id: backfill, match: {owner: orders}, reason: one more night, owner: orders-team, until: 2999-12-31}
`;

    expect(await validate('good.yml', text)).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: 'good.yml is valid: mode live, 2 rules, 1 exemption\n',
    });
  });

  it('reads the forms of earlier versions, and prints what to write in place of them', async () => {
    const text = `version: 1
mode: live
rules:
  - id: query-storm
    match: {queue: bi_*}
    maxTotalTime: 15m
    groupBy: fingerprint
    minGroupSize: 5
    victims: all-but-oldest
  - id: one-at-a-time
    match: {queue: adhoc, owner: ana}
    maxRunTime: 2h
    victims: oldest
`;

    expect(await validate('old.yml', text)).toEqual({
      exitCode: 0,
      stderr: '',
      stdout:
        'old.yml:9:5: warning: all-but-oldest is an old form; it is read as keep: {oldest: 1}, so write that in place of victims\n' +
        'old.yml is valid: mode live, 2 rules, 0 exemptions\n',
    });
  });

  it('takes JSON, and indented with tabs', async () => {
    const document = { version: 1, rules: [{ id: 'r', match: { owner: 'ana' }, maxRunTime: '2h' }] };

    expect(await validate('good.json', JSON.stringify(document, null, '\t'))).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: 'good.json is valid: mode dry-run, 1 rule, 0 exemptions\n',
    });
  });

  it('refuses a tag that YAML does not know, since it would be lost', async () => {
    const text = `version: 1
rules:
  - id: reads
    match: {owner: ana}
    ignore: {owner: !re ana.*}
    maxRunTime: 2h
`;

    expect(await validate('tagged.yml', text)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'dli-reaper: tagged.yml: is not YAML:\ntagged.yml:5:21: Unresolved tag: !re\n',
    });
  });

  it('warns with the line, and ends with 0', async () => {
    const text = `version: 1
maxKills: 0
rules:
  - id: native
    match: {queue: etl}
    maxRunTime: 2h
  - id: late
    match: {owner: ana}
    maxRunTime: 13h
`;

    const { exitCode, stdout, stderr } = await validate('warned.yml', text);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^warned\.yml:5:5: warning: an SQL inspection rule of DLI on the queue/),
      expect.stringMatching(/^warned\.yml:9:5: warning: DLI itself cancels SQL jobs after 12h, so 13h is reached only/),
      'warned.yml:2:1: warning: 0 means that no job is ever cancelled',
      'warned.yml is valid: mode dry-run, 2 rules, 0 exemptions',
      '',
    ]);
  });

  it('shows every error at once, each with line and column, and ends with 1', async () => {
    const text = `version: 2
maxKill: 3
rules:
  - id: Reads
    match: {queue: []}
    maxRunTime: 2
  - id: endless
    match: {owner: ana}
  - match: {qeue: etl}
    maxRunTime: 0s
exemptions:
  - {id: a, reason: b, until: never, match: {owner: x}}
`;

    const { exitCode, stdout, stderr } = await validate('bad.yml', text);

    const [head, ...lines] = stderr.trimEnd().split('\n');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(head).toMatch(/bad\.yml: is not valid:$/);
    expect(lines).toHaveLength(11);
    expect(lines).toEqual(
      expect.arrayContaining([
        'bad.yml:1:1: version: expected 1, the only version there is; found the number 2',
        'bad.yml:2:1: maxKill: unknown key; did you mean maxKills?',
        'bad.yml:4:5: rules[0].id: expected lower-case letters, digits and hyphens, a letter first',
        'bad.yml:5:13: rules[0].match.queue: expected at least one value',
        expect.stringMatching(/^bad\.yml:6:5: rules\[0\]\.maxRunTime: expected a duration .*; found the number 2$/),
        expect.stringMatching(/^bad\.yml:7:5: rules\[1\]\.maxRunTime: missing; a rule needs a limit/),
        'bad.yml:9:13: rules[2].match.qeue: unknown key; did you mean queue?',
        'bad.yml:9:5: rules[2].id: missing; give it a name, such as id: adhoc-2h',
        'bad.yml:10:5: rules[2].maxRunTime: expected a duration above zero',
        'bad.yml:12:5: exemptions[0].owner: missing; say whom to ask',
        expect.stringMatching(/^bad\.yml:12:24: exemptions\[0\]\.until: expected a day such as/),
      ]),
    );
  });

  it.for([
    { name: 'that is no YAML', text: 'version: 1\nrules: [\n', says: /bad\.yml:3:1: / },
    {
      name: 'with a key twice',
      text: 'version: 1\nmode: live\nrules: []\nmode: dry-run\n',
      says: /bad\.yml:4:1: Map keys must be unique/,
    },
  ])('ends with 1 for a file $name', async ({ text, says }) => {
    const { exitCode, stdout, stderr } = await validate('bad.yml', text);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain('    at ');
  });

  it.for([
    {
      name: 'GBK',
      bytes: [...Buffer.from('version: 1\n# '), 0xba, 0xcb],
      says: 'is not UTF-8 (line 2); save it as UTF-8',
    },
    {
      name: 'UTF-16, as PowerShell writes it',
      bytes: [0xff, 0xfe, ...Buffer.from('version: 1\n', 'utf16le')],
      says: 'is UTF-16, or not a text; save it as UTF-8',
    },
  ])('ends with 1 for a file in $name', async ({ name, bytes, says }) => {
    const path = writeFile(`${name.slice(0, 3)}.yml`, '');
    writeFileSync(path, Uint8Array.from(bytes));

    expect(await runHere(['validate', path])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `dli-reaper: ${path}: ${says}\n`,
    });
  });

  it('takes a file with a byte-order mark before it', async () => {
    const { exitCode, stdout } = await validate(
      'mark.yml',
      '\ufeffversion: 1\nrules:\n  - {id: r, match: {owner: ana}, maxRunTime: 2h}\n',
    );

    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'mark.yml is valid: mode dry-run, 1 rule, 0 exemptions\n',
    });
  });

  it("warns of another tool's syntax at its line, and says how it is written here", async () => {
    const text = `version: 1
rules:
  - id: r
    match: {owner: ana}
    ignore:
      owner: "(?i)CLOSING"
      tag: [keep, "keep:true"]
    maxRunTime: 2h
`;

    expect(await validate('foreign.yml', text)).toMatchObject({
      exitCode: 0,
      stdout:
        'foreign.yml:6:7: warning: (?i)CLOSING: (?…) is not a flag here; write /CLOSING/i\n' +
        'foreign.yml:7:19: warning: keep:true: is read as the key of a tag; write a tag with its value as keep=true\n' +
        'foreign.yml is valid: mode dry-run, 1 rule, 0 exemptions\n',
    });
  });

  it('ends with 1 for a file that is not there', async () => {
    const { exitCode, stdout, stderr } = await runCli(['validate', 'absent.yml']);

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^dli-reaper: .*absent\.yml: cannot be read \(no such file or folder, ENOENT\)\n$/);
  });
});

describe('readPolicyFile', () => {
  it.each([
    {
      name: 'with a key twice in a rule',
      says: '1:46: Map keys must be unique',
      text: '{version: 1, rules: [{id: r, maxRunTime: 2h, maxRunTime: 9h}]}',
    },
    {
      name: 'of two documents',
      text: 'version: 1\n---\nversion: 1\n',
      says: '2:1: a second document begins here; the file has to be one',
    },
    { name: 'that is empty', text: '', says: '1:1: expected an object; found nothing' },
    { name: 'that is a list', text: '- version: 1\n', says: '1:1: expected an object; found a list' },
    { name: 'behind comments', text: '# ours\n\n  version: 2\n', says: '3:3: version: expected 1' },
  ])('says where and what is wrong with a file $name', ({ text, says }) => {
    const path = writeFile('wrong.yml', text);

    expect(() => readPolicyFile(path)).toThrow(PolicyFileError);
    expect(() => readPolicyFile(path)).toThrow(`\n${path}:${says}`);
  });

  it('finds its way back from a path in the policy to the line, or to the nearest there is', () => {
    const text = 'version: 1\nrules:\n  - id: r\n    match:\n      queue: [adhoc, etl]\n    maxRunTime: 2h\n';
    const path = writeFile('right.yml', text);

    const { policy, locate } = readPolicyFile(path);

    expect(policy.rules[0]?.id).toBe('r');
    expect(locate([])).toBe(`${path}:1:1`);
    expect(locate(['rules', 0, 'maxRunTime'])).toBe(`${path}:6:5`);
    expect(locate(['rules', 0, 'match', 'queue', 1])).toBe(`${path}:5:22`);
    expect(locate(['rules', 0, 'maxQueueTime'])).toBe(`${path}:3:5`);
    expect(locate(['rules', 7])).toBe(`${path}:2:1`);
    expect(locate(['maxKills'])).toBe(`${path}:1:1`);
  });
});

describe.concurrent('dli-reaper schema', () => {
  it('prints policy.schema.json', async () => {
    const { exitCode, stdout, stderr } = await runCli(['schema']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(readFileSync(join(CLI.cwd, 'policy.schema.json'), 'utf8'));
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['version', 'rules']),
    });
  });
});

describe('every policy that we publish', () => {
  const filesIn = (folder: string, pattern: RegExp) =>
    readdirSync(join(CLI.cwd, folder))
      .filter((file) => pattern.test(file))
      .map((file) => join(folder, file));
  const read = (file: string) => readFileSync(join(CLI.cwd, file), 'utf8');

  const documented = ['README.md', ...filesIn('docs', /\.md$/)].flatMap((file) =>
    [...read(file).matchAll(/^```ya?ml\n(.*?)^```$/gms)]
      .map(([, text = '']) => text)
      .filter((text) => /^version:/m.test(text))
      .map((text, i) => ({ name: `example ${i + 1} of ${file}`, text })),
  );
  const examples = readdirSync(join(CLI.cwd, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /policy\.ya?ml$/.test(file))
    .map((file) => ({ name: join('examples', file), text: read(join('examples', file)) }));

  it('is found', () => {
    const files = documented.map(({ name }) => name.replace(/^example \d+ of /, ''));

    expect(files).toEqual(expect.arrayContaining(['README.md', 'docs/policy.md']));
    expect(examples.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['examples/demo-policy.yml', 'examples/etl/policy.yml']),
    );
  });

  it.each([...documented, ...examples])('is valid: $name', ({ name, text }) => {
    const path = writeFile(`${name.replaceAll(/\W/g, '-')}.yml`, text);
    const out: string[] = [];

    const exitCode = runValidate(path, {}, { env: {}, out: (line) => out.push(line), err: () => {} }, NOW);

    expect(exitCode).toBe(0);
    expect(out.at(-1)).toMatch(/ is valid: mode (dry-run|live), [1-9]\d* rules?, /);
  });
});
