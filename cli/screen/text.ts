import { stripVTControlCharacters } from 'node:util';
import type { Terminal } from './terminal.ts';

/** Joins several lines to one. */
export const oneLine = (text: string): string => text.replaceAll(/:\s*\n\s*/g, ': ').replaceAll(/\s*\n\s*/g, '; ');

/** Makes a text safe to print. People who submit jobs choose names, and a name must not write elsewhere on the screen. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}

/** Makes a text of several lines safe to print. */
export const cleanLines = (text: string): string => text.split('\n').map(cleanText).join('\n');

/** Sets a text off from the lines around it. */
export const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

/** `1 rule`, `2 rules`. */
export function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

const ESCAPE = '\u001b';

/** A character that cannot be seen, apart from tabs and ends of lines, with the colour that may follow an escape. */
const UNSEEN = /(?!\r?\n|\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}](\[[\d;]*m)?/gu;

const withoutUnseen = (text: string): string =>
  text.replace(UNSEEN, (found: string, colour = '') => (found === ESCAPE + colour && colour ? found : `�${colour}`));

/** A terminal that prints only text and our own colours, even if a caller forgot to clean its text. */
export function onlyPrintable({ out, err, ask, ...terminal }: Terminal): Terminal {
  return {
    ...terminal,
    out: (text) => out(withoutUnseen(text)),
    err: (text) => err(withoutUnseen(text)),
    ask: ask && ((question, options) => ask(withoutUnseen(question), options)),
  };
}
