import type { LogLine } from '../../lib/sweep/past/cloudwatch-log.ts';
import {
  AROUND_JOB,
  AROUND_SUMMARY,
  JOB_LINES,
  type JobLineName,
  type Summary,
} from '../../lib/sweep/record/log-lines.ts';
import { type JobReport, REPORT_VERSION, type SweepReport } from '../../lib/sweep/record/report.ts';
import type { Swept } from '../sweep/results.ts';

type JobLine = Extract<LogLine, { msg: JobLineName }>;
type SummaryLine = Extract<LogLine, { msg: 'sweep finished' }>;

const isJobLine = (line: LogLine): line is JobLine => JOB_LINES.some((msg) => msg === line.msg);

/** Puts reports together from log lines: a line for each job, and the rest in the last line. */
export function toSwept(lines: readonly LogLine[]): Swept & {
  /** Lines that are known to be missing, one sentence for each report. */
  incomplete: string[];
} {
  const summaries = lines.filter((line): line is SummaryLine => line.msg === 'sweep finished');
  // In another version fields are missing, or mean something else.
  const isReadable = ({ fields }: SummaryLine) => fields.version === REPORT_VERSION;
  const finished = summaries.filter(isReadable);
  const jobLines = lines.filter(isJobLine);
  // Lambda may deliver an event twice, so both ids count. The last line does not count jobs at level debug.
  const jobsOf = ({ fields: { sweepId, awsRequestId } }: SummaryLine) =>
    jobLines.filter(
      ({ fields }) => fields.level !== 'debug' && fields.sweepId === sweepId && fields.awsRequestId === awsRequestId,
    );
  return {
    reports: finished.map((line) => toReport(line, jobsOf(line))),
    failures: [
      ...lines.flatMap(failureOf),
      ...summaries.filter((line) => !isReadable(line)).map(({ fields }) => wordsForVersion(fields)),
    ],
    incomplete: finished.flatMap((line) => {
      // Functions of earlier versions do not log the number.
      const { target, jobsLogged = 0 } = line.fields;
      const found = jobsOf(line).length;
      return found >= jobsLogged
        ? []
        : [`${target}: the log shows ${found} of ${jobsLogged} jobs; the counts include all of them`];
    }),
  };
}

/** The problem of a report in another version. Version 1 does not name its version. */
const wordsForVersion = ({ target, status, version }: SummaryLine['fields']): string =>
  `${target}: sweep ${status}; its report has version ${version ?? 1}, and this command reads version ${REPORT_VERSION}: ` +
  'use the command of the deployed version, or deploy the version of this command';

/** Makes a report of its last line and the lines of its jobs. */
function toReport({ fields }: SummaryLine, jobs: readonly JobLine[]): SweepReport {
  const summary = without(AROUND_SUMMARY, fields) as Summary;
  return { ...summary, jobs: jobs.map((job) => without(AROUND_JOB, job.fields) as JobReport) };
}

function failureOf(line: LogLine): string[] {
  const prefix = line.fields.target === undefined ? '' : `${line.fields.target}: `;
  switch (line.msg) {
    case 'target not swept':
      return [`${prefix}not swept, ${line.fields.reason}`];
    case 'dispatch finished': {
      const { expected = 0, sent = 0 } = line.fields;
      return sent < expected ? [`${expected - sent} of ${expected} targets could not be dispatched`] : [];
    }
    case 'message not sent':
      return [`${line.fields.targets?.join(', ')}: not sent to be swept`];
    case 'sweep could not run':
    case 'dispatch could not run':
    case 'target unreadable':
    case 'target not sent':
      return [`${prefix}${line.fields.error}`];
    default:
      return [];
  }
}

function without(names: readonly string[], fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}
