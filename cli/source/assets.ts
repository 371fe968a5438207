import { readFileSync } from 'node:fs';

/** Files that verbs print or use. scripts/build-cli.ts puts them into the bundle. */
export const ASSETS = ['policy.schema.json', 'examples/demo-policy.yml', 'package.json'] as const;

export function readAsset(name: (typeof ASSETS)[number]): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}
