import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, type TestContext } from 'vitest';
import { EMULATOR_KEY, EMULATOR_PROJECT_ID, EMULATOR_REGION } from '../../emulator/server.ts';
import { startWorld } from '../../emulator/start-world.ts';
import { isOnPath } from '../helpers/aws-peer.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}/docs/clients.md`, 'utf8');

/** What the page shows below a heading, for an emulator at `url`. */
function snippet(heading: string, language: string, url: string): string {
  const [, part = ''] = page.split(`\n## ${heading}\n`);
  const [, code = ''] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(part) ?? [];
  expect(code).toContain('http://127.0.0.1:8080');
  return code.replaceAll('http://127.0.0.1:8080', url);
}

async function start({ onTestFinished }: TestContext) {
  const user = [{ name: 'ana', password: 'secret', domainName: 'ana' }];
  const { connection, close } = await startWorld({ user });
  onTestFinished(close);
  return { url: connection.url };
}

it('the page names the keys, the project and the region that every emulator has', () => {
  for (const text of [...Object.values(EMULATOR_KEY), EMULATOR_PROJECT_ID, EMULATOR_REGION]) {
    expect(page).toContain(`\`${text}\``);
  }
});

it('curl lists jobs with a token, as the page shows', async (context) => {
  const { url } = await start(context);
  if (!(await isOnPath('curl'))) {
    process.stdout.write('curl is not on PATH: its lines on the page were not run.\n');
    return;
  }

  const { stdout } = await run('sh', ['-euc', snippet('curl', 'sh', url)]);

  expect(JSON.parse(stdout)).toMatchObject({ is_success: true, jobs: expect.any(Array) as object[] });
});

it("the vendor's core for Node lists jobs, as the page shows", async (context) => {
  const { url } = await start(context);

  // The SDK leaves a file in the user's home directory.
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', snippet('Node', 'js', url)], {
    cwd: root,
    env: { ...process.env, HOME: tmpdir() },
  });

  expect((JSON.parse(stdout) as { jobs: object[] }).jobs.length).toBeGreaterThan(5);
});
