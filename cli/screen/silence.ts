import type { Silence } from '../../lib/http/proxy.ts';
import { cleanText } from './text.ts';

type Listener = (silence: Silence) => void;

const listeners = new Set<Listener>();

/** Tells the progress line on the screen that a server does not answer. */
export function tellSilence(silence: Silence): void {
  for (const listener of listeners) listener(silence);
}

/** Calls back while a server leaves a call of this process without an answer. @returns a function that ends it. */
export function hearSilence(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Names the server that a person waits for. */
export const silenceWords = ({ host, silentMs }: Silence): string =>
  `${cleanText(host)} has not answered for ${Math.round(silentMs / 1_000)} s`;
