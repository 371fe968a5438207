/** A request as it came over the wire. */
export interface HttpRequest {
  method: string;
  /** Path and query, still encoded. */
  target: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
  /** The id that the answer carries. */
  requestId: string;
}

/** One request, and how it was answered. */
export interface RequestRecord {
  method: string;
  /** Path and query. */
  target: string;
  /** 0 until it is answered, and if the connection was cut. */
  status: number;
}

/** Splits and decodes a target. A `+` stays a plus, because the signature encodes a space as %20. */
export function decodeTarget(target: string): { path: string; query: [name: string, value: string][] } {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const search = mark < 0 ? '' : target.slice(mark + 1);
  const query = search
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): [string, string] => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [decode(pair), ''] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
    });
  return { path: path.split('/').map(decode).join('/'), query };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
