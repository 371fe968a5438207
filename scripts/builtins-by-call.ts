import { isBuiltin } from 'node:module';
import type { Plugin } from 'esbuild';

const IMPORTED = 'builtin';
const REQUIRED = 'required-builtin';

/**
 * Takes Node's own modules with `process.getBuiltinModule`. An import statement reads every export of such a module, and so
 * loads what Node would load only on first use: `node:http` loads undici, `node:util` worker threads.
 *
 * @see https://github.com/nodejs/node/issues/59686
 */
export const builtinsByCall: Plugin = {
  name: 'builtins-by-call',
  setup: (bundler) => {
    bundler.onResolve({ filter: /./ }, ({ path, kind }) => {
      if (!isBuiltin(path) || (kind !== 'import-statement' && kind !== 'require-call')) return undefined;
      const namespace = kind === 'import-statement' ? IMPORTED : REQUIRED;
      return { path: path.replace(/^node:/, ''), namespace, sideEffects: false };
    });
    bundler.onLoad({ filter: /./, namespace: IMPORTED }, ({ path }) => ({ contents: moduleOf(path) }));
    bundler.onLoad({ filter: /./, namespace: REQUIRED }, ({ path }) => ({
      contents: `module.exports = ${callFor(path)}`,
    }));
  },
};

/** Returns the source of a module with the same exports. The bundler drops the exports that no file imports. */
function moduleOf(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => name !== 'default');
  return [
    `const builtin = ${callFor(path)};`,
    'export default builtin;',
    ...names.map((name) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})();`),
  ].join('\n');
}

const callFor = (path: string): string => `/* @__PURE__ */ process.getBuiltinModule('node:${path}')`;
