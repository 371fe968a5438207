/** Of sentences of one kind nobody reads more, and a line of the log has no room for all of a thousand. */
const MOST = 20;

/** The first sentences of one kind, and how many more there are. @param what such as `exemptions that have expired`. */
export function fewOf(sentences: readonly string[], what: string, most = MOST): string[] {
  if (sentences.length <= most) return [...sentences];
  return [...sentences.slice(0, most), `and ${sentences.length - most} more ${what}`];
}
