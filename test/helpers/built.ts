import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder with the files that users run: `cli/main.mjs`, and `functions/<name>/index.mjs`. */
    built: string;
  }
}

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds once for all test files, into its own folder, since another run may build at the same time. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'dli-reaper-built-'));
  const build = (script: string, name: string) => run(process.execPath, [script, join(folder, name)], { cwd: root });
  await Promise.all([build('scripts/build-cli.ts', 'cli'), build('scripts/build.ts', 'functions')]);
  project.provide('built', folder);
  return () => rmSync(folder, { recursive: true });
}
