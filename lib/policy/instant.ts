/**
 * Reads a day such as `2026-12-31`, in UTC, or a time with its zone as in RFC 3339.
 *
 * @param ofDay which instant of a day is meant.
 * @returns epoch ms; undefined for any other text.
 */
export function parseInstant(text: string, ofDay: 'beginning' | 'end' = 'end'): number | undefined {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  if (!isDay && !/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const ms = Date.parse(isDay ? `${text}T00:00:00Z` : text.replace(' ', 'T'));
  if (Number.isNaN(ms)) return undefined;
  // Date.parse reads the 31st of February as the 3rd of March.
  if (new Date(text.slice(0, 10)).getUTCDate() !== Number(text.slice(8, 10))) return undefined;
  return isDay && ofDay === 'end' ? ms + 86_400_000 : ms;
}
