import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { receive } from '../../../lib/notify/received.ts';
import { render } from '../../../lib/notify/render.ts';
import { readRoutes } from '../../../lib/notify/routes.ts';
import { ParameterValues } from '../../../lib/settings/parameter-store.ts';
import { routeName } from '../../helpers/notices.ts';

const PAGE = readFileSync(new URL('../../../docs/notices.md', import.meta.url), 'utf8');
const [queue = '', firstEvent = '', ownerRoute = '', pattern = ''] = [...PAGE.matchAll(/```json\n(.*?)\n```/gs)].map(
  ([, json]) => json,
);

describe('docs/notices.md', () => {
  it('shows a message that can be sent, in one line and without a quote that would end the argument', () => {
    const result = receive(firstEvent);
    if (!('message' in result)) throw new Error(result.skipped);

    expect(firstEvent).not.toMatch(/['\n]/);
    expect(render(result.message, { stage: 'prod', ask: undefined }).text).toBe(
      [
        'DLI job reaper, dry run of test-1 (stage prod): stopped',
        '- this is the first event, and a test',
        'To look closer: dli-reaper status --stage prod',
      ].join('\n'),
    );
  });

  it('shows a policy for the queue of the first event, and a rule for kinds that events have', () => {
    const { Policy } = JSON.parse(queue) as { Policy: string };
    const { source, detail, ...rest } = JSON.parse(pattern) as {
      source: string[];
      detail: { kind: string[] };
      'detail-type': string[];
    };

    expect(JSON.parse(Policy)).toMatchObject({ Statement: [{ Action: 'sqs:SendMessage' }] });
    const schema = readFileSync(new URL('../../../docs/events.schema.json', import.meta.url), 'utf8');
    expect(detail.kind.length).toBeGreaterThan(0);
    for (const word of [...source, ...rest['detail-type'], ...detail.kind]) expect(schema).toContain(`"${word}"`);
  });

  it('shows routes that can be read', () => {
    const [, first = ''] = /`route.json` is `(.*?)`/.exec(PAGE) ?? [];
    const values = new ParameterValues();
    values.add({ Name: routeName('slack'), Value: first });
    values.add({ Name: routeName('10-bi'), Value: ownerRoute });

    const [, mail = ''] = /--value '(.*?)'/.exec(PAGE) ?? [];
    values.add({ Name: routeName('50-owners'), Value: mail });

    const { all, fallback } = readRoutes(values, 'prod', (_, error) => {
      throw error;
    });

    expect(all).toHaveLength(3);
    expect(fallback?.parameter).toBe(routeName('slack'));
  });
});
