import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Turns the places in an error's stack into lines of the sources, with the maps beside the bundle. Node's own
 * --enable-source-maps reads them at every start, which then takes a quarter longer.
 */
export function showSourceLines(error: unknown): void {
  if (!(error instanceof Error) || error.stack === undefined) return;
  const maps = new Map<string, SourceMap>();
  const originOf = (place: string, file: string, line: string, column: string): string => {
    try {
      const map = maps.get(file) ?? new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${file}.map`), 'utf8')));
      maps.set(file, map);
      const origin = map.findOrigin(Number(line), Number(column));
      if (!('fileName' in origin)) return place;
      return `${origin.fileName.replace(/^(\.\.\/)+/, '')}:${origin.lineNumber}:${origin.columnNumber}`;
    } catch {
      // Without its map, a place stays as it is. The error itself is what matters.
      return place;
    }
  };
  error.stack = error.stack.replace(/(file:\/\/[^\s()]+\.mjs):(\d+):(\d+)/g, originOf);
}
