import type { Metafile } from 'esbuild';

/** Returns the files of a bundle that are loaded before it runs: its index, and all that this imports statically. */
export function loadedAtStart(outputs: Metafile['outputs']): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (file: string): void => {
    const output = outputs[file];
    if (output === undefined || found.has(file)) return;
    found.add(file);
    for (const { path, kind } of output.imports) if (kind === 'import-statement') add(path);
  };
  for (const file of Object.keys(outputs)) if (file.endsWith('/index.mjs')) add(file);
  return found;
}
