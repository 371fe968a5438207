import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import * as v from 'valibot';
import { systemClock } from '../../lib/base/clock.ts';
import { nameOf } from '../../lib/base/error-words.ts';
import { functionName } from '../../lib/settings/names.ts';
import { AWS_CLIENT_OPTIONS, parameterNames } from '../../lib/settings/parameter-store.ts';
import { counted } from '../screen/text.ts';
import { type Finding, green, yellow } from './finding.ts';
import { fixForAws } from './stage-checks.ts';

const CHECK = 'routes of messages';
const WEEK_MS = 7 * 86_400_000;
const MOST_NAMED = 20;

/** The line `message without route`, of any version. */
const lineSchema = v.object({
  msg: v.literal('message without route'),
  to: v.picklist(['owner', 'operators']),
  owner: v.nullable(v.string()),
  parameter: v.nullable(v.string()),
});

/** Names those whose messages no route was for in the last week, by the log of `notify`. Nothing if the stage has no such function. */
export async function noticeFindings({ name }: { name: string }): Promise<Finding[]> {
  const logGroupName = `/aws/lambda/${functionName(name, 'notify')}`;
  const client = new CloudWatchLogsClient(AWS_CLIENT_OPTIONS);
  const filterPattern = '{ $.msg = "message without route" }';
  const startTime = systemClock.now() - WEEK_MS;
  const lines: string[] = [];
  try {
    for await (const { events = [] } of paginateFilterLogEvents(
      { client },
      { logGroupName, filterPattern, startTime },
    )) {
      lines.push(...events.flatMap(({ message }) => message ?? []));
    }
  } catch (error) {
    const reason = nameOf(error);
    // Without notices there is neither the function nor its log.
    if (reason === 'ResourceNotFoundException') return [];
    const found = `not known who has none: the log ${logGroupName} cannot be read (${reason})`;
    return [yellow(CHECK, found, fixForAws(reason, 'grant logs:FilterLogEvents on it'))];
  } finally {
    client.destroy();
  }
  return [findingOf(lines.flatMap(readLine), name)];
}

function readLine(line: string): v.InferOutput<typeof lineSchema>[] {
  try {
    const result = v.safeParse(lineSchema, JSON.parse(line));
    return result.success ? [result.output] : [];
  } catch {
    return [];
  }
}

function findingOf(lines: readonly v.InferOutput<typeof lineSchema>[], stage: string): Finding {
  if (lines.length === 0) return green(CHECK, 'no message lacked a route in 7 days');
  const owners = [...new Set(lines.flatMap(({ owner }) => owner ?? []))].sort();
  const whom = [
    ...(owners.length === 0 ? [] : [`${counted(owners.length, 'owner')} (${namesOf(owners)})`]),
    ...(lines.some(({ to }) => to === 'operators') ? ['the operators'] : []),
  ];
  const where = lines.every(({ parameter }) => parameter === null) ? 'nowhere' : 'to the fallback';
  const found = `in 7 days ${counted(lines.length, 'message')} to ${whom.join(' and ')} went ${where}`;
  return yellow(CHECK, found, `write a route for them below ${parameterNames(stage).routes}; see docs/notices.md`);
}

function namesOf(owners: readonly string[]): string {
  const more = owners.length - MOST_NAMED;
  return `${owners.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
