import { SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createParameterReader, createPathReader } from '../../../lib/settings/parameter-store.ts';
import { startAwsServer } from '../../helpers/aws-server.ts';

/** A Parameter Store that holds these values by their names. */
async function startStore(parameters: Record<string, string> = {}) {
  const ssm = await startAwsServer(parameters);
  onTestFinished(ssm.close);
  const { AWS_REGION: region } = ssm.env;
  const keys = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new SSMClient({ endpoint: ssm.env.AWS_ENDPOINT_URL, region, credentials: keys, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return { ssm, read: createParameterReader(client), readPath: createPathReader(client) };
}

describe('createParameterReader', () => {
  it('returns the values of the parameters that exist', async () => {
    const { read } = await startStore({ '/a': 'one', '/b': 'two' });

    expect(new Map(await read(['/a', '/b', '/c']))).toEqual(
      new Map([
        ['/a', 'one'],
        ['/b', 'two'],
      ]),
    );
  });

  it('names the parameters when Parameter Store cannot be asked', async () => {
    const { ssm, read } = await startStore();
    await ssm.close();

    await expect(read(['/a', '/b'])).rejects.toThrow(/^\/a, \/b: cannot be read from Parameter Store \(\w+\)$/);
  });
});

describe('createPathReader', () => {
  it('returns the values of all parameters below the path, however deep, and no others', async () => {
    const { readPath } = await startStore({ '/a/b/one': '1', '/a/b/c/two': '2', '/a/bc': '3', '/a/three': '4' });

    expect(new Map(await readPath('/a/b/'))).toEqual(
      new Map([
        ['/a/b/one', '1'],
        ['/a/b/c/two', '2'],
      ]),
    );
  });

  it('names the path when Parameter Store cannot be asked', async () => {
    const { ssm, readPath } = await startStore();
    await ssm.close();

    await expect(readPath('/a/b/')).rejects.toThrow(/^\/a\/b\/: cannot be read from Parameter Store \(\w+\)$/);
  });
});
