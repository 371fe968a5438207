import type { Plugin } from 'esbuild';
import { readCheckout } from './checkout.ts';

/** Puts the version and the commit of the checkout into the bundle. */
export const putCodeVersion: Plugin = {
  name: 'put-code-version',
  setup: (bundler) => {
    const { version, commit } = readCheckout();
    bundler.onLoad({ filter: /[\\/]lib[\\/]base[\\/]code-version\.ts$/ }, () => ({
      contents: `export const CODE = ${JSON.stringify({ version, commit })};`,
      loader: 'js',
    }));
  },
};
