const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const NULL = Buffer.from('null');

/** The body of an answer while it arrives. */
export interface Body {
  add: (chunk: Buffer) => void;
  /** Returns the number of bytes that are held. */
  size: () => number;
  text: () => string;
}

/**
 * Makes a body that does not hold long texts. In JSON a text of more than `maxTextBytes`, as it is written there, comes out
 * as `null`, so other people's long texts take no memory. A body that is not JSON is of no use to the caller, and may
 * lose what is between two quotes.
 */
export function createBody(maxTextBytes: number): Body {
  const kept: Buffer[] = [];
  let keptBytes = 0;
  /** The text that is not ended yet, from its opening quote on; empty once it is too long. */
  let open: Buffer[] = [];
  let openBytes = 0;
  let isInText = false;
  /** Whether the last chunk ended with a backslash, which escapes the first byte of the next chunk. */
  let isEscaped = false;

  const keep = (part: Buffer) => {
    if (part.length === 0) return;
    kept.push(part);
    keptBytes += part.length;
  };

  return {
    add: (chunk) => {
      // Most answers have no limit, and need not be searched.
      if (maxTextBytes === Number.POSITIVE_INFINITY) return keep(chunk);
      /** Start of the part that is neither kept nor dropped yet. */
      let from = 0;
      let textFrom = 0;
      let i = isEscaped ? 1 : 0;
      for (;;) {
        if (!isInText) {
          textFrom = chunk.indexOf(QUOTE, i);
          if (textFrom < 0) break;
          isInText = true;
          i = textFrom + 1;
        }
        i = endOfText(chunk, i);
        if (i >= chunk.length) break;
        isInText = false;
        if (openBytes + i - textFrom - 1 > maxTextBytes) {
          keep(copyOf(chunk, from, textFrom));
          keep(NULL);
          from = i + 1;
        } else {
          open.forEach(keep);
        }
        open = [];
        openBytes = 0;
        i += 1;
      }
      isEscaped = i > chunk.length;
      if (!isInText) return keep(copyOf(chunk, from, chunk.length));
      keep(copyOf(chunk, from, textFrom));
      openBytes += chunk.length - textFrom;
      if (openBytes - 1 > maxTextBytes) open = [];
      else open.push(copyOf(chunk, textFrom, chunk.length));
    },
    size: () => keptBytes + (open.length === 0 ? 0 : openBytes),
    text: () => Buffer.concat([...kept, ...open]).toString(),
  };
}

/** @returns the place of the quote that ends the text; the length if there is none, or one more if an escape goes over the end. */
function endOfText(chunk: Buffer, from: number): number {
  for (let i = from; ; i++) {
    if (i >= chunk.length) return i;
    const byte = chunk[i];
    if (byte === QUOTE) return i;
    if (byte === BACKSLASH) i += 1;
  }
}

/** Copies a part of a chunk: a view of it would hold the whole chunk. */
function copyOf(chunk: Buffer, from: number, to: number): Buffer {
  return from === 0 && to === chunk.length ? chunk : Buffer.from(chunk.subarray(from, to));
}
