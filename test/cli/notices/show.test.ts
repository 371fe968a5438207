import { describe, expect, it } from 'vitest';
import { testLine } from '../../../lib/notify/test-message.ts';
import { jobIdOf, messageJob, messageLine, operatorsLine, routeName } from '../../helpers/notices.ts';
import { makeFolder, runCli, runHere } from '../../helpers/run-cli.ts';
import { startStage } from '../../helpers/start-stage.ts';

const writeFile = makeFolder();
let files = 0;

const textOf = (lines: readonly (object | string)[]) =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

/** Writes lines of a log. @returns the path of the file. */
function fileOf(...lines: (object | string)[]): string {
  files += 1;
  return writeFile(`${files}.jsonl`, textOf(lines));
}

interface Shown {
  messages: {
    to: string;
    owner: string | null;
    text: string;
    time: string | null;
    route: string | null;
    isWithoutRoute: boolean | null;
  }[];
  unsent: { reason: string; lines: number; first: string }[];
  unreadable: string[];
}

async function show(...args: string[]): Promise<Shown & { exitCode: number | null }> {
  const { exitCode, stdout } = await runHere(['notices', ...args, '--json']);
  return { exitCode, ...(JSON.parse(stdout) as Shown) };
}

const LATER = { timestamp: '2026-11-27T09:15:00.000Z' };
const A_DAY_LATER = { timestamp: '2026-11-28T09:00:00.000Z' };

describe('dli-reaper notices', () => {
  it('shows each message with its recipient, as the function would word it, and needs no account', async () => {
    const file = fileOf(messageLine(), operatorsLine({ jobs: [messageJob(2, { owner: 'ben' })] }));

    const { exitCode, stdout, stderr } = await runCli(['notices', '--from', file], { DLI_REAPER_STAGE: 'prod' });

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      [
        'To owner ana, about target lake, 2026-11-27T09:00:00.000Z:',
        '  Your DLI job in project eu-west-101_lake was cancelled',
        `  - job ${jobIdOf(1)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        '  If you run it again as it is, it is likely to be cancelled again: make it shorter, or ask first.',
        '  Whom to ask: the operators of the DLI job reaper',
        '  What they run to keep such jobs for a week: dli-reaper exempt keep-ana-adhoc --stage dev --owner ana --queue adhoc --until 7d --reason "asked by ana" --contact ana',
        '  What the DLI job reaper is, and how to keep a job: docs/owners.md of dli-job-reaper',
        '',
        'To the operators, about target lake, 2026-11-27T09:00:00.000Z:',
        '  DLI job reaper, sweep of lake (stage dev): 1 cancelled',
        `  - cancelled: job ${jobIdOf(2)} of ben on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        `  To look closer: dli-reaper why ${jobIdOf(2)} --stage dev --target lake`,
        '',
        '2 messages in 2 lines.',
        'What was sent before these lines is not known here. The function does not send it again.',
        '',
      ].join('\n'),
    );
  });

  it('sends at the time of each line, so that the same comes again only when the function would repeat it', async () => {
    const stopped = { status: 'stopped', problems: ['stopped by the switch'] } as const;
    const file = fileOf(
      operatorsLine({ ...stopped, ...A_DAY_LATER }),
      operatorsLine(stopped),
      messageLine(),
      messageLine(LATER),
      operatorsLine({ ...stopped, ...LATER }),
    );

    const { messages, unsent } = await show('--from', file);

    expect(messages.map(({ to, time }) => `${to} ${time}`)).toEqual([
      'operators 2026-11-27T09:00:00.000Z',
      'owner 2026-11-27T09:00:00.000Z',
      'operators 2026-11-28T09:00:00.000Z',
    ]);
    expect(unsent).toEqual([{ reason: 'nothing-new', lines: 2, first: `${file} line 4` }]);
  });

  it('counts and names the lines that it does not send, and ends with 4 if a message is among them', async () => {
    const others = [
      'START RequestId: 1',
      '',
      { msg: 'sweep finished' },
      { msg: 'job cancelled' },
      testLine({ to: 'operators', target: 'lake', owner: null, queue: null }),
    ];
    const broken = [
      { ...messageLine(), version: 2 },
      { ...messageLine(), jobs: 7 },
    ];

    const harmless = await show('--from', fileOf(...others));
    const file = fileOf(...others, ...broken);
    const { exitCode, messages, unsent } = await show('--from', file);
    const { stdout } = await runHere(['notices', '--from', file]);

    expect(harmless.exitCode).toBe(0);
    expect({ exitCode, messages }).toEqual({ exitCode: 4, messages: [] });
    expect(unsent).toEqual([
      { reason: 'not-json', lines: 1, first: `${file} line 1` },
      { reason: 'not-a-message', lines: 3, first: `${file} line 3` },
      { reason: 'version', lines: 1, first: `${file} line 6` },
      { reason: 'invalid', lines: 1, first: `${file} line 7` },
    ]);
    expect(stdout).toContain(`Not sent, 3 lines (the first ${file} line 3): another line of the log.\n`);
  });

  it.each([
    {
      name: 'in the detailed format of aws logs tail',
      text: `2026-11-27T09:00:00.000000+00:00 2026/11/27/[$LATEST]f5c2 ${JSON.stringify(messageLine())}\n`,
      place: '- line 1',
    },
    {
      name: 'in its short format',
      text: `2026-11-27T09:00:00 ${JSON.stringify(messageLine())}\n`,
      place: '- line 1',
    },
    {
      name: 'of aws logs filter-log-events',
      text: JSON.stringify({ events: [{ message: 'x' }, { message: `${JSON.stringify(messageLine())}\n` }] }, null, 4),
      place: '- event 2',
    },
  ])('reads lines $name, from stdin', async ({ text, place }) => {
    const { stdout } = await runHere(['notices', '--from', '-', '--json'], {}, text);

    expect((JSON.parse(stdout) as Shown).messages).toMatchObject([{ to: 'owner', owner: 'ana', place }]);
  });

  it('reads several files as one log', async () => {
    const later = fileOf(messageLine({ ...LATER, owner: 'ben', jobs: [messageJob(2, { owner: 'ben' })] }));

    const { messages } = await show('--from', later, '--from', fileOf(messageLine()));

    expect(messages.map(({ owner }) => owner)).toEqual(['ana', 'ben']);
  });

  it('shows no stage that a line does not have, and lets none of its texts end a line', async () => {
    const { messages } = await show(
      '--from',
      fileOf(
        { ...messageLine(), stage: undefined, timestamp: undefined },
        messageLine({ stage: 'x\ny', owner: 'b\nen', jobs: [messageJob(2)] }),
      ),
    );

    expect(messages).toHaveLength(2);
    for (const { text } of messages) expect(text).toContain(' --stage STAGE ');
    expect(messages.map(({ time }) => time)).toEqual([null, '2026-11-27T09:00:00.000Z']);
  });

  it('needs a file', async () => {
    const { exitCode, stderr } = await runHere(['notices']);

    expect(exitCode).toBe(1);
    expect(stderr).toContain("required option '--from <file>' not specified");
  });
});

describe.concurrent('dli-reaper notices --stage', () => {
  const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:dli';
  const ROUTES = {
    [routeName('ana')]: JSON.stringify({ to: 'owner', match: { owner: 'ana' }, topic: TOPIC, ask: '#bi' }),
    [routeName('ops')]: JSON.stringify({ to: 'operators', topic: TOPIC, fallback: true }),
  };
  const BEN = messageLine({ owner: 'ben', jobs: [messageJob(2, { owner: 'ben' })] });

  it('says which route would take each message, in its words', async (context) => {
    const { aws, run } = await startStage(context, ROUTES);
    const file = fileOf(messageLine(), BEN, messageLine({ stage: 'prod', jobs: [messageJob(3)] }));

    const json = await run('notices', '--from', file, '--json');
    const text = await run('notices', '--from', file);

    const { messages, unsent } = JSON.parse(json.stdout) as Shown;
    expect(messages).toMatchObject([
      {
        owner: 'ana',
        route: routeName('ana'),
        isWithoutRoute: false,
        text: expect.stringContaining('Whom to ask: #bi'),
      },
      { owner: 'ben', route: routeName('ops'), isWithoutRoute: true },
    ]);
    expect(unsent).toEqual([{ reason: 'other-stage', lines: 1, first: `${file} line 3` }]);
    expect(text.stdout).toContain('To owner ana, about target lake, 2026-11-27T09:00:00.000Z, by route ana:\n');
    expect(text.stdout).toContain(', by the fallback ops, since no route is for it:\n');
    expect(aws.calls.filter((call) => call.startsWith('Put'))).toEqual([]);
    expect(aws.invocations).toEqual([]);
  });

  it('names the routes that cannot be read', async (context) => {
    const { run } = await startStage(context, {
      ...ROUTES,
      [routeName('ana')]: '{"to": "owner", "webhook": "secret-7"}',
    });

    const { exitCode, stderr } = await run('notices', '--from', fileOf(messageLine()));

    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^! A route is left out. \/dli-reaper\/dev\/notices\/routes\/ana: webhook: expected/);
    expect(stderr).not.toContain('secret-7');
  });

  it('says that a stage without routes sends nothing', async (context) => {
    const { run } = await startStage(context);

    const { stdout, stderr } = await run('notices', '--from', fileOf(messageLine()));

    expect(stdout).toContain('To owner ana, about target lake, 2026-11-27T09:00:00.000Z:\n');
    expect(stderr).toBe('! Stage dev has no route, so it sends none of them.\n');
  });

  it('refuses routes without a fallback, and a stage that does not exist', async (context) => {
    const { aws, run } = await startStage(context, { [routeName('ana')]: ROUTES[routeName('ana')] ?? '' });
    const file = fileOf(messageLine());

    const unsure = await run('notices', '--from', file);
    const unknown = await runHere(['notices', '--from', file, '--stage', 'nowhere'], aws.env);

    expect(unsure).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('must have "fallback": true') });
    expect(unknown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('there is no stage nowhere') });
  });
});
