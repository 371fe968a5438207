import { stripVTControlCharacters } from 'node:util';

/** Names come from whoever submits a job: they must not be able to write elsewhere on the screen. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}|\p{Cf}/gu, '�');
}
