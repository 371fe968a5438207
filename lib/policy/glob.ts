/**
 * Whether a value matches a glob, where `*` is any run of characters and `?` is one; case matters.
 * On a mismatch only the last `*` is widened, so the work is bounded by both lengths multiplied and no pattern can hang
 * a sweep.
 *
 * @returns undefined if that cannot be told in so many steps.
 */
export function matchesGlob(wanted: string, value: string, maxSteps = Number.POSITIVE_INFINITY): boolean | undefined {
  const [glob, text] = [charactersOf(wanted), charactersOf(value)];
  let g = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  for (let steps = 1; t < text.length; steps++) {
    if (steps > maxSteps) return undefined;
    if (glob[g] === '*') {
      star = g++;
      starText = t;
    } else if (glob[g] === '?' || glob[g] === text[t]) {
      g++;
      t++;
    } else if (star >= 0) {
      g = star + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

/** Some characters, such as 𠮷, are two units of a text. Most texts have none, and are taken as they are. */
const charactersOf = (text: string): string | string[] => (/[\ud800-\udfff]/.test(text) ? Array.from(text) : text);
