import { createRequire } from 'node:module';
import type { CodeVersion } from '../lib/base/code-version.ts';

/** What is built: the version, the commit, and a hash of the sources. */
interface Checkout extends CodeVersion {
  sources: string;
}

// The Serverless Framework loads only CommonJS, so this is where it can be shared.
export const { readCheckout } = createRequire(import.meta.url)('../deploy/checkout.cjs') as {
  readCheckout: () => Checkout;
};
