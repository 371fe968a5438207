import { describe, expect, it } from 'vitest';
import { ParameterValues, type ReadParameters } from '../../../lib/settings/parameter-store.ts';
import { readAhead } from '../../../lib/settings/prefetch.ts';
import { SettingsError } from '../../../lib/settings/settings.ts';

/** A store with these parameters, which counts its calls. */
function makeStore(parameters: Record<string, string>, refused: readonly string[] = []) {
  const calls: (readonly string[])[] = [];
  const read: ReadParameters = async (names) => {
    calls.push(names);
    if (names.some((name) => refused.includes(name))) throw new SettingsError(names.join(', '), 'cannot be read');
    const values = new ParameterValues();
    for (const name of names) {
      const value = parameters[name];
      if (value !== undefined) values.add({ Name: name, Value: value, Version: 3 });
    }
    return values;
  };
  return { read, calls };
}

describe('a reader that reads ahead', () => {
  it('asks for all parameters in one call, and gives each of them with its version', async () => {
    const { read, calls } = makeStore({ target: 't', switch: 'run', policy: 'p' });
    const ahead = readAhead(read, ['target', 'switch', 'policy', 'key']);

    const [target, others] = [await ahead(['target']), await ahead(['policy', 'key'])];

    expect([...target]).toEqual([['target', 't']]);
    expect(target.versionOf('target')).toBe(3);
    expect([...others]).toEqual([['policy', 'p']]);
    expect(calls).toEqual([['target', 'switch', 'policy', 'key']]);
  });

  it('reads a parameter anew the second time, and one that was not expected', async () => {
    const { read, calls } = makeStore({ switch: 'run', other: 'o' });
    const ahead = readAhead(read, ['switch', 'policy']);

    await ahead(['switch']);
    await ahead(['switch']);
    await ahead(['other', 'policy']);

    expect(calls).toEqual([['switch', 'policy'], ['switch'], ['other', 'policy']]);
  });

  it('reads each by itself if the one call fails, so that the error names the one that cannot be read', async () => {
    const { read } = makeStore({ target: 't', switch: 'run' }, ['switch']);
    const ahead = readAhead(read, ['target', 'switch']);

    expect([...(await ahead(['target']))]).toEqual([['target', 't']]);
    await expect(ahead(['switch'])).rejects.toThrow('switch: cannot be read');
  });

  it('leaves out a secret, which is read by itself', async () => {
    const secret = '/aws/reference/secretsmanager/dli/reaper';
    const { read, calls } = makeStore({ target: 't', [secret]: 's' });
    const ahead = readAhead(read, ['target', secret]);

    await ahead(['target']);
    await ahead([secret]);

    expect(calls).toEqual([['target'], [secret]]);
  });
});
