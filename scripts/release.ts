// Writes what `aws cloudformation` alone can deploy: template.json and the zip of each function. The default folder is release.
// All other arguments go to `serverless package`, such as --param 'schedule=rate(1 hour)'.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plainTemplate, STAND_INS, type Template } from './plain-template.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const [first = '', ...rest] = process.argv.slice(2);
const isFolder = first !== '' && !first.startsWith('-');
const folder = resolve(root, isFolder ? first : 'release');
const params = isFolder ? rest : process.argv.slice(2);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const packaged = mkdtempSync(join(tmpdir(), 'dli-reaper-release-'));

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });

function packageProfile(profile: string): Template {
  const to = join(packaged, profile);
  const own = ['--param', `profile=${profile}`, '--param', `alarmTopic=${STAND_INS.alarmTopic}`];
  const serverless = join(root, 'node_modules/.bin/serverless');
  run(serverless, 'package', '--stage', STAND_INS.stage, '--package', to, ...own, ...params);
  return JSON.parse(readFileSync(join(to, 'cloudformation-template-update-stack.json'), 'utf8')) as Template;
}

try {
  run(process.execPath, 'scripts/build.ts');
  const description = `dli-job-reaper ${version}: cancels DLI jobs that run too long.`;
  const template = plainTemplate(packageProfile('full'), packageProfile('small'), description);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'template.json'), `${JSON.stringify(template, null, 1)}\n`);
  const zips = readdirSync(join(packaged, 'full')).filter((name) => name.endsWith('.zip'));
  for (const zip of zips) copyFileSync(join(packaged, 'full', zip), join(folder, zip));
  process.stdout.write(`${folder}: template.json, ${zips.join(', ')}\n`);
} finally {
  rmSync(packaged, { recursive: true });
}
