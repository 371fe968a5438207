import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

/** How the command line and what the package exports are bundled: ES modules for Node, in parts that are loaded when needed. */
export const BUNDLE_OPTIONS = {
  outExtension: { '.js': '.mjs' },
  splitting: true,
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Names stay as they are, for stacks and for errors that are named after their class. esbuild's keepNames would name every
  // function each time one is made, which took a sixth of the time of a large sweep.
  minifyWhitespace: true,
  minifySyntax: true,
  metafile: true,
  mainFields: ['module', 'main'],
  logLevel: 'warning',
} as const satisfies BuildOptions;
