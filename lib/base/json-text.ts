/** Characters that JSON need not escape and that a screen does not show but obeys: controls, formats, line separators. */
export const UNSEEN: RegExp = /[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu;

const MAYBE_UNSEEN = /[\u007f-\uffff]/;

/**
 * Writes JSON with every invisible character escaped: names come from the people who submit jobs. A parser reads the same
 * value.
 */
export function jsonOf(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, null, indent);
  // Nearly all of it is plain ASCII, and is soon seen to be.
  return MAYBE_UNSEEN.test(json) ? json.replace(UNSEEN, inUnits) : json;
}

export const hasUnseen = (text: string): boolean => text.search(UNSEEN) >= 0;

/** Writes a character as `\u202e`; one beyond 16 bits as two halves, as JSON has it. */
function inUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
