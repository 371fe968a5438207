import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { stageParameters } from '../../emulator/aws/parameter-store.ts';
import type { EmulatorOptions } from '../../emulator/server.ts';
import { startAwsServer } from '../helpers/aws-server.ts';
import { runningJob, startService } from '../helpers/run-cli.ts';
import { runOnTerminal } from '../helpers/run-terminal.ts';
import { HOUR, jobId, MINUTE } from '../helpers/world.ts';

/*
 * The screens in docs/screens.md, on a terminal of 80 columns: a stage whose target has 500 live jobs, 300 of them over the limit.
 * A test fails if a screen is not as the page shows it; numbers, times and ids may differ from run to run.
 *
 *     UPDATE_SCREENS=1 npm test -- test/cli/screens-page.test.ts     writes the page anew
 */

const page = new URL('../../docs/screens.md', import.meta.url);

const MANY = 300;
const YOUNG = 200;
const policy = {
  version: 1,
  mode: 'live',
  maxKills: MANY,
  maxKillsPercent: 80,
  rules: [
    { id: 'adhoc-2h', match: { queue: 'adhoc' }, maxRunTime: '2h' },
    { id: 'reports-3h', match: { queue: 'bi_reports' }, maxRunTime: '3h' },
  ],
};

/** Jobs on two queues by three owners, each older than the one before. Half a minute beside the full one. */
const jobs = () =>
  Array.from({ length: MANY + YOUNG }, (_, i) =>
    runningJob(i + 1, {
      ageMs: (i < MANY ? 3 * HOUR + i * MINUTE : 20 * MINUTE) + MINUTE / 2,
      queue: i % 3 === 0 ? 'bi_reports' : 'adhoc',
      owner: ['ana', 'bo', 'dashboards'][i % 3] ?? '',
    }),
  );

async function start(context: TestContext, options: Partial<EmulatorOptions> = {}) {
  const { emulator } = await startService(context, '', { jobs: jobs(), cancelDelayMs: 30, ...options });
  const aws = await startAwsServer(stageParameters('prod', emulator.connection, policy, 'lake'));
  context.onTestFinished(aws.close);
  const run = (...args: string[]) =>
    runOnTerminal([...args, '--stage', 'prod', '--target', 'lake'], aws.env, { columns: 80, rows: 60 });
  return { emulator, run };
}

const EMERGENCY = ['emergency', '--older-than', '2h', '--max-kills', String(MANY), '--reason', 'adhoc is stuck'];

type Started = Awaited<ReturnType<typeof start>>;
type OnTerminal = ReturnType<Started['run']>;

/** Runs an emergency up to its question, and confirms it. */
async function confirmed(run: Started['run'], ...more: string[]): Promise<OnTerminal> {
  const terminal = run(...EMERGENCY, ...more);
  await terminal.waitFor('to cancel these');
  terminal.type('lake\r');
  return terminal;
}

async function ended(terminal: OnTerminal): Promise<string> {
  await terminal.exited;
  return terminal.screen();
}

/** What is on the screen once a text has come; the run is then broken off. */
async function at(terminal: OnTerminal, text: string, breakOff: () => void | Promise<void>): Promise<string> {
  await terminal.waitFor(text);
  const screen = await terminal.screen();
  await breakOff();
  await terminal.exited;
  return screen;
}

/** The sections of the page, and what makes each screen. */
const SCREENS: Readonly<Record<string, (context: TestContext) => Promise<string>>> = {
  'A plan': async (context) => ended((await start(context)).run('plan')),
  'Who uses the queues': async (context) => ended((await start(context)).run('jobs')),
  'An emergency': async (context) => ended(await confirmed((await start(context)).run)),
  'Interrupted with Ctrl-C': async (context) => {
    // So slow that it is under way when it is interrupted.
    const { run } = await start(context, { rateLimit: { calls: 30, windowMs: 1_000 } });
    const terminal = await confirmed(run);
    await terminal.waitFor('/300');
    terminal.type('\u0003');
    return afterQuestion(await ended(terminal));
  },
  'A part of it fails': async (context) => {
    const { emulator, run } = await start(context);
    const fault = (n: number, answer: { status: number; body: object }) => ({
      on: 'cancel-sql-job' as const,
      target: jobId(n),
      times: Number.POSITIVE_INFINITY,
      answer,
    });
    emulator.faults.add(
      ...[7, 8, 9].map((n) => fault(n, { status: 400, body: { error_code: 'DLI.0003' } })),
      // DLI takes the request, and the job runs on.
      ...[20, 21].map((n) => fault(n, { status: 200, body: { is_success: true, message: '' } })),
    );
    return afterQuestion(await ended(await confirmed(run, '--verify-for', '1s')));
  },
  'DLI limits the calls': async (context) => {
    const { run } = await start(context, { rateLimit: { calls: 20, windowMs: 1_000 } });
    const terminal = await confirmed(run);
    return lastLines(await at(terminal, 'DLI allows about', () => terminal.type('\u0003')), 2);
  },
  'DLI does not answer': async (context) => {
    const { emulator, run } = await start(context);
    emulator.faults.add({ on: 'list-sql-jobs', times: Number.POSITIVE_INFINITY, answer: 'hang' });
    // Nothing else would end the calls that hang.
    return at(run('plan'), 'waiting 3 s for', emulator.close);
  },
  'Why a job was cancelled': async (context) => {
    const { run } = await start(context);
    await ended(await confirmed(run));
    return ended(run('why', jobId(MANY)));
  },
};

/** What follows the answer to the question: the plan before it is shown above. */
function afterQuestion(screen: string): string {
  const lines = screen.split('\n');
  return lines.slice(lines.findIndex((line) => line.endsWith(': lake')) + 1).join('\n');
}

const lastLines = (screen: string, count: number): string => screen.split('\n').slice(-count).join('\n');

const readPage = () => readFileSync(page, 'utf8');

/** The block below a heading of the page. */
function blockOf(title: string): string {
  const [, block = ''] = new RegExp(`## ${title}\\n[^]*?\`\`\`text\\n([^]*?)\\n\`\`\``).exec(readPage()) ?? [];
  return block;
}

function update(title: string, screen: string): void {
  const text = readPage();
  const at = text.indexOf('```text\n', text.indexOf(`## ${title}\n`)) + '```text\n'.length;
  writeFileSync(page, text.slice(0, at) + screen + text.slice(text.indexOf('\n```', at - 1)));
}

/** A screen without what differs from run to run. Lines that then are equal count once. */
function steady(screen: string): string[] {
  const lines = screen
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replaceAll(/(\d+[wdhms])+/g, 'TIME')
    .replaceAll(/[█▓░]+/g, '█')
    .replaceAll(/[\u2800-\u28ff]/g, '⠋')
    .replaceAll(/\d+/g, '#')
    .replaceAll(/ +│/g, ' │')
    .replaceAll(/ {2,}/g, ' ')
    .replaceAll(/─+/g, '─')
    .split('\n');
  return lines.filter((line, i) => line !== lines[i - 1]);
}

describe.concurrent('the page of screens', () => {
  it.for(Object.entries(SCREENS))('shows what is seen: %s', async ([title, record], context) => {
    // As wide as the address that it stands for.
    const screen = (await record(context)).replaceAll(/127\.0\.0\.1:\d{5}/g, 'dli.example.com');
    if (process.env.UPDATE_SCREENS === '1') update(title, screen);

    expect(steady(screen)).toEqual(steady(blockOf(title)));
    expect(screen.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('has no other screens', () => {
    const titles = [...readPage().matchAll(/^## (.*)$/gm)].map(([, title]) => title);

    expect(titles).toEqual(Object.keys(SCREENS));
  });
});
