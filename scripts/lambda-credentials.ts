// Replaces @aws-sdk/credential-provider-node in the bundles; see build.ts.
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
