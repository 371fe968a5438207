/** What JSON may hold as it is, and a screen or an editor obeys without showing it: controls, formats, line separators. */
export const UNSEEN: RegExp = /[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu;

/**
 * JSON in which every character that cannot be seen is escaped: names come from whoever submits a job. It is the same text
 * to whoever parses it.
 */
export const jsonOf = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(UNSEEN, inUnits);

export const hasUnseen = (text: string): boolean => text.search(UNSEEN) >= 0;

/** `\u202e`; of a character beyond 16 bits both halves, as JSON has it. */
function inUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
