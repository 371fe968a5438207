import { stripVTControlCharacters } from 'node:util';

/** What has several lines, in one. */
export const oneLine = (text: string): string => text.replaceAll(/:\s*\n\s*/g, ': ').replaceAll(/\s*\n\s*/g, '; ');

/** Names come from whoever submits a job: they must not be able to write elsewhere on the screen. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}|\p{Cf}/gu, '�');
}
