import { formatDuration } from '../../lib/base/duration.ts';
import { cleanText, counted, indented } from '../screen/text.ts';
import type { Debrief } from './debrief.ts';
import type { Night } from './night.ts';

/** What a debrief says of the drill itself. */
export interface Conditions {
  night: Pick<Night, 'takenAt' | 'jobs' | 'unknown'>;
  callsPerMinute: number;
  isAttended: boolean;
  /** Number of faults on order. */
  faults: number;
  /** Those of them that happened. */
  faultsMet: number;
}

/** More ids would push the numbers off the screen. --json has all. */
const MOST_IDS = 10;

/** Formats the debrief for a person. */
export function formatDebrief(debrief: Debrief, { night, faults, faultsMet }: Conditions): string {
  const { runaways, left, wrongKills, falseWords, unconfirmed, calls, refused } = debrief;
  const after = (ms: number | null) => (ms === null ? 'not yet' : `after ${formatDuration(Math.max(ms, 0))}`);
  const rows: [string, string][] = [
    ['first job stopped', after(debrief.firstStoppedMs)],
    ['last runaway ended', after(debrief.lastStoppedMs)],
    ['runaways', `${runaways}, of which ${left.length} still run`],
    ['wrong kills', String(wrongKills.length)],
    ['false words in the log', String(falseWords.length)],
    ['unconfirmed in the log', String(unconfirmed.length)],
    ['calls', `${calls}, of which the gateway refused ${refused} as too many`],
    ['faults on order', `${faults}, of which ${faultsMet} happened`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const numbers = rows.map(([name, value]) => `${name.padEnd(width)}${value}\n`).join('');
  const lists = [
    listed('Wrong kills', wrongKills, ({ jobId, engine, queue, owner }) => `${jobId} (${engine}, ${queue}, ${owner})`),
    listed('False words', falseWords, ({ jobId, said, status }) => {
      const log = said === null ? 'does not mention it' : `says ${said}`;
      return `${jobId}: the log ${log}, the emulator ${status === null ? 'has no such job' : `says ${status}`}`;
    }),
    listed('Unconfirmed', unconfirmed, (jobId) => jobId),
    listed('Still running', left, ({ jobId, engine, queue, owner }) => `${jobId} (${engine}, ${queue}, ${owner})`),
    listed('Not as it was', night.unknown, (sentence) => sentence),
  ];
  const head = `The debrief, ${formatDuration(debrief.endedAt - debrief.startedAt)} after the start, by what the emulator knows:\n`;
  return `${head}${indented(numbers)}${lists.join('')}`;
}

function listed<T>(title: string, items: readonly T[], words: (item: T) => string): string {
  if (items.length === 0) return '';
  const shown = items.slice(0, MOST_IDS).map((item) => `  ${cleanText(words(item))}\n`);
  const more = items.length - shown.length;
  return `${title}:\n${shown.join('')}${more > 0 ? `  and ${counted(more, 'other')}\n` : ''}`;
}

/** Makes the JSON document of the debrief. */
export function toDrillJson(
  { startedAt, endedAt, left, wrongKills, ...debrief }: Debrief,
  { night: { takenAt, jobs, unknown }, ...conditions }: Conditions,
) {
  const toJob = ({ jobId, engine, queue, owner, status }: Debrief['left'][number]) => ({
    jobId,
    engine,
    queue,
    owner,
    status,
  });
  return {
    startedAt: new Date(startedAt).toISOString(),
    endedAt: new Date(endedAt).toISOString(),
    ...conditions,
    takenAt,
    jobs,
    ...debrief,
    left: left.map(toJob),
    wrongKills: wrongKills.map(toJob),
    unknown,
  };
}
