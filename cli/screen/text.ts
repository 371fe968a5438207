import { stripVTControlCharacters } from 'node:util';
import type { Terminal } from './terminal.ts';

/** What has several lines, in one. */
export const oneLine = (text: string): string => text.replaceAll(/:\s*\n\s*/g, ': ').replaceAll(/\s*\n\s*/g, '; ');

/** Names come from whoever submits a job: they must not be able to write elsewhere on the screen. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}

/** The same for a text of several lines. */
export const cleanLines = (text: string): string => text.split('\n').map(cleanText).join('\n');

const ESCAPE = '\u001b';

/** What is neither seen nor the end of a line or a tab, and what makes a colour of an escape. */
const UNSEEN = /(?!\r?\n|\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}](\[[\d;]*m)?/gu;

const withoutUnseen = (text: string): string =>
  text.replace(UNSEEN, (found: string, colour = '') => (found === ESCAPE + colour && colour ? found : `�${colour}`));

/** A terminal that prints text and our own colours only, also where a caller did not clean its text. */
export function onlyPrintable({ out, err, ask, ...terminal }: Terminal): Terminal {
  return {
    ...terminal,
    out: (text) => out(withoutUnseen(text)),
    err: (text) => err(withoutUnseen(text)),
    ask: ask && ((question) => ask(withoutUnseen(question))),
  };
}
