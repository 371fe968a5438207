import { describe, expect, it } from 'vitest';
import { makeFolder } from '../../helpers/run-cli.ts';
import { runOnTerminal } from '../../helpers/run-terminal.ts';
import { POLICY, parameter, startStage } from '../../helpers/start-stage.ts';

const writeFile = makeFolder();

describe.concurrent('a stage on a terminal', () => {
  it('asks for the key of DLI, and does not show its secret', async (context) => {
    const { aws } = await startStage(context);
    const policy = `${writeFile('key.txt', '')}.yml`;
    const init = runOnTerminal(['init', '--stage', 'new', '--policy', policy, '--credentials'], aws.env);

    await init.waitFor('Access key of the user');
    init.type('AKEXAMPLE\r');
    await init.waitFor('which is not shown');
    init.type('an-example-secret-12345\r');

    expect(await init.exited).toBe(0);
    expect(init.raw()).not.toContain('an-example-secret');
    expect(JSON.parse(aws.parameters['/dli-reaper/new/credentials/reaper'] ?? '')).toEqual({
      accessKeyId: 'AKEXAMPLE',
      secretAccessKey: 'an-example-secret-12345',
    });
  });

  it('asks for its name before a live policy is pushed, and for it again before it resumes', async (context) => {
    const { aws } = await startStage(context, { [parameter('switch')]: 'stop' });
    const file = writeFile('pushed.yml', JSON.stringify({ ...POLICY, maxKills: 7 }));
    const run = (...args: string[]) => runOnTerminal([...args, '--stage', 'dev'], aws.env, { columns: 100 });

    const push = run('policy', 'push', file, '--over-version', '1');
    await push.waitFor('Type dev to put this live policy in place on dev');
    push.type('dev\r');
    const pushed = await push.exited;
    const resume = run('resume');
    for (const after of ['', '2 more tries', '1 more try']) {
      await resume.waitFor('Type dev', { after });
      resume.type('prod\r');
    }
    const resumed = await resume.exited;
    const doctor = run('doctor', '--target', 'default');
    const examined = await doctor.exited;

    expect([pushed, resumed, examined]).toEqual([0, 1, 1]);
    expect(aws.versions[parameter('policies/base')]).toBe(2);
    expect(aws.parameters[parameter('switch')]).toBe('stop');
    context.expect(await push.screen()).toMatchSnapshot('policy push');
    context.expect(await resume.screen()).toMatchSnapshot('resume');
    const screen = (await doctor.screen())
      .replace(/(changed|made) \w+ ago/g, '$1 some time ago')
      .replace(/\ds apart/, 'hardly apart')
      .replace(/:\d{4,5}/, ':port');
    context.expect(screen).toMatchSnapshot('doctor');
  });
});
