import { describe, expect, it } from 'vitest';
import { receive } from '../../../lib/notify/received.ts';
import { type RenderOptions, render } from '../../../lib/notify/render.ts';
import { jobIdOf, messageJob, messageLine, operatorsLine } from '../../helpers/notices.ts';
import { HOUR, MINUTE } from '../../helpers/world.ts';

function rendered(line: object, options: Partial<RenderOptions> = {}) {
  const result = receive(JSON.stringify(line));
  if (!('message' in result)) throw new Error(`not a message: ${result.skipped}`);
  return render(result.message, { stage: 'prod', ask: undefined, ...options });
}

const textOf = (line: object, ask?: string): string[] => rendered(line, { ask }).text.split('\n');
const jobs = (count: number, fields: Parameters<typeof messageJob>[1] = {}) =>
  Array.from({ length: count }, (_, i) => messageJob(i + 1, { readingMs: (3 + i) * HOUR, ...fields }));

const AGAIN = 'If you run it again as it is, it is likely to be cancelled again: make it shorter, or ask first.';
const ASK = 'Whom to ask: the operators of the DLI job reaper';
const KEEP =
  'What they run to keep such jobs for a week: dli-reaper exempt keep-ana-adhoc --stage prod --owner ana --queue adhoc --until 7d --reason "asked by ana" --contact ana';
const MORE = 'What the DLI job reaper is, and how to keep a job: docs/owners.md of dli-job-reaper';
const END = 'If you do not need it any more, end it yourself in the DLI console: Job Management, SQL Jobs, Terminate.';
const REPEATS =
  'If a client starts it again by itself, turn that off: retries=0 in Airflow, no retry_all in dbt, no USE_RETRY_KEY in the JDBC driver, no automatic refresh in dashboards.';

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
        MORE,
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
        KEEP.replace('-adhoc', '').replace(' --queue adhoc', ''),
        MORE,
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
        KEEP.replace('-adhoc', '').replace(' --queue adhoc', ''),
        MORE,
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
        'Please look in the DLI console whether it still runs.',
        AGAIN,
        ASK,
        KEEP,
        MORE,
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
        `The rule only warns, so it cancelled nothing. ${END}`,
        ASK,
        MORE,
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
        MORE,
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
        MORE,
      ],
    },
    {
      name: 'a query that a client runs again and again',
      line: messageLine({ jobs: [messageJob(1, { repeats: 3 }), messageJob(2, { repeats: 1, engine: 'spark' })] }),
      text: [
        'Your DLI jobs in project eu-west-101_lake: 2 were cancelled',
        `- job ${jobIdOf(1)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h; a query like it was cancelled 3 more times in the 24 hours before`,
        `- job ${jobIdOf(2)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h; a job like it was cancelled once more in the 24 hours before`,
        AGAIN,
        `${REPEATS.slice(0, -1)}; no auto_recovery in the batch, retries=0 in Airflow.`,
        ASK,
        KEEP,
        MORE,
      ],
    },
    {
      name: 'repeats of one statement, in one line',
      line: messageLine({ jobs: jobs(4, { repeats: 2 }) }),
      text: [
        'Your DLI jobs in project eu-west-101_lake: 4 were cancelled',
        `- 4 jobs on queue adhoc: the longest 6h running, and rule adhoc-2h allows 2h; of each, a query like it was cancelled 2 more times in the 24 hours before; ids: ${jobIdOf(1)}, ${jobIdOf(2)}, ${jobIdOf(3)} and 1 more`,
        AGAIN,
        REPEATS,
        ASK,
        KEEP,
        MORE,
      ],
    },
    {
      name: 'a job that comes to its limit',
      line: messageLine({
        jobs: [messageJob(1, { kind: 'may-be-cancelled', readingMs: 90 * MINUTE, at: '2026-11-27T14:05:30.000Z' })],
      }),
      text: [
        'Your DLI job in project eu-west-101_lake may be cancelled from 14:05 UTC on',
        `- job ${jobIdOf(1)} on queue adhoc: 1h30m running, and rule adhoc-2h allows 2h; may be cancelled from 14:05 UTC on`,
        `${END} If you need longer, ask before then.`,
        ASK,
        `What they run to keep it for a day: dli-reaper exempt keep-37286cc7 --stage prod --job-id ${jobIdOf(1)} --until 1d --reason "asked by ana" --contact ana`,
        MORE,
      ],
    },
    {
      name: 'jobs of several engines that come to their limit, one on another day',
      line: messageLine({
        jobs: [
          messageJob(1, { kind: 'may-be-cancelled', at: '2026-11-28T00:05:00.000Z', engine: 'flink' }),
          messageJob(2, { kind: 'may-be-cancelled', at: '2026-11-27T14:05:00.000Z', engine: 'spark' }),
        ],
      }),
      text: [
        'Your DLI jobs in project eu-west-101_lake: 2 may be cancelled soon',
        `- job ${jobIdOf(1)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h; may be cancelled from 2026-11-28 00:05 UTC on`,
        `- job ${jobIdOf(2)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h; may be cancelled from 14:05 UTC on`,
        'If you do not need them any more, end them yourself in the DLI console: Job Management, Flink Jobs, More, Stop; or Spark Jobs, More, Terminate Job. If you need longer, ask before then.',
        ASK,
        `What they run to keep them for a day: dli-reaper exempt keep-37286cc7 --stage prod --job-id ${jobIdOf(1)} --job-id ${jobIdOf(2)} --until 1d --reason "asked by ana" --contact ana`,
        MORE,
      ],
    },
    {
      name: 'many jobs that come to their limit, with the first time',
      line: messageLine({
        jobs: [5, 4, 6, 7].map((hour) =>
          messageJob(hour, { kind: 'may-be-cancelled', at: `2026-11-27T1${hour}:05:00.000Z` }),
        ),
      }),
      text: [
        'Your DLI jobs in project eu-west-101_lake: 4 may be cancelled soon',
        `- 4 jobs on queue adhoc: the longest 3h running, and rule adhoc-2h allows 2h; the first may be cancelled from 14:05 UTC on; ids: ${jobIdOf(5)}, ${jobIdOf(4)}, ${jobIdOf(6)} and 1 more`,
        `${END.replaceAll(' it ', ' them ')} If you need longer, ask before then.`,
        ASK,
        KEEP.replace('such jobs for a week', 'them for a day').replace('7d', '1d'),
        MORE,
      ],
    },
    {
      name: 'a job that is kept',
      line: messageLine({
        jobs: [
          messageJob(1, {
            kind: 'kept',
            at: '2026-11-27T18:00:00.000Z',
            keptBy: { exemption: 'backfill', owner: 'kim' },
          }),
        ],
      }),
      text: [
        'Your DLI job in project eu-west-101_lake is kept until 18:00 UTC',
        `- job ${jobIdOf(1)} on queue adhoc: 3h running, and rule adhoc-2h allows 2h; kept until 18:00 UTC by exemption backfill (kim)`,
        'After that time a job may be cancelled: if you need longer, ask before then.',
        ASK,
        MORE,
      ],
    },
    {
      name: 'a job that no longer runs, of which there is nothing to ask',
      line: messageLine({ jobs: [messageJob(1, { kind: 'ended' })] }),
      text: [
        'Your DLI job in project eu-west-101_lake no longer runs',
        `- job ${jobIdOf(1)} on queue adhoc; no sweep of the schedule cancelled it`,
        MORE,
      ],
    },
    {
      name: 'an exemption that ends, with the line that renews it',
      line: messageLine({
        jobs: [],
        exemptions: [
          {
            id: 'backfill',
            reason: 'backfill of 2025',
            until: '2026-12-04T18:00:00.000Z',
            match: { queue: ['bi_*'], tag: ['team=bi'] },
          },
        ],
      }),
      text: [
        'Your exemption backfill from the DLI job reaper ends at 2026-12-04 18:00 UTC',
        `- exemption backfill ("backfill of 2025") ends at 2026-12-04 18:00 UTC; renew it with dli-reaper exempt backfill --stage prod --replace --queue 'bi_*' --tag 'team=bi' --until 2026-12-11T18:00:00Z --reason "backfill of 2025" --contact ana`,
        ASK,
        MORE,
      ],
    },
    {
      name: 'an exemption whose jobs are not known, beside a job',
      line: messageLine({
        jobs: [messageJob(1, { kind: 'ended' })],
        exemptions: [{ id: 'backfill', reason: '$(x)', until: '2026-11-27T18:00:00.000Z' }],
      }),
      text: [
        'Your DLI job in project eu-west-101_lake no longer runs; 1 of your exemptions ends soon',
        `- job ${jobIdOf(1)} on queue adhoc; no sweep of the schedule cancelled it`,
        '- exemption backfill ("$(x)") ends at 18:00 UTC; renew it with dli-reaper exempt backfill --stage prod --replace --until 2026-12-04T18:00:00Z --reason "WHY" --contact ana, and the flags of its jobs (--job-id, --queue, --owner or --tag)',
        ASK,
        MORE,
      ],
    },
  ])('says in plain words: $name', ({ line, text }) => {
    expect(textOf(line)).toEqual(text);
    expect(rendered(line).title).toBe(text[0]);
  });

  it('says whom to ask in the words of the route', () => {
    expect(textOf(messageLine(), '#data in Slack')).toContain('Whom to ask: #data in Slack');
  });

  it('leads to the page for owners, if the deploy names its address', () => {
    const ownersPage = 'https://wiki.example.com/reaper';

    expect(rendered(messageLine(), { ownersPage }).text).toContain(`how to keep a job: ${ownersPage}`);
  });

  it('writes no command that a shell would read in another way, and no id that the command refuses', () => {
    const keep = (owner: string, queue: string) =>
      textOf(messageLine({ owner, jobs: [messageJob(1, { owner, queue })] })).find((one) => one.includes(' exempt '));

    expect(keep('Ana.B@x', 'BI 1')).toContain(
      `exempt keep-ana-b-x-bi-1 --stage prod --owner Ana.B@x --queue 'BI 1' --until 7d --reason "asked by Ana.B@x" --contact Ana.B@x`,
    );
    expect(keep("a';rm", '-x')).toContain(
      'exempt NAME --stage prod --owner OWNER --queue QUEUE --until 7d --reason "WHY" --contact OWNER',
    );
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
        'DLI job reaper, sweep of lake (stage prod): incomplete',
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
        `- cancelled: job ${jobIdOf(1)} of ana on queue adhoc: 3h running, and the emergency is for jobs over 2h`,
        'arn:aws:iam::1:user/kim started an emergency sweep: "INC-42"',
        WHY,
      ],
    },
  ])('says in plain words: $name', ({ line, text, ask }) => {
    expect(textOf(line, ask)).toEqual(text);
  });

  it.each([
    {
      firstAt: '2026-11-26T18:00:00Z',
      said: 'first stopped or failed at 2026-11-26 18:00 UTC, last at 08:45 UTC; ok at 09:00 UTC',
    },
    { firstAt: '2026-11-27T08:45:00Z', said: 'stopped or failed at 08:45 UTC; ok at 09:00 UTC' },
  ])('says that a trouble is over, and when its sweeps were: $said', ({ firstAt, said }) => {
    const over = { firstAt: Date.parse(firstAt), lastAt: Date.parse('2026-11-27T08:45:00Z') };

    expect(rendered(operatorsLine({ jobs: [] }), { over }).text.split('\n')).toEqual([
      'DLI job reaper, sweep of lake (stage prod): ok again',
      `- ${said}`,
      'To look closer: dli-reaper status --stage prod',
    ]);
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
    jobs: (['cancelled', 'may-be-cancelled', 'kept', 'ended', 'unconfirmed'] as const).map((kind) => ({
      ...messageJob(1, { kind, name: HOSTILE, queue: HOSTILE, owner: HOSTILE, rule: HOSTILE, error: HOSTILE }),
      jobId: HOSTILE,
      engine: HOSTILE,
      at: HOSTILE,
      keptBy: { exemption: HOSTILE, owner: HOSTILE },
    })),
    exemptions: [{ id: HOSTILE, reason: HOSTILE, until: HOSTILE, match: { owner: [HOSTILE], tag: [HOSTILE] } }],
  };

  it.each([
    { name: 'an owner', lines: messageLine({ owner: HOSTILE, projectName: HOSTILE, ...line }) },
    { name: 'the operators', lines: operatorsLine({ status: 'stopped', problems: [HOSTILE], ...line }) },
  ])('can add no line, link or mention to a message for $name, and nothing to a command', ({ lines }) => {
    const { title, text } = rendered(lines, { ask: HOSTILE });

    expect(title).not.toContain('\n');
    expect(
      text
        .split('\n')
        .every((one) =>
          /^(Your DLI|DLI job|- |A person|If you|Please|After that|Whom|What they|What the DLI|To look)/.test(one),
        ),
    ).toBe(true);
    expect(text).not.toMatch(/[<>\p{Cf}\u2028]|(?!\n)\p{Cc}/u);
    for (const [command] of text.matchAll(/dli-reaper .*/g)) expect(command).not.toContain('rm -rf');
  });

  it('is cut if it is long', () => {
    expect(rendered(messageLine({ jobs: [messageJob(1, { name: 'x'.repeat(1_999) })] })).text.length).toBeLessThan(
      1_000,
    );
  });
});
