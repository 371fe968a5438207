import type { Collector, SourceReader } from '../../lib/aggregate/collect.ts';
import { nameOf } from '../../lib/base/error-words.ts';
import { logGroupOf, type RecordName } from '../../lib/settings/names.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { anyOf, isNoGroup, openSweepLog } from '../../lib/sweep/past/cloudwatch-log.ts';
import { ENDS, JOB_LINES, type LineName } from '../../lib/sweep/record/log-lines.ts';
import type { Reading } from './read-files.ts';

export interface StageQuestion {
  stage: string;
  /** Epoch ms. */
  since: number;
  until: number | undefined;
  target: string | undefined;
}

/** The lines that a report needs. CloudWatch finds them, since a log also has a line for each problem with a call. */
const LINES_OF_SWEEPS = ['victims chosen', ...JOB_LINES, ...ENDS] as const satisfies LineName[];
const LINES_OF_NOTIFY = ['message without route', 'message not published'] as const satisfies LineName[];

const GROUPS = [
  { record: 'sweep', lines: LINES_OF_SWEEPS, without: undefined },
  { record: 'by-hand', lines: LINES_OF_SWEEPS, without: 'sweeps by hand are not shown' },
  {
    record: 'notify',
    lines: LINES_OF_NOTIFY,
    without: 'it is not known which messages to owners and operators were not delivered',
  },
] as const satisfies { record: RecordName; lines: readonly LineName[]; without: string | undefined }[];

/**
 * Reads the record of a stage: the log groups side by side, each page as it comes. A group without which a report is still true is
 * counted as unread.
 *
 * @returns the groups that do not exist, and need not. @throws {SettingsError} if the log of the sweeps cannot be read.
 */
export async function readStage(question: StageQuestion, collector: Collector, reading: Reading): Promise<string[]> {
  const log = openSweepLog(question.stage);
  const absent: string[] = [];
  // One group that fails ends the others.
  const failure = new AbortController();
  const signal = AbortSignal.any([reading.signal, failure.signal]);
  const readGroup = async ({ record, lines, without }: (typeof GROUPS)[number]) => {
    const group = logGroupOf(question.stage, record);
    const reader = collector.source(group);
    try {
      const { since, until, target } = question;
      await readPages(log.pages(patternOf(lines, target), since, record, { until, signal }), group, reader, reading);
    } catch (error) {
      reading.signal.throwIfAborted();
      if (!(error instanceof SettingsError) || without === undefined) {
        failure.abort();
        throw error;
      }
      if (record === 'notify' && isNoGroup(error.cause)) absent.push(group);
      reader.unread(`the log cannot be read (${nameOf(error.cause)}), so ${without}`, null);
    }
  };
  const results = await Promise.allSettled(GROUPS.map(readGroup));
  reading.signal.throwIfAborted();
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return absent;
}

/** Lines without a target belong to all of them. */
function patternOf(lines: readonly LineName[], target: string | undefined): string {
  const ofTarget = target === undefined ? '' : `(($.target = "${target}") || ($.target NOT EXISTS)) && `;
  return `{ ${ofTarget}(${anyOf(lines)}) }`;
}

async function readPages(
  pages: ReturnType<ReturnType<typeof openSweepLog>['pages']>,
  group: string,
  reader: SourceReader,
  { onProgress }: Reading,
): Promise<void> {
  let count = 0;
  let latest = 0;
  for await (const page of pages) {
    for (const { fields, id, at } of page) {
      latest = Math.max(latest, at);
      reader.line(fields, `event ${id}`, at);
    }
    count += page.length;
    onProgress(group, count, latest === 0 ? undefined : latest);
  }
}
