import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Letters that no hexadecimal number has. They stay as they are in JSON, in HTML and in a URL. */
const LETTERS = 'GHJKMNPQRSTVWXYZ';

/** Returns a text that is nowhere else. */
const canaryOf = (input: string): string =>
  [...createHash('sha256').update(input).digest().subarray(0, 16)].map((byte) => LETTERS[byte % 16]).join('');

/** The forms of a text in which a program may show it. Base64 has three, since it depends on what stands before. */
function formsOf(text: string): string[] {
  const base64 = [0, 1, 2].map((before) =>
    Buffer.from(' '.repeat(before) + text)
      .toString('base64')
      // The first and the last letters depend on what stands around the text.
      .slice(before === 0 ? 0 : before + 1)
      .replace(/.{0,2}=*$/, ''),
  );
  return [text.toLowerCase(), Buffer.from(text).toString('hex'), ...base64];
}

/** Secrets of inputs, and the outputs that may have none of them. */
export function createSearch() {
  const secrets = new Map<string, { text: string; forms: string[] }>();
  const inputs: string[] = [];
  const outputs: { place: string; text: string }[] = [];
  const add = (input: string, text: string): string => {
    // Half of a secret is too much as well.
    secrets.set(input, { text, forms: [text.slice(0, 8), text.slice(-8)].flatMap(formsOf) });
    return text;
  };
  return {
    /** Makes the secret of an input. */
    canary: (input: string): string => add(input, canaryOf(input)),
    /** Adds a secret that a server made. */
    secret: add,
    /** Adds what a server sent or received, or what was read from a file. */
    hear: (text: string): void => void inputs.push(text),
    /** Returns what a pattern captures in the inputs. */
    captured: (pattern: RegExp): string[] => inputs.flatMap((input) => pattern.exec(input)?.[1] ?? []),
    /** Adds an output. Anything that is no text is searched as JSON. */
    add: (place: string, output: unknown): void => {
      outputs.push({ place, text: typeof output === 'string' ? output : (JSON.stringify(output) ?? '') });
    },
    /** Returns the secrets that were in no input. They are not hidden by anything. */
    unheard: (): string[] =>
      [...secrets].filter(([, { text }]) => !inputs.some((input) => input.includes(text))).map(([input]) => input),
    /** Returns which secret is where, such as `a password in stderr of plan`. */
    found: (): string[] =>
      outputs.flatMap(({ place, text }) => {
        const folded = text.toLowerCase();
        return [...secrets]
          .filter(([, { forms }]) => forms.some((form) => text.includes(form) || folded.includes(form)))
          .map(([input]) => `${input} in ${place}`);
      }),
  };
}

export type Search = ReturnType<typeof createSearch>;

/** Stands before a server, and lets the search hear all that goes to and fro. @returns its address. */
export async function startTap(to: string, search: Search) {
  const server = http.createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      const { method, url = '', headers, rawHeaders } = request;
      search.hear([method, url, ...rawHeaders, body].join('\n'));
      const call = http.request(to + url, { ...(method && { method }), headers, agent: false }, (answer) => {
        void buffer(answer).then((answered) => {
          search.hear([...answer.rawHeaders, answered].join('\n'));
          response.writeHead(answer.statusCode ?? 0, answer.headers).end(answered);
        });
      });
      call.on('error', () => response.destroy());
      call.end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
