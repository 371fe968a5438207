import type { PageContent } from '../../cli/report/packed.ts';
import { createCollector } from '../../lib/aggregate/collect.ts';
import { MARCH, monthOfRecord, OCTOBER } from '../helpers/months-of-record.ts';

/** The page of what sweeps recorded: two months with both clock changes of a year, or the first of them. */
export function recordedContent(months: 'both' | 'first' = 'both', owners: 'shown' | 'hidden' = 'shown'): PageContent {
  const collector = createCollector({ timeZone: 'Europe/Berlin', owners });
  const source = collector.source('/aws/lambda/dli-reaper-prod-sweep');
  const lines = [MARCH, ...(months === 'both' ? [OCTOBER] : [])].flatMap(monthOfRecord);
  for (const [index, line] of lines.entries()) source.line(line, `line ${index + 1}`);
  return {
    ...collector.finish(null),
    title: 'What the job reaper did: prod',
    madeAt: '2026-12-01T06:30:00.000Z',
    version: '0.1.0',
    command: 'dli-reaper report --stage prod --out report.html',
    ownersHidden: owners === 'hidden',
  };
}
