import { type Opened, unpack } from '../packed.ts';

/** @throws {Error} with a sentence for a person. */
export async function openData(base64: string): Promise<Opened> {
  if (typeof DecompressionStream === 'undefined' || typeof Map.groupBy === 'undefined') {
    throw new Error(
      'This browser is too old to open the numbers in this file. Use Chrome or Edge 117, Firefox 119, Safari 17.4, or a later one.',
    );
  }
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream('gzip'));
  try {
    return unpack(await new Response(stream).text());
  } catch (error) {
    throw new Error('The numbers in this file cannot be read. It may have been cut off or changed on its way here.', {
      cause: error,
    });
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  // Chrome 140, Firefox 133, Safari 18.2.
  if (fromBase64 !== undefined) return fromBase64.call(Uint8Array, base64.trim());
  const text = atob(base64.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
