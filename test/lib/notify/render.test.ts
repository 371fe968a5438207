import { describe, expect, it } from 'vitest';
import { receive } from '../../../lib/notify/received.ts';
import { render } from '../../../lib/notify/render.ts';
import { jobIdOf, messageJob, messageLine, operatorsLine } from '../../helpers/notices.ts';
import { HOUR, MINUTE } from '../../helpers/world.ts';

function rendered(line: object, ask?: string) {
  const result = receive(JSON.stringify(line));
  if (!('message' in result)) throw new Error(`not a message: ${result.skipped}`);
  return render(result.message, { stage: 'prod', ask });
}

const textOf = (line: object, ask?: string): string[] => rendered(line, ask).text.split('\n');
const jobs = (count: number, fields: Parameters<typeof messageJob>[1] = {}) =>
  Array.from({ length: count }, (_, i) => messageJob(i + 1, { readingMs: (3 + i) * HOUR, ...fields }));

const AGAIN = 'If you run it again as it is, it is likely to be cancelled again: make it shorter, or ask first.';
const ASK = 'Whom to ask: the operators of the DLI job reaper';
const KEEP =
  'What they run to keep such jobs: dli-reaper exempt NAME --stage prod --owner ana --queue adhoc --until 7d --reason "WHY" --contact ana';

describe('render for an owner', () => {
  it.each([
    {
      name: 'one cancelled job',
      line: messageLine(),
      text: [
        'Your DLI job in project eu-west-101_lake was cancelled',
        `- job ${jobIdOf(1)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        AGAIN,
        ASK,
        KEEP,
      ],
    },
    {
      name: 'a job with a name, and of which little is known',
      line: messageLine({
        projectName: null,
        jobs: [messageJob(1, { name: 'orders', queue: null, clock: null, readingMs: null, rule: null, limitMs: null })],
      }),
      text: [
        'Your DLI job in project lake was cancelled',
        `- job ${jobIdOf(1)} "orders"`,
        AGAIN,
        ASK,
        KEEP.replace(' --queue adhoc', ''),
      ],
    },
    {
      name: 'many jobs of one queue and rule, in one line',
      line: messageLine({ jobs: [...jobs(4), messageJob(9, { queue: 'bi' })], more: { cancelled: 5 } }),
      text: [
        'Your DLI jobs in project eu-west-101_lake: 10 were cancelled',
        `- 4 jobs on queue adhoc: the longest 6h running, and rule adhoc-2h allows 2h; ids: ${jobIdOf(1)}, ${jobIdOf(2)}, ${jobIdOf(3)} and 1 more`,
        `- job ${jobIdOf(9)} on queue bi: 3h running, and rule adhoc-2h allows 2h`,
        '- 5 more, not listed here',
        AGAIN,
        ASK,
        KEEP,
      ],
    },
    {
      name: 'jobs with different ends, without the errors, which are for the operators',
      line: messageLine({
        jobs: [
          messageJob(1),
          messageJob(2, { kind: 'failed', error: '400 DLI.0003' }),
          messageJob(3, { kind: 'unconfirmed' }),
        ],
      }),
      text: [
        'Your DLI jobs in project eu-west-101_lake: 1 could not be cancelled and runs on; 1 was asked to stop, but was not seen to stop; 1 was cancelled',
        `- not cancelled: job ${jobIdOf(2)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        `- not seen to stop: job ${jobIdOf(3)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        `- cancelled: job ${jobIdOf(1)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        AGAIN,
        ASK,
        KEEP,
      ],
    },
    {
      name: 'a job that a rule only warns of',
      line: messageLine({
        jobs: [
          messageJob(1, {
            kind: 'warned',
            clock: 'maxQueueTime',
            limitMs: 30 * MINUTE,
            readingMs: 45 * MINUTE + 7_000,
          }),
        ],
      }),
      text: [
        'Your DLI job in project eu-west-101_lake is over its limit',
        `- job ${jobIdOf(1)} on queue adhoc: 45m waiting, and rule adhoc-2h allows 30m`,
        'The rule only warns, so it cancelled nothing. Please cancel what you do not need any more.',
        ASK,
      ],
    },
    {
      name: 'victims of a dry run',
      line: messageLine({ dryRun: true, jobs: jobs(2, { kind: 'would-be-cancelled' }) }),
      text: [
        'Your DLI jobs in project eu-west-101_lake: 2 would be cancelled',
        `- job ${jobIdOf(1)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        `- job ${jobIdOf(2)} on queue adhoc: 4h running, and rule adhoc-2h allows 2h`,
        'This was a dry run, so nothing was cancelled. Later, such jobs will be: if yours need more time, ask now.',
        ASK,
        KEEP,
      ],
    },
    {
      name: 'an emergency, with its reason and without the person',
      line: messageLine({
        trigger: 'emergency',
        requestReason: 'queue adhoc is stuck, INC-42',
        recordedBy: 'arn:aws:iam::123456789012:user/kim',
        jobs: [messageJob(1, { rule: null, limitMs: null })],
      }),
      text: [
        'Your DLI job in project eu-west-101_lake was cancelled',
        `- job ${jobIdOf(1)} on queue adhoc: 3h running`,
        'A person started an emergency sweep: "queue adhoc is stuck, INC-42"',
        ASK,
      ],
    },
  ])('says in plain words: $name', ({ line, text }) => {
    expect(textOf(line)).toEqual(text);
    expect(rendered(line).title).toBe(text[0]);
  });

  it('says whom to ask in the words of the route', () => {
    expect(textOf(messageLine(), '#data in Slack')).toContain('Whom to ask: #data in Slack');
  });
});

describe('render for the operators', () => {
  const WHY = `To look closer: dli-reaper why ${jobIdOf(1)} --stage prod --target lake`;

  it.each([
    {
      name: 'jobs and failures, with owners and errors',
      line: operatorsLine({
        status: 'failed',
        problems: ['1 job could not be cancelled'],
        jobs: [...jobs(4), messageJob(9, { kind: 'failed', owner: 'ben', error: 'cancel job: 400 DLI.0003' })],
      }),
      text: [
        'DLI job reaper, sweep of lake (stage prod): failures, 1 not cancelled, 4 cancelled',
        '- 1 job could not be cancelled',
        `- not cancelled: job ${jobIdOf(9)} of ben on queue adhoc: 3h running, and rule adhoc-2h allows 2h (cancel job: 400 DLI.0003)`,
        `- cancelled: 4 jobs of ana on queue adhoc: the longest 6h running, and rule adhoc-2h allows 2h; ids: ${jobIdOf(1)}, ${jobIdOf(2)}, ${jobIdOf(3)} and 1 more`,
        WHY,
      ],
    },
    {
      name: 'a stop, and whom to ask if the route says so',
      line: operatorsLine({ status: 'stopped', problems: ['the switch is missing'], jobs: [] }),
      ask: 'the platform team',
      text: [
        'DLI job reaper, sweep of lake (stage prod): stopped',
        '- the switch is missing',
        'To look closer: dli-reaper status --stage prod',
        'Whom to ask: the platform team',
      ],
    },
    {
      name: 'a cap',
      line: operatorsLine({ status: 'capped', problems: ['31 victims, and maxKills allows 20'], jobs: [] }),
      text: [
        'DLI job reaper, sweep of lake (stage prod): more jobs than a cap allows',
        '- 31 victims, and maxKills allows 20',
        'To look closer: dli-reaper status --stage prod',
      ],
    },
    {
      name: 'an incomplete sweep with many problems',
      line: operatorsLine({
        status: 'partial',
        problems: Array.from({ length: 12 }, (_, i) => `page ${i} is missing`),
        jobs: [],
      }),
      text: [
        'DLI job reaper, sweep of lake (stage prod): it saw only a part of the jobs',
        ...Array.from({ length: 10 }, (_, i) => `- page ${i} is missing`),
        '- and 2 more problems',
        'To look closer: dli-reaper status --stage prod',
      ],
    },
    {
      name: 'victims of a dry run',
      line: operatorsLine({
        dryRun: true,
        jobs: jobs(1, { kind: 'would-be-cancelled' }),
        more: { 'would-be-cancelled': 60 },
      }),
      text: [
        'DLI job reaper, dry run of lake (stage prod): 61 would be cancelled',
        `- would be cancelled: job ${jobIdOf(1)} of ana on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        '- would be cancelled: 60 more, not listed here',
        'To look closer: dli-reaper plan --stage prod --target lake',
      ],
    },
    {
      name: 'an emergency, with the person',
      line: operatorsLine({ trigger: 'emergency', recordedBy: 'arn:aws:iam::1:user/kim', requestReason: 'INC-42' }),
      text: [
        'DLI job reaper, emergency on lake (stage prod): 1 cancelled',
        `- cancelled: job ${jobIdOf(1)} of ana on queue adhoc: 3h running, and rule adhoc-2h allows 2h`,
        'arn:aws:iam::1:user/kim started an emergency sweep: "INC-42"',
        WHY,
      ],
    },
  ])('says in plain words: $name', ({ line, text, ask }) => {
    expect(textOf(line, ask)).toEqual(text);
  });

  it('names the owners of a group once each, and three at most', () => {
    const many = jobs(6).map((job, i) => ({ ...job, owner: ['ana', 'ben', 'ana', 'cy', 'di', null][i] ?? null }));

    expect(rendered(operatorsLine({ jobs: many })).text).toContain('6 jobs of ana, ben, cy and 1 more on queue adhoc');
  });
});

describe('a name that others choose', () => {
  const HOSTILE = '<!channel> <https://evil.example|click>\nYour account\r\u0007\u202e\u2028$(rm -rf /)';
  const line = {
    target: HOSTILE,
    requestReason: HOSTILE,
    trigger: 'manual',
    jobs: [
      messageJob(1, { name: HOSTILE, queue: HOSTILE, owner: HOSTILE, rule: HOSTILE, error: HOSTILE, jobId: HOSTILE }),
    ],
  };

  it.each([
    { name: 'an owner', lines: messageLine({ owner: HOSTILE, projectName: HOSTILE, ...line }) },
    { name: 'the operators', lines: operatorsLine({ status: 'stopped', problems: [HOSTILE], ...line }) },
  ])('can add no line, link or mention to a message for $name, and nothing to a command', ({ lines }) => {
    const { title, text } = rendered(lines, HOSTILE);

    expect(title).not.toContain('\n');
    expect(
      text.split('\n').every((one) => /^(Your DLI|DLI job|- |A person|If you|Whom|What they|To look)/.test(one)),
    ).toBe(true);
    expect(text).not.toMatch(/[<>\p{Cf}\u2028]|(?!\n)\p{Cc}/u);
    expect(/dli-reaper .*/.exec(text)?.[0]).not.toContain('rm -rf');
  });

  it('is cut if it is long', () => {
    expect(rendered(messageLine({ jobs: [messageJob(1, { name: 'x'.repeat(1_999) })] })).text.length).toBeLessThan(
      1_000,
    );
  });
});
