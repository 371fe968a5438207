import * as v from 'valibot';
import type { NotifySummary } from '../../lib/notify/notify.ts';
import type { Addressed } from '../../lib/notify/routes.ts';
import { eventOf } from '../../lib/notify/subscription.ts';
import { testLine } from '../../lib/notify/test-message.ts';
import { functionName } from '../../lib/settings/names.ts';
import { SettingsError } from '../../lib/settings/settings.ts';
import { callFunction } from '../remote/invoke.ts';
import { EXIT_CONFIGURATION } from '../screen/exit-code.ts';
import { toJson } from '../screen/json.ts';
import { withSpinner } from '../screen/spinner.ts';
import type { Terminal } from '../screen/terminal.ts';
import { cleanText } from '../screen/text.ts';

export type Recipient = Pick<Addressed, 'to' | 'owner'>;

export interface SendTestFlags {
  stage: string;
  to: Recipient;
  queue?: string;
  target: string;
  json?: boolean;
}

const textOrNull = v.nullable(v.string());

/** What is needed of the function's result. A function of an earlier version has no `deliveries`, and sends no test. */
const summarySchema: v.GenericSchema<unknown, Pick<NotifySummary, 'deliveries' | 'unreadable'>> = v.object({
  deliveries: v.array(v.object({ parameter: textOrNull, isWithoutRoute: v.boolean(), error: textOrNull })),
  unreadable: v.array(v.string()),
});

/**
 * Sends a test through the deployed function, and says by which route it went.
 *
 * @returns the exit code; 1 if it was not sent. @throws {SettingsError} if the function cannot say.
 */
export async function runSendTest(flags: SendTestFlags, terminal: Terminal): Promise<number> {
  const { stage, queue = null, target } = flags;
  const addressed = { ...flags.to, queue, target };
  const result = await withSpinner('Sending', flags, terminal, () =>
    callFunction(stage, 'notify', eventOf([testLine(addressed)]), 'the test may have been sent'),
  );
  const { deliveries, unreadable } = read(result, stage);
  const [delivery] = deliveries;
  if (delivery === undefined) throw new SettingsError(functionName(stage, 'notify'), NO_TEST);
  const { parameter: route, isWithoutRoute, error } = delivery;
  const isSent = route !== null && error === null;

  const { out, err } = terminal;
  if (flags.json) {
    out(toJson('notice-test', { stage, ...addressed, isSent, route, isWithoutRoute, error, unreadable }));
  } else {
    for (const problem of unreadable) err(`! A route was left out. ${cleanText(problem)}\n`);
    (isSent ? out : err)(`${cleanText(inWords(delivery, addressed))}\n`);
  }
  return isSent ? 0 : EXIT_CONFIGURATION;
}

const NO_TEST = 'sent nothing: it is of a version that knows no tests; deploy again';

function read(result: unknown, stage: string): v.InferOutput<typeof summarySchema> {
  const summary = v.safeParse(summarySchema, result);
  if (summary.success) return summary.output;
  throw new SettingsError(functionName(stage, 'notify'), NO_TEST);
}

function inWords(
  { parameter, isWithoutRoute, error }: NotifySummary['deliveries'][number],
  { to, owner, queue, target }: Addressed,
): string {
  const whom = to === 'operators' ? 'the operators' : `owner ${owner}`;
  const about = `target ${target}${queue === null ? '' : ` and queue ${queue}`}`;
  if (parameter === null) return 'Not sent: the stage has no route. docs/notices.md shows how to write one.';
  const fallback = isWithoutRoute ? ', the fallback, since no route is for it' : '';
  if (error !== null) return `Not sent by ${parameter}${fallback}: ${error}`;
  return `Sent by ${parameter}${fallback}: a test to ${whom}, with ${about}.`;
}
