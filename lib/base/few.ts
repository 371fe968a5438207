/** Most sentences of one kind in a report. A log line has no room for a thousand. */
const MOST = 20;

/** The first sentences of one kind, and how many more there are. @param what such as `exemptions that have expired`. */
export function fewOf(sentences: readonly string[], what: string, most = MOST): string[] {
  if (sentences.length <= most) return [...sentences];
  return [...sentences.slice(0, most), `and ${sentences.length - most} more ${what}`];
}
