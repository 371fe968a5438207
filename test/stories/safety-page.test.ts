import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatDuration } from '../../lib/base/duration.ts';
import { DEFAULT_CEILINGS } from '../../lib/settings/ceilings.ts';

const pages = (...names: string[]) => names.map((name) => readFileSync(`docs/${name}`, 'utf8'));
const { shortestLimitMs, allMayCancel, ...counts } = DEFAULT_CEILINGS;
const inWords = (count: number) => count.toLocaleString('en');

/** What can stop a sweep, as the schema of its report has it. */
function stoppers(): string[] {
  const schema = JSON.stringify(JSON.parse(readFileSync('docs/report.schema.json', 'utf8')));
  const [, list = '[]'] = /"stoppedBy":\{"anyOf":\[\{"enum":(\[[^\]]*\])/.exec(schema) ?? [];
  return JSON.parse(list) as string[];
}

describe('the page of all brakes', () => {
  const [safety = '', deploy = ''] = pages('safety.md', 'deploy.md');

  it.each(Object.entries(counts))(
    'has the ceiling %s with its default, as the page of the deploy has',
    (name, count) => {
      const row = safety
        .split('\n')
        .find((line) => line.startsWith('| ') && line.split(' | ')[0]?.includes(`\`${name}\``));

      expect(row).toMatch(new RegExp(`\\b${inWords(count)}\\b`));
      expect(deploy).toContain(`| \`${name}\` ${count} |`);
    },
  );

  it('has the shortest limit, and that a rule for all jobs may not cancel', () => {
    expect(safety).toContain(`below ${formatDuration(shortestLimitMs).replace(/m$/, ' minutes')}`);
    expect(deploy).toContain(`| \`shortestLimit\` ${formatDuration(shortestLimitMs)} |`);
    expect(deploy).toContain(`| \`allMayCancel\` ${allMayCancel} |`);
  });

  it('has everything that stops a sweep, but for the person who presses Ctrl-C', () => {
    const found = stoppers();

    expect(found).toContain('identity');
    for (const name of found.filter((one) => one !== 'operator' && one !== 'expired')) {
      expect(safety).toContain(`\`stopped\` by \`${name}\``);
    }
    expect(safety).toContain('`expired`');
  });
});
