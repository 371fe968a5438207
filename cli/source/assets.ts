import { readFileSync } from 'node:fs';

/** Files that verbs show or use as they are. The bundle holds them; see scripts/build-cli.ts. */
export const ASSETS = ['policy.schema.json', 'examples/demo-policy.yml', 'package.json'] as const;

export function readAsset(name: (typeof ASSETS)[number]): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}
