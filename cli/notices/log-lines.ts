import * as v from 'valibot';

/** A line of a log, and where it stands. */
export interface SourceLine {
  text: string;
  /** File and line, or file and event. */
  place: string;
}

/** What `aws logs filter-log-events` prints. */
const eventsSchema = v.object({ events: v.array(v.object({ message: v.string() })) });

/** `aws logs tail` prints the time first, and the stream too unless its format is short. */
export const TAILED = /^(\d{4}-\d\d-\d\dT\S+) (?:\S+ )?(?=\{)/;

/**
 * Returns the lines of a log in a file: one in each line, also as `aws logs tail` prints them, or the events of
 * `aws logs filter-log-events`. Empty lines are left out.
 */
export function logLinesIn(file: string, text: string): SourceLine[] {
  const events = eventsIn(text);
  if (events !== undefined) return events.map((line, i) => ({ text: line.trim(), place: `${file} event ${i + 1}` }));
  return text.split('\n').flatMap((line, i) => {
    const trimmed = line.trim();
    return trimmed === '' ? [] : [{ text: trimmed.replace(TAILED, ''), place: `${file} line ${i + 1}` }];
  });
}

function eventsIn(text: string): string[] | undefined {
  try {
    const result = v.safeParse(eventsSchema, JSON.parse(text));
    return result.success ? result.output.events.map(({ message }) => message) : undefined;
  } catch {
    return undefined;
  }
}
