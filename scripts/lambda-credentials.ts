// What the bundles take in place of @aws-sdk/credential-provider-node; see build.ts.
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
